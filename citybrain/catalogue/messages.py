"""Says what the check of a file found: where, what was expected, what stands there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Any, Protocol

from pydantic_core import ErrorDetails

from citybrain.catalogue.document import Steps

MAX_HINTS = 1000  # names compared for a hint; more would take longer than 10 ms for each mistake

_EXPECTED = {
    "dict_type": "a mapping",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a mapping",
    "string_too_short": "text",
    "string_type": "text",
    "too_short": "at least one entry",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
}


class Reporter(Protocol):
    """A file, or a part of one, that collects its problems."""

    def report(self, steps: Steps, message: str) -> None:
        """Add a problem with the value at `steps`."""


def report(reporter: Reporter, schema: dict[str, Any], errors: Iterable[ErrorDetails]) -> None:
    """Add what pydantic found in a file or a part of one to its problems; `schema` is its JSON Schema."""
    for error in errors:
        steps: Steps = tuple(step for step in error["loc"] if step != "[key]")
        reporter.report(steps, _message(error, _part(schema, steps[:-1]), steps))


def hint(name: str, known: Collection[str]) -> str:
    """`; did you mean ...?` where one of the known names is near, else nothing."""
    near = get_close_matches(name, known, n=1) if len(known) <= MAX_HINTS else []
    return f"; did you mean {near[0]}?" if near else ""


def _message(error: ErrorDetails, around: dict[str, Any], steps: Steps) -> str:
    kind, context = error["type"], error.get("ctx", {})
    keys = around.get("properties", {})
    if kind == "extra_forbidden":
        return f"unknown key{hint(str(steps[-1]), keys) or '; expected one of ' + ', '.join(keys)}"
    if kind == "missing":
        return f"the key is missing: {keys[steps[-1]]['description']}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"expected {context['expected']}, found {_found(error['input'])}"
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f"expected {words} {context[bound]:g}, found {error['input']}"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, found {_found(error['input'])}"
    return error["msg"]


def _found(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return repr(str(value)) if value.strip() else "nothing"


def _part(schema: dict[str, Any], steps: Steps) -> dict[str, Any]:
    """The part of a JSON Schema that describes the value at `steps`."""
    part = _resolved(schema, schema)
    for step in steps:
        options = [_resolved(schema, option) for option in part.get("anyOf", [part])]
        found = (
            option.get("items")
            if isinstance(step, int)
            else option.get("properties", {}).get(step) or option.get("additionalProperties")
            for option in options
        )
        part = _resolved(schema, next(filter(None, found), {}))
    return part


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    reference = part.get("$ref")
    return _resolved(schema, schema["$defs"][reference.removeprefix("#/$defs/")]) if reference else part
