"""GET /docs, the reference of the API, and the documents for developers of the app."""

from apiflask import APIFlask
from flask import Blueprint, Response, abort, current_app, request, send_from_directory

from app.config import ROOT
from app.pages.docs.markdown import render_document
from app.pages.docs.reference import read_reference
from app.pages.rendering import render
from app.pages.security_headers import page_headers

FOLDER = ROOT / "docs"
# For developers of the app; the other documents are for those who run the service.
DOCUMENTS = frozenset({"api.md", "places.md"})
PROGRAMS = frozenset({"client.mjs", "client.d.ts"})
# Key of the application's extensions.
REFERENCE = "nomad_rooms_reference"

blueprint = Blueprint(
    "docs",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/docs/static",
)


@blueprint.get("/docs")
def page() -> Response:
    """Return the reference: each operation and each schema of /openapi.json."""
    app, extensions = current_app, current_app.extensions
    assert isinstance(app, APIFlask)
    if REFERENCE not in extensions:
        # APIFlask generates the document again each time.
        extensions[REFERENCE] = read_reference(app.spec)
    return _revalidated(render("reference.html", reference=extensions[REFERENCE]))


@blueprint.get("/docs/<name>")
def document(name: str) -> Response:
    """Return a document, or a file that it links to."""
    if name in PROGRAMS:
        return send_from_directory(FOLDER, name, mimetype="text/plain")
    if name not in DOCUMENTS:
        abort(404)
    title, content = render_document(FOLDER / name, DOCUMENTS | PROGRAMS)
    return _revalidated(render("document.html", title=title, content=content, name=name))


@blueprint.after_request
def finish_response(response: Response) -> Response:
    """Add the headers of pages."""
    response.headers.update(page_headers())
    return response


def _revalidated(response: Response) -> Response:
    """Return a page that is the same for all readers, or 304."""
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
