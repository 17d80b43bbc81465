"""The schemas of rooms in requests and responses."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.api.city_schemas import CityAnswer
from app.api.cluster_schemas import Label
from app.api.fields import CityName, Country, Interests, UserId
from app.domain.cities.city import Place
from app.domain.input_limits import MAX_CITY_LENGTH
from app.domain.members.room_members import MAX_PAGE_SIZE

PLACE_FIELDS = ("city", "city_id")


class RoomRequest(BaseModel):
    """A user to assign to a room."""

    model_config = ConfigDict(
        extra="ignore",
        hide_input_in_errors=True,
        # Beside `properties`, generators take a plain anyOf for a choice of two types.
        json_schema_extra={"allOf": [{"anyOf": [{"required": [name]} for name in PLACE_FIELDS]}]},
    )

    user_id: UserId = Field(alias="_id")
    city: CityName | None = None
    city_id: int | None = Field(
        None,
        strict=True,
        ge=1,
        lt=2**63,
        description="Id of a city from `GET /cities`, instead of `city`.",
    )
    country: Country | None = None
    interests: Interests

    @model_validator(mode="after")
    def require_city_or_id(self) -> "RoomRequest":
        if self.city is None and self.city_id is None:
            raise PydanticCustomError("place", "city or city_id is missing")
        return self

    @property
    def place(self) -> Place:
        return Place(self.city or "", self.country, self.city_id)


class RoomAnswer(BaseModel):
    """The user's room."""

    user_id: str = Field(alias="_id")
    room_id: int = Field(examples=[17])
    cluster: int = Field(examples=[2])
    city: CityAnswer
    hub: CityAnswer | None = Field(description="The larger city whose rooms the town shares.")
    created: bool = Field(description="Whether this call created the room.")
    joined: bool = Field(description="Whether this call moved the user into the room.")
    previous_room_id: int | None
    unknown_interests: list[str] = Field(description="Selected keys unknown to the model.")
    did_you_mean: list[CityAnswer] = Field(
        description="Up to three cities that may be meant: for an unlisted city, an area (its"
        " largest cities), and a text that names several places or is not understood whole."
    )


class ClusterAnswer(BaseModel):
    """A cluster."""

    id: int = Field(examples=[2])
    label: Label


class RoomsQuery(BaseModel):
    """Filters and pagination of rooms."""

    city: str | None = Field(
        None, min_length=1, max_length=MAX_CITY_LENGTH, description="The city as typed by a user."
    )
    country: Country | None = None
    cluster: int | None = Field(None, ge=1, le=32767)
    after: int = Field(0, ge=0, lt=2**63, description="The last `room_id` of the previous page.")
    limit: int = Field(50, ge=1, le=200)


class RoomDetailsAnswer(BaseModel):
    """A room."""

    room_id: int = Field(examples=[17])
    city: CityAnswer
    cluster: ClusterAnswer
    members: int
    created_at: datetime


class MembersQuery(BaseModel):
    """Pagination of a room's members."""

    after: UserId | None = Field(None, description="The last `_id` of the previous page.")
    limit: int = Field(50, ge=1, le=MAX_PAGE_SIZE)


class MemberAnswer(BaseModel):
    """A member of a room."""

    user_id: str = Field(alias="_id")
    joined_at: datetime
    city: CityAnswer = Field(description="The member's own city, also in its hub's room.")


class MembersAnswer(BaseModel):
    """A page of a room's members, ordered by `_id`."""

    items: list[MemberAnswer]
    next_after: str | None = Field(
        description="Value of `after` for the next page; null on the last page.", examples=["u-17"]
    )
    next: str | None = Field(description="Path of the next page; null on the last page.")


class RoomsAnswer(BaseModel):
    """A page of rooms, ordered by id."""

    items: list[RoomDetailsAnswer]
    next_after: int | None = Field(
        description="Value of `after` for the next page; null on the last page.", examples=[17]
    )
    next: str | None = Field(
        description="Path of the next page; null on the last page. Deprecated: use `next_after`."
    )
