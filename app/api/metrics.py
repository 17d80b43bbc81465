"""GET /metrics, for a Prometheus scraper with a key of its own."""

from flask import Blueprint, Response, current_app

from app.infra.metrics import exposition

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def show() -> Response:
    """Return the metrics of all workers."""
    text, content_type = exposition(current_app.config["METRICS_DIRECTORY"])
    return Response(text, content_type=content_type)
