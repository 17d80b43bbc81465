"""What rooms look like on the wire."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.api.city_schemas import CityAnswer
from app.api.cluster_schemas import Label
from app.api.fields import CityName, Country, Interests, UserId
from app.domain.cities.repository import Place
from app.domain.input_limits import MAX_CITY_LENGTH


class RoomRequest(BaseModel):
    """A newly registered user: who, where, and what they like."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    user_id: UserId = Field(alias="_id")
    city: CityName | None = None
    city_id: int | None = Field(
        None,
        strict=True,
        ge=1,
        lt=2**63,
        description="Id of a city from the autocomplete; may stand for `city`.",
    )
    country: Country | None = None
    interests: Interests

    @model_validator(mode="after")
    def one_of_city_and_id(self) -> "RoomRequest":
        if self.city is None and self.city_id is None:
            raise PydanticCustomError("place", "city or city_id is missing")
        return self

    @property
    def place(self) -> Place:
        return Place(self.city or "", self.country, self.city_id)


class RoomAnswer(BaseModel):
    """Where the user is now."""

    user_id: str = Field(alias="_id")
    room_id: int = Field(examples=[17])
    cluster: int = Field(examples=[2])
    city: CityAnswer
    hub: CityAnswer | None = Field(description="The city whose room a small town shares.")
    created: bool = Field(description="This call created the room.")
    joined: bool = Field(description="This call put the user there.")
    previous_room_id: int | None
    unknown_interests: list[str] = Field(description="Ticked keys the model does not know.")
    did_you_mean: list[CityAnswer] = Field(description="Listed cities an unlisted one may be.")


class ClusterAnswer(BaseModel):
    """A cluster by its stable number."""

    id: int = Field(examples=[2])
    label: Label


class RoomsQuery(BaseModel):
    """Which rooms, and where the page begins."""

    city: str | None = Field(
        None, min_length=1, max_length=MAX_CITY_LENGTH, description="As a user types it."
    )
    country: Country | None = None
    cluster: int | None = Field(None, ge=1, le=32767)
    after: int = Field(0, ge=0, lt=2**63, description="The last room of the page before.")
    limit: int = Field(50, ge=1, le=200)


class RoomDetailsAnswer(BaseModel):
    """A room."""

    room_id: int = Field(examples=[17])
    city: CityAnswer
    cluster: ClusterAnswer
    members: int
    created_at: datetime


class RoomsAnswer(BaseModel):
    """A page of rooms in the order of their ids."""

    items: list[RoomDetailsAnswer]
    next: str | None = Field(description="Where the next page is; null: this was the last.")
