"""Clusters over HTTP: the published contract."""

import json

import orjson
from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from app.current import services
from app.web.fields import EchoedId, Interests
from app.web.json import respond

blueprint = APIBlueprint("clusters", __name__, tag="Clusters")


class ClusterRequest(BaseModel):
    """The published request: an id, and what its user ticked."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    echoed_id: EchoedId = Field(alias="_id")
    interests: Interests


class PredictionAnswer(BaseModel):
    """The published answer."""

    echoed_id: EchoedId = Field(alias="_id")
    cluster: int = Field(examples=[2])


REQUEST = {"_id": "6172f1a95cd4", "interests": {"theaters": True, "museums": True, "surf": False}}


@blueprint.post("/cluster")
@blueprint.input(ClusterRequest, arg_name="asked", example=REQUEST)
@blueprint.output(PredictionAnswer, example={"_id": "6172f1a95cd4", "cluster": 4})
def predict(asked: ClusterRequest) -> Response:
    """The cluster of a set of interests; stores nothing."""
    # json.dumps writes an int of any size, which orjson does not.
    echoed = orjson.Fragment(json.dumps(asked.echoed_id, ensure_ascii=False))
    return respond({"_id": echoed, "cluster": services().model.predict(asked.interests)})
