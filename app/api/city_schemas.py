"""The schemas of cities in requests and responses."""

from pydantic import BaseModel, Field

from app.domain.input_limits import MAX_CITY_LENGTH


class CityAnswer(BaseModel):
    """A city."""

    id: int = Field(examples=[2510911])
    name: str = Field(examples=["Sevilla"])
    country: str | None = Field(examples=["ES"])
    listed: bool = Field(description="Whether the city is in the gazetteer.")


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
    matched: str = Field(description="The name that matched the query.", examples=["Seville"])


class SuggestionsAnswer(BaseModel):
    """Suggested cities: matches of a whole name first, then the most populous."""

    items: list[SuggestionAnswer]
