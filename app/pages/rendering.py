"""Pages for people: their language, their headers, and problem documents told in words."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from flask import Response, current_app, render_template, request

from app.pages.security_headers import page_headers

Language = Literal["es", "en"]
Words = dict[str, Any]

LANGUAGES: tuple[Language, ...] = ("es", "en")
FOLDER = Path(__file__).parent / "translations"
WORDS: dict[Language, Words] = {
    language: tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
    for language in LANGUAGES
}
PROBLEM = "application/problem+json"
# What of a problem's headers a browser, or who stands between, can use.
KEPT_HEADERS = ("Retry-After", "WWW-Authenticate", "Allow")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A problem in a person's words: about fields of the form, or with a heading about it all."""

    status: int
    heading: str = ""
    hint: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def language() -> Language:
    """The language asked for by the address, or else the browser's; English for all others."""
    for known in LANGUAGES:
        if request.args.get("language") == known:
            return known
    # The published types forget that what is given back is one of what is given.
    best = request.accept_languages.best_match(LANGUAGES)
    return "es" if best == "es" else "en"


def words() -> Words:
    """What the pages say, in the person's language."""
    return WORDS[language()]


def render(template: str, status: int = 200, **facts: Any) -> Response:
    """A page in the person's language, with the headers of every page; never kept by anybody."""
    page = render_template(
        template,
        language=language(),
        languages={name: WORDS[name]["site"]["language"] for name in LANGUAGES},
        words=words(),
        asks_for_key=current_app.config["REQUIRES_KEY"],
        **facts,
    )
    response = Response(page, status, mimetype="text/html")
    response.headers.update(page_headers())
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = language()
    response.headers["Vary"] = "Accept, Accept-Language"
    return response


def trouble_of(response: Response) -> Trouble | None:
    """What a person is to be told in place of a problem document; None: leave it as it is.

    Programs get the document: only who asks for text/html, as every browser does, gets a page.
    """
    if response.mimetype != PROBLEM:
        return None
    if request.accept_mimetypes.best_match((PROBLEM, "text/html")) != "text/html":
        return None
    problem = response.get_json()
    said, status = words()["errors"], response.status_code
    if status == 401:
        wrong = said["key_wrong"] if request.form.get("key") else said["key_missing"]
        return Trouble(status, fields={"key": wrong})
    if status == 422:
        paths = [fault["path"].partition(".")[0] for fault in problem["errors"]]
        # A picked city is shown in the field of the typed one.
        told = {path.removesuffix("_id"): said[path] for path in paths if path in said}
        return Trouble(status, fields=told)
    if status == 503:
        return Trouble(status, said["unavailable"], said["unavailable_hint"])
    kind = "refused" if status < 500 else "broken"
    return Trouble(status, said[kind], said[f"{kind}_hint"].format(problem["request_id"]))


def in_place_of(response: Response, page: Response) -> Response:
    """The page, with what the problem's headers say."""
    for name in KEPT_HEADERS:
        if name in response.headers:
            page.headers[name] = response.headers[name]
    return page
