"""Colours follow the rules' limits, on the side that they are on."""

from __future__ import annotations

from datetime import date
from typing import Any

from deploy.boards.model import Bundle
from deploy.boards.thresholds import NONE, SEVERITIES, constant, steps, told
from deploy.boards.words import words
from rules.levels import Level, RuleInForce, levels

RED, ORANGE, YELLOW, BLUE = (SEVERITIES[level] for level in (1, 2, 3, 4))


def of(definition: dict[str, Any], metric: str = "x") -> list[Level]:
    rule = RuleInForce("water.x", "规则", "Rule", {"metric": metric, **definition})
    return constant(levels([rule], date(2026, 11, 22)).get(metric, []), metric)


def drawn(found: list[Level]) -> list[tuple[float | None, str]]:
    return [(step.value, step.color) for step in steps(found)]


def limit(value: float, **more: object) -> dict[str, Any]:
    return {"value": str(value), "unit": "MPa", "source": "CJJ 58", "clause": "3.1.3", "confidence": "B", **more}


def test_a_ladder_upwards() -> None:
    ladder = [{"severity": "4", "limit": limit(100)}, {"severity": "2", "limit": limit(200)}]
    assert drawn(of({"raise": "value > limit", "ladder": ladder})) == [(None, NONE), (100, BLUE), (200, ORANGE)]


def test_a_ladder_downwards_is_worst_at_the_bottom() -> None:
    ladder = [{"severity": "3", "limit": limit(0.2)}, {"severity": "2", "limit": limit(0.14)}]
    assert drawn(of({"raise": "value < limit", "ladder": ladder})) == [(None, ORANGE), (0.14, YELLOW), (0.2, NONE)]


def test_both_sides() -> None:
    limits = {"low": limit(6.5), "high": limit(8.5)}
    found = of({"raise": "value < low OR value > high", "severity": "3", "limits": limits})
    assert drawn(found) == [(None, YELLOW), (6.5, NONE), (8.5, YELLOW)]


def test_a_distance_from_zero_counts_on_both_sides() -> None:
    assert drawn(of({"raise": "abs(value) > limit", "severity": "1", "limit": limit(3)})) == [
        (None, RED),
        (-3, NONE),
        (3, RED),
    ]


def test_a_limit_that_is_no_constant_is_not_drawn() -> None:
    at_kinds = [limit(0.3, where="site_kind = 'works'"), limit(0.05, where="site_kind = 'tap'")]
    attribute = {"attribute": "depth", "source": "site", "unit": "m"}
    assert of({"raise": "value < limit", "severity": "2", "limit": at_kinds}) == []
    assert of({"raise": "value > limit", "severity": "2", "limit": attribute}) == []
    assert of({"raise": "value > limit * usual(value, '7d')", "severity": "2", "limit": limit(2)}) == []


def test_a_limit_of_its_metric_or_of_another_day() -> None:
    entries = [
        limit(500, where="metric = 'x'", to="2030-12-31"),
        limit(150, where="metric = 'x'", **{"from": "2031-01-01"}),
    ]
    assert drawn(of({"raise": "value > limit", "severity": "3", "limit": entries})) == [(None, NONE), (500, YELLOW)]
    assert of({"raise": "value > limit", "severity": "3", "limit": [limit(5, where="metric = 'y'")]}) == []


def test_a_rule_on_trial_draws_nothing() -> None:
    assert of({"raise": "value > limit", "severity": "3", "limit": limit(5), "mode": "shadow"}) == []


def test_a_panel_says_where_its_limits_are_from() -> None:
    found = of({"raise": "value < limit", "severity": "2", "limit": limit(0.14), "where": "site_kind = 'network_end'"})
    assert "< 0.14 MPa：橙 二级，规则（CJJ 58 3.1.3，可信度 B）" in told(found, words("zh"))
    assert "Orange, level 2, Rule (CJJ 58 3.1.3, confidence B) where `site_kind = 'network_end'`" in told(
        found, words("en")
    )
    assert told([], words("en")) == ""


def test_the_boards_that_ship_draw_the_limits_of_the_rules_that_ship(built: Bundle) -> None:
    water = next(one.document for one in built.boards if one.uid == "citybrain-domain-water-en")
    today = next(panel for panel in water["panels"] if panel["title"] == "Flow and pressure of 24 hours")
    pressure = next(one for one in today["fieldConfig"]["overrides"] if "Pressure" in one["matcher"]["options"])
    given = {one["id"]: one.get("value") for one in pressure["properties"]}
    assert given["thresholds"]["steps"] == [
        {"value": None, "color": ORANGE},
        {"value": 0.14, "color": YELLOW},
        {"value": 0.2, "color": NONE},
    ]
    assert given["custom.thresholdsStyle"] == {"mode": "area"}
    assert "CJJ 58 3.1.3" in today["description"]
