"""The reference of the API as Markdown, made from its OpenAPI document.

`python -m api.reference` prints it; docs/api-reference.md is that, and a test fails when it is stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from api.app import create_app
from api.v1 import ROLE
from citybrain.settings import Settings

NOWHERE = "postgresql://nobody@127.0.0.1:9/nowhere"  # nothing is asked there: the document needs no database

Json = Mapping[str, Any]
Operation = tuple[str, str, Json]  # method, path, and what the document says of it


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return create_app(Settings(), NOWHERE).openapi()


def lines(openapi: Json) -> Iterator[str]:
    """The reference, line by line."""
    yield "# Reference of the HTTP API"
    yield ""
    yield (
        "Made by `python -m api.reference` from `/api/v1/openapi.json`; don't edit. [api.md](api.md) says how to use "
        "it: signing in, tokens, pages, times, problems."
    )
    for tag, operations in groupby(_operations(openapi), lambda operation: operation[2]["tags"][0]):
        yield ""
        yield f"## {tag}"
        for method, path, operation in operations:
            yield ""
            yield from _operation(method, path, operation)
    yield ""
    yield "## Documents"
    for name, schema in sorted(openapi["components"]["schemas"].items()):
        if schema.get("properties"):
            yield ""
            yield from _schema(name, schema)


def _operations(openapi: Json) -> Iterator[Operation]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _operation(method: str, path: str, operation: Json) -> Iterator[str]:
    yield f"### {method} {path}"
    yield ""
    yield from operation.get("description", operation.get("summary", "")).strip().splitlines()
    yield ""
    if ROLE in operation:
        yield f"Role: {operation[ROLE]}."
    body = operation.get("requestBody", {}).get("content", {})
    for media, content in body.items():
        yield f"Body: {_type(content.get('schema', {}))} ({media})."
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            content = response.get("content", {})
            what = "; ".join(f"{_type(of.get('schema', {}))} ({media})" for media, of in content.items())
            yield f"Answer: {status} {what or response['description']}."
    problems = [status for status in operation["responses"] if not status.startswith("2")]
    if problems:
        yield f"Problems: {', '.join(problems)}."
    if parameters := operation.get("parameters"):
        yield ""
        yield "| parameter | in | type | what |"
        yield "|---|---|---|---|"
        for parameter in parameters:
            name = f"`{parameter['name']}`" + (" (required)" if parameter.get("required") else "")
            what = _cell(parameter.get("description", ""))
            yield f"| {name} | {parameter['in']} | {_cell(_type(parameter['schema']))} | {what} |"


def _schema(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if description := schema.get("description"):
        yield from description.strip().splitlines()
        yield ""
    yield "| field | type | what |"
    yield "|---|---|---|"
    required = schema.get("required", ())
    for field, of in schema["properties"].items():
        optional = "" if field in required else " (optional)"
        yield f"| `{field}`{optional} | {_cell(_type(of))} | {_cell(of.get('description', ''))} |"


def _type(schema: Json) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(map(_type, schema[key])))
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map of {_type(schema['additionalProperties'])}"
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print("\n".join(lines(document())))
