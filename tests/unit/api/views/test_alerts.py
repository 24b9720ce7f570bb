from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api.views.alerts import describe
from api.views.documents import Alert
from citybrain.store.boards import OpenAlert

NOW = datetime(2026, 11, 21, 2, 25, tzinfo=UTC)
CHLORINE = {"raise": "value < low OR value > high"}
LADDER = {
    "raise": "value > limit",
    "ladder": [{"severity": "3", "raise": "value >= limit"}, {"severity": "2"}],
}


def described(definition: dict[str, Any] | None, **more: Any) -> Alert:
    row: dict[str, Any] = {
        "id": 1,
        "rule": "water.free_chlorine",
        "version": 1,
        "subject": "150802/water/tap-1/free_chlorine",
        "domain": "water",
        "severity": 2,
        "title_zh": "余氯",
        "title_en": "Chlorine",
        "advice_zh": None,
        "advice_en": None,
        "place_zh": "一",
        "place_en": "One",
        "region_zh": None,
        "region_en": None,
        "raised": True,
        "raised_at": NOW,
        "cleared_at": None,
        "handling": "new",
        "crew": None,
        "due_step": None,
        "due_at": None,
        "overdue": False,
        "shelved_until": None,
        "maintained_until": None,
        "values": {},
        "limits": {},
        "step": 2,
        "metric_zh": "游离余氯",
        "metric_en": "Free chlorine",
        "metric_kind": "number",
        "unit": "mg/L",
        "definition": definition,
        "failing": False,
        "attention": 2,
        "revision": 0,
        "region": "150802",
        "site": None,
        "device": "tap-1",
        "open": True,
        "changed_at": NOW,
        "subject_kind": "series",
        "worst": 2,
        "reopened": 0,
        "clear_reason": None,
        "last_time": NOW,
        "past": False,
        "operator": None,
        "missed": 0,
        "told_at": None,
        "withheld": None,
        "crew_zh": None,
        "crew_en": None,
    }
    return describe([OpenAlert(**{**row, **more})], []).first[0]


def comparisons(alert: Alert) -> list[str]:
    return [f"{one.left} {one.operator} {one.right}" for one in alert.comparisons]


@pytest.mark.parametrize(("value", "holds"), [(0.2, "value < low"), (2.1, "value > high")])
def test_of_two_limits_the_one_that_is_passed(value: float, holds: str) -> None:
    limits = {"low": {"value": 0.3, "unit": "mg/L"}, "high": {"value": 2, "unit": "mg/L"}}

    assert comparisons(described(CHLORINE, values={"value": value, "low": 0.3, "high": 2}, limits=limits)) == [holds]


def test_a_step_of_a_ladder_compares_as_it_says_and_else_as_the_rule_says() -> None:
    at_limit: dict[str, Any] = {"values": {"value": 25.0, "limit": 25.0}, "limits": {"limit": {"value": 25.0}}}

    assert comparisons(described(LADDER, step=3, **at_limit)) == ["value >= limit"]
    assert comparisons(described(LADDER, step=2, **at_limit)) == []


def test_a_distance_from_zero_is_no_value_that_could_be_shown() -> None:
    at_limit: dict[str, Any] = {"values": {"value": -5.0, "limit": 3.0}, "limits": {"limit": {"value": 3.0}}}

    assert comparisons(described({"raise": "abs(value) > limit OR value < limit"}, **at_limit)) == ["value < limit"]


def test_a_value_that_is_missing_is_not_compared() -> None:
    alert = described({"raise": "value > limit"}, values={"value": None, "limit": 2}, limits={"limit": {"value": 2}})

    assert comparisons(alert) == []
    assert alert.values[0].value is None


def test_a_boolean_is_a_boolean() -> None:
    assert described(None, values={"value": 1.0}, metric_kind="boolean").values[0].value is True


def test_columns_of_a_query_have_their_units() -> None:
    query = {"raise": "received >= few AND share > high", "columns": {"received": "number", "share": "%"}}
    limits = {"few": {"value": 20}, "high": {"value": 10, "unit": "%"}}

    alert = described(query, values={"received": 90.0, "share": 40.0, "few": 20, "high": 10}, limits=limits)

    assert [(seen.name, seen.title, seen.unit) for seen in alert.values] == [
        ("received", None, None),
        ("share", None, "%"),
    ]
    assert comparisons(alert) == ["received >= few", "share > high"]


def test_silence_tells_when_its_subject_was_heard_last() -> None:
    alert = described({"silent": "device"}, values={"heard": NOW.timestamp()})

    assert alert.silent_since == NOW
    assert alert.values == []
