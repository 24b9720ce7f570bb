"""The published JSON Schemas say what the loader checks."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
import yaml

from citybrain.catalogue import pages
from citybrain.catalogue.schema import FOLDER, duration, schemas

READING = jsonschema.Draft202012Validator(json.loads(schemas()["reading.schema.json"]))


def test_published_schemas_are_up_to_date() -> None:
    published = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    message = "run python -m citybrain.catalogue.schema and python -m citybrain.catalogue.pages"
    assert published == schemas() | pages.schemas(), message


@pytest.mark.parametrize("text", [*schemas().values(), *pages.schemas().values()], ids=[*schemas(), *pages.schemas()])
def test_schemas_are_valid(text: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(text))


def test_editors_see_the_mistakes() -> None:
    domain = yaml.safe_load("""
        title: {zh: 供水, en: Water}
        metrics:
          Pressure: {title: {zh: 压力}, unit: 3, low: null, interval: 16m40, max_step: 0, colour: red}
    """)
    validator = jsonschema.Draft202012Validator(json.loads(schemas()["domain.schema.json"]))
    found = {(".".join(map(str, error.path)), str(error.validator)) for error in validator.iter_errors(domain)}
    assert found == {
        ("metrics", "pattern"),
        ("metrics.Pressure", "additionalProperties"),
        ("metrics.Pressure", "required"),
        ("metrics.Pressure.title", "required"),
        ("metrics.Pressure.unit", "type"),
        ("metrics.Pressure.low", "type"),
        ("metrics.Pressure.interval", "pattern"),
        ("metrics.Pressure.max_step", "exclusiveMinimum"),
    }


@pytest.mark.parametrize(
    "payload",
    [
        {"time": "2026-11-21T10:00:00+08:00", "values": {"pressure": 0.312, "flow": 12}},
        {"time": 1795226400000, "values": {"pump_running": True}},
        {"values": {"valve_state": "open"}},
        [{"time": "2026-11-21 10:00:00", "values": {"pressure": 0.312}}, {"values": {"pressure": 0.3}}],
    ],
)
def test_payloads_of_the_contract(payload: Any) -> None:
    READING.validate(payload)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        [],
        {"time": 1795226400000},
        {"values": {}},
        {"values": {"pressure": None}},
        {"values": {"pressure": [0.3]}},
        {"time": "yesterday", "values": {"pressure": 0.3}},
        {"time": True, "values": {"pressure": 0.3}},
        [[{"values": {"pressure": 0.3}}]],
        0.3,
    ],
)
def test_payloads_outside_the_contract(payload: Any) -> None:
    assert not READING.is_valid(payload)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("1h30m", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("366d", timedelta(days=366)),
    ],
)
def test_durations(text: str, value: timedelta) -> None:
    assert duration(text) == value


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5 m", "5M", "1.5h", "-5m", "30m1h", "5m\n", "٥m", "0s", "367d", "9" * 99 + "d"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        duration(text)
