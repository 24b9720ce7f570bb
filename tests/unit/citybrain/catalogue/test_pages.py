"""Pages of domains: what a file may say, how its mistakes are named, and what a domain without one has."""

from __future__ import annotations

from pathlib import Path

import pytest

from citybrain.catalogue.errors import CatalogueError
from citybrain.catalogue.load import load
from citybrain.catalogue.pages import Column, Page, Tiles

REGIONS = "regions:\n  '1':\n    title: {zh: 市, en: City}\n    level: city\n"
DOMAIN = """\
title: {zh: 路灯, en: Street lighting}
site_kinds:
  cabinet: {zh: 控制柜, en: Control cabinet}
site_attributes:
  street: {title: {zh: 街道, en: Street}}
metrics:
  current: {title: {zh: 电流, en: Current}, unit: A, interval: 5m, source: platform default (S)}
  door: {title: {zh: 柜门, en: Door}, kind: boolean, reports: change, source: platform default (S)}
  mode:
    title: {zh: 模式, en: Mode}
    kind: state
    reports: change
    states:
      auto: {code: 0, title: {zh: 自动, en: Automatic}}
      manual: {code: 1, title: {zh: 手动, en: Manual}}
    source: platform default (S)
"""
PAGE = """\
vital: {metric: current, across: sum}
panels:
  numbers:
    title: {zh: 概况, en: Summary}
    vitals: [{metric: current}, {metric: current, keeps: {rule: lighting.current, severity: 2}}]
  cabinets:
    title: {zh: 控制柜, en: Cabinets}
    table:
      kinds: [cabinet]
      gather: street
      order: {metric: current, worst: low}
      columns:
        - {metric: current, show: days, days: 14}
        - {metric: door}
  modes:
    title: {zh: 模式, en: Modes}
    states: {metric: mode, normal: [auto]}
"""


def catalogue(root: Path, page: str | None, domain: str = DOMAIN) -> Path:
    files = {"regions/r.yaml": REGIONS, "domains/lighting/domain.yaml": domain}
    if page is not None:
        files["domains/lighting/page.yaml"] = page
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def page(root: Path, text: str | None) -> Page:
    return load(catalogue(root, text)).pages["lighting"]


def mistakes(root: Path, *changes: tuple[str, str]) -> list[str]:
    """What is said of the page with texts in it replaced."""
    text = PAGE
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is not there exactly once"
        text = text.replace(old, new)
    with pytest.raises(CatalogueError) as caught:
        load(catalogue(root, text))
    return str(caught.value).splitlines()


def test_a_page_is_read(tmp_path: Path) -> None:
    found = page(tmp_path, PAGE)

    assert [(id, panel.kind) for id, panel in found.panels.items()] == [
        ("numbers", "vitals"),
        ("cabinets", "table"),
        ("modes", "states"),
    ]
    table = found.panels["cabinets"].table
    assert table is not None
    assert table.columns[0] == Column(metric="current", show="days", days=14)
    assert (table.gather, table.most) == ("street", 50)


def test_a_domain_without_a_page_has_one_of_its_metrics_and_sites(tmp_path: Path) -> None:
    found = page(tmp_path, None)

    assert found.vital.metric == "current"
    assert [panel.kind for panel in found.panels.values()] == ["vitals", "table"]
    table = found.panels["sites"].table
    assert table is not None
    assert [column.metric for column in table.columns] == ["current", "door", "mode"]


def test_a_domain_without_numbers_has_a_page_too(tmp_path: Path) -> None:
    without = "\n".join(line for line in DOMAIN.splitlines() if "  current:" not in line)
    found = load(catalogue(tmp_path, None, without)).pages["lighting"]

    assert found.vital.metric == "door"


def test_tiles_are_a_table_with_a_trend() -> None:
    table = Tiles(metric="aqi", also=["pm25"], worst="high").table()

    assert [(column.metric, column.show) for column in table.columns] == [("aqi", "trend"), ("pm25", "value")]


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        (
            "{metric: current, across: sum}",
            "{metric: curent}",
            "1:9: vital.metric",
            "unknown metric curent; did you mean current?",
        ),
        (
            "kinds: [cabinet]",
            "kinds: [cabinett]",
            "9:15: panels.cabinets.table.kinds.0",
            "unknown kind of site cabinett; did you mean cabinet?",
        ),
        (
            "gather: street",
            "gather: strasse",
            "10:7: panels.cabinets.table.gather",
            "unknown attribute of sites strasse; did you mean street?",
        ),
        (
            "- {metric: door}",
            "- {metric: door, shown: bar}",
            "14:26: panels.cabinets.table.columns.1.shown",
            "unknown key; did you mean show?",
        ),
        (
            "normal: [auto]",
            "normal: [automatic]",
            "17:37: panels.modes.states.normal.0",
            "unknown state automatic of mode; did you mean auto?",
        ),
        (
            "states: {metric: mode, normal: [auto]}",
            "states: {metric: current}",
            "17:14: panels.modes.states.metric",
            "expected a boolean or a state; current is of the kind number",
        ),
        (
            "states: {metric: mode, normal: [auto]}",
            "states: {normal: [auto]}",
            "17:14: panels.modes.states.normal",
            "without a metric alerts and silence are counted; remove normal",
        ),
        (
            "states: {metric: mode, normal: [auto]}",
            "tiles: {metric: mode}",
            "17:13: panels.modes.tiles.metric",
            "mode is no number and can't be drawn; its kind is state",
        ),
        (
            "across: sum}",
            "keeps: {rule: lighting.current}}",
            "1:1: vital",
            "a share has no course, so it can't be the vital sign; put it in beside",
        ),
        (
            "across: sum}",
            "kinds: [cabinet]}",
            "1:1: vital",
            "the course of a mean or a sum is that of all sites: remove kinds, or say across: low",
        ),
        (
            "rule: lighting.current",
            "rule: current",
            "5:59: panels.numbers.vitals.1.keeps.rule",
            "expected the name of a rule such as water.end_pressure, found 'current'",
        ),
        ("days: 14", "days: 3", "13:41: panels.cabinets.table.columns.0.days", "expected at least 7, found 3"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, where: str, what: str) -> None:
    assert mistakes(tmp_path, (old, new)) == [f"domains/lighting/page.yaml:{where}: {what}"]


def test_the_order_is_by_a_metric_that_is_shown(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, ("order: {metric: current, worst: low}", "order: {metric: mode}"))

    assert found.endswith("table.order: mode is the metric of no column; expected one of current, door")


@pytest.mark.parametrize("panel", ["", "table: {columns: [{metric: door}]}\n    map: {}"])
def test_a_panel_is_of_exactly_one_kind(tmp_path: Path, panel: str) -> None:
    (found,) = mistakes(tmp_path, ("states: {metric: mode, normal: [auto]}", panel))

    assert "panels.modes: expected exactly one of vitals, table, curve, series, tiles, states, map; found " in found
    assert found.endswith("found table and map" if panel else "found none")


def test_a_page_of_no_domain_is_a_mistake(tmp_path: Path) -> None:
    root = catalogue(tmp_path, PAGE)
    (root / "domains/other").mkdir()
    (root / "domains/other/page.yaml").write_text(PAGE, encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"domains/other/page.yaml:1:1: there is no domain.yaml beside it"):
        load(root)
