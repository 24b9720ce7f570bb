"""What rule files say becomes what the engine works with: sources, steps, limits, holds, defaults, calendars."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from citybrain.catalogue.load import load as load_catalogue
from citybrain.catalogue.model import Catalogue, Device, Domain, Metric, Site, SiteAttribute, Text
from citybrain.settings import PROJECT
from rules.conditions import Column
from rules.grammar import vocabulary
from rules.grammar.errors import RulesError
from rules.grammar.load import Checked, build, load
from rules.model import (
    AT_ONCE,
    DAY_US,
    Absence,
    Calendar,
    Duration,
    Hold,
    Inhibition,
    PlanIndicator,
    Query,
    Rule,
    RuleSet,
    Schedule,
    Season,
    Stream,
    Together,
    With,
)
from rules.plans.load import indicators
from rules.plans.load import load as load_plans
from rules.testing.engine import engine
from rules.testing.notation import CITY
from rules.testing.run import run

TITLE = Text("标题", "Title")
MINUTE_US = 60_000_000


def metric(name: str, unit: str) -> Metric:
    return Metric("water", name, TITLE, unit=unit, low=0, high=10, interval=timedelta(minutes=1))


WATER = Domain(
    "water",
    TITLE,
    {name: metric(name, unit) for name, unit in (("pressure", "MPa"), ("suction_pressure", "MPa"), ("flow", "m3/h"))},
    site_kinds={"works": TITLE, "tap": TITLE},
    site_attributes={"zone": SiteAttribute(TITLE), "design_pressure": SiteAttribute(TITLE, "number", "MPa")},
)
SITES = {
    name: Site(name, TITLE, "150800", "water", kind, 107.4, 40.7, {"zone": "north"})
    for name, kind in (("w-1", "works"), ("t-1", "tap"), ("t-2", "tap"))
}
CATALOGUE = Catalogue(
    regions={},
    domains={"water": WATER},
    sites=SITES,
    devices={("150800", "water", f"d-{name}"): Device(f"d-{name}", "150800", "water", name) for name in SITES},
)


def checked(tmp_path: Path, text: str, calendars: str = "") -> Checked:
    (tmp_path / "domains/water").mkdir(parents=True)
    (tmp_path / "domains/water/rules.yaml").write_text(text, encoding="utf-8")
    if calendars:
        (tmp_path / "domains/calendars.yaml").write_text(calendars, encoding="utf-8")
    return checked_folder(tmp_path)


def checked_folder(root: Path) -> Checked:
    return load(root, CATALOGUE, {"city/leakage": "%"})


def one(tmp_path: Path, keys: str) -> Rule:
    """The rule with these keys."""
    text = "- rule: water.one\n  title: {zh: 标题, en: Title}\n" + "".join(f"  {line}\n" for line in keys.splitlines())
    (rule,) = checked(tmp_path, text).rules.rules.values()
    return rule


def without_places(rules: RuleSet) -> Mapping[str, Rule]:
    return {name: replace(rule, file="", line=0) for name, rule in rules.rules.items()}


def test_defaults(tmp_path: Path) -> None:
    rule = one(tmp_path, "metric: pressure\nraise: value < 0.2\nseverity: 3")
    (step,) = rule.steps
    assert step.raise_ is not None
    assert (step.severity, step.raise_.text, step.clear) == (3, "value < 0.2", None)
    assert (step.for_, step.keep, step.limits) == (AT_ONCE, AT_ONCE, {})
    assert rule == Rule(
        "water.one",
        TITLE,
        Stream(("pressure",)),
        rule.steps,
        definition={
            "rule": "water.one",
            "title": {"zh": "标题", "en": "Title"},
            "metric": "pressure",
            "raise": "value < 0.2",
            "severity": "3",
        },
        file="domains/water/rules.yaml",
        line=1,
    )
    assert (rule.gap, rule.subject, rule.mode, rule.domain) == (Duration(intervals=3), "series", "live", "water")


def test_everything_a_stream_rule_can_say(tmp_path: Path) -> None:
    rule = one(
        tmp_path,
        """\
