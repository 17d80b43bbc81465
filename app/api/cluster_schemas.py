"""What clusters and interests look like on the wire."""

from pydantic import BaseModel, ConfigDict, Field

from app.api.fields import EchoedId, Interests


class Label(BaseModel):
    """One text in the app's two languages."""

    es: str
    en: str


class ClusterRequest(BaseModel):
    """The published request: an id, and what its user ticked."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    echoed_id: EchoedId = Field(alias="_id")
    interests: Interests


class PredictionAnswer(BaseModel):
    """The published answer."""

    echoed_id: EchoedId = Field(alias="_id")
    cluster: int = Field(examples=[2])


class InterestAnswer(BaseModel):
    """One thing that a user can tick."""

    key: str = Field(examples=["surf"])
    group: str | None = Field(
        description="sport, culture, food or leisure; null: in none of them.", examples=["sport"]
    )
    label: Label


class InterestsAnswer(BaseModel):
    """The form, in the model's order."""

    items: list[InterestAnswer]


class TopInterestAnswer(BaseModel):
    """What people of a cluster like."""

    key: str = Field(examples=["drinks"])
    weight: float = Field(description="Compares within one cluster only.", examples=[2.205])


class ClusterDetailsAnswer(BaseModel):
    """A cluster of the model in service."""

    id: int = Field(description="Its number, whose meaning never changes.", examples=[3])
    label: Label
    top_interests: list[TopInterestAnswer] = Field(description="Heaviest first.")


class ClustersAnswer(BaseModel):
    """The clusters that new users come into."""

    model_id: str = Field(examples=["2021-10-24-d65a7ae0"])
    items: list[ClusterDetailsAnswer]
