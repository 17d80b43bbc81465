"""The try-it page over HTTP: one form, which works without any script.

The script (static/page.js) sends the same form and takes the answer out of the same page, so that
there is one way in and one way to show what comes of it.
"""

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request

from app.api.room_schemas import RoomRequest
from app.infra.middleware import ROOM_CREATED
from app.pages.form.answer import answer
from app.pages.form.form import Form, offered
from app.pages.rendering import Trouble, in_place_of, language, render, trouble_of, words
from app.pages.security_headers import page_headers
from app.services import services

blueprint = Blueprint(
    "page", __name__, template_folder="templates", static_folder="static", static_url_path="/page"
)


@blueprint.get("/")
def show() -> Response:
    """The form."""
    return _page(Form.empty())


@blueprint.post("/")
def ask() -> Response:
    """Put the person into a room, as POST /rooms does, and show it."""
    form = Form.read(request.form)
    body = RoomRequest.model_validate(form.request())
    assignment = services().assigner.assign(body.user_id, body.interests, body.place)
    request.environ[ROOM_CREATED] = assignment.created
    if request.form.get("meant"):
        form = form.understood(assignment.city)
    return _page(form, found=answer(assignment, language()))


@blueprint.post("/forget")
def forget() -> Response:
    """Erase all that the page stored about the person."""
    form = Form.read(request.form)
    services().members.forget(form.user_id)
    return _page(Form.empty(), forgotten=True)


@blueprint.after_request
def speak_to_people(response: Response) -> Response:
    """Show a problem as the form with what is wrong in it, and send the headers of pages."""
    if trouble := trouble_of(response):
        # A body too large to be read is not read for this either.
        form = Form.empty() if trouble.status == 413 else Form.read(request.form)
        if "city" in trouble.fields:
            form = replace(form, picked="")
        if trouble.fields and not form.interests and request.endpoint == "page.ask":
            # Whoever left two things out is told of both at once.
            trouble.fields["interests"] = words()["errors"]["interests"]
        return in_place_of(response, _page(form, trouble=trouble))
    response.headers.update(page_headers())
    return response


def _page(form: Form, trouble: Trouble | None = None, **facts: Any) -> Response:
    return render(
        "page.html",
        trouble.status if trouble else 200,
        form=form,
        groups=offered(services().model, language()),
        trouble=trouble,
        **facts,
    )
