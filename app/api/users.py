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

blueprint = APIBlueprint(
    "members", __name__, tag={"name": "Users", "description": "Users and their moves."}
)


@blueprint.get("/changes")
@accepts(blueprint, ChangesQuery, "query")
@blueprint.output(ChangesAnswer, example=CHANGES)
@blueprint.doc(operation_id="listChanges")
def changes(query: ChangesQuery) -> Response:
    """List the moves that the app did not request.

    In order, none skipped; kept for 30 days. A page of fewer than `limit` moves is the last one
    for now.
    """
    items = list_changes(services().database, query.after, query.limit)
    after = items[-1].id if items else query.after
    return respond({"items": items, "next": after, "next_after": after})


@blueprint.get("/users/<user_id>")
@accepts(blueprint, UserQuery, "query")
@blueprint.output(UserAnswer, example=USER)
@blueprint.doc(operation_id="getUser")
def show(query: UserQuery, user_id: str) -> Response:
    """Get all that is stored about a user.

    With `explain` also why they are in their room.
    """
    if not is_user_id(user_id):
        raise UnknownUser
    user = services().members.show(user_id)
    explanation = explain(user, services().model) if query.explain else None
    return respond(user_document(user, explanation))


@blueprint.delete("/users/<user_id>")
@blueprint.output({}, status_code=204, description="Nothing about the user is stored.")
@blueprint.doc(operation_id="deleteUser")
def forget(user_id: str) -> Response:
    """Erase all that is stored about a user, and what only they typed.

    204 also if nothing was stored.
    """
    if is_user_id(user_id):
        services().members.forget(user_id)
    return Response(status=204)


@blueprint.app_errorhandler(UnknownUser)
def handle_unknown_user(error: UnknownUser) -> Response:
    return problem(404, "There is no user with this id.", "unknown_user")
