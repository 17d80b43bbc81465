"""The map of the rooms over HTTP; it needs a key.

A browser that follows a link cannot send a header, so a GET without a key returns 401 with a form
that sends the key by POST. On the page that this returns the links are buttons of such a form.
"""

from flask import Blueprint, Response, request

from app.domain.rooms.city_counts import MAX_CITIES
from app.pages.map.drawing import draw, slices
from app.pages.map.frame import UNITS
from app.pages.map.regions import COUNTRIES
from app.pages.map.views import EVERYWHERE, MEMBERS, closer_view, narrower_views, read_view, select
from app.pages.rendering import language, page_error, render, replace_response
from app.pages.security_headers import page_headers
from app.services import services

# Rows for places that are not on the map.
MAX_UNPLACED = 12
# Links to narrower parts; the rest of them opens.
MAX_OPEN_PARTS = 24

blueprint = Blueprint("map", __name__, template_folder="templates")


@blueprint.route("/rooms/map", methods=["GET", "POST"])
def show() -> Response:
    """Return a map and a table of a part of the members; an unknown part returns 404 with all."""
    city_counts = services().city_counts.largest()
    view = read_view(request.args)
    selection = select(view, city_counts) if view else None
    is_unknown = selection is None
    selection = selection or select(MEMBERS, city_counts)
    assert selection is not None
    cities = [*selection.inside, *selection.outside, *selection.unplaced]
    labels = {
        cluster.id: cluster.label_es if language() == "es" else cluster.label_en
        for cluster in services().clusters.all()
        if any(cluster.id in city_count.counts for city_count in cities)
    }
    drawing = draw(selection, len(labels))
    return render(
        "map.html",
        404 if is_unknown else 200,
        is_unknown=is_unknown,
        selection=selection,
        drawing=drawing,
        slices=slices,
        units=UNITS,
        labels=labels,
        narrower=narrower_views(selection.view, city_counts),
        max_open_parts=MAX_OPEN_PARTS,
        closer=lambda marker: closer_view(drawing.frame, marker.first),
        countries={code: row[language()] for code, row in COUNTRIES.items()},
        everywhere=EVERYWHERE,
        max_unplaced=MAX_UNPLACED,
        max_cities=MAX_CITIES,
        is_limited=len(city_counts) == MAX_CITIES,
        # Only a valid key leads here.
        key=request.form.get("key", ""),
    )


@blueprint.after_request
def finish_response(response: Response) -> Response:
    """Replace a problem document by a page, with a form for a missing key; add the headers."""
    if error := page_error(response):
        # A first visit without a key is not an error to show.
        is_key_sent = request.method == "POST"
        page = render(
            "map_closed.html",
            error.status,
            error=error,
            is_key_sent=is_key_sent,
            query={name: value for name, value in request.args.items() if name != "language"},
        )
        return replace_response(response, page)
    response.headers.update(page_headers())
    return response
