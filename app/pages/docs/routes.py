"""GET /docs, the OpenAPI document in Swagger UI."""

from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, send_from_directory

from app.pages.security_headers import page_headers

FOLDER = Path(__file__).parent
# Swagger UI sets style attributes.
PAGE_HEADERS = page_headers(
    style_src="'self' 'unsafe-inline'", img_src="'self' data:", form_action="'none'"
)
ASSET_MAX_AGE_S = 86_400

blueprint = Blueprint("docs", __name__)


@blueprint.get("/docs")
def page() -> Response:
    """Return the page."""
    response = send_from_directory(FOLDER, "docs.html")
    response.headers.update(PAGE_HEADERS)
    return response


@blueprint.get("/docs/docs.js")
def script() -> Response:
    """Return the script that starts Swagger UI."""
    return send_from_directory(FOLDER, "docs.js")


@blueprint.get("/docs/assets/<path:name>")
def asset(name: str) -> Response:
    """Return a file of Swagger UI from its package, so that the page needs no other host."""
    folder = str(files("flask_swagger_ui") / "dist")
    return send_from_directory(folder, name, max_age=ASSET_MAX_AGE_S)
