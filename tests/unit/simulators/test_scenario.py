from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from citybrain.catalogue.model import Catalogue
from rules.backtest import score
from simulators.city import FAULTS
from simulators.model import HOUR, MINUTE, SECOND, Fault, SimulationError
from simulators.scenario import Entry, Incident, load, write_truth
from simulators.simulation import Simulation

if TYPE_CHECKING:
    from tests.unit.simulators.conftest import Written

ZONE = ZoneInfo("Asia/Shanghai")
START = int(datetime(2026, 3, 10, tzinfo=ZONE).timestamp()) * SECOND
SMOKE = "{incident: smoke, fault: air.inversion, at: 1h, lasts: 2h, place: town}"


def happening(entry: str) -> str:
    return f"happenings:\n  - {entry}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("city: twon.yaml\n", "case.yaml:3:1: city: the key is given twice; the first is on line 2"),
        ("domains: [watre]\n", "case.yaml:3:11: domains.0: there is no domain 'watre'; did you mean water?"),
        ("domains: [platform]\n", "case.yaml:3:11: domains.0: .*; known are air, heating, sentinel, water"),
        ("starts: 2026-01-15T00:00+08:00\n", "case.yaml:3:1: starts: expected city time, without an offset"),
        ("starts: tomorrow\n", "case.yaml:3:1: starts: expected city time such as 2026-01-15T00:00, found 'tomorrow'"),
        ("starts: 0001-01-01T00:00\n", "case.yaml:3:1: starts: expected a year from 2000 to 2099"),
        ("devices: 0\n", "case.yaml:3:1: devices: expected at least 1, found 0"),
        ("devices: 1000000000000\n", "case.yaml:3:1: devices: expected at most 200000"),
        ("lasts: 0s\n", "case.yaml:3:1: lasts: expected a duration from 1s to 366d, found '0s'"),
        ("history: -1d\n", "case.yaml:3:1: history: expected a duration such as 30s"),
        ("calm_devices: perhaps\n", "case.yaml:3:1: calm_devices: expected true or false"),
        ("happenning: []\n", "case.yaml:3:1: happenning: unknown key; did you mean happenings?"),
        ("happenings: hello\n", "case.yaml:3:1: happenings: expected a list, found 'hello'"),
        ("happenings: [hello]\n", "case.yaml:3:14: happenings.0: expected a mapping, found 'hello'"),
        (happening("{fault: air.inversion}"), "case.yaml:4:5: happenings.0.incident: the key is missing"),
        (
            happening(SMOKE.replace("air.inv", "air.ivn")),
            "4:23: .*no fault 'air.ivnersion'; did you mean air.inversion?",
        ),
        (happening(SMOKE.replace("air.inversion", "xyz")), "no fault 'xyz'; known are air.dust, .*weather.cold_snap"),
        (
            happening(SMOKE.replace("at: 1h", "at: --1h")),
            "4:45: .*at: expected a time after the start such as 0, 2h40m",
        ),
        (happening(SMOKE.replace("at: 1h", "at: [1h]")), "4:45: .*at: expected a time after the start"),
        (happening(SMOKE.replace("lasts: 2h", "lasts: -2h")), "4:53: .*lasts: expected a duration such as"),
        (happening(SMOKE.replace("lasts: 2h", "lasts: 0")), "4:53: .*lasts: expected a duration such as"),
        (happening(SMOKE.replace("smoke", "'a;b,c'")), "4:6: .*incident: expected up to 64 of A-Z, a-z, 0-9"),
        (happening(SMOKE.replace("smoke", "爆管")), "4:6: .*incident: expected up to 64 of A-Z, a-z, 0-9"),
        (happening(SMOKE.replace("}", ", pm25: -1}")), "4:77: .*pm25: expected more than 0, found -1"),
        (happening(SMOKE.replace("}", ", pm25: 1e300}")), "4:77: .*pm25: expected at most"),
        (happening(SMOKE.replace("}", ", pm25: nan}")), "4:77: .*pm25: expected"),
        (happening(SMOKE.replace("}", ", pm25: much}")), "4:77: .*pm25: expected a number, found 'much'"),
        (happening(SMOKE.replace("}", ", pm52: 100}")), r"4:77: .*pm52: unknown key; did you mean pm25\?"),
        (happening(SMOKE.replace(", place: town", "")), "4:5: .*place: the key is missing"),
        (happening(f"{SMOKE}\n  - {SMOKE}"), "case.yaml:5:6: happenings.1.incident: smoke is there twice"),
    ],
)
def test_a_mistake_is_told_with_its_place(written: Written, text: str, message: str) -> None:
    with pytest.raises(SimulationError, match=message):
        written(text)


