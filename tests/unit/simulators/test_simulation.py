from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from citybrain.catalogue.model import Catalogue
from simulators import simulation
from simulators.city import CITIES
from simulators.model import DAY, HOUR, MINUTE, SECOND
from simulators.scenario import Scenario
from simulators.simulation import Simulation

if TYPE_CHECKING:
    from tests.unit.simulators.conftest import Written

OFFSET = 8 * HOUR
MIDNIGHT = int(datetime(2026, 3, 10, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()) * SECOND
BEGIN = MIDNIGHT + 9 * HOUR + 17 * MINUTE
LEAK = """\
happenings:
  - {incident: gas, fault: sentinel.gas_leak, at: 30m, lasts: 1h, place: town-school-1, rate: 8}
  - {incident: theft, fault: sentinel.cover_theft, at: 1h, lasts: 1h, place: town-jiefang}
  - {incident: cold, fault: weather.cold_snap, at: 0, lasts: 1d}
"""
CALM = "calm_devices: true\n"


class Making:
    """Simulations of scenarios with the catalogue that ships."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def __call__(self, scenario: Scenario, **others: Any) -> Simulation:
        options = {"seed": 1, "begin": BEGIN, "start": BEGIN, "offset": OFFSET} | others
        return Simulation(scenario, self._catalogue, **options)


@pytest.fixture
def make(shipped_catalogue: Catalogue) -> Making:
    return Making(shipped_catalogue)


def told(simulation: Simulation, *ends: int, pack: timedelta = timedelta()) -> pl.DataFrame:
    """All messages until these times, one after the other, and what is held back at the last."""
    parts = [simulation.advance(end, pack).messages for end in ends]
    return pl.concat([*parts, simulation.rest()])


def readings(messages: pl.DataFrame) -> dict[tuple[str, int, str], Any]:
    """Values by topic, time (ms) and metric, of which none may contradict another."""
    found: dict[tuple[str, int, str], Any] = {}
    for topic, payload in messages.select("topic", "payload").iter_rows():
        decoded = json.loads(payload)
        for record in decoded if isinstance(decoded, list) else [decoded]:
            for metric, value in record["values"].items():
                assert found.setdefault((topic, record["time"], metric), value) == value
    return found


def test_the_same_seed_gives_the_same_messages_and_another_one_others(written: Written, make: Making) -> None:
    first, second, other = (told(make(written(LEAK), seed=seed), BEGIN + 2 * HOUR) for seed in (1, 1, 2))
    assert_frame_equal(first, second)
    assert readings(first).keys() != readings(other).keys()
    assert first["payload"].to_list() != other["payload"].to_list()


@pytest.mark.parametrize(
    "ends", [[120], [1, 2, 63, 64, 120], list(range(5, 121, 5)), [43, 120]], ids=["whole", "odd", "fives", "hour"]
)
def test_the_readings_do_not_depend_on_how_time_is_cut(written: Written, make: Making, ends: list[int]) -> None:
    scenario = written(CALM + LEAK)
    whole = readings(told(make(scenario), BEGIN + 2 * HOUR))
    cut = readings(told(make(scenario), *(BEGIN + end * MINUTE for end in ends)))
    assert cut.keys() == whole.keys()
    assert cut == pytest.approx(whole, abs=1e-6)


def test_packing_changes_messages_but_no_reading(written: Written, make: Making) -> None:
    scenario = written(CALM + LEAK)
    loose = told(make(scenario), BEGIN + 2 * HOUR)
    packed = told(make(scenario), BEGIN + 2 * HOUR, pack=timedelta(hours=1))
    assert readings(packed) == readings(loose)
    assert packed.height < loose.height / 3


def test_the_readings_of_a_span_do_not_depend_on_where_the_telling_begins(written: Written, make: Making) -> None:
    """Within the display's steps, as what settles has settled."""
    scenario = written(CALM)
    early = readings(told(make(scenario), BEGIN + 2 * HOUR))
    late = readings(told(make(scenario, begin=BEGIN + HOUR), BEGIN + 2 * HOUR))
    after = {key: value for key, value in early.items() if key[1] * 1000 > BEGIN + HOUR}
    assert after.items() <= late.items()


def test_what_was_before_the_telling_is_not_sent_but_states_are(written: Written, make: Making) -> None:
    messages = told(make(written(CALM)), BEGIN + HOUR)
    assert messages.filter(pl.col("due") < BEGIN).is_empty()
    found = readings(messages)
    # What is of an interval has the time at which it began.
    assert min(time for _, time, _ in found) * 1000 >= BEGIN // HOUR * HOUR
    wells = {topic for topic, _, metric in found if metric == "cover_open"}
    assert wells == {topic for topic, time, metric in found if metric == "cover_open" and time * 1000 == BEGIN}


def test_totals_are_of_the_whole_day_in_which_the_telling_begins(
    shipped_catalogue: Catalogue, written: Written, make: Making
) -> None:
    """What a zone was supplied with on its first day is what it is when the telling begins at midnight."""
    scenario = replace(written(CALM + "domains: [water]\n"), city=CITIES / "demo.yaml")
    ends = MIDNIGHT + DAY + MINUTE
    whole, part = (readings(told(make(scenario, begin=begin, devices=1), ends)) for begin in (MIDNIGHT, BEGIN))
    daily = {
        name
        for name, metric in shipped_catalogue.domains["water"].metrics.items()
        if metric.interval == timedelta(days=1)
    }
    days = {key: value for key, value in part.items() if key[2] in daily}
    assert days
    assert {key: whole[key] for key in days} == pytest.approx(days, rel=1e-3)


def test_nothing_happens_without_a_start(written: Written, make: Making) -> None:
    quiet = make(written(LEAK), start=None)
    assert_frame_equal(told(quiet, BEGIN + 2 * HOUR), told(make(written("")), BEGIN + 2 * HOUR))
    assert [one.incident for one in quiet.incidents] == ["gas", "theft"]


def test_what_happens_shows_while_it_lasts_at_its_sites_alone(written: Written, make: Making) -> None:
    simulation = make(written(CALM + LEAK))
    truth = {one.incident: one for one in simulation.incidents}
    found = readings(told(simulation, BEGIN + 3 * HOUR))
    opened = {key for key, value in found.items() if key[2] == "cover_open" and value in (True, 1)}
    assert {topic.split("/")[3] for topic, _, _ in opened} == set(truth["theft"].subjects)
    assert all(truth["theft"].start <= time * 1000 < truth["theft"].end for _, time, _ in opened)
    assert truth["gas"].start == BEGIN + 30 * MINUTE
    leaking = {key[0].split("/")[3] for key, value in found.items() if key[2] == "methane" and value > 20}
    assert leaking
    assert leaking <= set(truth["gas"].subjects)


def test_weather_alone_is_no_incident(written: Written, make: Making) -> None:
    assert [one.incident for one in make(written(LEAK)).incidents] == ["gas", "theft"]


def test_what_a_simulation_says_it_sent_is_what_was_told(written: Written, make: Making) -> None:
    simulation = make(written(LEAK))
    messages = told(simulation, BEGIN + HOUR, BEGIN + 2 * HOUR)
    assert simulation.sent.messages == messages.height
    assert simulation.sent.readings == messages["readings"].sum()


@pytest.mark.parametrize("minutes", [13, 33, 64])
def test_a_simulation_that_goes_on_sends_what_devices_held_back(written: Written, make: Making, minutes: int) -> None:
    """Devices on batteries collect for ten minutes: what they held when the first one ended comes with the second."""
    scenario, stop, end = written(CALM), BEGIN + minutes * MINUTE + 7 * SECOND, BEGIN + 2 * HOUR
    whole = readings(told(make(scenario), end))
    first = readings(make(scenario).advance(stop).messages)
    second = told(make(scenario, begin=stop, resumed=True), end)
    assert second["due"].min() > stop  # type: ignore[operator]
    both = readings(second)
    assert not {key for key in first.keys() & both.keys() if first[key] != both[key]}
    assert whole.items() <= (first | both).items()
    forgotten = readings(told(make(scenario, begin=stop), end))
    assert not whole.items() <= (first | forgotten).items()


def test_a_large_city_is_simulated_in_smaller_slices(
    written: Written, make: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = written("")
    whole = make(scenario)
    monkeypatch.setattr(simulation, "AT_ONCE", 2 * len(whole.roster))
    sliced = make(scenario)
    assert (whole.slice, sliced.slice) == (6 * HOUR, 2 * HOUR)
    assert readings(told(sliced, BEGIN + HOUR)) == pytest.approx(readings(told(whole, BEGIN + HOUR)), abs=1e-6)
