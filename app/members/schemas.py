"""What users and their moves look like on the wire."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.cities.schemas import CityAnswer
from app.members.service import UserDetails


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
    model_id: str = Field(description="The model that last placed the user.")
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


def document(user: UserDetails) -> dict[str, object]:
    """A UserAnswer as it is written."""
    return {
        "_id": user.user_id,
        "room_id": user.room_id,
        "cluster": user.cluster,
        "city": user.city,
        "interests": user.interests,
        "model_id": user.model_id,
        "previous_room_id": user.previous_room_id,
        "created_at": user.created_at,
        "joined_at": user.joined_at,
        "updated_at": user.updated_at,
        "moves": user.moves,
    }
