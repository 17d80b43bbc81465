"""Users and their moves over HTTP."""

from apiflask import APIBlueprint
from flask import Response

from app.api.documents import user_document
from app.api.errors import problem
from app.api.examples import CHANGES, USER
from app.api.json import respond
from app.api.user_schemas import ChangesAnswer, ChangesQuery, UserAnswer, UserQuery
from app.api.validation import accepts
from app.domain.input_limits import is_user_id
from app.domain.members.explanation import explain
from app.domain.members.repository import UnknownUser
from app.domain.moves.change_feed import list_changes
from app.services import services

blueprint = APIBlueprint("members", __name__, tag="Users")


@blueprint.get("/changes")
@accepts(blueprint, ChangesQuery, "query")
@blueprint.output(ChangesAnswer, example=CHANGES)
def changes(query: ChangesQuery) -> Response:
    """Every move that the app did not request, in order, none skipped; kept for 30 days."""
    items = list_changes(services().database, query.after, query.limit)
    return respond({"items": items, "next": items[-1].id if items else query.after})


@blueprint.get("/users/<user_id>")
@accepts(blueprint, UserQuery, "query")
@blueprint.output(UserAnswer, example=USER)
def show(query: UserQuery, user_id: str) -> Response:
    """All that is stored about a user; with `explain`, why they are in their room."""
    if not is_user_id(user_id):
        raise UnknownUser
    user = services().members.show(user_id)
    explanation = explain(user, services().model) if query.explain else None
    return respond(user_document(user, explanation))


@blueprint.delete("/users/<user_id>")
@blueprint.output({}, status_code=204, description="Nothing about the user is stored.")
def forget(user_id: str) -> Response:
    """Erase all that is stored about a user, and what only they typed; idempotent."""
    if is_user_id(user_id):
        services().members.forget(user_id)
    return Response(status=204)


@blueprint.app_errorhandler(UnknownUser)
def handle_unknown_user(error: UnknownUser) -> Response:
    return problem(404, "There is no user with this id.", "unknown_user")
