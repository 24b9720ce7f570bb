"""A catalogue that is right loads; each kind of mistake is named with its file, line, column and field."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citybrain.catalogue.errors import CatalogueError
from citybrain.catalogue.load import load
from citybrain.catalogue.model import Catalogue, Derivation, Device, Metric, Region, Site, SiteAttribute, Text

REGIONS = """\
regions:
  150802:
    title: {zh: 临河区, en: Linhe District}
    level: county
    parent: 150800
  150800:
    title: {zh: 巴彦淖尔市, en: Bayannur}
    level: city
"""
WATER = """\
title: {zh: 供水, en: Water}
site_kinds:
  pump_house: {zh: 泵房, en: Pump house}
metrics:
  pressure:
    title: {zh: 压力, en: Pressure}
    unit: MPa
    low: 0
    high: 2.5
    max_step: 0.5
    interval: 1m
    stuck_after: 1h30m
    source: platform default (S)
  door:
    title: {zh: 门, en: Door}
    kind: state
    reports: change
    states:
      closed: {code: 0, title: {zh: 关, en: Closed}}
      open: {code: 1, title: {zh: 开, en: Open}}
    source: platform default (S)
  faults:
    title: {zh: 故障, en: Faults}
    kind: flags
    interval: 1h
    derived: true
    revises: true
    states:
      power: {code: 1, title: {zh: 电, en: Power}}
      water: {code: 2, title: {zh: 水, en: Water}}
    source: platform default (S)
derivations:
  - function: air_quality
    inputs: [pressure, door]
site_attributes:
  zone: {title: {zh: 分区, en: Zone}}
  length: {title: {zh: 管长, en: Length}, kind: number, unit: km}
  manned: {title: {zh: 有人值守, en: Manned}, kind: boolean}
  phone: {title: {zh: 电话, en: Telephone}}
"""
SITES = """\
sites:
  ph-1:
    title: {zh: 一号泵房, en: Pump house 1}
    region: 150802
    domain: water
    kind: pump_house
    longitude: 107.4
    latitude: 40.7
    attributes: {zone: 3, length: "3", manned: false, phone: 0478}
    devices:
      gw-1: {}
      p-1: {gateway: gw-1}
