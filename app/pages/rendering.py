"""HTML pages: their language, their headers, and the errors that they show."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from flask import Response, current_app, render_template, request

from app.pages.security_headers import page_headers

Language = Literal["es", "en"]
Translation = dict[str, Any]

LANGUAGES: tuple[Language, ...] = ("es", "en")
FOLDER = Path(__file__).parent / "translations"
TRANSLATIONS: dict[Language, Translation] = {
    language: tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
    for language in LANGUAGES
}
# What makes a page another one, beside its language.
STATE = ("city_id", "city", "region", "country", "near", "zoom")
PROBLEM, HTML = "application/problem+json", "text/html"
# Headers of a problem document that are also right for the page that replaces it.
FORWARDED_HEADERS = ("Retry-After", "WWW-Authenticate", "Allow")


@dataclass(frozen=True, slots=True)
class PageError:
    """An error as a page shows it: messages by form field, or a heading with a hint."""

    status: int
    heading: str = ""
    hint: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def language() -> Language:
    """Return the language of the query string, else the browser's, else English."""
    for known in LANGUAGES:
        if request.args.get("language") == known:
            return known
    # The type of best_match is str, not the type of its argument's items.
    best = request.accept_languages.best_match(LANGUAGES)
    return "es" if best == "es" else "en"


def translation() -> Translation:
    """Return the texts of the pages in the request's language."""
    return TRANSLATIONS[language()]


def state(endpoint: str) -> dict[str, Any]:
    """Return what an endpoint's address needs to lead to this page; empty on another page."""
    if request.endpoint != endpoint:
        return {}
    query = {name: request.args[name] for name in STATE if name in request.args}
    return query | (request.view_args or {})


def render(template: str, status: int = 200, **context: Any) -> Response:
    """Return a page in the request's language, with the headers of every page; never cached."""
    page = render_template(
        template,
        language=language(),
        languages={name: TRANSLATIONS[name]["site"]["language"] for name in LANGUAGES},
        texts=translation(),
        state=state,
        requires_key=current_app.config["REQUIRES_KEY"],
        **context,
    )
    response = Response(page, status, mimetype=HTML)
    response.headers.update(page_headers())
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = language()
    response.headers["Vary"] = "Accept, Accept-Language"
    return response


def page_error(response: Response) -> PageError | None:
    """Return a problem document as an error of a page; None if the response is to be sent as it is.

    Only clients that prefer text/html, as browsers do, get a page; others get the document.
    """
    if response.mimetype != PROBLEM:
        return None
    if request.accept_mimetypes.best_match((PROBLEM, "application/json", HTML)) != HTML:
        return None
    problem = response.get_json()
    texts, status = translation()["errors"], response.status_code
    if status == 401:
        message = texts["key_wrong"] if request.form.get("key") else texts["key_missing"]
        return PageError(status, fields={"key": message})
    if status == 422:
        paths = [error["path"].partition(".")[0] for error in problem["errors"]]
        # Errors of city_id are shown at the field city, where the user picked it.
        messages = {path.removesuffix("_id"): texts[path] for path in paths if path in texts}
        return PageError(status, fields=messages)
    if status in (404, 405):
        return PageError(status, texts["nothing"], texts["nothing_hint"])
    if status == 503:
        return PageError(status, texts["unavailable"], texts["unavailable_hint"])
    kind = "refused" if status < 500 else "broken"
    return PageError(status, texts[kind], texts[f"{kind}_hint"].format(problem["request_id"]))


def replace_response(response: Response, page: Response) -> Response:
    """Return the page with those headers of the replaced response that still apply."""
    for name in FORWARDED_HEADERS:
        if name in response.headers:
            page.headers[name] = response.headers[name]
    return page
