"""Measures on a real store: what each counts, by region and summed up over the tree."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from citybrain.quality import Flag
from citybrain.store.connection import Connection
from rules.plans.measures import LIFELINES, MEASURES, measured

if TYPE_CHECKING:
    from tests.integration.rules.plans.conftest import City

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=ZONE)
TODAY = datetime(2026, 11, 22, tzinfo=ZONE)


def daily(last: datetime, values: list[float]) -> dict[datetime, float]:
    """A value a day, the last of them at `last`."""
    return {last - timedelta(days=back): value for back, value in enumerate(reversed(values))}


@pytest.mark.parametrize("measure", MEASURES)
def test_what_has_no_data_is_not_there(board: Connection, measure: str) -> None:
    assert measured(board, measure, NOW, ZONE) == {}


def test_leakage_is_weighed_by_supply_over_the_tree(city: City, board: Connection) -> None:
    for region, supplied, billed in (("150802", 900.0, 810.0), ("150821", 100.0, 60.0)):
        city.read(city.device(region, "water", "works"), "supply_volume", daily(TODAY, [supplied] * 3))
        city.read(city.device(region, "water", "zone"), "billed_volume", daily(TODAY, [billed] * 3))
    assert measured(board, "leakage_rate", NOW, ZONE) == pytest.approx(
        {"150802": 10.0, "150821": 40.0, "150800": 13.0, "150000": 13.0}
    )


def test_a_day_without_a_bill_is_no_leak_and_a_year_is_enough(city: City, board: Connection) -> None:
    works, zone = city.device("150802", "water", "works"), city.device("150802", "water", "zone")
    supplied = daily(TODAY, [100.0] * 10)
    city.read(works, "supply_volume", supplied | {TODAY - timedelta(days=400): 100.0})
    billed = dict.fromkeys(list(supplied)[5:], 91.0)
    # Another clock time of the same city day; and a day that is more than twelve months back.
    city.read(
        zone,
        "billed_volume",
        {time + timedelta(hours=7): value for time, value in billed.items()} | {TODAY - timedelta(days=400): 0.0},
    )
    assert measured(board, "leakage_rate", NOW, ZONE)["150802"] == pytest.approx(9.0)


def test_doubtful_readings_and_unlisted_devices_do_not_count(city: City, board: Connection) -> None:
    listed = city.device("150802", "water", "works")
    city.read(listed, "wastewater_volume", {TODAY: 200.0})
    city.read(listed, "reclaimed_volume", {TODAY: 110.0})
    city.read(city.device("150802", "water", "works"), "wastewater_volume", {TODAY: 900.0}, Flag.OUT_OF_RANGE)
    city.read(city.device("150802", "water", "works", verified=False), "wastewater_volume", {TODAY: 900.0})
    assert measured(board, "reclaimed_water_rate", NOW, ZONE)["150800"] == pytest.approx(55.0)


def test_no_supply_is_no_rate(city: City, board: Connection) -> None:
    works = city.device("150802", "water", "works")
    city.read(works, "supply_volume", {TODAY: 0.0})
    city.read(works, "billed_volume", {TODAY: 0.0})
    assert measured(board, "leakage_rate", NOW, ZONE) == {}


def test_good_days_are_those_of_stations_in_the_city_year(city: City, board: Connection) -> None:
    new_year = datetime(2026, 1, 1, tzinfo=ZONE)
    one, other = city.device("150802", "air", "station"), city.device("150102", "air", "station")
    city.read(one, "aqi_day", {new_year - timedelta(days=1): 300, new_year: 100, new_year + timedelta(days=1): 101})
    city.read(other, "aqi_day", {new_year: 20, new_year + timedelta(days=1): 50})
    city.read(city.device("150802", "air", "micro_station"), "aqi_day", {new_year: 400})
    assert measured(board, "good_air_days", NOW, ZONE) == pytest.approx(
        {"150802": 50.0, "150800": 50.0, "150102": 100.0, "150100": 100.0, "150000": 75.0}
    )


def test_warm_hours_are_counted_by_their_mean(city: City, board: Connection) -> None:
    hour = NOW.replace(minute=0) - timedelta(hours=5)
    half = timedelta(minutes=30)
    temperatures = {hour: 17.0, hour + half: 19.0, hour + 2 * half: 17.9, hour + 3 * half: 17.9}
    temperatures |= {hour + 4 * half: 22.0, hour + 6 * half: 18.5, NOW - timedelta(days=31): 10.0}
    city.read(city.device("150802", "heating", "dwelling"), "indoor_temp", temperatures)
    assert measured(board, "indoor_temperature_compliance", NOW, ZONE)["150802"] == pytest.approx(75.0)


def test_a_site_is_covered_while_one_of_its_series_reports(city: City, board: Connection) -> None:
    # Every ten minutes: 25 minutes are within three intervals, 35 are not, but within the hour.
    for minutes in (25, 35):
        well = city.device("150802", "sentinel", "gas_well")
        city.read(well, "battery", {NOW - timedelta(days=5): 80.0})
        city.read(well, "methane", {NOW - timedelta(minutes=minutes): 1.0})
    city.device("150802", "sentinel", "gas_well")
    city.read(
        city.device("150802", "sentinel", "gas_well", verified=False), "methane", {NOW - timedelta(minutes=1): 1.0}
    )
    assert measured(board, "gas_coverage", NOW, ZONE) == pytest.approx({"150802": 25, "150800": 25, "150000": 25})
    # The unlisted device is no device of the city's.
    assert measured(board, "gas_online", NOW, ZONE)["150802"] == pytest.approx(200 / 3)
    assert measured(board, "heat_coverage", NOW, ZONE) == {}


def test_what_only_reports_changes_is_covered_while_it_says_that_it_is_on_line(city: City, board: Connection) -> None:
    for online in (True, False, None):
        city.read(
            city.device("150802", "water", "pump_house", online=online), "flooded", {NOW - timedelta(days=9): 0.0}
        )
    # It reports every minute when it does: to be on line is not enough.
    city.read(city.device("150802", "water", "pump_house", online=True), "pressure", {NOW - timedelta(days=9): 0.3})
    assert measured(board, "water_coverage", NOW, ZONE)["150802"] == pytest.approx(25.0)
    assert measured(board, "water_online", NOW, ZONE)["150802"] == pytest.approx(25.0)


def test_lifelines_together_are_the_sum_of_the_four(city: City, board: Connection) -> None:
    for number, kinds in enumerate(LIFELINES.values()):
        domain, kind = kinds[0]
        for _ in range(number + 1):
            city.device("150802", domain, kind)
    city.read(city.device("150802", "heating", "heat_exchange_station"), "flow", {NOW: 12.0})
    assert measured(board, "heat_coverage", NOW, ZONE)["150802"] == pytest.approx(20.0)
    assert measured(board, "lifeline_coverage", NOW, ZONE)["150802"] == pytest.approx(100 / 11)
    city.device("150802", "heating", "dwelling")
    city.device("150802", "sentinel", "gallery")
    assert measured(board, "lifeline_coverage", NOW, ZONE)["150802"] == pytest.approx(100 / 11)


def test_what_lies_ahead_of_now_is_not_seen(city: City, board: Connection) -> None:
    works = city.device("150802", "water", "works")
    city.read(works, "supply_volume", {TODAY + timedelta(days=1): 100.0})
    city.read(works, "billed_volume", {TODAY + timedelta(days=1): 50.0})
    assert measured(board, "leakage_rate", NOW, ZONE) == {}
    assert measured(board, "leakage_rate", NOW + timedelta(days=1), ZONE)["150802"] == pytest.approx(50.0)
