"""Users over HTTP."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from app.cities.schemas import CityAnswer
from app.current import services
from app.members.service import UnknownUser
from app.rooms.examples import CHANGES, USER
from app.web.fields import is_user_id
from app.web.json import respond

blueprint = APIBlueprint("members", __name__, tag="Users")


class MoveAnswer(BaseModel):
    """A move that the app did not ask for."""

    from_room: int
    to_room: int
    reason: str = Field(examples=["merge"])
    at: datetime


class UserAnswer(BaseModel):
    """All that is stored about a user."""

    user_id: str = Field(alias="_id")
    room_id: int
    cluster: int
    city: CityAnswer
    interests: list[str]
    previous_room_id: int | None
    created_at: datetime
    joined_at: datetime
    updated_at: datetime
    moves: list[MoveAnswer]


class ChangesQuery(BaseModel):
    """Where the reader stands."""

    after: int = Field(0, ge=0, lt=2**63, description="The `next` of the answer before.")
    limit: int = Field(100, ge=1, le=1000)


class ChangeAnswer(MoveAnswer):
    """A move of some user."""

    id: int
    user_id: str


class ChangesAnswer(BaseModel):
    """Moves in order; fewer than the limit: these were all."""

    items: list[ChangeAnswer]
    next: int = Field(description="The `after` to ask with next; never skips a move.")


@blueprint.get("/changes")
@blueprint.input(ChangesQuery, location="query", arg_name="query")
@blueprint.output(ChangesAnswer, example=CHANGES)
def changes(query: ChangesQuery) -> Response:
    """Every move that the app did not ask for, in order, none skipped; kept for 30 days."""
    items = services().members.changes(query.after, query.limit)
    return respond({"items": items, "next": items[-1].id if items else query.after})


@blueprint.get("/users/<user_id>")
@blueprint.output(UserAnswer, example=USER)
def show(user_id: str) -> Response:
    """All that is stored about a user."""
    if not is_user_id(user_id):
        raise UnknownUser
    user = services().members.show(user_id)
    return respond(
        {
            "_id": user.user_id,
            "room_id": user.room_id,
            "cluster": user.cluster,
            "city": user.city,
            "interests": user.interests,
            "previous_room_id": user.previous_room_id,
            "created_at": user.created_at,
            "joined_at": user.joined_at,
            "updated_at": user.updated_at,
            "moves": user.moves,
        }
    )


@blueprint.delete("/users/<user_id>")
@blueprint.output({}, status_code=204, description="Nothing of the user is stored.")
def forget(user_id: str) -> Response:
    """Erase all that is stored about a user; asking again is right too."""
    if is_user_id(user_id):
        services().members.forget(user_id)
    return Response(status=204)
