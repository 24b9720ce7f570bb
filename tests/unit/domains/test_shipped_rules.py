"""The rules that ship: complete, in both languages, tested, and each number with its true origin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from citybrain.catalogue.load import load as load_catalogue
from citybrain.settings import PROJECT
from rules.grammar.load import Checked, load
from rules.model import LimitEntry, Rule
from rules.plans.load import indicators
from rules.plans.load import load as load_plans
from rules.testing import report
from rules.testing.coverage import gaps
from rules.testing.engine import engine
from rules.testing.run import run

CHINESE = re.compile(r"[\u4e00-\u9fff]")

# What standards and authorities say, apart from the rule files: rule, limit, number, unit, confidence, first day.
STATED = {
    ("air.aqi", "limit", 100, "AQI", "A", None),
    ("air.aqi", "limit", 150, "AQI", "A", None),
    ("air.aqi", "limit", 200, "AQI", "A", None),
    ("air.aqi", "limit", 300, "AQI", "A", None),
    *(
        ("air.class2_day", "limit", value, "ug/m3", "A", start)
        for metric in ((75, 60, 50), (150, 120, 100), (150, 150, 50), (80, 80, 50))
        for value, start in zip(metric, ("2016-01-01", "2026-03-01", "2031-01-01"), strict=True)
    ),
    ("air.class2_day_co", "limit", 4, "mg/m3", "A", "2016-01-01"),
    ("air.class2_day_co", "limit", 4, "mg/m3", "A", "2026-03-01"),
    ("air.class2_8h_o3", "limit", 160, "ug/m3", "A", "2016-01-01"),
    ("air.class2_8h_o3", "limit", 160, "ug/m3", "A", "2026-03-01"),
    ("air.class2_hour", "limit", 500, "ug/m3", "A", "2016-01-01"),
    ("air.class2_hour", "limit", 500, "ug/m3", "A", "2026-03-01"),
    ("air.class2_hour", "limit", 150, "ug/m3", "A", "2031-01-01"),
    ("air.class2_hour", "limit", 200, "ug/m3", "A", "2016-01-01"),
    ("air.class2_hour", "limit", 200, "ug/m3", "A", "2026-03-01"),
    ("air.class2_hour_co", "limit", 10, "mg/m3", "A", "2016-01-01"),
    ("air.class2_hour_co", "limit", 10, "mg/m3", "A", "2026-03-01"),
    ("air.heavy_pollution", "polluted", 150, "AQI", "A-", None),
    ("air.heavy_pollution", "heavy", 200, "AQI", "A-", None),
    ("air.heavy_pollution", "severe", 300, "AQI", "A-", None),
    ("water.end_pressure", "limit", 0.14, "MPa", "B", None),
    ("water.leakage", "limit", 10, "%", "A", None),
    ("water.leakage", "limit", 12, "%", "A", None),
    ("water.turbidity", "limit", 1, "NTU", "C", "2023-04-01"),
    ("water.free_chlorine", "low", 0.3, "mg/L", "C", "2023-04-01"),
    ("water.free_chlorine", "low", 0.05, "mg/L", "C", "2023-04-01"),
    ("water.free_chlorine", "high", 2, "mg/L", "C", "2023-04-01"),
    ("water.ph", "low", 6.5, "pH", "C", "2023-04-01"),
    ("water.ph", "high", 8.5, "pH", "C", "2023-04-01"),
    ("heating.indoor_low", "limit", 18, "degC", "B-", None),
    ("sentinel.gallery_methane", "limit", 20, "%LEL", "A", None),
    ("sentinel.gallery_methane", "limit", 25, "%LEL", "B", None),
    ("sentinel.oxygen", "low", 19.5, "%VOL", "B", None),
    ("sentinel.oxygen", "high", 23.5, "%VOL", "B", None),
    ("sentinel.oxygen", "low", 18, "%VOL", "A", None),
    ("sentinel.oxygen", "high", 22, "%VOL", "A", None),
    ("sentinel.h2s", "limit", 10, "mg/m3", "B", None),
    ("sentinel.ponding", "limit", 15, "cm", "A", None),
}


@pytest.fixture(scope="module")
def checked() -> Checked:
    catalogue = load_catalogue(PROJECT)
    plans = indicators(load_plans(PROJECT, catalogue))
    return load(PROJECT, catalogue, {name: indicator.unit for name, indicator in plans.items()})


def limits(checked: Checked) -> Iterator[tuple[Rule, str, LimitEntry]]:
    for rule in checked.rules.rules.values():
        for step in rule.steps:
            yield from ((rule, name, entry) for name, limit in step.limits.items() for entry in limit)


def test_nothing_in_them_is_doubtful(checked: Checked) -> None:
    assert checked.warnings == ()


def test_every_domain_has_rules(checked: Checked) -> None:
    assert {rule.domain for rule in checked.rules.rules.values()} == {
        *checked.rules.vocabulary.domains,
        "platform",
        "plan",
    }


def test_an_operator_reads_what_happened_and_what_to_do_in_both_languages(checked: Checked) -> None:
    for rule in checked.rules.rules.values():
        assert rule.advice is not None, f"{rule.name} has no advice"
        for text in (rule.title, rule.advice):
            assert CHINESE.search(text.zh), f"{rule.name}: {text.zh}"
            assert not CHINESE.search(text.en), f"{rule.name}: {text.en}"
        assert len(rule.title.zh) <= 25, f"{rule.name}: {rule.title.zh} does not fit a line of the board"


def test_what_a_standard_or_an_authority_states_is_as_it_states_it(checked: Checked) -> None:
    stated = {
        (rule.name, name, entry.value, entry.unit, entry.confidence, entry.start.isoformat() if entry.start else None)
        for rule, name, entry in limits(checked)
        if entry.confidence is not None and entry.confidence != "S"
    }
    assert stated == STATED


def test_all_other_numbers_are_called_the_platforms_own(checked: Checked) -> None:
    for rule, name, entry in limits(checked):
        if entry.attribute is None and entry.confidence == "S":
            assert entry.source == "platform default", f"{rule.name}.{name}: {entry.source}"


def test_a_limit_of_a_superseded_standard_ends_the_day_before_its_successor(checked: Checked) -> None:
    old = [entry for _, _, entry in limits(checked) if entry.source == "GB 3095-2012"]
    assert old
    assert {entry.end for entry in old} == {date(2026, 2, 28)}


def test_every_inline_test_holds_and_nothing_is_left_untested(checked: Checked) -> None:
    city = engine(ZoneInfo("Asia/Shanghai"))
    for rule in checked.rules.rules.values():
        results = [run(rule, checked.rules, test, city) for test in report.tests_of(rule)]
        for result in results:
            assert result.passed, f"{rule.name}, {result.name}: {result.mistake or result.told(result.fired)}"
        assert gaps(rule, checked.rules, results, city) == [], rule.name
