from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.testing import notation
from rules.testing.columns import columns
from tests.unit.rules.testing.rulebook import one_rule

PRESSURE, _ = one_rule("""
rule: water.low
metric: pressure
with: {inflow: {metric: zone_inflow, same: region}}
raise: value < 0.2 AND inflow > 3
severity: 3
""")
LEAKAGE = "inner-mongolia-city-quality-2025/leakage_rate"
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


def test_a_time_before_the_start_is_no_end() -> None:
    night = {**GOOD, "start": "23:00", "until": "01:00"}
    assert notation.check(night, PRESSURE) == [
        "until: 01:00 is before start; write a time of another day with it, such as 01-06 01:00."
    ]
    assert notation.check({**night, "until": "01-06 01:00"}, PRESSURE) == []
    assert notation.check({**night, "until": "23:00"}, PRESSURE) == []


def test_tests_of_one_name_are_mistakes() -> None:
    rule = replace(PRESSURE, definition={"tests": [GOOD, {**GOOD, "given": "0.3"}, {**GOOD, "name": "other"}]})
    assert notation.check(GOOD, rule) == ["The rule has several tests named 'n': give each a name of its own."]
    assert notation.check({**GOOD, "name": "other"}, rule) == []


def test_only_attributes_that_the_rule_reads_are_given() -> None:
    rule, _ = one_rule("""
rule: water.low
metric: pressure
where: site_kind = 'tap' AND site_zone = 'Z'
with: {inflow: {metric: zone_inflow, same: site_zone}}
raise: value < 0.2 AND inflow > 3
severity: 3
""")
    assert notation.check({**GOOD, "given": {"value": "1", "site_kind": "tap", "site_zone": "Z"}}, rule) == []
    (unread,) = notation.check({**GOOD, "given": {"value": "1", "site_kid": "tap"}}, rule)
    assert unread == "given.site_kid is unknown; did you mean site_kind?"
    assert "site_zone is unknown" in notation.check({**GOOD, "given": {"value": "1", "site_zone": "Z"}}, PRESSURE)[0]


@pytest.mark.parametrize(
    "source",
    [
        "metric: leakage_rate\nraise: value > limit",
        "plan: inner-mongolia-city-quality-2025/leakage_rate\nevery: day at 07:00\nraise: actual > limit",
        "query: SELECT region, value FROM rule_hour WHERE hour < :now\nevery: 1d\nsubject: region\n"
        "columns: {value: '%'}\nraise: value > limit",
    ],
    ids=["metric", "plan", "query"],
)
def test_a_limit_of_a_plan_must_be_given(source: str) -> None:
    rule, _ = one_rule(f"rule: plan.leak\n{source}\nlimit: {{plan: {LEAKAGE}}}\nseverity: 4")
    column = columns(rule)[0]
    (mistake,) = notation.check({**GOOD, "given": {"150800": {column: "10"}}}, rule)
    assert mistake.startswith(f"given has no limit, the number of {LEAKAGE}: write `limit: 12`")
    assert notation.check({**GOOD, "given": {"150800": {column: "10", "limit": "9"}}}, rule) == []
