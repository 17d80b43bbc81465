"""The schemas of clusters and interests in requests and responses."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.fields import EchoedId, Interests

Group = Literal["sport", "culture", "food", "leisure"]


class Label(BaseModel):
    """A text in the app's two languages."""

    es: str
    en: str


class ClusterRequest(BaseModel):
    """A user's interests, with an id that the response echoes."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    echoed_id: EchoedId = Field(alias="_id")
    interests: Interests


class PredictionAnswer(BaseModel):
    """The predicted cluster."""

    echoed_id: EchoedId = Field(alias="_id")
    cluster: int = Field(examples=[2])


class InterestAnswer(BaseModel):
    """An interest that a user can select."""

    key: str = Field(examples=["surf"])
    group: Group | None = Field(description="null: no group.", examples=["sport"])
    label: Label


class InterestsAnswer(BaseModel):
    """The interests of the model in service, in its order."""

    items: list[InterestAnswer]


class TopInterestAnswer(BaseModel):
    """An interest with a large weight in a cluster."""

    key: str = Field(examples=["drinks"])
    weight: float = Field(description="Comparable only within one cluster.", examples=[2.205])


class ClusterDetailsAnswer(BaseModel):
    """A cluster of the model in service."""

    id: int = Field(description="The cluster's number; its meaning never changes.", examples=[3])
    label: Label
    top_interests: list[TopInterestAnswer] = Field(description="By weight, largest first.")


class ClustersAnswer(BaseModel):
    """The clusters of the model in service."""

    model_id: str = Field(examples=["2021-10-24-d65a7ae0"])
    items: list[ClusterDetailsAnswer]
