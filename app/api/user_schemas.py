"""What users and their moves look like on the wire."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.api.city_schemas import CityAnswer


class MoveAnswer(BaseModel):
    """A move that the app did not ask for."""

    from_room: int
    to_room: int
    reason: str = Field(examples=["merge"])
    at: datetime


class ExplanationAnswer(BaseModel):
    """Why the user is in this room, by the model in service."""

    model_id: str
    cluster: int | None = Field(
        description="Where the model would put the user now; null: it knows none of the interests."
    )
    weight: float
    runner_up: int | None = Field(description="The cluster that came next; null: none did.")
    runner_up_weight: float
    margin: float = Field(description="weight less runner_up_weight.")
    room_weight: float = Field(description="The weight of the cluster that the room is of.")
    shares: dict[str, float] = Field(
        description="Each known interest's part of the weight, exact; they sum to 1."
    )
    unknown_interests: list[str]
    note: str | None = Field(
        description="Why this is not what put the user there, if so: an earlier model did."
    )


class UserQuery(BaseModel):
    """Whether to tell why."""

    explain: bool = Field(False, description="1: with `explanation`, why the user is in the room.")


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
    explanation: ExplanationAnswer | None = Field(None, description="With `?explain=1` only.")


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
