"""Is it up, and can it serve."""

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from app.current import services
from app.db import DatabaseUnavailable
from app.web.errors import problem
from app.web.json import respond

blueprint = APIBlueprint("health", __name__, tag="Health")


class Health(BaseModel):
    """It works."""

    status: str = Field(examples=["ok"])


@blueprint.get("/livez")
@blueprint.output(Health, example={"status": "ok"})
def livez() -> Response:
    """The process answers."""
    return respond({"status": "ok"})


@blueprint.get("/readyz")
@blueprint.output(Health, example={"status": "ok"})
def readyz() -> Response:
    """The database is reachable, its schema is as new as this code, the model is registered."""
    try:
        problems = services().readiness.problems()
    except DatabaseUnavailable as error:
        problems = [f"the database is unavailable: {error}"]
    if problems:
        errors = [{"path": "", "message": message} for message in problems]
        return problem(503, "; ".join(problems), "not_ready", errors, {"Retry-After": "1"})
    return respond({"status": "ok"})
