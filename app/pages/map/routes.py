"""The map of the rooms over HTTP; it needs a key.

A browser that follows a link cannot send a header, so a GET without a key returns 401 with a form
that sends the key by POST.
"""

from flask import Blueprint, Response, request

from app.domain.rooms.city_counts import MAX_CITIES, count_by_city
from app.pages.map.drawing import OUTLINE, draw
from app.pages.rendering import language, page_error, render, replace_response
from app.pages.security_headers import page_headers
from app.services import services

blueprint = Blueprint("map", __name__, template_folder="templates")


@blueprint.route("/rooms/map", methods=["GET", "POST"])
def show() -> Response:
    """Return a map and a table of the cities whose rooms have most members."""
    city_counts = count_by_city(services().database)
    return render(
        "map.html",
        city_counts=city_counts,
        drawing=draw(city_counts),
        outline=OUTLINE,
        labels={
            cluster.id: cluster.label_es if language() == "es" else cluster.label_en
            for cluster in services().clusters.all()
            if any(cluster.id in city_count.counts for city_count in city_counts)
        },
        max_cities=MAX_CITIES,
    )


@blueprint.after_request
def finish_response(response: Response) -> Response:
    """Replace a problem document by a page, with a form for a missing key; add the headers."""
    if error := page_error(response):
        # A first visit without a key is not an error to show.
        is_key_sent = request.method == "POST"
        page = render("map_closed.html", error.status, error=error, is_key_sent=is_key_sent)
        return replace_response(response, page)
    response.headers.update(page_headers())
    return response
