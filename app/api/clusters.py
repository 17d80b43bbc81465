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

blueprint = APIBlueprint(
    "clusters",
    __name__,
    tag={"name": "Clusters", "description": "Clusters, and the interests that decide them."},
)

# They change with a release; requests from a form that is an hour old are understood.
CACHE_CONTROL = "public, max-age=3600"
NOT_MODIFIED: Any = {304: {"description": "Unchanged since the version in If-None-Match."}}


@blueprint.post("/cluster")
@accepts(blueprint, ClusterRequest, example=CLUSTER_REQUEST)
@blueprint.output(PredictionAnswer, example={"_id": "6172f1a95cd4", "cluster": 4})
@blueprint.doc(operation_id="predictCluster")
def predict(body: ClusterRequest) -> Response:
    """Predict the cluster of a set of interests.

    Stores nothing.
    """
    echoed: Any = body.echoed_id
    if not isinstance(echoed, str):
        # json writes integers of any size, which orjson does not.
        echoed = orjson.Fragment(json.dumps(echoed))
    return respond({"_id": echoed, "cluster": services().model.predict(body.interests)})


@blueprint.get("/interests")
@blueprint.output(InterestsAnswer, example=INTERESTS)
@blueprint.doc(operation_id="listInterests", responses=NOT_MODIFIED)
def interests() -> Response:
    """List the interests that a user can select.

    With groups and labels, in the model's order.
    """
    return _cacheable(interests_document(services().model))


@blueprint.get("/clusters")
@blueprint.output(ClustersAnswer, example=CLUSTERS)
@blueprint.doc(operation_id="listClusters", responses=NOT_MODIFIED)
def browse() -> Response:
    """List the clusters of the model in service.

    Each with the interests that weigh most in it.
    """
    return _cacheable(clusters_document(services().model))


def _cacheable(document: Any) -> Response:
    response = respond(document)
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.add_etag()
    response.make_conditional(request)
    return response
