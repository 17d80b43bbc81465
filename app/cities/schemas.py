"""What cities look like on the wire."""

from pydantic import BaseModel, Field


class CityAnswer(BaseModel):
    """A city."""

    id: int = Field(examples=[2510911])
    name: str = Field(examples=["Sevilla"])
    country: str | None = Field(examples=["ES"])
    listed: bool = Field(description="Whether the gazetteer has it.")
