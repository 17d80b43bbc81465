"""The schemas of cities in requests and responses."""

from typing import Literal

from pydantic import BaseModel, Field

from app.domain.input_limits import MAX_CITY_LENGTH

Kind = Literal["city", "area", "placeless"]


class CityAnswer(BaseModel):
    """A city, an area that was typed instead of a city, or the place of people without one."""

    id: int = Field(examples=[2510911])
    name: str = Field(examples=["Sevilla"])
    country: str | None = Field(examples=["ES"])
    listed: bool = Field(description="Whether the city is in the gazetteer.")
    kind: Kind = Field(
        description="`area`: a country, region or island. `placeless`: no place, as in `Remote`.",
        examples=["city"],
    )


class CitiesQuery(BaseModel):
    """An autocomplete query: the text typed so far."""

    q: str = Field(min_length=2, max_length=MAX_CITY_LENGTH, examples=["sevi"])
    limit: int = Field(8, ge=1, le=20)


class SuggestionAnswer(BaseModel):
    """A suggested city."""

    id: int = Field(examples=[2510911])
    name: str = Field(examples=["Sevilla"])
    country: str = Field(examples=["ES"])
    region: str | None = Field(examples=["Andalucía"])
    kind: Kind = Field(examples=["city"])
    matched: str = Field(description="The name that matched the query.", examples=["Seville"])


class SuggestionsAnswer(BaseModel):
    """Suggested cities: matches of a whole name first, then the most populous."""

    items: list[SuggestionAnswer]