"""
FILES = {"regions/r.yaml": REGIONS, "domains/water/domain.yaml": WATER, "sites/s.yaml": SITES}


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def problems(root: Path, files: dict[str, str | bytes]) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        load(write(root, files))
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
    return [str(problem) for problem in caught.value.problems]


def changed(file: str, *changes: tuple[str, str]) -> dict[str, str | bytes]:
    """The right catalogue with texts in one of its files replaced."""
    text = FILES[file]
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is not there exactly once"
        text = text.replace(old, new)
    return {**FILES, file: text}


def test_everything_a_catalogue_can_hold(tmp_path: Path) -> None:
    catalogue = load(write(tmp_path, {**FILES}))
    assert catalogue.regions["150802"] == Region("150802", Text("临河区", "Linhe District"), "county", "150800")
    water = catalogue.domains["water"]
    assert water.title == Text("供水", "Water")
    assert water.site_kinds == {"pump_house": Text("泵房", "Pump house")}
    assert water.metrics["pressure"] == Metric(
        "water",
        "pressure",
        Text("压力", "Pressure"),
        unit="MPa",
        low=0,
        high=2.5,
        max_step=0.5,
        stuck_after=timedelta(hours=1, minutes=30),
        interval=timedelta(minutes=1),
        source="platform default (S)",
    )
    door = water.metrics["door"]
    assert (door.kind, door.reports, door.interval, door.states) == (
        "state",
        "change",
        None,
        {"closed": 0, "open": 1},
    )
    assert door.state_titles["open"] == Text("开", "Open")
    assert (water.metrics["faults"].derived, water.metrics["faults"].revises) == (True, True)
    assert water.site_attributes == {
        "zone": SiteAttribute(Text("分区", "Zone")),
        "length": SiteAttribute(Text("管长", "Length"), "number", "km"),
        "manned": SiteAttribute(Text("有人值守", "Manned"), "boolean"),
        "phone": SiteAttribute(Text("电话", "Telephone")),
    }
    assert water.derivations == (Derivation("water", "air_quality", ("pressure", "door")),)
    attributes: dict[str, str | float | bool] = {
        "zone": "3",
        "length": 3.0,
        "manned": False,
        "phone": "0478",
    }
    assert catalogue.sites == {
        "ph-1": Site("ph-1", Text("一号泵房", "Pump house 1"), "150802", "water", "pump_house", 107.4, 40.7, attributes)
    }
    assert catalogue.sites["ph-1"].attributes["manned"] is False
    assert catalogue.devices == {
        ("150802", "water", "gw-1"): Device("gw-1", "150802", "water", "ph-1"),
        ("150802", "water", "p-1"): Device("p-1", "150802", "water", "ph-1", "gw-1"),
    }


def test_parents_come_before_their_children(tmp_path: Path) -> None:
    assert list(load(write(tmp_path, {**FILES})).regions) == ["150800", "150802"]


def test_sites_are_optional_and_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    files = {**FILES, "regions/r.yaml": "\ufeff" + REGIONS}
    del files["sites/s.yaml"]
    assert load(write(tmp_path, {**files})).sites == {}


R, D, S = "regions/r.yaml", "domains/water/domain.yaml", "sites/s.yaml"
DURATIONS = "expected a duration such as 30s, 5m, 1h30m or 7d, found"


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        # Keys.
        (D, "    unit: MPa", "    unti: MPa", [
            "5:3: metrics.pressure.unit: the key is missing: a number needs a unit, such as MPa, "
            "or pH where it is a pure number",
            "7:5: metrics.pressure.unti: unknown key; did you mean unit?",
        ]),
        (D, "    unit: MPa\n", "    unit: MPa\n    colour: red\n", [
            "8:5: metrics.pressure.colour: "
            "unknown key; expected one of title, kind, unit, low, high, max_step, "
            "reports, interval, stuck_after, revises, derived, states, source",
        ]),
        (D, "    title: {zh: 压力, en: Pressure}\n", "", [
            "5:3: metrics.pressure.title: the key is missing: The metric's name in both languages.",
        ]),
        (D, "    unit: MPa\n", "    unit: MPa\n    unit: kPa\n", [
            "8:5: metrics.pressure.unit: the key is given twice; the first is on line 7",
        ]),
        (D, "  pressure:\n", "  Pressure:\n", [
            "5:3: metrics.Pressure: "
            "expected a name of lower-case letters, digits and _, beginning with a letter, "
            "found 'Pressure'",
            "34:14: derivations.0.inputs.0: unknown metric pressure; did you mean Pressure?",
        ]),
        (S, "p-1: {gateway", "p/1: {gateway", [
            "12:7: sites.ph-1.devices.p/1: expected up to 64 letters, digits, _, . and -, "
            "beginning with a letter or digit, found 'p/1'",
        ]),
        # Values.
        (D, "low: 0\n", "low: none\n", ["8:5: metrics.pressure.low: expected a number, found 'none'"]),
        (D, "low: 0\n", "low:\n", ["8:5: metrics.pressure.low: expected a number, found nothing"]),
        (D, "low: 0\n", "low: -inf\n", ["8:5: metrics.pressure.low: expected a finite number, found '-inf'"]),
        (D, "low: 0\n", "low: [0]\n", ["8:5: metrics.pressure.low: expected a number, found a list"]),
        (D, "unit: MPa", "unit: 3", [
            "7:5: metrics.pressure.unit: expected a unit such as MPa, m3/h, ug/m3 or %LEL, found '3'",
        ]),
        (D, "unit: MPa", "unit: {a: b}", ["7:5: metrics.pressure.unit: expected text, found a mapping"]),
        (D, "kind: state", "kind: enum", [
            "16:5: metrics.door.kind: expected 'number', 'boolean', 'state' or 'flags', found 'enum'",
        ]),
        (D, "derived: true", "derived: yes", [
            "26:5: metrics.faults.derived: expected true or false, found 'yes'",
        ]),
        (D, "interval: 1m", "interval: 16:00", [f"11:5: metrics.pressure.interval: {DURATIONS} '16:00'"]),
        (D, "interval: 1m", "interval: 30m1h", [f"11:5: metrics.pressure.interval: {DURATIONS} '30m1h'"]),
        (D, "interval: 1m", "interval: 60", [f"11:5: metrics.pressure.interval: {DURATIONS} '60'"]),
        (D, "interval: 1m", "interval: 0s", [
            "11:5: metrics.pressure.interval: expected a duration from 1s to 366d, found '0s'",
        ]),
        (D, "stuck_after: 1h30m", "stuck_after: 9999d", [
            "12:5: metrics.pressure.stuck_after: expected a duration from 1s to 366d, found '9999d'",
        ]),
        (D, "{zh: 压力, en: Pressure}", "压力", [
            "6:5: metrics.pressure.title: expected a mapping, found '压力'",
        ]),
        (D, "{zh: 压力, en: Pressure}", "{zh: ' ', en: Pressure}", [
            "6:13: metrics.pressure.title.zh: expected text, found nothing",
        ]),
        (D, "inputs: [pressure, door]", "inputs: []", [
            "34:5: derivations.0.inputs: expected at least one entry, found an empty list",
        ]),
        (D, "inputs: [pressure, door]", "inputs: pressure", [
            "34:5: derivations.0.inputs: expected a list, found 'pressure'",
        ]),
        (S, "longitude: 107.4", "longitude: 1074", [
            "7:5: sites.ph-1.longitude: expected at most 180, found 1074",
        ]),
        (S, "latitude: 40.7", "latitude: -91", [
            "8:5: sites.ph-1.latitude: expected at least -90, found -91",
        ]),
        (S, "zone: 3", "zone: [3]", [
            "9:18: sites.ph-1.attributes.zone: expected text, found a list",
        ]),
        (S, "zone: 3", "zon: 3", ["9:18: sites.ph-1.attributes.zon: unknown attribute zon; did you mean zone?"]),
        (S, "zone: 3", "colour: red", [
            "9:18: sites.ph-1.attributes.colour: "
            "unknown attribute colour; declare it under site_attributes in domains/water/domain.yaml",
        ]),
        (S, 'length: "3"', "length: 3 km", [
            "9:27: sites.ph-1.attributes.length: expected a number, found '3 km'",
        ]),
        (S, 'length: "3"', "length: nan", ["9:27: sites.ph-1.attributes.length: expected a number, found 'nan'"]),
        (S, "manned: false", "manned: no", [
            "9:40: sites.ph-1.attributes.manned: expected true or false, found 'no'",
        ]),
        (D, "en: Zone}", "en: Zone}, unit: m", [
            "36:37: site_attributes.zone.unit: only a number has this key, and the kind is text; remove the key",
        ]),
        # Plausibility.
        (D, "high: 2.5", "high: 0", [
            "9:5: metrics.pressure.high: expected more than low, which is 0, found 0",
        ]),
        (D, "max_step: 0.5", "max_step: 0", [
            "10:5: metrics.pressure.max_step: expected more than 0, found 0",
        ]),
        (D, "max_step: 0.5", "max_step: 3", [
            "10:5: metrics.pressure.max_step: expected at most high - low, which is 2.5, found 3",
        ]),
        (D, "stuck_after: 1h30m", "stuck_after: 60s", [
            "12:5: metrics.pressure.stuck_after: expected more than the interval: "
            "two readings are needed to be equal",
        ]),
        (D, "    interval: 1m\n", "", [
            "5:3: metrics.pressure.interval: the key is missing: "
            "expected a duration such as 5m, or `reports: change`",
        ]),
        (D, "    interval: 1m\n", "    reports: change\n", [
            "12:5: metrics.pressure.stuck_after: "
            "a metric that reports on change may keep its value; remove the key",
        ]),
        (D, "    reports: change\n", "    reports: change\n    low: 0\n", [
            "18:5: metrics.door.low: only a number has this key, and the kind is state; remove the key",
        ]),
        (D, "kind: state", "kind: boolean", [
            "18:5: metrics.door.states: "
            "only state and flags have this key, and the kind is boolean; remove the key",
        ]),
        (D, "    unit: MPa\n", "    kind: state\n", [
            "5:3: metrics.pressure.states: the key is missing: the kind state needs its codes",
            *(
                f"{line}:5: metrics.pressure.{key}: "
                f"only a number has this key, and the kind is state; remove the key"
                for line, key in ((8, "low"), (9, "high"), (10, "max_step"), (12, "stuck_after"))
            ),
        ]),
        (D, "{code: 1, title: {zh: 开", "{code: 0, title: {zh: 开", [
            "20:14: metrics.door.states.open.code: closed has the code 0 already",
        ]),
        (D, "{code: 2", "{code: 3", [
            "30:15: metrics.faults.states.water.code: expected a power of two, found 3",
        ]),
        (D, "{code: 2", "{code: 1.5", [
            "30:15: metrics.faults.states.water.code: expected a whole number, found '1.5'",
        ]),
        # References.
        (R, "parent: 150800", "parent: 1508000", [
            "5:5: regions.150802.parent: unknown region 1508000; did you mean 150800?",
        ]),
        (S, "region: 150802", "region: 150804", [
            "4:5: sites.ph-1.region: unknown region 150804; did you mean 150802?",
        ]),
        (S, "domain: water", "domain: watr", [
            "5:5: sites.ph-1.domain: unknown domain watr; did you mean water?",
        ]),
        (S, "kind: pump_house", "kind: pumphouse", [
            "6:5: sites.ph-1.kind: unknown kind of a water site pumphouse; did you mean pump_house?",
        ]),
        (S, "gateway: gw-1", "gateway: gw-2", [
            "12:13: sites.ph-1.devices.p-1.gateway: unknown device of 150802/water gw-2; did you mean gw-1?",
        ]),
        (S, "gw-1: {}", "gw-1: {gateway: p-1}", [
            "11:14: sites.ph-1.devices.gw-1.gateway: p-1 hangs on a gateway itself; expected a gateway",
            "12:13: sites.ph-1.devices.p-1.gateway: gw-1 hangs on a gateway itself; expected a gateway",
        ]),
        (D, "function: air_quality", "function: air_qualify", [
            "33:5: derivations.0.function: unknown function air_qualify; did you mean air_quality?",
        ]),
        (D, "[pressure, door]", "[presure]", [
            "34:14: derivations.0.inputs.0: unknown metric presure; did you mean pressure?",
        ]),
        # The tree of regions.
        (R, "    level: city\n", "    level: city\n    parent: 150802\n", [
            "5:5: regions.150802.parent: the region is inside itself: 150802 > 150800 > 150802",
            "9:5: regions.150800.parent: the region is inside itself: 150800 > 150802 > 150800",
        ]),
        (R, "parent: 150800", "parent: 150802", [
            "5:5: regions.150802.parent: the region is inside itself: 150802 > 150802",
        ]),
        (R, "level: city", "level: county", [
            "5:5: regions.150802.parent: a county can't lie in a county, and 150800 is one",
        ]),
        # What is no mapping, or no YAML.
        (D, WATER, "", ["1:1: the file is empty; expected a mapping"]),
        (D, WATER, "# later\n", ["1:1: the file is empty; expected a mapping"]),
        (D, WATER, "- title\n", ["1:1: expected a mapping, found a list"]),
        (D, WATER, "title", ["1:1: expected a mapping, found the text 'title'"]),
        (D, "unit: MPa", "unit: \x07", ["7:11: character U+0007 is not allowed in YAML"]),
        (D, "derivations:\n", "--- \nderivations:\n", [
            "32:1: a second document begins here; expected one a file",
        ]),
        (D, "title: {zh: 供水, en: Water}", "title: &t {zh: 供水, en: Water}", [
            "1:8: anchors and aliases (& and *) are not used here; write the value out",
        ]),
        (D, "title: {zh: 供水, en: Water}", "? [a]\n: b", ["1:3: expected a plain text as key"]),
        (D, "[pressure, door]", "[" * 20 + "]" * 20, ["34:27: nested more than 16 levels deep"]),
    ],
)  # fmt: skip
def test_one_mistake(tmp_path: Path, file: str, old: str, new: str, expected: list[str]) -> None:
    assert problems(tmp_path, changed(file, (old, new))) == [f"{file}:{line}" for line in expected]


def test_the_line_of_a_syntax_error(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, changed(D, ("{zh: 压力, en: Pressure}", "{zh: 压力, en: Pressure")))
    assert problem.startswith(f"{D}:7:")
    assert "not valid YAML" in problem


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    text = WATER.encode().replace("压力".encode(), "压力".encode("gb18030"))
    assert problems(tmp_path, {**FILES, D: text}) == [f"{D}:6:18: byte 0xc1 is not UTF-8; save the file as UTF-8"]


def test_a_file_that_is_a_folder(tmp_path: Path) -> None:
    write(tmp_path, {**FILES})
    (tmp_path / "sites/t.yaml").mkdir()
    assert problems(tmp_path, {}) == ["sites/t.yaml:1:1: the file can't be read: Is a directory"]


def test_a_folder_that_holds_no_catalogue(tmp_path: Path) -> None:
    assert problems(tmp_path, {}) == [
        f"{tmp_path}:1:1: expected at least one file domains/*/domain.yaml here; is this the catalogue's folder?",
        f"{tmp_path}:1:1: expected at least one file regions/*.yaml here; is this the catalogue's folder?",
    ]


def test_a_folder_whose_name_is_no_id(tmp_path: Path) -> None:
    found = problems(tmp_path, {**FILES, "domains/Gas 2/domain.yaml": WATER})
    assert found == [
        "domains/Gas 2/domain.yaml:1:1: the folder's name is the domain's id: expected lower-case letters, digits and _"
    ]


def test_what_two_files_contradict_each_other_in(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        {
            **FILES,
            "regions/s.yaml": REGIONS,
            "sites/t.yaml": SITES + SITES.removeprefix("sites:\n").replace("ph-1", "ph-2"),
            "domains/watt/domain.yaml": WATER.replace("MPa", "kPa")
            .replace("kind: flags", "kind: state")
            .replace("unit: km", "unit: m")
            .replace("kind: boolean", "kind: text"),
        },
    )
    assert found == [
        "domains/watt/domain.yaml:7:5: metrics.pressure.unit: expected MPa as in domains/water/domain.yaml, found kPa",
        "domains/watt/domain.yaml:24:5: metrics.faults.kind: "
        "expected flags as in domains/water/domain.yaml, found state",
        "domains/watt/domain.yaml:37:55: site_attributes.length.unit: "
        "expected km as in domains/water/domain.yaml, found m",
        "domains/watt/domain.yaml:38:43: site_attributes.manned.kind: "
        "expected boolean as in domains/water/domain.yaml, found text",
        "regions/s.yaml:2:3: regions.150802: the region is in regions/r.yaml already",
        "regions/s.yaml:6:3: regions.150800: the region is in regions/r.yaml already",
        "sites/t.yaml:2:3: sites.ph-1: the site is in sites/s.yaml already",
        "sites/t.yaml:22:7: sites.ph-2.devices.gw-1: a device of site ph-1 has this name, region and domain already",
        "sites/t.yaml:23:7: sites.ph-2.devices.p-1: a device of site ph-1 has this name, region and domain already",
    ]


def test_all_mistakes_are_listed_at_once(tmp_path: Path) -> None:
    files = changed(D, ("unit: MPa", "unit: 3"), ("interval: 1m", "interval: soon"), ("kind: flags", "kind: flag"))
    files[R] = REGIONS.replace("level: city", "level: town")
    files[S] = SITES.replace("107.4", "east").replace("kind: pump_house", "kind: pumps")
    assert [line.partition(": ")[2].partition(":")[0] for line in problems(tmp_path, files)] == [
        "metrics.pressure.unit",
        "metrics.pressure.interval",
        "metrics.faults.kind",
        "regions.150800.level",
        "sites.ph-1.kind",
        "sites.ph-1.longitude",
    ]


def test_references_wait_until_every_file_is_yaml(tmp_path: Path) -> None:
    files = {**FILES, R: "regions: [", S: SITES.replace("107.4", "east")}
    assert [line.partition(":")[0] for line in problems(tmp_path, {**files})] == [R, S]


SNIPPETS = ["\t", "\n", "- ", ": ", "{", "[", "&a ", "*a", "!!int ", "<<: ", "|", "'", "~", "1e999"]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, str | bytes]:
    """The right catalogue after a few random changes to one file."""
    name = draw(st.sampled_from(sorted(FILES)))
    text = FILES[name]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        snippets = st.sampled_from(
            ["\t", "\n", "- ", ": ", "{", "[", "&a ", "*a", "!!int ", "<<: ", "|", "'", "~", "1e999"]
        )
        lines = st.sampled_from(text.splitlines(keepends=True) or [""])
        text = text[:start] + draw(snippets | lines | st.text(max_size=5)) + text[end:]
    content = text.encode("utf-8", "surrogatepass")
    return {**FILES, name: content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutated())
def test_a_changed_file_loads_or_its_mistakes_are_named(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    write(tmp_path, files)
    try:
        assert isinstance(load(tmp_path), Catalogue)
    except CatalogueError as error:
        found = error.problems
        assert found  # whether it loads is not known beforehand
        assert all(problem.line >= 1 and problem.column >= 1 and problem.message for problem in found)
