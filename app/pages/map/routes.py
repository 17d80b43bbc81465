"""GET /rooms/map: where the rooms are, for people who hold a key.

A browser that follows a link cannot send a header: asked without a key, the page answers 401 with
a form for it, which brings it by POST.
"""

from flask import Blueprint, Response, request

from app.domain.rooms.city_counts import MAX_CITIES, count_by_city
from app.pages.map.drawing import OUTLINE, draw
from app.pages.rendering import in_place_of, language, render, trouble_of
from app.pages.security_headers import page_headers
from app.services import services

blueprint = Blueprint("map", __name__, template_folder="templates")


@blueprint.route("/rooms/map", methods=["GET", "POST"])
def show() -> Response:
    """A map of the cities whose rooms have most members, and a table of the same."""
    spots = count_by_city(services().database)
    return render(
        "map.html",
        spots=spots,
        drawing=draw(spots),
        outline=OUTLINE,
        labels={
            cluster.id: cluster.label_es if language() == "es" else cluster.label_en
            for cluster in services().clusters.all()
            if any(cluster.id in spot.counts for spot in spots)
        },
        most=MAX_CITIES,
    )


@blueprint.after_request
def speak_to_people(response: Response) -> Response:
    """Show a problem as a page, a missing key as the form that asks for it."""
    if trouble := trouble_of(response):
        page = render(
            "map_closed.html",
            trouble.status,
            trouble=trouble,
            # Whoever just came has done nothing wrong.
            tried=request.method == "POST",
        )
        return in_place_of(response, page)
    response.headers.update(page_headers())
    return response
