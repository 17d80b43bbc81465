"""The schemas of users and their moves in requests and responses."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from app.api.city_schemas import CityAnswer

Reason = Literal["merge", "unmerge", "gather", "release", "reassign", "import"]


class MoveAnswer(BaseModel):
    """A move that the app did not request."""

    from_room: int
    to_room: int
    reason: Reason = Field(description="What moved the user.", examples=["merge"])
    at: datetime


class ExplanationAnswer(BaseModel):
    """Explanation of the user's cluster by the model in service."""

    model_id: str
    cluster: int | None = Field(
        description="The cluster predicted now; null: the model knows none of the interests."
    )
    weight: float
    runner_up: int | None = Field(description="The cluster of the next largest weight, if any.")
    runner_up_weight: float
    margin: float = Field(description="`weight` minus `runner_up_weight`.")
    room_weight: float = Field(description="The weight of the room's cluster.")
    shares: dict[str, float] = Field(
        description="Exact share of each known interest in the weight; the sum is 1."
    )
    unknown_interests: list[str]
    note: str | None = Field(
        description="What another model decided, if another one placed the user."
    )


class UserQuery(BaseModel):
    """Options of a user query."""

    explain: bool = Field(False, description="Whether to include `explanation`.", examples=[True])


class UserAnswer(BaseModel):
    """Everything stored about a user."""

    user_id: str = Field(alias="_id")
    room_id: int
    cluster: int
    city: CityAnswer
    said_city_id: int | None = Field(
        description="The city that the user gave, if an admin merged it into `city`; else null."
    )
    interests: list[str]
    model_id: str = Field(description="The model that last placed the user.")
    previous_room_id: int | None
    created_at: datetime
    joined_at: datetime
    updated_at: datetime
    moves: list[MoveAnswer]
    explanation: ExplanationAnswer | None = Field(None, description="With `?explain=true` only.")


class ChangesQuery(BaseModel):
    """Pagination of the change feed."""

    after: int = Field(0, ge=0, lt=2**63, description="`next_after` of the previous response.")
    limit: int = Field(100, ge=1, le=1000)


class ChangeAnswer(MoveAnswer):
    """A move of a user in the change feed."""

    id: int
    user_id: str


class ChangesAnswer(BaseModel):
    """Moves in order; fewer than `limit` means the end of the feed."""

    items: list[ChangeAnswer]
    next_after: int = Field(
        description="Value of `after` for the next request; never skips a move.", examples=[41]
    )
    next: int = Field(description="The same as `next_after`. Deprecated: use that.")
