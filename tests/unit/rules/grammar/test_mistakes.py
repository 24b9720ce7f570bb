"""Each kind of mistake in a rule file is named with its file, line, column and field, and with what to do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citybrain.catalogue.model import Catalogue, Domain, Metric, Region, SiteAttribute, Text
from rules.grammar.errors import RulesError
from rules.grammar.load import load

TITLE = Text("标题", "Title")


def metric(name: str, unit: str | None, low: float | None, high: float | None, **more: Any) -> Metric:
    return Metric("water", name, TITLE, unit=unit, low=low, high=high, **{"interval": timedelta(minutes=1), **more})


METRICS = [
    metric("pressure", "MPa", 0, 2.5),
    metric("suction_pressure", "MPa", -0.1, 2.5),
    metric("flow", "m3/h", 0, 5000),
    metric("night_flow", "m3/h", 0, 5000, derived=True, interval=timedelta(days=1)),
    metric("door", None, None, None, kind="state", states={"closed": 0, "open": 1}, reports="change", interval=None),
    metric("mains_power", None, None, None, kind="boolean", reports="change", interval=None),
]
CATALOGUE = Catalogue(
    regions={"150800": Region("150800", TITLE, "city", None)},
    domains={
        "water": Domain(
            "water",
            TITLE,
            {metric.name: metric for metric in METRICS},
            site_kinds={"works": TITLE},
            site_attributes={
                "zone": SiteAttribute(TITLE),
                "design_pressure": SiteAttribute(TITLE, "number", "MPa"),
                "manned": SiteAttribute(TITLE, "boolean"),
            },
        ),
        "air": Domain("air", TITLE, {"pm25": Metric("air", "pm25", TITLE, unit="ug/m3", interval=timedelta(hours=1))}),
    },
    sites={},
    devices={},
)
PLANS = {"city-2025/leakage_rate": "%", "city-2025/greenery": None}

CALENDARS = """\
heating: [{from: 10-15, to: 04-15}, {region: 150800, from: 2026-10-10, to: 2027-04-20, source: decree}]
night: {hours: 02:00-04:00}
"""
RULES = """\
- rule: water.low
  title: {zh: 低, en: Low}
  metric: pressure
  where: "site_kind = 'works'"
  limit: {value: 0.2, unit: MPa, source: platform default, confidence: S}
  raise: value < limit
  clear: value >= limit + 0.02
  for: 5m
  severity: 3
  tests:
    - {name: low, given: 0.3 0.1x9, expect: none}
- rule: water.ladder
  title: {zh: 阶, en: Ladder}
  metric: [pressure, suction_pressure]
  with: {inflow: {metric: flow, same: site_zone}}
  raise: value > limit AND inflow > 3
  clear: value < 0.9 * limit
  for: 2 of 3 samples
  ladder:
    - {severity: 2, limit: {value: 1, unit: MPa, source: CJJ 58, clause: 3.1.3, confidence: B}}
    - {severity: 1, limit: {value: 2, unit: MPa, source: CJJ 58, confidence: B}}
  inhibits: {rules: [water.low]}
- rule: platform.silent
  title: {zh: 静, en: Silent}
  silent: device
  after: 5 intervals
  severity: 4
- rule: water.query
  title: {zh: 查, en: Query}
  query: |
    SELECT series, value, n
    FROM rule_hour
    WHERE hour = :now
  every: 1h
  at: 20m
  columns: {value: MPa, n: number}
  raise: value > 3 AND n > 2
  severity: 4
- rule: plan.leakage
  title: {zh: 漏, en: Leakage}
  plan: city-2025/leakage_rate
  every: day at 07:00
  raise: actual > path
  severity: 4
