"""The form over HTTP; it works without JavaScript.

static/page.js sends the same form and takes the result out of the same page, so that there is one
way to send it and one way to show the result.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request

from app.api.room_schemas import RoomRequest
from app.domain.analytics.city_figures import people_in_rooms
from app.domain.input_limits import MAX_CITY_LENGTH, MAX_INTERESTS
from app.infra.database import DatabaseUnavailable
from app.infra.middleware import ROOM_CREATED
from app.pages.form.form import ICONS, Form, choices, linked_city
from app.pages.form.result import build_result, cluster_labels, count
from app.pages.map.regions import COUNTRIES
from app.pages.rendering import (
    PageError,
    language,
    page_error,
    render,
    replace_response,
    translation,
)
from app.pages.security_headers import page_headers
from app.services import services

blueprint = Blueprint(
    "page", __name__, template_folder="templates", static_folder="static", static_url_path="/page"
)


@blueprint.get("/")
def show() -> Response:
    """Return the form, empty or with the city of the link that was followed."""
    form, city, people = Form.empty(), linked_city(request.args), None
    if city:
        form = form.with_city(city)
        with suppress(DatabaseUnavailable):
            people = people_in_rooms(services().database, city.id)
    else:
        form = replace(form, city=request.args.get("city", "").strip()[:MAX_CITY_LENGTH])
    return _page(form, city=city, people=count(people, language()) if people else "")


@blueprint.post("/")
def ask() -> Response:
    """Assign the user to a room, as POST /rooms does, and show it."""
    form = Form.from_fields(request.form)
    body = RoomRequest.model_validate(form.request_body())
    assignment = services().assigner.assign(body.user_id, body.interests, body.place)
    request.environ[ROOM_CREATED] = assignment.created
    if request.form.get("suggested"):
        form = form.with_city(assignment.city)
    return _page(form, result=build_result(assignment, language()))


@blueprint.post("/forget")
def forget() -> Response:
    """Erase everything that is stored about the user."""
    form = Form.from_fields(request.form)
    services().members.forget(form.user_id)
    return _page(Form.empty(), forgotten=True)


@blueprint.after_request
def finish_response(response: Response) -> Response:
    """Replace a problem document by the form with its errors; add the headers of pages."""
    if error := page_error(response):
        # A body that is too large is not parsed for the page either.
        form = Form.empty() if error.status == 413 else Form.from_fields(request.form)
        if error.fields and request.endpoint == "page.ask":
            # The service stops at the first of some errors; the page shows all at once.
            texts = translation()["errors"]
            for name, text in form.errors(services().model).items():
                error.fields[name] = texts[text].format(MAX_INTERESTS)
        if "city" in error.fields:
            form = replace(form, picked="")
        return replace_response(response, _page(form, error=error))
    response.headers.update(page_headers())
    return response


def _page(form: Form, error: PageError | None = None, **context: Any) -> Response:
    return render(
        "page.html",
        error.status if error else 200,
        form=form,
        groups=choices(services().model, language()),
        clusters=cluster_labels(services().model, language()),
        icons=ICONS,
        country_name=_country_name,
        error=error,
        **context,
    )


def _country_name(code: str) -> str:
    return COUNTRIES[code][language()] if code in COUNTRIES else code
