"""Clusters over HTTP: the published contract, the form's interests, what each cluster likes."""

import json
from typing import Any

import orjson
from apiflask import APIBlueprint
from flask import Response, request

from app.clusters import catalogue
from app.clusters.schemas import (
    CLUSTERS,
    INTERESTS,
    REQUEST,
    ClusterRequest,
    ClustersAnswer,
    InterestsAnswer,
    PredictionAnswer,
)
from app.current import services
from app.web.inputs import takes
from app.web.json import respond

blueprint = APIBlueprint("clusters", __name__, tag="Clusters")

# They change with a release; what an hour-old form sends is understood.
CACHE = "public, max-age=3600"
UNCHANGED: Any = {304: {"description": "What If-None-Match names is still so."}}


@blueprint.post("/cluster")
@takes(blueprint, ClusterRequest, example=REQUEST)
@blueprint.output(PredictionAnswer, example={"_id": "6172f1a95cd4", "cluster": 4})
def predict(asked: ClusterRequest) -> Response:
    """The cluster of a set of interests; stores nothing."""
    echoed: Any = asked.echoed_id
    if not isinstance(echoed, str):
        # It writes an int of any size, which orjson does not.
        echoed = orjson.Fragment(json.dumps(echoed))
    return respond({"_id": echoed, "cluster": services().model.predict(asked.interests)})


@blueprint.get("/interests")
@blueprint.output(InterestsAnswer, example=INTERESTS)
@blueprint.doc(responses=UNCHANGED)
def interests() -> Response:
    """What a user can tick, with its group and its labels, in the model's order."""
    return _cacheable(catalogue.interests(services().model))


@blueprint.get("/clusters")
@blueprint.output(ClustersAnswer, example=CLUSTERS)
@blueprint.doc(responses=UNCHANGED)
def browse() -> Response:
    """The clusters of the model in service, and the interests that weigh most in each."""
    return _cacheable(catalogue.clusters(services().model))


def _cacheable(document: Any) -> Response:
    response = respond(document)
    response.headers["Cache-Control"] = CACHE
    response.add_etag()
    response.make_conditional(request)
    return response
