"""Clusters and interests over HTTP, and the published contract, POST /cluster."""

import json
from typing import Any

import orjson
from apiflask import APIBlueprint
from flask import Response, request

from app.api.cluster_schemas import (
    ClusterRequest,
    ClustersAnswer,
    InterestsAnswer,
    PredictionAnswer,
)
from app.api.documents import clusters_document, interests_document
from app.api.examples import CLUSTER_REQUEST, CLUSTERS, INTERESTS
from app.api.json import respond
from app.api.validation import accepts
from app.services import services

blueprint = APIBlueprint("clusters", __name__, tag="Clusters")

# They change with a release; requests from a form that is an hour old are understood.
CACHE_CONTROL = "public, max-age=3600"
NOT_MODIFIED: Any = {304: {"description": "Unchanged since the version in If-None-Match."}}


@blueprint.post("/cluster")
@accepts(blueprint, ClusterRequest, example=CLUSTER_REQUEST)
@blueprint.output(PredictionAnswer, example={"_id": "6172f1a95cd4", "cluster": 4})
def predict(body: ClusterRequest) -> Response:
    """The cluster of a set of interests; stores nothing."""
    echoed: Any = body.echoed_id
    if not isinstance(echoed, str):
        # json writes integers of any size, which orjson does not.
        echoed = orjson.Fragment(json.dumps(echoed))
    return respond({"_id": echoed, "cluster": services().model.predict(body.interests)})


@blueprint.get("/interests")
@blueprint.output(InterestsAnswer, example=INTERESTS)
@blueprint.doc(responses=NOT_MODIFIED)
def interests() -> Response:
    """The interests a user can select, with groups and labels, in the model's order."""
    return _cacheable(interests_document(services().model))


@blueprint.get("/clusters")
@blueprint.output(ClustersAnswer, example=CLUSTERS)
@blueprint.doc(responses=NOT_MODIFIED)
def browse() -> Response:
    """The clusters of the model in service, each with its heaviest interests."""
    return _cacheable(clusters_document(services().model))


def _cacheable(document: Any) -> Response:
    response = respond(document)
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.add_etag()
    response.make_conditional(request)
    return response
