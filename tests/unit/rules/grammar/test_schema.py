"""The published JSON Schemas say what the checks do, and the document names every key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from citybrain.settings import PROJECT
from rules.grammar.schema import FOLDER, schemas

FILES = sorted([*PROJECT.glob("domains/*/rules.yaml"), *PROJECT.glob("domains/*/rules/*.yaml")])
CALENDARS = PROJECT / "domains/calendars.yaml"
DOCUMENT = (PROJECT / "docs/rules.md").read_text(encoding="utf-8")


def test_published_schemas_are_up_to_date() -> None:
    published = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert published == schemas(), "run python -m rules.grammar.schema"


@pytest.mark.parametrize("text", schemas().values(), ids=schemas())
def test_schemas_are_valid(text: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(text))


class Core(yaml.SafeLoader):
    """YAML 1.2, as editors read it: 06:00 and 2026-03-01 are texts."""


Core.yaml_implicit_resolvers = {}
NUMBER = re.compile(r"^[-+]?[0-9]+(\.[0-9]+)?$")
Core.add_implicit_resolver("!number", NUMBER, list("-+0123456789"))
Core.add_constructor("!number", lambda _, node: float(node.value) if "." in node.value else int(node.value))


def as_json(text: str) -> Any:
    """A file as an editor has it."""
    return strings_as_keys(yaml.load(text, Core))


def strings_as_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): strings_as_keys(entry) for key, entry in value.items()}
    return [strings_as_keys(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", [*FILES, CALENDARS], ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_editors_accept_the_files_that_ship(path: Any) -> None:
    name = "calendars" if path == CALENDARS else "rules"
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(as_json(path.read_text(encoding="utf-8")), schema)


def test_editors_see_the_mistakes() -> None:
    rules = as_json("""
        - {rule: Water, title: {zh: 低}, raise: 3, for: soon, limit: {colour: red}, ladder: [{severity: 5}]}
        - {metric: flow}
    """)
    validator = jsonschema.Draft202012Validator(json.loads(schemas()["rules.schema.json"]))
    found = {(".".join(map(str, error.path)), str(error.validator)) for error in validator.iter_errors(rules)}
    assert found == {
        ("0.rule", "pattern"),
        ("0.title", "required"),
        ("0.raise", "type"),
        ("0.for", "pattern"),
        ("0.limit", "anyOf"),
        ("0.ladder.0.severity", "maximum"),
        ("1", "required"),
    }


def keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from keys(part)


@pytest.mark.parametrize("name", schemas())
def test_every_key_is_documented(name: str) -> None:
    for key in set(keys(json.loads(schemas()[name]))) - {"zh", "en"}:
        assert f"| `{key}` |" in DOCUMENT, f"docs/rules.md has no row for {key}"


def test_the_document_names_no_other_key() -> None:
    known = {key for text in schemas().values() for key in keys(json.loads(text))}
    tables = DOCUMENT.partition("## Keys")[2].replace(
        DOCUMENT.partition("## Conditions")[2].partition("## Calendars")[0], ""
    )
    assert set(re.findall(r"^\| `([a-z_]+)` \|", tables, re.MULTILINE)) <= known | {"value", "metric"}
