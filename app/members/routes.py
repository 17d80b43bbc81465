"""Users over HTTP."""

from apiflask import APIBlueprint
from flask import Response

from app.current import services
from app.limits import is_user_id
from app.members.explaining import explain
from app.members.schemas import ChangesAnswer, ChangesQuery, UserAnswer, UserQuery, document
from app.members.service import UnknownUser
from app.rooms.examples import CHANGES, USER
from app.web.inputs import takes
from app.web.json import respond

blueprint = APIBlueprint("members", __name__, tag="Users")


@blueprint.get("/changes")
@takes(blueprint, ChangesQuery, "query")
@blueprint.output(ChangesAnswer, example=CHANGES)
def changes(query: ChangesQuery) -> Response:
    """Every move that the app did not ask for, in order, none skipped; kept for 30 days."""
    items = services().members.changes(query.after, query.limit)
    return respond({"items": items, "next": items[-1].id if items else query.after})


@blueprint.get("/users/<user_id>")
@takes(blueprint, UserQuery, "query")
@blueprint.output(UserAnswer, example=USER)
def show(query: UserQuery, user_id: str) -> Response:
    """All that is stored about a user; with `explain`, why they are in their room."""
    if not is_user_id(user_id):
        raise UnknownUser
    user = services().members.show(user_id)
    return respond(document(user, explain(user, services().model) if query.explain else None))


@blueprint.delete("/users/<user_id>")
@blueprint.output({}, status_code=204, description="Nothing of the user is stored.")
def forget(user_id: str) -> Response:
    """Erase all that is stored about a user; asking again is right too."""
    if is_user_id(user_id):
        services().members.forget(user_id)
    return Response(status=204)
