"""GET /docs, and the mends that make /openapi.json say what the service does."""

from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from flask import Blueprint, Response, send_from_directory

from app.web.auth import OPEN_ENDPOINTS
from app.web.headers import page_headers

STATIC = Path(__file__).parent / "static"
# Swagger UI sets style attributes.
PAGE_HEADERS = page_headers(
    style_src="'self' 'unsafe-inline'", img_src="'self' data:", form_action="'none'"
)

blueprint = Blueprint("docs", __name__)


@blueprint.get("/docs")
def page() -> Response:
    """The description of the API for people."""
    response = send_from_directory(STATIC, "docs.html")
    response.headers.update(PAGE_HEADERS)
    return response


@blueprint.get("/docs/docs.js")
def script() -> Response:
    """What starts Swagger UI."""
    return send_from_directory(STATIC, "docs.js")


@blueprint.get("/docs/assets/<path:name>")
def asset(name: str) -> Response:
    """Swagger UI's files, from its package: the page works without any other host."""
    return send_from_directory(str(files("flask_swagger_ui") / "dist"), name, max_age=86400)


PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "errors", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:nomad-rooms:invalid", "about:blank"]},
        "title": {"type": "string", "examples": ["Unprocessable Entity"]},
        "status": {"type": "integer", "examples": [422]},
        "detail": {"type": "string", "examples": ["city: must have a letter or a digit"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "message"],
                "properties": {
                    "path": {"type": "string", "examples": ["city"]},
                    "message": {"type": "string", "examples": ["must have a letter or a digit"]},
                },
            },
        },
        "request_id": {"type": "string", "examples": ["0f8fad5bd9cb469fa16570867728950e"]},
    },
}
DESCRIPTIONS = {
    "400": "The body is not JSON.",
    "401": "No key, or none that is right.",
    "404": "There is none of this id.",
    "413": "The body is larger than 16 KiB.",
    "414": "The address is longer than 4,094 characters.",
    "422": "A field is missing or wrong; `errors` names it and says what is accepted.",
    "503": "The database cannot answer now. Send the same request again after Retry-After.",
}
EXAMPLES = {
    "400": ("not_json", "The body is not JSON: expected value at line 1 column 1."),
    "401": (None, "Send a key: Authorization: Bearer KEY."),
    "404": ("unknown_room", "There is no room of this id."),
    "413": (None, "The body is larger than 16 KiB."),
    "414": (None, "The address is longer than 4,094 characters."),
    "422": ("invalid", "city: must have a letter or a digit"),
    "503": ("unavailable", "The service cannot reach its database just now."),
}


def describe(app: APIFlask) -> None:
    """Mend the generated description: errors as they are sent, keys where they are asked for."""
    app.security_schemes = {"key": {"type": "http", "scheme": "bearer"}}

    @app.spec_processor
    def mend(spec: dict[Any, Any] | str) -> dict[Any, Any] | str:
        assert isinstance(spec, dict), "SPEC_FORMAT is json"
        spec["components"].setdefault("schemas", {})["Problem"] = PROBLEM
        for name in ("ValidationError", "HTTPError"):
            spec["components"]["schemas"].pop(name, None)
        for path, operations in spec["paths"].items():
            for operation in operations.values():
                if isinstance(operation, dict) and "responses" in operation:
                    _mend_operation(path, operation)
        return spec


def _mend_operation(path: str, operation: dict[str, Any]) -> None:
    statuses = set() if path in WITHOUT_DATABASE else {"503"}
    if operation["operationId"].partition("_")[2] not in OPEN_OPERATIONS:
        operation["security"] = [{"key": []}]
        statuses.add("401")
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
        statuses |= {"400", "413", "422"}
    for parameter in operation.get("parameters", []):
        statuses.add("414")
        if parameter["in"] == "query":
            statuses.add("422")
        elif "delete" not in operation["operationId"]:  # erasing who is not there is done, too
            statuses.add("404")
    if "422" not in statuses:
        operation["responses"].pop("422", None)
    for status in sorted(statuses):
        operation["responses"][status] = _problem_response(status)


def _problem_response(status: str) -> dict[str, Any]:
    kind, detail = EXAMPLES[status]
    example = {
        "type": f"urn:nomad-rooms:{kind}" if kind else "about:blank",
        "title": HTTPStatus(int(status)).phrase,
        "status": int(status),
        "detail": detail,
        "errors": [],
        "request_id": "0f8fad5bd9cb469fa16570867728950e",
    }
    if status == "422":
        example["errors"] = [{"path": "city", "message": "must have a letter or a digit"}]
    return {
        "description": DESCRIPTIONS[status],
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": example,
            }
        },
    }


WITHOUT_DATABASE = ("/livez", "/cluster", "/clusters", "/interests")
OPEN_OPERATIONS = frozenset(endpoint.replace(".", "_") for endpoint in OPEN_ENDPOINTS)