"""


def write(root: Path, rules: str, calendars: str = CALENDARS) -> Path:
    (root / "domains/water").mkdir(parents=True)
    (root / "domains/water/rules.yaml").write_text(rules, encoding="utf-8")
    (root / "domains/calendars.yaml").write_text(calendars, encoding="utf-8")
    return root


def problems(root: Path) -> list[str]:
    with pytest.raises(RulesError) as caught:
        load(root, CATALOGUE, PLANS)
    return [str(problem).removeprefix("domains/water/rules.yaml:") for problem in caught.value.problems]


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old!r} is not there exactly once"
    return text.replace(old, new)


def test_the_rules_without_a_mistake(tmp_path: Path) -> None:
    assert list(load(write(tmp_path, RULES), CATALOGUE, PLANS).rules.rules) == [
        "water.low", "water.ladder", "platform.silent", "water.query", "plan.leakage",
    ]  # fmt: skip


CASES = yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["to"].strip())
def test_one_mistake(tmp_path: Path, case: dict[str, Any]) -> None:
    found = problems(write(tmp_path, changed(RULES, case["from"], case["to"])))
    beginnings = [line.removesuffix("...") for line in case["expect"]]
    shown = [
        next((begin + "..." for begin in beginnings if line.startswith(begin) and line != begin), line)
        for line in found
    ]
    assert list(dict.fromkeys(shown)) == case["expect"]


@pytest.mark.parametrize(
    ("calendars", "expected"),
    [
        ("heating: []", ["1:1: heating: expected at least one entry, found an empty list"]),
        ("Heating: {dates: [2026-10-01]}", [
            "1:1: Heating: expected a name of lower-case letters, digits and _, beginning with a letter",
        ]),
        ("site_zone: {dates: [2026-10-01]}", [
            "1:1: site_zone: site_zone hides the column of that name; choose another name",
        ]),
        ("heating: [{from: 10-15}]", [
            "1:11: heating.0.to: the key is missing: expected a day such as 10-15 or 2026-10-15",
        ]),
        ("heating: [{from: 10-15, to: 2027-04-15}]", [
            "1:25: heating.0.to: one end names a year and the other doesn't; give both a year, or neither",
        ]),
        ("heating: [{from: 2026-10-15, to: 2026-04-15}]", [
            "1:30: heating.0.to: expected a day not before 2026-10-15, found 2026-04-15",
        ]),
        ("heating: [{from: 02-30, to: 04-15}]", [
            "1:12: heating.0.from: expected a day such as 10-15 or 2026-10-15, found '02-30'",
        ]),
        ("heating: [{from: 10-15, to: 04-15, region: 150802}]", [
            "1:36: heating.0.region: unknown region 150802; did you mean 150800?",
        ]),
        ("heating: [{from: 10-15, to: 04-15, regoin: 150800}]", [
            "1:36: heating.0.regoin: unknown key; did you mean region?",
        ]),
        ("night: {hours: 25:00-04:00}", [
            "1:9: night.hours: expected hours such as 02:00-04:00, found '25:00-04:00'",
        ]),
        ("night: {hours: 02:00-02:00}", [
            "1:9: night.hours: expected hours that end at another time than they begin, found '02:00-02:00'",
        ]),
        ("night: {hours: 02:00-04:00, dates: [2026-10-01]}", [
            "1:1: night: expected a list of seasons, or one of the keys hours and dates",
        ]),
        ("night: 02:00-04:00", ["1:1: night: expected a mapping, found '02:00-04:00'"]),
    ],
)  # fmt: skip
def test_one_mistake_in_the_calendars(tmp_path: Path, calendars: str, expected: list[str]) -> None:
    rules = "- {rule: water.flow, title: {zh: 流量, en: Flow}, metric: flow, raise: value > 1, severity: 4}\n"
    write(tmp_path, rules, calendars)
    with pytest.raises(RulesError) as caught:
        load(tmp_path, CATALOGUE, PLANS)
    assert [str(p).removeprefix("domains/calendars.yaml:") for p in caught.value.problems] == expected


def test_ill_formed_names_are_no_name_given_twice(tmp_path: Path) -> None:
    text = changed(changed(RULES, "rule: water.ladder", "rule: ladder"), "rule: water.query", "rule: ladder")
    assert [line.split(": ")[1] for line in problems(write(tmp_path, text))] == ["ladder.rule", "ladder.rule"]


def test_a_calendar_that_hides_a_column_is_not_the_fault_of_a_rule(tmp_path: Path) -> None:
    write(tmp_path, RULES, CALENDARS + "value: {dates: [2026-10-01]}\n")
    assert problems(tmp_path) == [
        "domains/calendars.yaml:3:1: value: value hides the column of that name; choose another name"
    ]


def test_all_mistakes_of_all_files_are_listed_at_once(tmp_path: Path) -> None:
    rules = RULES
    for old, new in (
        ("metric: pressure\n", "metric: presure\n"),
        ("clear: value >= limit + 0.02", "clear: value >= limt"),
        ("  severity: 3\n", "  severity: 5\n"),
        ("metric: flow, same", "metric: flo, same"),
        ("after: 5 intervals", "after: later"),
        ("FROM rule_hour", "FROM reading"),
    ):
        rules = changed(rules, old, new)
    write(tmp_path, rules, CALENDARS + "holiday: {dates: [2026-02-30]}\n")
    (tmp_path / "domains/air/rules").mkdir(parents=True)
    (tmp_path / "domains/air/rules/more.yaml").write_text("- {rule: water.low}\n", encoding="utf-8")
    found = problems(tmp_path)
    assert [" ".join(line.split(": ")[:2]) for line in found] == [
        "domains/air/rules/more.yaml:1:3 water.low",
        "domains/air/rules/more.yaml:1:3 water.low",
        "domains/air/rules/more.yaml:1:3 water.low.raise",
        "domains/air/rules/more.yaml:1:3 water.low.title",
        "domains/calendars.yaml:3:19 holiday.dates.0",
        "1:3 water.low.rule",
        "3:3 water.low.metric",
        "7:19 water.low.clear",
        "9:3 water.low.severity",
        "15:19 water.ladder.with.inflow.metric",
        "26:3 platform.silent.after",
        "32:10 water.query.query",
    ]


@pytest.mark.parametrize(
    "text",
    ["", "rule: water.low\n", "- [", "-\n", "- 3\n", "- {rule: [1], metric: {a: b}, ladder: 7, tests: {}}\n",
     "- {rule: {}, ladder: [1, [], {}], limits: {a: 3}, with: [x], inhibits: 3, together: [1]}\n",
     "- {rule: a.b, metric: [], limit: [], tests: [[], 3, {}]}\n"],
)  # fmt: skip
def test_what_is_no_list_of_rules(tmp_path: Path, text: str) -> None:
    assert problems(write(tmp_path, text))


SNIPPETS = [
    "\n",
    "- ",
    ": ",
    "{",
    "[",
    "]",
    "}",
    "'",
    '"',
    "|",
    "0",
    "rule",
    "limit",
    "raise",
    "severity: ",
    "{}",
    "[[]]",
]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_file_loads_or_its_mistakes_are_named(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = RULES
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 30)))
        text = text[:start] + data.draw(st.sampled_from(SNIPPETS)) + text[end:]
    root = write(tmp_path_factory.mktemp("rules"), text)
    try:
        load(root, CATALOGUE, PLANS)
    except RulesError as error:
        for problem in error.problems:
            assert 1 <= problem.line <= text.count("\n") + 2
            assert problem.column >= 1
            assert problem.message
