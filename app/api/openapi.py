"""/openapi.json: completes the document that APIFlask generates."""

from typing import Any

from apiflask import APIFlask

from app.api.auth import OPEN_ENDPOINTS
from app.api.validation import INPUTS, Input
from app.infra.problem import TITLES

SCHEMAS = "#/components/schemas/{model}"

PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457).",
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
    "401": "The key is missing or wrong.",
    "404": "There is nothing with this id.",
    "413": "The body is larger than 16 KiB.",
    "414": "The address is longer than 4,094 characters.",
    "422": "A field is missing or invalid; `errors` names it and states what is accepted.",
    "503": "The database cannot answer. Send the same request again after Retry-After.",
}
EXAMPLES = {
    "400": ("not_json", "The body is not JSON: expected value at line 1 column 1."),
    "401": (None, "Send a key: Authorization: Bearer KEY."),
    "404": ("unknown_room", "There is no room with this id."),
    "413": (None, "The body is larger than 16 KiB."),
    "414": (None, "The address is longer than 4,094 characters."),
    "422": ("invalid", "city: must have a letter or a digit"),
    "503": (
        "unavailable",
        "The service cannot reach its database. Send the same request again.",
    ),
}


def describe(app: APIFlask) -> None:
    """Complete the generated document: inputs, errors as they are sent, keys where required."""
    app.security_schemes = {"key": {"type": "http", "scheme": "bearer"}}

    @app.spec_processor
    def complete(spec: dict[Any, Any] | str) -> dict[Any, Any] | str:
        assert isinstance(spec, dict), "SPEC_FORMAT is json"
        schemas = spec["components"].setdefault("schemas", {})
        schemas["Problem"] = PROBLEM
        for path, operations in spec["paths"].items():
            for operation in operations.values():
                if isinstance(operation, dict) and "responses" in operation:
                    _complete_operation(path, operation, schemas)
        return spec


def _complete_operation(path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    # APIFlask's id is the method, then the endpoint.
    endpoint = operation["operationId"].partition("_")[2]
    if input_ := INPUTS.get(endpoint):
        _add_input(operation, input_, schemas)
    statuses = set() if path in WITHOUT_DATABASE else {"503"}
    if endpoint not in OPEN_OPERATIONS:
        operation["security"] = [{"key": []}]
        statuses.add("401")
    if "requestBody" in operation:
        statuses |= {"400", "413", "422"}
    for parameter in operation.get("parameters", []):
        statuses.add("414")
        if parameter["in"] == "query":
            statuses.add("422")
        elif "delete" not in operation["operationId"]:  # erasing is idempotent
            statuses.add("404")
    for status in sorted(statuses):
        operation["responses"][status] = _problem_response(status)


def _add_input(operation: dict[str, Any], input_: Input, schemas: dict[str, Any]) -> None:
    schema = input_.schema.model_json_schema(ref_template=SCHEMAS)
    if input_.location == "json":
        name = input_.schema.__name__
        schemas[name] = schema
        content = {"schema": {"$ref": SCHEMAS.format(model=name)}, **input_.examples}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
        return
    required = schema.get("required", [])
    operation["parameters"] += [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema["properties"].items()
    ]


def _problem_response(status: str) -> dict[str, Any]:
    kind, detail = EXAMPLES[status]
    example = {
        "type": f"urn:nomad-rooms:{kind}" if kind else "about:blank",
        "title": TITLES[int(status)],
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
