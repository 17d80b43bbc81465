"""Cities over HTTP: the form's autocomplete."""

from apiflask import APIBlueprint
from flask import Response

from app.cities.schemas import CitiesQuery, SuggestionsAnswer
from app.current import services
from app.web.inputs import takes
from app.web.json import respond

blueprint = APIBlueprint("cities", __name__, tag="Cities")

EXAMPLE = {
    "id": 2510911,
    "name": "Sevilla",
    "country": "ES",
    "region": "Andalucía",
    "matched": "Seville",
}
# The gazetteer changes with a release; an hour old is as good as new.
CACHE = "public, max-age=3600"


@blueprint.get("/cities")
@takes(blueprint, CitiesQuery, "query")
@blueprint.output(SuggestionsAnswer, example={"items": [EXAMPLE]})
def suggest(query: CitiesQuery) -> Response:
    """Cities for what has been typed so far, from two characters on; a typo is forgiven."""
    response = respond({"items": services().suggestions.suggest(query.q, query.limit)})
    response.headers["Cache-Control"] = CACHE
    return response
