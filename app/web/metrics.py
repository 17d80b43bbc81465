"""GET /metrics, for the scraper and its own key."""

from flask import Blueprint, Response

from app.metrics import exposition

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def show() -> Response:
    """The figures of all workers."""
    text, content_type = exposition()
    return Response(text, content_type=content_type)
