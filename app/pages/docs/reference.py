"""The OpenAPI document as the page shows it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.pages.docs.markdown import render_text

Schema = Mapping[str, Any]
METHODS = ("get", "post", "delete")
REFERENCE = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the text of a type; `schema` is the name of the schema that it links to."""

    text: str
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter of an operation, or a property of a schema."""

    name: str
    place: str
    is_required: bool
    type: list[Part]
    description: Markup
    example: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of an operation; `example` is empty where it has no body."""

    status: str
    description: Markup
    type: list[Part]
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of an address; `curl`: a title and a command for each example of its body."""

    id: str
    method: str
    path: str
    summary: str
    description: Markup
    needs_key: bool
    parameters: list[Field]
    body: list[Part]
    curl: list[tuple[str, str]]
    answers: list[Answer]


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of a tag."""

    name: str
    description: str
    operations: list[Operation]


@dataclass(frozen=True, slots=True)
class SchemaDetails:
    """A schema with its properties; `type` is for those without any."""

    name: str
    description: Markup
    type: list[Part]
    fields: list[Field]


@dataclass(frozen=True, slots=True)
class Reference:
    """All that the page shows."""

    title: str
    version: str
    description: Markup
    groups: list[Group]
    schemas: list[SchemaDetails]


def read_reference(document: Any) -> Reference:
    """Return what the page shows of an OpenAPI document."""
    operations = [
        (operation["tags"], _operation(path, method, operation))
        for path, methods in sorted(document["paths"].items())
        for method, operation in sorted(methods.items(), key=lambda item: METHODS.index(item[0]))
    ]
    return Reference(
        document["info"]["title"],
        document["info"]["version"],
        render_text(document["info"]["description"]),
        [
            Group(
                tag["name"],
                tag["description"],
                [each for tags, each in operations if tag["name"] in tags],
            )
            for tag in document["tags"]
        ],
        [
            _schema(name, schema)
            for name, schema in sorted(document["components"]["schemas"].items())
        ],
    )


def _operation(path: str, method: str, operation: Any) -> Operation:
    content = _content(operation.get("requestBody", {}))
    parameters = operation["parameters"]
    needs_key = operation["security"] != []
    return Operation(
        operation["operationId"],
        method.upper(),
        path,
        operation["summary"],
        render_text(operation.get("description", "")),
        needs_key,
        [
            _field(each["name"], each["in"], each["required"], each["schema"], each)
            for each in parameters
        ],
        _type(content.get("schema", {})),
        [
            (title, _curl(path, method, needs_key, parameters, body))
            for title, body in _bodies(content)
        ],
        [_answer(status, each) for status, each in operation["responses"].items()],
    )


def _content(body: Any) -> Any:
    """Return the only media type of a request or response; empty if it has no body."""
    return next(iter(body.get("content", {}).values()), {})


def _bodies(content: Any) -> Iterator[tuple[str, Any]]:
    if "examples" in content:
        for example in content["examples"].values():
            yield example["summary"], example["value"]
    else:
        yield "", content.get("example")


def _curl(path: str, method: str, needs_key: bool, parameters: Any, body: Any) -> str:
    query = []
    for each in parameters:
        example = _example(each) or _example(each["schema"])
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", example)
        elif each["required"]:
            query.append(f"{each['name']}={example}")
    address = f"$ROOMS{path}" + (f"?{'&'.join(query)}" if query else "")
    parts = ["curl", *(["-X", "DELETE"] if method == "delete" else []), f'"{address}"']
    if needs_key:
        parts += ["-H", '"Authorization: Bearer $KEY"']
    if body is not None:
        parts += ["-d", f"'{json.dumps(body, ensure_ascii=False)}'"]
    return " ".join(parts)


def _answer(status: str, answer: Any) -> Answer:
    content = _content(answer)
    example = content.get("example")
    is_error = status >= "4"
    return Answer(
        status,
        render_text(answer["description"]),
        _type(content.get("schema", {})),
        # The errors have one shape, which the schema Problem shows.
        "" if example is None or is_error else json.dumps(example, indent=2, ensure_ascii=False),
    )


def _schema(name: str, schema: Schema) -> SchemaDetails:
    required = schema.get("required", [])
    return SchemaDetails(
        name,
        render_text(schema.get("description", "")),
        [] if "properties" in schema else _type(schema),
        [
            _field(key, "", key in required, each, each)
            for key, each in schema.get("properties", {}).items()
        ],
    )


def _field(name: str, place: str, is_required: bool, schema: Schema, about: Schema) -> Field:
    variants = [about, schema, *schema.get("anyOf", [])]
    texts = [each["description"] for each in variants if "description" in each]
    examples = filter(None, map(_example, variants))
    return Field(
        name,
        place,
        is_required,
        _type(schema),
        render_text(texts[0] if texts else ""),
        next(examples, ""),
    )


def _example(schema: Schema) -> str:
    example = next(iter(schema.get("examples", [])), schema.get("example"))
    if example is None or isinstance(example, str):
        return example or ""
    return json.dumps(example, ensure_ascii=False)


def _type(schema: Schema) -> list[Part]:
    """Return the text of a type, as `list of CityAnswer`, with its limits."""
    if not schema:
        return []
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        return [Part(name, name)]
    if "anyOf" in schema:
        parts: list[Part] = []
        for variant in schema["anyOf"]:
            parts += [Part(" or "), *_type(variant)] if parts else _type(variant)
        return parts
    if "enum" in schema:
        return [Part(", ".join(f'"{value}"' for value in schema["enum"]))]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    limits = _limits(schema)
    parts = [Part(" or ".join(kinds) + (f" ({limits})" if limits else ""))]
    if "items" in schema:
        parts = [Part(f"list{f' ({limits})' if limits else ''} of "), *_type(schema["items"])]
    if isinstance(schema.get("additionalProperties"), dict):
        parts += [Part(" of "), *_type(schema["additionalProperties"])]
    return parts


def _limits(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    limits = {
        "{}": schema.get("format"),
        "at least {}": low if high is None else None,
        f"{low} to {{}}": high,
        "less than {}": schema.get("exclusiveMaximum"),
        "{} characters": _length(schema.get("minLength", 0), schema.get("maxLength")),
        "matches {}": schema.get("pattern"),
        "at most {}": schema.get("maxItems", schema.get("maxProperties")),
        "default {}": json.dumps(schema["default"]) if "default" in schema else None,
    }
    return ", ".join(text.format(value) for text, value in limits.items() if value is not None)


def _length(least: int, most: int | None) -> str | None:
    if most is None:
        return f"at least {least}" if least else None
    if least == most:
        return str(most)
    return f"{least} to {most}" if least else f"at most {most}"
