"""Cities over HTTP: the form's autocomplete."""

from apiflask import APIBlueprint
from flask import Response

from app.api.city_schemas import CitiesQuery, SuggestionsAnswer
from app.api.examples import SUGGESTION
from app.api.json import respond
from app.api.validation import accepts
from app.services import services

blueprint = APIBlueprint(
    "cities", __name__, tag={"name": "Cities", "description": "Cities to choose from."}
)

# The gazetteer changes with a release; an answer that is an hour old is still right. An empty one
# may lack a correction that took too long to find.
CACHE_CONTROL = "public, max-age=3600"


@blueprint.get("/cities")
@accepts(blueprint, CitiesQuery, "query")
@blueprint.output(SuggestionsAnswer, example={"items": [SUGGESTION]})
@blueprint.doc(operation_id="suggestCities")
def suggest(query: CitiesQuery) -> Response:
    """Suggest cities that begin with the typed text.

    From two characters on. Typing errors are corrected.
    """
    items = services().autocomplete.suggest(query.q, query.limit)
    response = respond({"items": items})
    if items:
        response.headers["Cache-Control"] = CACHE_CONTROL
    return response
