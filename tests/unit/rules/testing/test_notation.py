from __future__ import annotations

from typing import Any

import pytest

from rules.testing import notation
from tests.unit.rules.testing.rulebook import one_rule

PRESSURE, _ = one_rule("""
rule: water.low
metric: pressure
with: {inflow: {metric: zone_inflow, same: region}}
raise: value < 0.2 AND inflow > 3
severity: 3
""")
SILENCE, _ = one_rule("rule: platform.gone\nsilent: device\nafter: 5m\nseverity: 4")
PLAN, _ = one_rule(
    "rule: plan.leak\nplan: inner-mongolia-city-quality-2025/leakage_rate\nevery: day at 07:00\n"
    "raise: actual > path\nseverity: 4"
)


def test_a_test_is_read() -> None:
    tree = {
        "name": "all of it",
        "start": "06:00",
        "every": "5m",
        "until": "07:00",
        "given": {"W1": {"value": "0.2x3", "inflow": "-", "place": "40.75 107.4", "usual(value)": "0.3"}},
        "expect": ["06:05 W1 raised 3", "06:10 W1 cleared (out of season)"],
    }
    found = notation.read(tree, PRESSURE)
    assert found.name == "all of it"
    assert found.every_us == 300_000_000
    assert found.until is not None
    assert found.until.hour == 7
    assert found.given["W1"].constants == {"place": "40.75 107.4", "usual(value)": "0.3"}
    assert set(found.given["W1"].sequences) == {"value", "inflow"}
    assert [(line.subject, line.kind, line.severity, line.reason) for line in found.expected] == [
        ("W1", "raised", 3, None),
        ("W1", "cleared", None, "out of season"),
    ]
    assert [line.text(found.start) for line in found.expected] == tree["expect"]


@pytest.mark.parametrize(
    ("line", "subject", "kind"),
    [
        ("06:05 raised 3", "", "raised"),
        ("01-06 06:05:30 downgraded 4", "", "downgraded"),
        ("06:05 S 1 raised escalated 2", "S 1 raised", "escalated"),
        ("06:05 150800 cleared", "150800", "cleared"),
    ],
)
def test_a_line_of_expect(line: str, subject: str, kind: str) -> None:
    found = notation.read({"given": {subject: {"value": "1"}} if subject else "1", "expect": [line]}, PRESSURE)
    assert [(one.subject, one.kind) for one in found.expected] == [(subject, kind)]


GOOD: dict[str, Any] = {"name": "n", "given": "0.2x3", "expect": "none"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"expected": "none"}, "did you mean expect?"),
        ({"expect": None}, "The key expect is missing"),
        ({"given": None}, "The key given is missing"),
        ({"expect": "nothing"}, "expect is a list"),
        ({"expect": ["06:05 rises 3"]}, "'06:05 rises 3' is no transition"),
        ({"expect": ["06:05 raised 5"]}, "is no transition"),
        ({"expect": ["25:05 raised 3"]}, "'25:05' is no time"),
        ({"expect": ["06:05 W1 raised 3"]}, "given names no subject"),
        ({"start": "soon"}, "start: 'soon' is no time"),
        ({"until": "soon"}, "until: 'soon' is no time"),
        ({"every": "often"}, "every: expected a duration"),
        ({"given": "0.2 zero"}, "'zero' is no reading"),
        ({"given": {"value": "1", "inflo": "2"}}, "did you mean inflow?"),
        ({"given": {"W1": {"value": "1"}, "value": "2"}}, "mixes subjects and columns"),
        ({"given": {"value": ["1"]}}, "given.value is no text"),
        ({"given": {"site_kind": "tap"}}, "given has no readings: write value"),
        ({"given": {"W1": {"place": "1 2"}}}, "given.W1 has no readings"),
    ],
)
def test_mistakes_are_named(change: dict[str, Any], message: str) -> None:
    assert notation.check(GOOD, PRESSURE) == []
    found = notation.check({**GOOD, **change}, PRESSURE)
    assert any(message in mistake for mistake in found), found


def test_all_mistakes_are_named_at_once() -> None:
    assert len(notation.check({"given": "x", "expect": ["y"], "start": "z", "hope": "w"}, PRESSURE)) == 4
    assert notation.check(["none"], PRESSURE) == ["A test is a mapping with given and expect."]


def test_each_source_has_its_columns() -> None:
    assert (
        notation.check({**GOOD, "given": {"G1": {"heard": "1x3"}, "D1": {"heard": "1", "gateway": "G1"}}}, SILENCE)
        == []
    )
    assert notation.check({**GOOD, "given": {"150800": {"actual": "10 12", "path": "11"}}}, PLAN) == []
    assert "is unknown" in notation.check({**GOOD, "given": {"value": "1"}}, PLAN)[0]