advice: {zh: 去, en: Go}
metric: [pressure, suction_pressure]
where: SITE_KIND = 'works'
quality: any
with: {inflow: {metric: flow, same: site_zone, max_age: 0s}, other: {metric: flow}}
limits: {low: {attribute: site_design_pressure, source: drawings}}
raise: value < low AND NOT is_stuck AND inflow > 3
severity: 2
gap: 1h
subject: site
at_least: 2
together: {within: 1.5km, count: 3, raise_by: 2}
mode: shadow""",
    )
    assert rule.advice == Text("去", "Go")
    assert rule.source == Stream(("pressure", "suction_pressure"))
    assert rule.where is not None
    assert rule.where.text == "site_kind = 'works'"
    assert rule.any_quality
    assert rule.with_ == {"inflow": With("flow", "site_zone", Duration()), "other": With("flow")}
    (entry,) = rule.steps[0].limits["low"]
    assert (entry.attribute, entry.unit, entry.source) == ("site_design_pressure", "MPa", "drawings")
    assert (rule.gap, rule.subject, rule.at_least) == (Duration(3_600_000_000), "site", 2)
    assert rule.together == Together(1500, 3, 2)
    assert rule.mode == "shadow"


def test_inhibition(tmp_path: Path) -> None:
    rules = checked(
        tmp_path,
        "- {rule: water.a, title: {zh: 甲, en: A}, metric: flow, raise: value > 1, severity: 1,"
        " inhibits: {rules: [water.*], same: region, hold: 0s, release: 1m}}\n"
        "- {rule: water.b, title: {zh: 乙, en: B}, metric: flow, raise: value > 2, severity: 1}\n",
    ).rules.rules
    assert rules["water.a"].inhibits == Inhibition(("water.*",), "region", 0, MINUTE_US)


def test_steps_take_from_the_rule_what_they_leave_out(tmp_path: Path) -> None:
    rule = one(
        tmp_path,
        """\
metric: pressure
limits:
  limit: {value: 1, unit: MPa, source: CJJ 58, confidence: B}
  other: {value: 0.5, unit: MPa, source: platform default, confidence: S}
raise: value > limit
clear: value < other
for: 2 of 3 samples
ladder:
  - {severity: 4}
  - {severity: 1, limit: {value: 4, unit: MPa, source: CJJ 58, confidence: B}, clear: value < limit - 1, for: 5m}
  - {severity: 2, raise: value > 2, keep: 4 samples}""",
    )
    shown = [
        (
            step.severity,
            step.raise_.text if step.raise_ else None,
            step.clear.text if step.clear else None,
            step.for_,
            step.keep,
            {name: limit[0].value for name, limit in step.limits.items()},
        )
        for step in rule.steps
    ]
    among = Hold(samples=2, among=3)
    assert shown == [
        (1, "value > limit", "value < limit - 1", Hold(Duration(5 * MINUTE_US)), AT_ONCE, {"limit": 4, "other": 0.5}),
        (2, "value > 2", "value < other", among, Hold(samples=4), {"limit": 1, "other": 0.5}),
        (4, "value > limit", "value < other", among, Hold(samples=2), {"limit": 1, "other": 0.5}),
    ]


def test_limits_by_place_and_day(tmp_path: Path) -> None:
    rule = one(
        tmp_path,
        """\
metric: pressure
limit:
  - {where: site_kind = 'works', value: 1, source: CJJ 58, clause: 3.1.3, confidence: A-, to: 2026-02-28}
  - {plan: city/leakage, use: path}
raise: 3 > limit
severity: 1""",
    )
    first, second = rule.steps[0].limits["limit"]
    assert (first.value, first.clause, first.confidence) == (1, "3.1.3", "A-")
    assert (first.start, first.end) == (None, date(2026, 2, 28))
    assert first.where is not None
    assert first.where.text == "site_kind = 'works'"
    assert (second.plan, second.use, second.unit, second.source) == ("city/leakage", "path", "%", "")


def test_silence(tmp_path: Path) -> None:
    rule = one(tmp_path, "silent: gateway\nafter: 2.5 intervals\nseverity: 2")
    assert (rule.source, rule.subject) == (Absence("gateway", Duration(intervals=2.5)), "gateway")
    assert [(step.severity, step.raise_) for step in rule.steps] == [(2, None)]


def test_queries(tmp_path: Path) -> None:
    rule = one(
        tmp_path,
        """\
