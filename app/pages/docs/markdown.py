"""Markdown as HTML: the documents, and the descriptions in the OpenAPI document."""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

# CommonMark with tables; HTML in a text is shown, not obeyed.
PARSER = MarkdownIt("js-default")


@lru_cache(maxsize=512)
def render_text(text: str) -> Markup:
    """Return a description as HTML: paragraphs."""
    return Markup(PARSER.render(text))


@lru_cache
def render_document(path: Path, served: frozenset[str]) -> tuple[str, Markup]:
    """Return a document's title and content; links to files that are not served become text."""
    tokens = PARSER.parse(path.read_text("utf-8"))
    for heading, inline in zip(tokens, tokens[1:], strict=False):
        if heading.type == "heading_open":
            heading.attrSet("id", _anchor(inline.content))
    for token in tokens:
        token.children = list(_without_dead_links(token.children or [], served))
    title = next(token.content for token in tokens if token.type == "inline")
    return title, Markup(PARSER.renderer.render(tokens, PARSER.options, {}))


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading, which the documents' links use."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _without_dead_links(children: list[Token], served: frozenset[str]) -> Iterable[Token]:
    is_dead = False
    for token in children:
        if token.type == "link_open":
            file, _, _ = str(token.attrGet("href")).partition("#")
            is_dead = "://" not in file and file not in served | {""}
        if not (is_dead and token.type in ("link_open", "link_close")):
            yield token
