"""What a rule's definition says in numbers and names."""

from __future__ import annotations

from typing import Any

import pytest

from rules.definitions import limits, metrics, mode, severities, source, step

LADDER: dict[str, Any] = {
    "rule": "water.low",
    "metric": ["pressure", "level"],
    "mode": "shadow",
    "limits": {
        "high": [{"attribute": "site_design", "source": "drawings"}, {"value": "2", "where": "x", "from": "2026-01-01"}]
    },
    "ladder": [
        {
            "severity": "3",
            "limit": {"value": "0.20", "unit": "MPa", "source": "CJJ 58", "clause": "3.1", "confidence": "B"},
        },
        {"severity": "2", "limit": {"plan": "plan/indicator", "use": "path"}},
    ],
}


def test_a_ladder_has_the_limits_of_the_rule_and_of_each_step() -> None:
    found = [(one.severity, one.name, one.value, one.attribute, one.plan, one.use) for one in limits(LADDER)]
    assert found == [
        (None, "high", None, "site_design", None, None),
        (None, "high", 2.0, None, None, None),
        (3, "limit", 0.2, None, None, None),
        (2, "limit", None, None, "plan/indicator", "path"),
    ]
    assert limits(LADDER)[1].since == "2026-01-01"
    assert severities(LADDER) == [2, 3]
    assert metrics(LADDER) == ["pressure", "level"]
    assert mode(LADDER) == "shadow"


def test_a_limit_of_a_rule_without_a_ladder_has_its_severity() -> None:
    (one,) = limits({"severity": "1", "limit": {"value": "5"}})
    assert (one.severity, one.value) == (1, 5.0)


@pytest.mark.parametrize(
    ("key", "expected"), [("metric", "stream"), ("silent", "absence"), ("query", "query"), ("plan", "plan")]
)
def test_the_source_is_what_the_definition_names(key: str, expected: str) -> None:
    assert source({key: "x"}) == expected
    assert mode({key: "x"}) == "live"


def test_a_step_leaves_to_the_rule_what_it_does_not_say() -> None:
    definition = {"raise": "value > limit", "ladder": [{"severity": "3", "raise": "value >= limit"}, {"severity": "2"}]}

    assert [step(definition, severity)["raise"] for severity in (3, 2, None)] == [
        "value >= limit",
        "value > limit",
        "value > limit",
    ]
