"""GET /rooms/map: where the rooms are, for people who hold a key.

A browser that follows a link cannot send a header: asked without a key, the page answers 401 with
a form for it, which brings it by POST.
"""

from flask import Blueprint, Response, request

from app.current import services
from app.rooms.map.counting import MOST_CITIES, count
from app.rooms.map.drawing import OUTLINE, draw
from app.web.headers import page_headers
from app.web.pages import in_place_of, language, render, trouble_of

blueprint = Blueprint("map", __name__, template_folder="templates")


@blueprint.route("/rooms/map", methods=["GET", "POST"])
def show() -> Response:
    """A map of the cities whose rooms have most members, and a table of the same."""
    spots = count(services().database)
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
        most=MOST_CITIES,
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
