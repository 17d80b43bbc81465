"""Liveness and readiness."""

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from app.api.errors import problem
from app.api.json import respond
from app.infra.database import DatabaseUnavailable
from app.infra.problem import RETRY_AFTER_S
from app.services import services

blueprint = APIBlueprint(
    "health", __name__, tag={"name": "Health", "description": "Checks for operators."}
)


class Health(BaseModel):
    """The service is healthy."""

    status: str = Field(examples=["ok"])


@blueprint.get("/livez")
@blueprint.output(Health, example={"status": "ok"})
@blueprint.doc(operation_id="getLiveness")
def livez() -> Response:
    """Check that the process is up.

    It does not look at the database.
    """
    return respond({"status": "ok"})


@blueprint.get("/readyz")
@blueprint.output(Health, example={"status": "ok"})
@blueprint.doc(operation_id="getReadiness")
def readyz() -> Response:
    """Check that the service can answer requests.

    The database is reachable, its schema is current and the model is registered.
    """
    try:
        problems = services().readiness.problems()
    except DatabaseUnavailable as error:
        problems = [f"the database is unavailable: {error}"]
    if problems:
        errors = [{"path": "", "message": message} for message in problems]
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        return problem(503, "; ".join(problems), "not_ready", errors, headers)
    return respond({"status": "ok"})
