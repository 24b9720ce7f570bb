"""Plans are read as a whole; every mistake is reported with its place."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from citybrain.catalogue.load import load as load_catalogue
from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT
from rules.plans.load import PlanError, indicators, load
from rules.plans.model import Plan, Point
from rules.plans.schema import FILE, published

PLAN = """\
title: {zh: 规划, en: Plan}
issuer: {zh: 政府, en: Government}
issued: 2025-11
regions: [150800]
indicators:
  leakage_rate:
    title: {zh: 漏损率, en: Leakage rate}
    unit: "%"
    direction: at_most
    baseline: {value: 12, year: 2025}
    target: {value: 9, year: 2030}
    binding: binding
    clause: 七
    scope: each
    measure: leakage_rate
"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(PROJECT)


def write(root: Path, **files: str) -> Path:
    (root / "plans").mkdir()
    for name, text in files.items():
        (root / "plans" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return root


def mistakes(root: Path, catalogue: Catalogue, **files: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        load(write(root, **files), catalogue)
    return str(caught.value).splitlines()


def test_a_plan_is_what_its_file_says(tmp_path: Path, catalogue: Catalogue) -> None:
    plan = load(write(tmp_path, water=PLAN), catalogue)["water"]
    assert (plan.title.en, plan.issued, plan.regions) == ("Plan", "2025-11", ("150800",))
    leakage = plan.indicators["leakage_rate"]
    assert leakage.id == "water/leakage_rate"
    assert (leakage.baseline, leakage.target) == (Point(12, 2025), Point(9, 2030))
    assert leakage.regions == ("150800",)
    assert "150802" in leakage.within
    assert "150102" not in leakage.within


def test_a_target_of_the_whole_is_judged_in_the_plans_regions_alone(tmp_path: Path, catalogue: Catalogue) -> None:
    plan = load(write(tmp_path, water=PLAN.replace("scope: each", "scope: whole")), catalogue)["water"]
    assert plan.indicators["leakage_rate"].within == ()


def test_no_plans_are_no_mistake(tmp_path: Path, catalogue: Catalogue) -> None:
    assert load(tmp_path, catalogue) == {}


def test_every_mistake_is_reported_with_its_place_and_a_hint(tmp_path: Path, catalogue: Catalogue) -> None:
    wrong = (
        PLAN.replace("regions: [150800]", "regions: [15080]")
        .replace("at_most", "below")
        .replace("measure: leakage_rate", "measure: leakage")
        .replace("clause: 七", "claus: 七")
        .replace("{value: 9, year: 2030}", "{value: nine, year: 2030}")
    )
    assert mistakes(tmp_path, catalogue, a=wrong, b=PLAN.replace("issued: 2025-11", "issued: 2025-13")) == [
        "plans/a.yaml:4:11: regions.0: unknown region 15080; did you mean 150802?",
        "plans/a.yaml:6:3: indicators.leakage_rate.clause: the key is missing: Where the plan says it: chapter and "
        "section, box, clause or number of its table.",
        "plans/a.yaml:9:5: indicators.leakage_rate.direction: expected 'at_most', 'at_least' or 'about', found 'below'",
        "plans/a.yaml:11:14: indicators.leakage_rate.target.value: expected a number, found 'nine'",
        "plans/a.yaml:13:5: indicators.leakage_rate.claus: unknown key; did you mean clause?",
        "plans/a.yaml:15:5: indicators.leakage_rate.measure: unknown measure leakage; did you mean leakage_rate?",
        "plans/b.yaml:3:1: issued: expected a year, a month or a day, such as 2021, 2021-11 or 2021-11-22, "
        "found '2025-13'",
    ]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("{value: 9, year: 2030}", "{}", "expected a value, a year, or the words that stand instead of them"),
        ("{value: 9, year: 2030}", "{value: .inf, year: 2030}", "expected a number, found '.inf'"),
        ("{value: 9, year: 2030}", "{value: 9, year: 2025}", "expected a year after the baseline's, which is 2025"),
        ("scope: each", "kind: cumulative", "a cumulative starts at 0; expected the baseline's year alone"),
        ("    baseline: {value: 12, year: 2025}\n", "    kind: cumulative\n", "expected the baseline's year"),
        ('unit: "%"', "unit: 万人", "expected a unit such as"),
        ("scope: each", "margin: -1", "expected at least 0"),
    ],
)
def test_points_that_mean_nothing(tmp_path: Path, catalogue: Catalogue, before: str, after: str, message: str) -> None:
    assert before in PLAN
    found = mistakes(tmp_path, catalogue, a=PLAN.replace(before, after))
    assert len(found) == 1
    assert message in found[0]


OLDER = PLAN.replace("2025-11", "2021-11") + "    superseded_by: newer/leakage_rate\n"


def test_a_later_document_leads(tmp_path: Path, catalogue: Catalogue) -> None:
    plans = load(write(tmp_path, older=OLDER, newer=PLAN), catalogue)
    assert indicators(plans)["older/leakage_rate"].superseded_by == "newer/leakage_rate"


@pytest.mark.parametrize(
    ("newer", "message"),
    [
        (PLAN.replace("  leakage_rate:", "  leakage_rates:"), "did you mean newer/leakage_rates?"),
        (PLAN.replace("2025-11", "2020-11"), "the later document leads: newer is of 2020-11, this one of 2021-11"),
        (PLAN.replace("150800", "150100"), "newer/leakage_rate does not bind region 150800"),
        (PLAN.replace('"%"', "m3"), "expected an indicator in %; newer/leakage_rate is in m3"),
        (PLAN + "    superseded_by: newer/leakage_rate\n", "newer/leakage_rate is superseded itself"),
    ],
)
def test_what_can_not_lead(tmp_path: Path, catalogue: Catalogue, newer: str, message: str) -> None:
    assert any(
        line.startswith("plans/older.yaml:16:5: indicators.leakage_rate.superseded_by:") and message in line
        for line in mistakes(tmp_path, catalogue, older=OLDER, newer=newer)
    )


def test_the_published_schema_is_up_to_date_and_says_what_the_loader_checks() -> None:
    assert FILE.read_text(encoding="utf-8") == published(), "run python -m rules.plans.schema"
    schema = json.loads(published())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(yaml.safe_load(PLAN))
    assert not validator.is_valid(yaml.safe_load(PLAN.replace("at_most", "below")))
    assert not validator.is_valid(yaml.safe_load(PLAN.replace("measure: leakage_rate", "measure: leak")))


def test_a_plan_knows_its_indicators_by_plan_and_name(tmp_path: Path, catalogue: Catalogue) -> None:
    plans: dict[str, Plan] = load(write(tmp_path, b=PLAN, a=PLAN), catalogue)
    assert list(indicators(plans)) == ["a/leakage_rate", "b/leakage_rate"]
