"""/openapi.json: completes the document that APIFlask generates."""

import re
from typing import Any

from apiflask import APIFlask

from app.api.auth import OPEN_ENDPOINTS
from app.api.validation import INPUTS, Input
from app.infra.problem import TITLES

SCHEMAS = "#/components/schemas/{model}"
DESCRIPTION = """Finds the chat room for a user's interests and city.

Every request can be repeated. After no response, 408, 502, 503 or 504 send the same request again;
`Retry-After` is the delay in seconds. Errors are problem documents (RFC 9457).
"""
PROBLEM_TYPES = [
    *("invalid", "no_interests", "unknown_city", "not_json"),
    *("unknown_room", "unknown_user", "unavailable", "not_ready"),
]
PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "room_id": {
        "schema": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
        "description": "The room's id.",
        "example": 17,
    },
    "user_id": {
        "schema": {"type": "string"},
        "description": "The user's id in the app, `_id` in requests and responses.",
        "example": "6172f1a95cd4e7a2b4c3d2e1",
    },
}
PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457). Programs read `type`, people read `detail`.",
    "required": ["type", "title", "status", "detail", "errors", "request_id"],
    "properties": {
        "type": {
            "type": "string",
            "enum": ["about:blank", *(f"urn:nomad-rooms:{kind}" for kind in PROBLEM_TYPES)],
        },
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
    app.servers = [{"url": "/", "description": "The service that serves this document."}]
    app.description = DESCRIPTION
    app.contact = {"name": "Nomad Rooms"}
    app.license = {"name": "MIT", "identifier": "MIT"}

    @app.spec_processor
    def complete(spec: dict[Any, Any] | str) -> dict[Any, Any] | str:
        assert isinstance(spec, dict), "SPEC_FORMAT is json"
        schemas = spec["components"]["schemas"]
        for rule in app.url_map.iter_rules():
            path = re.sub(r"<(?:[^<>:]*:)?(\w+)>", r"{\1}", rule.rule)
            for method, operation in spec["paths"].get(path, {}).items():
                if method.upper() in (rule.methods or ()):
                    _complete_operation(path, rule.endpoint, method, operation, schemas)
        _simplify(spec["paths"])
        _simplify(schemas)
        # APIFlask repeats a schema under the name of each schema that uses it.
        shared = {name.rpartition(".")[2]: schema for name, schema in schemas.items()}
        spec["components"]["schemas"] = shared | {"Problem": PROBLEM}
        return spec


def _simplify(node: Any) -> None:
    """Name shared schemas by their own names, and drop what only pydantic needs, in place."""
    if isinstance(node, list):
        for item in node:
            _simplify(item)
    if not isinstance(node, dict):
        return
    if isinstance(reference := node.get("$ref"), str):
        node["$ref"] = SCHEMAS.format(model=re.split(r"[./]", reference)[-1])
    # Generators name types after titles: "Id" and "Interests" say too little.
    if isinstance(node.get("title"), str):
        del node["title"]
    # A field that has a default would be required in a generated type.
    if "default" in node and node["default"] is None:
        del node["default"]
    for key, value in node.items():
        if key not in ("example", "examples"):
            _simplify(value)


def _complete_operation(
    path: str, endpoint: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]
) -> None:
    if input_ := INPUTS.get(endpoint):
        _add_input(operation, input_, schemas)
    # An address may be too long with any query, also where none is expected.
    statuses = {"414"} if path in WITHOUT_DATABASE else {"414", "503"}
    operation["security"] = []
    if endpoint not in OPEN_ENDPOINTS:
        operation["security"] = [{"key": []}]
        statuses.add("401")
    if "requestBody" in operation:
        statuses |= {"400", "413", "422"}
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query":
            statuses.add("422")
            continue
        parameter |= PATH_PARAMETERS[parameter["name"]]
        if method != "delete":  # erasing is idempotent
            statuses.add("404")
    for response in operation["responses"].values():
        if not response.get("content", True):
            del response["content"]
    for status in sorted(statuses):
        operation["responses"][status] = _problem_response(status)


def _add_input(operation: dict[str, Any], input_: Input, schemas: dict[str, Any]) -> None:
    schema = input_.schema.model_json_schema(ref_template=SCHEMAS)
    if input_.location == "json":
        name = input_.schema.__name__
        schemas |= schema.pop("$defs", {}) | {name: schema}
        content = {"schema": {"$ref": SCHEMAS.format(model=name)}, **input_.examples}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
        return
    required = schema.get("required", [])
    operation["parameters"] += [
        _query_parameter(name, field, name in required)
        for name, field in schema["properties"].items()
    ]


def _query_parameter(name: str, field: dict[str, Any], required: bool) -> dict[str, Any]:
    # A query has no null: a parameter without a value is left out.
    if "anyOf" in field:
        (given,) = [kind for kind in field.pop("anyOf") if kind != {"type": "null"}]
        field = given | field
    parameter = {"name": name, "in": "query", "required": required, "schema": field}
    if description := field.pop("description", None):
        parameter["description"] = description
    return parameter


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
