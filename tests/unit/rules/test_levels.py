"""Which limits of rules a value is held against."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from citybrain.catalogue.pages import Kept
from rules.levels import RuleInForce, kept, levels

DAY = date(2026, 11, 22)


def rule(name: str = "water.end_pressure", **definition: Any) -> RuleInForce:
    base = {"metric": "pressure", "severity": "3", "limit": {"value": "0.2", "unit": "MPa", "source": "S"}}
    return RuleInForce(name, "压力", "Pressure", {**base, "raise": "value < limit", **definition})


def test_a_limit_comes_with_its_side_and_its_source() -> None:
    (level,) = levels([rule(where="site_kind = 'network_end'")], DAY)["pressure"]

    assert (level.value, level.operator, level.severity, level.unit, level.source) == (0.2, "<", 3, "MPa", "S")
    assert (level.rule, level.series_where) == ("water.end_pressure", "site_kind = 'network_end'")


def test_steps_of_a_ladder_come_mildest_first() -> None:
    ladder = [
        {"severity": "2", "limit": {"value": "0.14"}},
        {"severity": "1", "limit": {"value": "0.1"}, "raise": "value <= limit"},
        {"severity": "3", "limit": {"value": "0.2"}},
    ]
    definition = rule(ladder=ladder).definition
    definition.pop("limit")
    found = levels([RuleInForce("water.p", "压", "P", definition)], DAY)["pressure"]

    assert [(level.severity, level.value, level.operator) for level in found] == [
        (3, 0.2, "<"),
        (2, 0.14, "<"),
        (1, 0.1, "<="),
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("value > limit", [(">", False)]),
        ("limit > value", [("<", False)]),
        ("abs(value) > limit", [(">", True)]),
        ("value < limit OR value > limit", [("<", False), (">", False)]),
        ("delta(value, '5m') <= -limit", []),
        ("value > 2 * limit", []),
        ("NOT value > limit", []),
        ("avg(value, '1h') > limit", []),
        ("value >", []),
    ],
)
def test_only_what_the_value_itself_is_compared_with_is_a_limit_of_it(
    condition: str, expected: list[tuple[str, bool]]
) -> None:
    found = levels([rule(**{"raise": condition})], DAY)["pressure"]

    assert sorted((level.operator, level.absolute) for level in found) == sorted(expected)


def test_a_limit_counts_from_its_first_day_to_its_last() -> None:
    entries = [
        {"value": "75", "from": "2016-01-01", "to": "2026-02-28"},
        {"value": "60", "from": "2026-03-01", "to": "2030-12-31"},
        {"value": "50", "from": "2031-01-01"},
    ]
    (level,) = levels([rule(limit=entries)], DAY)["pressure"]

    assert level.value == 60


def test_a_rule_on_trial_has_no_limits() -> None:
    assert levels([rule(mode="shadow")], DAY) == {}


def test_the_limit_of_a_share() -> None:
    known = levels([rule(limit=[{"value": "0.3", "where": "site_kind = 'tap'"}, {"value": "0.2"}])], DAY)["pressure"]

    found = kept(Kept(rule="water.end_pressure"), known)
    assert found is not None
    assert found.value == 0.2, "one that counts for all series"
    assert kept(Kept(rule="water.end_pressure", severity=1), known) is None
    assert kept(Kept(rule="water.other"), known) is None
