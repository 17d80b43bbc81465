"""Is it up, and can it serve."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from app.current import services
from app.db import DatabaseUnavailable
from app.web.json import respond

blueprint = APIBlueprint("health", __name__, tag="Health")


class Health(BaseModel):
    """Whether something works, and if not what is wrong."""

    status: str = Field(examples=["ok"])
    problems: list[str] = []


NOT_READY: Any = {
    "description": "Not ready; `problems` says why and how to mend it.",
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/Health"},
            "example": {
                "status": "not ready",
                "problems": ["the model is not registered: run `manage.py model register`"],
            },
        }
    },
}


@blueprint.get("/livez")
@blueprint.output(Health, example={"status": "ok", "problems": []})
def livez() -> Response:
    """The process answers."""
    return respond({"status": "ok", "problems": []})


@blueprint.get("/readyz")
@blueprint.output(Health, example={"status": "ok", "problems": []})
@blueprint.doc(responses={503: NOT_READY})
def readyz() -> Response:
    """The database is reachable, its schema is as new as this code, the model is registered."""
    try:
        problems = services().readiness.problems()
    except DatabaseUnavailable as error:
        problems = [f"the database is unavailable: {error}"]
    if problems:
        response = respond({"status": "not ready", "problems": problems}, 503)
        response.headers["Retry-After"] = "1"
        return response
    return respond({"status": "ok", "problems": []})
