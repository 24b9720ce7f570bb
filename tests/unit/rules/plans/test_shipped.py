"""The plans that ship say where each number comes from, invent none, and are all explained to readers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from citybrain.catalogue.load import load as load_catalogue
from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT
from rules.plans.load import indicators, load
from rules.plans.measures import LIFELINES, MEASURES
from rules.plans.model import Plan, Point
from rules.plans.schema import FILE
from rules.plans.status import number, target

FILES = sorted((PROJECT / "plans").glob("*.yaml"))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(PROJECT)


@pytest.fixture(scope="module")
def plans(catalogue: Catalogue) -> dict[str, Plan]:
    return load(PROJECT, catalogue)


def test_the_four_documents(plans: dict[str, Plan]) -> None:
    assert {plan.id: (plan.regions, plan.issued) for plan in plans.values()} == {
        "bayannur-2021-2025": (("150800",), None),
        "inner-mongolia-city-quality-2025": (("150000",), "2025-11-27"),
        "inner-mongolia-urbanisation-2021-2035": (("150000",), "2021-11-22"),
        "xincheng-hohhot-2021-2025": (("150102",), "2021-02"),
    }


def test_every_indicator_has_its_clause_and_both_titles(plans: dict[str, Plan]) -> None:
    for indicator in indicators(plans).values():
        assert re.search(r"第.+[章项]|（.+）|专栏", indicator.clause), indicator.id
        assert re.search(r"[\u4e00-\u9fff]", indicator.title.zh), indicator.id
        assert not re.search(r"[\u4e00-\u9fff]", indicator.title.en), indicator.id


def test_where_a_plan_prints_no_number_there_is_none(plans: dict[str, Plan]) -> None:
    for indicator in indicators(plans).values():
        if indicator.target.value is None or indicator.target.year is None:
            assert indicator.target.words, indicator.id


# Copied once more from the documents, not from the files: the numbers that matter most.
PRINTED = {
    "inner-mongolia-city-quality-2025/leakage_rate": (None, Point(9, 2030), "（七）"),
    "inner-mongolia-city-quality-2025/reclaimed_water_rate": (None, Point(50, 2030), "（七）"),
    "bayannur-2021-2025/forest_cover": (Point(8.53, 2020), Point(9, 2025), "第六章 主要指标表第18项"),
    "bayannur-2021-2025/good_air_days": (
        Point(84.1, 2020),
        Point(None, 2025, "as the region requires"),
        "第六章 主要指标表第16项",
    ),
    "inner-mongolia-urbanisation-2021-2035/water_access": (
        Point(99.1, 2020),
        Point(99, None, "no year printed"),
        "第六章第五节",
    ),
    "xincheng-hohhot-2021-2025/forest_cover": (Point(44.3, 2020), Point(44, 2025), "专栏1 第14项"),
}


@pytest.mark.parametrize("id_", PRINTED)
def test_numbers_are_those_of_the_documents(plans: dict[str, Plan], id_: str) -> None:
    indicator = indicators(plans)[id_]
    assert (indicator.baseline, indicator.target, indicator.clause) == PRINTED[id_]


def test_what_the_tables_of_indicators_call_binding(plans: dict[str, Plan]) -> None:
    # 8 of 22 in Bayannur's table; 6 of 15 in Xincheng's, where one has no word.
    for plan, binding, expected in (("bayannur-2021-2025", 8, 14), ("xincheng-hohhot-2021-2025", 6, 8)):
        words = [indicator.binding for indicator in plans[plan].indicators.values()]
        assert (words.count("binding"), words.count("expected")) == (binding, expected)


def test_the_later_document_leads(plans: dict[str, Plan]) -> None:
    assert {i.id: i.superseded_by for i in indicators(plans).values() if i.superseded_by} == {
        "bayannur-2021-2025/reclaimed_water_rate": "inner-mongolia-city-quality-2025/reclaimed_water_rate"
    }


def test_every_measure_is_asked_for(plans: dict[str, Plan]) -> None:
    assert {indicator.measure for indicator in indicators(plans).values()} - {None} == set(MEASURES)


def test_lifelines_are_made_of_kinds_of_sites_that_there_are(catalogue: Catalogue) -> None:
    for kinds in LIFELINES.values():
        for domain, kind in kinds:
            assert kind in catalogue.domains[domain].site_kinds
    listed = [kind for kinds in LIFELINES.values() for kind in kinds]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_editors_find_the_schema_and_accept_the_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    reference = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert reference
    assert (path.parent / reference[1]).resolve() == FILE
    # An editor's parser of YAML 1.2 leaves dates as text; PyYAML's makes them dates.
    tree = yaml.load(text, Loader=yaml.BaseLoader)
    whole = json.loads(FILE.read_text(encoding="utf-8"))
    errors = jsonschema.Draft202012Validator(whole).iter_errors(tree)
    # The base loader leaves numbers as text, too.
    assert [error.message for error in errors if "is not of type" not in error.message] == []


def test_the_document_lists_every_indicator(plans: dict[str, Plan]) -> None:
    document = (PROJECT / "docs" / "plans.md").read_text(encoding="utf-8")
    for indicator in indicators(plans).values():
        start, goal = indicator.baseline or Point(), indicator.target
        year = f" ({start.year})" if start.year is not None else ""
        cells = (
            f"`{indicator.name}`",
            indicator.title.zh,
            indicator.unit,
            (number(start.value) if start.value is not None else start.words or "") + year,
            target(indicator) + (f", {goal.words}" if goal.value is not None and goal.words else ""),
            indicator.binding.replace("_", " "),
            indicator.clause,
            indicator.measure or "by entry",
        )
        assert f"| {' | '.join(cells)} |".replace("|  (", "| (") in document, f"{indicator.id} is not in docs/plans.md"