query: SELECT subject, value, what FROM rule_hour WHERE hour = :now
every: 1h
at: 20m
subject: text
columns: {value: MPa, what: text}
missing: clear
raise: value > 3 AND what = 'x'
severity: 1""",
    )
    assert isinstance(rule.source, Query)
    assert rule.source.schedule == Schedule(60 * MINUTE_US, 20 * MINUTE_US)
    assert rule.source.columns == {"value": Column("number", "MPa"), "what": Column("text")}
    assert (rule.source.missing, rule.subject) == ("clear", "text")


def test_plans(tmp_path: Path) -> None:
    rule = one(tmp_path, "plan: city/leakage\nevery: day at 07:30\nraise: actual > path\nseverity: 4")
    assert (rule.source, rule.subject) == (PlanIndicator("city/leakage", Schedule(DAY_US, 450 * MINUTE_US)), "region")


def test_calendars(tmp_path: Path) -> None:
    calendars = "w: [{from: 10-15, to: 04-15}, {from: 2026-10-10, to: 2027-04-20, source: s}]\n" \
        "n: {hours: [22:00-06:00, 12:00-13:00]}\nh: {dates: [2026-10-01]}\n"  # fmt: skip
    found = checked(tmp_path, "[]", calendars).rules.calendars
    assert found == {
        "w": Calendar("w", (Season((10, 15), (4, 15)), Season(date(2026, 10, 10), date(2027, 4, 20), source="s"))),
        "n": Calendar("n", hours=((1320, 360), (720, 780))),
        "h": Calendar("h", dates=frozenset({date(2026, 10, 1)})),
    }


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("metric: pressure\nraise: value < 1\nfor: 30s\nseverity: 1", "5:3: water.one.for: shorter than the interval"),
        (
            "metric: pressure\nladder:\n  - {severity: 4, raise: value > 3}\n  - {severity: 3, raise: value > 2}",
            "6:8: water.one.ladder.1.severity: severity 3 is raised at 2.2 and severity 4 is not; steps should nest",
        ),
        (
            "metric: pressure\nwhere: site_zone = 'north'\nlimit: [{where: site_kind = 'works', value: 1, unit: MPa,"
            " source: CJJ 58, confidence: B}]\nraise: value > limit\nseverity: 1",
            "5:3: water.one.limit: no entry counts for t-1, t-2, which `where` admits",
        ),
        (
            "metric: pressure\nraise: value > 1\nseverity: 1\ntests: [{name: t, given: 0.1x3, expect: none}]",
            "5:3: water.one.severity: no test reaches severity 1",
        ),
        (
            "metric: pressure\nraise: value < 1\nfor: 5m\ngap: 30s\nseverity: 1",
            "6:3: water.one.gap: shorter than the interval of 60s: a hold longer than one reading is never met",
        ),
        (
            "metric: [pressure, pressure]\nraise: value < 1\nseverity: 1",
            "3:3: water.one.metric: pressure is given 2 times; once is enough",
        ),
        (
            "metric: pressure\nwith: {x: {metric: flow}, y: {metric: flow}}\nraise: avg(x, '5m') < 1\nseverity: 1",
            "4:29: water.one.with.y: no condition reads `y`; remove it",
        ),
        (
            "metric: pressure\nlimit: {value: 1, unit: MPa, source: CJJ 58, confidence: B}\nraise: value < 1\n"
            "severity: 1",
            "4:3: water.one.limit: no condition reads `limit`; remove it",
        ),
        (
            "metric: pressure\nraise: value > 1\nladder:\n  - {severity: 1, raise: value > 3}\n"
            "  - {severity: 2, limits: {low: {value: 1, unit: MPa, source: CJJ 58, confidence: B}}}",
            "7:30: water.one.ladder.1.limits.low: no condition reads `low`; remove it",
        ),
    ],
)
def test_doubts(tmp_path: Path, keys: str, expected: str) -> None:
    text = "- rule: water.one\n  title: {zh: 标题, en: Title}\n" + "".join(f"  {line}\n" for line in keys.splitlines())
    warnings = [str(warning).removeprefix("domains/water/rules.yaml:") for warning in checked(tmp_path, text).warnings]
    assert [warning for warning in warnings if warning.startswith(expected)], warnings


@pytest.mark.parametrize(
    "keys",
    [
        "metric: pressure\nraise: value < 1\nfor: 5m\ngap: 1m\nseverity: 1",
        "metric: pressure\nwith: {x: {metric: flow}}\nlimit: {value: 1, unit: MPa, source: CJJ 58, confidence: B}\n"
        "ladder: [{severity: 2, raise: value > limit}, {severity: 1, raise: value > 2, clear: x < 3}]",
    ],
)
def test_what_is_right_causes_no_doubt_but_of_tests(tmp_path: Path, keys: str) -> None:
    text = "- rule: water.one\n  title: {zh: 标题, en: Title}\n" + "".join(f"  {line}\n" for line in keys.splitlines())
    assert all("no test reaches" in warning.message for warning in checked(tmp_path, text).warnings)


def test_files_that_nobody_reads(tmp_path: Path) -> None:
    folder = tmp_path / "domains/water"
    (folder / "rules/night").mkdir(parents=True)
    read = ("domain.yaml", "rules/more.yaml", "notes.txt")
    unread = ("rules.yml", "rule.yaml", "rules/more.yml", "rules/night/flow.yaml", "../calendar.yaml")
    for name in (*read, *unread):
        (folder / name).write_text("[]\n", encoding="utf-8")
    warnings = checked_folder(tmp_path).warnings
    assert [warning.file.removeprefix("domains/") for warning in warnings] == [
        "calendar.yaml", "water/rule.yaml", "water/rules.yml", "water/rules/more.yml", "water/rules/night/flow.yaml",
    ]  # fmt: skip
    assert warnings[0].message == (
        "the file is not read; rules belong in domains/*/rules.yaml or domains/*/rules/*.yaml, "
        "calendars in domains/calendars.yaml"
    )


def test_a_mistake_does_not_hide_the_warnings_of_other_rules(tmp_path: Path) -> None:
    rule = "- {{rule: water.{}, title: {{zh: 标题, en: Title}}, metric: {}, raise: value > 1, severity: 1}}\n"
    with pytest.raises(RulesError) as caught:
        checked(tmp_path, rule.format("wrong", "presure") + rule.format("right", "pressure"))
    assert [problem.field for problem in caught.value.problems] == ["water.wrong.metric"]
    assert [warning.field for warning in caught.value.warnings] == ["water.right.severity"]


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return load_catalogue(PROJECT)


@pytest.fixture(scope="module")
def units(shipped: Catalogue) -> dict[str, str | None]:
    return {name: indicator.unit for name, indicator in indicators(load_plans(PROJECT, shipped)).items()}


def test_stored_rules_give_the_same_rules(shipped: Catalogue, units: dict[str, str | None]) -> None:
    found = load(PROJECT, shipped, units)
    rules = found.rules
    definitions = json.loads(json.dumps([rule.definition for rule in rules.rules.values()]))
    again = build(
        definitions,
        json.loads(json.dumps(found.calendars)),
        vocabulary.decode(vocabulary.encode(rules.vocabulary)),
        units,
    )
    assert without_places(again) == without_places(rules)
    assert (again.calendars, again.vocabulary) == (rules.calendars, rules.vocabulary)


def test_the_documented_rules_load(tmp_path: Path, shipped: Catalogue, units: dict[str, str | None]) -> None:
    document = (PROJECT / "docs/rules.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", document, flags=re.DOTALL)
    rules = [block for block in blocks if "- rule:" in block]
    (calendars,) = [block for block in blocks if "- rule:" not in block]
    (tmp_path / "domains/documented").mkdir(parents=True)
    (tmp_path / "domains/documented/rules.yaml").write_text("".join(rules), encoding="utf-8")
    (tmp_path / "domains/calendars.yaml").write_text(calendars, encoding="utf-8")
    found = load(tmp_path, shipped, units).rules
    assert len(found.rules) == 9
    for rule in found.rules.values():
        for test in rule.definition.get("tests", ()):
            assert run(rule, found, test, engine(CITY)).passed, f"{rule.name}: {test['name']}"
    assert set(found.calendars) == {"heating", "night", "holiday"}
