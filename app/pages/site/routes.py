"""robots.txt, and what is done to the response of any address."""

from flask import Blueprint, Flask, Response, request

from app.pages.rendering import (
    PROBLEM,
    PageError,
    page_error,
    render,
    replace_response,
    translation,
)
from app.pages.site.assets import add_version, cache_versioned_file
from app.pages.site.compression import compress

# Errors that say nothing about the API: a missing key, a mistyped address, a defect, an outage. The
# others, as of a room that does not exist, are answers of the API, which developers read in a
# browser too.
PAGE_STATUSES = frozenset({401, 404, 405, 500, 503})
PAGE_TYPES = frozenset({"about:blank", "urn:nomad-rooms:unavailable"})
ROBOTS = "User-agent: *\nAllow: /\n"
ROBOTS_MAX_AGE_S = 86_400

blueprint = Blueprint("site", __name__, template_folder="templates")


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Allow search engines everything: what is not public needs a key."""
    response = Response(ROBOTS, mimetype="text/plain")
    response.cache_control.public = True
    response.cache_control.max_age = ROBOTS_MAX_AGE_S
    return response


def finish_all_responses(app: Flask) -> None:
    """Show browsers a page where nothing else is shown; compress text, and cache files."""
    app.url_defaults(add_version)
    app.after_request(finish_response)


def finish_response(response: Response) -> Response:
    """Show a browser an error as a page, let files be cached, and compress text."""
    if request.method == "POST" and response.status_code < 400 and response.is_json:
        return response  # most of all
    return compress(cache_versioned_file(show_error_page(response)))


def show_error_page(response: Response) -> Response:
    """Replace a problem document by a page, for a browser that opened an address."""
    if response.status_code not in PAGE_STATUSES or response.mimetype != PROBLEM:
        return response
    if response.get_json()["type"] not in PAGE_TYPES:
        return response
    response.vary.add("Accept")
    if error := page_error(response):
        if error.status == 401:  # here is no form whose field would have the message
            texts = translation()["errors"]
            error = PageError(401, texts["closed"], texts["closed_hint"])
        return replace_response(response, render("error.html", error.status, error=error))
    return response