def test_all_mistakes_are_told_at_once(written: Written) -> None:
    with pytest.raises(SimulationError) as told:
        written(
            "domains: [watre]\n" + happening(SMOKE.replace("air.", "aer.") + "\n  - " + SMOKE.replace("town", "[]"))
        )
    assert [line.split(": ")[0] for line in str(told.value).splitlines()] == [
        "case.yaml:3:11",
        "case.yaml:5:23",
        "case.yaml:6:6",
        "case.yaml:6:64",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "bad.yaml:1:1: the file is empty"),
        (b"\xff\xfe", "bad.yaml:1:1: byte 0xff is not UTF-8"),
        (b"- a\n", "bad.yaml:1:1: expected a mapping, found a list"),
        (b"{{", "bad.yaml:1:2: "),
        (b"title: {zh: a, en: b}\ncity: demmo\n", "bad.yaml:2:1: city: There is no 'demmo': .*did you mean demo"),
    ],
)
def test_a_file_that_is_no_scenario(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "bad.yaml").write_bytes(text)
    with pytest.raises(SimulationError, match=message):
        load("bad.yaml", FAULTS, tmp_path)


@pytest.mark.parametrize("name", ["", "burst_at_nite", "none.yaml", "/tmp", "."])
def test_a_scenario_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        SimulationError, match=r"There is no .*: expected a file, or one of bad_devices, burst_at_night"
    ):
        load(name, FAULTS, tmp_path)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (SMOKE.replace("town", "twon"), r"case.yaml:4:5: .*no place 'twon' for air.inversion .*did you mean town\?"),
        (SMOKE.replace("town", "xyz"), "no place 'xyz' for air.inversion in this city; known are town$"),
        (
            "{incident: a, fault: water.burst, at: 0, lasts: 1h, place: town-1, flow: 9}",
            "no place 'town-1' for water.burst in this city$",
        ),
        (
            "{incident: a, fault: device.outage, at: 0, lasts: 1h, place: sim-air-town-9}",
            "no device and no site 'sim-air-town-9'; did you mean sim-air-town-",
        ),
        (
            "{incident: a, fault: instrument.stuck, at: 0, lasts: 1h, place: sim-air-town-1, metric: pm52}",
            "4:5: .*pm52",
        ),
    ],
)
@pytest.mark.parametrize("start", [None, START])
def test_a_place_that_the_city_lacks(
    written: Written, shipped_catalogue: Catalogue, entry: str, message: str, start: int | None
) -> None:
    """Also where nothing happens yet, as before the history of a live city."""
    scenario = written(happening(entry))
    with pytest.raises(SimulationError, match=message):
        Simulation(scenario, shipped_catalogue, seed=1, begin=START, start=start, offset=8 * HOUR)


def test_offsets_are_from_the_start(written: Written) -> None:
    entries = [SMOKE.replace("1h", at).replace("smoke", f"n{n}") for n, at in enumerate(["0", "0s", "1d30m", "-3h"])]
    found = written(happening("\n  - ".join(entries)))
    begins = [one.start - START for one in found.happenings(START)]
    assert begins == [0, 0, 24 * HOUR + 30 * MINUTE, -3 * HOUR]
    assert {one.end - one.start for one in found.happenings(START)} == {2 * HOUR}
    assert found.lead == timedelta(hours=3)
    assert written("").lead == written(happening(SMOKE)).lead == timedelta()


def test_the_fields_of_faults_are_none_of_the_keys_of_a_happening() -> None:
    assert len(FAULTS) >= 30
    for name, kind in FAULTS.items():
        assert not kind.model_fields.keys() & Entry.model_fields.keys(), name


def test_backtests_read_the_truth(tmp_path: Path) -> None:
    incidents = [
        Incident("gas-1", "sentinel.gas_leak", START, START + 90 * MINUTE, ("a", "b"), ("sentinel.methane",)),
        Incident("late", "air.dust", START + 23 * HOUR, START + 25 * HOUR + SECOND, ("c",), ()),
    ]
    text = StringIO()
    write_truth(incidents, text, ZONE)
    file = tmp_path / "truth.csv"
    file.write_text(text.getvalue(), encoding="utf-8", newline="")
    expected = [score.Incident(i.incident, i.kind, i.start, i.end, frozenset(i.subjects)) for i in incidents]
    for zone in (ZONE, ZoneInfo("UTC")):
        assert score.read(file, zone) == expected


def test_every_fault_describes_itself() -> None:
    for name, kind in FAULTS.items():
        assert issubclass(kind, Fault)
        assert kind.__doc__, name
        for field, info in kind.model_fields.items():
            assert info.description, f"{name}.{field}"
