"""Derived readings in the store: computed when due, revised when late data comes, and in the ledger like others."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from psycopg.types.json import Jsonb

from citybrain.derived.runner import Desk, compute_days, compute_hours
from citybrain.quality import Flag
from citybrain.store import derivations, ledger
from citybrain.store.connection import Connection, connect
from citybrain.store.readings import CONFLICT, REVISED, STORED, Readings, chunk_span
from citybrain.store.series import SeriesTable
from citybrain.store.state import SeriesState

ZONE = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 11, 20, tzinfo=ZONE)
STATION = ("150802", "air", "air-dongsi")
CLEAN = {"pm25": 20.0, "pm10": 40.0, "so2": 10.0, "no2": 30.0, "co": 0.5, "o3": 50.0}
SCHEMA = {"series": pl.Int32, "device": pl.Int32, "time": pl.Int64, "value": pl.Float64, "received": pl.Int64}


class City:
    """A store with a station, a collector's part and a runner's part in it."""

    def __init__(self, collecting: Connection, deriving: Connection) -> None:
        self.collecting, self.deriving = collecting, deriving
        self.table, self.state = SeriesTable.load(collecting), SeriesState.load(collecting)
        self.derived = SeriesTable.load(deriving), SeriesState.load(deriving)

    def report(
        self, at: datetime, values: dict[str, float], received: datetime, key: tuple[str, str, str] = STATION
    ) -> None:
        """Store one message of a station as a collector does."""
        device = self.table.devices[key]
        rows = []
        for metric, value in values.items():
            channel = self.table.channels[device].get(metric) or self.table.register_series(
                self.collecting, key, metric
            )
            rows.append((channel.series, device, us(at), value, us(received)))
        arrived = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(quality=pl.lit(0, pl.Int16))
        with self.collecting.transaction():
            settled = Readings(self.collecting, chunk_span(self.collecting)).settle(self.table, self.state, arrived)
            assert not len(settled.with_fate(CONFLICT))
            derivations.mark_changed(self.collecting, self.table, settled.with_fate(STORED, REVISED))
            hour = us(received) - us(received) % 3_600_000_000
            account = ledger.account(Counter({(hour, device): len(rows)}), settled.arrived, arrived.clear())
            ledger.add(self.collecting, account)
        for moved in settled.rows:
            self.state.put(moved)

    def derive(self, now: datetime, function: str = "air_quality") -> tuple[int, int]:
        """Work off what is due: hours, days."""
        table, state = self.derived
        desk = Desk(self.deriving, table, state, ZONE)
        hours = compute_hours(desk, function, now)
        return hours, compute_days(desk, function, now)

    def values(self, metric: str, key: tuple[str, str, str] = STATION) -> dict[datetime, tuple[float, int]]:
        """Stored readings of a metric of a station: value and quality by time."""
        rows = self.collecting.execute(
            "select r.time, r.value, r.quality from reading r join board_series s using (series_id) "
            "where s.metric = %s and s.device = %s",
            (metric, key[2]),
        )
        return {time.astimezone(ZONE): (value, quality) for time, value, quality in rows}

    def place(self, key: tuple[str, str, str], attributes: dict[str, float] | None = None) -> tuple[str, str, str]:
        """A device at a site with these attributes."""
        region, domain, name = key
        self.table.register_device(self.collecting, key, DAY)
        self.collecting.execute(
            "insert into site (id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude, attributes) "
            "values (%s, %s, %s, 'any', '站', 'Site', 107.4, 40.8, %s)",
            (name, region, domain, Jsonb(attributes or {})),
        )
        self.collecting.execute("update device set site_id = %s where name = %s", (name, name))
        return key


@pytest.fixture
def city(database: str) -> Iterator[City]:
    with connect(database, "writer", "a") as collecting, connect(database, "writer", "b") as deriving:
        yield City(collecting, deriving)


def us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def test_an_hour_is_computed_once_its_metrics_have_settled(city: City) -> None:
    at = DAY + timedelta(hours=10)
    city.report(at, CLEAN, at)
    assert city.derive(at + timedelta(seconds=2)) == (0, 0)
    assert city.derive(at + timedelta(seconds=6)) == (1, 0)
    # PM10 40 ug/m3 is IAQI 40 by HJ 633 table 3, the largest of the six.
    assert city.values("aqi") == {at: (40, 0)}
    assert city.values("aqi_category") == {at: (1, 0)}
    assert city.derive(at + timedelta(minutes=5)) == (0, 0)


def test_late_data_revises_the_hour_and_its_rollup(city: City) -> None:
    at = DAY + timedelta(hours=10)
    city.report(at, {metric: CLEAN[metric] for metric in CLEAN if metric != "pm25"}, at)
    city.derive(at + timedelta(seconds=6))
    # Without PM2.5 an index up to 100 is not published (HJ 633-2026, 5.3.1).
    assert city.values("aqi") == {}
    city.report(at, {"pm25": 75.0}, at + timedelta(hours=3))
    city.derive(at + timedelta(hours=3, seconds=6))
    # PM2.5 75 ug/m3 is IAQI 114 by the table of 2026, 100 by that of 2012.
    assert city.values("aqi")[at][0] == 114
    city.report(at + timedelta(hours=1), CLEAN, at + timedelta(hours=4))
    city.derive(at + timedelta(hours=4, seconds=6))
    means = city.collecting.execute(
        "select h.mean from board_hour h join board_series s using (series_id) where s.metric = 'aqi' order by h.hour"
    ).fetchall()
    assert means == [(114.0,), (40.0,)]


def test_a_day_is_computed_when_it_is_over_and_again_when_late_data_comes(city: City) -> None:
    for hour in range(23):
        at = DAY + timedelta(hours=hour)
        city.report(at, CLEAN, at)
    evening = DAY + timedelta(hours=23)
    assert city.derive(evening) == (23, 0)
    assert city.values("aqi_day") == {}
    midnight = DAY + timedelta(days=1, seconds=6)
    assert city.derive(midnight) == (0, 1)
    assert city.values("aqi_day") == {DAY: (40, 0)}
    city.report(DAY + timedelta(hours=23), CLEAN | {"pm10": 500.0}, midnight + timedelta(hours=1))
    later = midnight + timedelta(hours=1, seconds=6)
    assert city.derive(later) == (1, 1)
    (value, quality) = city.values("aqi_day")[DAY]
    # The day's mean is (23 x 40 + 500) / 24 = 59 ug/m3, between the nodes 50 and 120: 50 + 9 / 70 x 50, rounded up.
    assert value == 57
    assert quality & Flag.REVISED
    assert ledger.verify(city.collecting) == []
    totals = ledger.totals(city.collecting)
    assert totals.unbalanced == 0
    assert totals.revised > 0
    latest = city.collecting.execute("select value from board_latest where metric = 'aqi_day'").fetchone()
    assert latest == (value,)


def test_what_comes_while_an_hour_is_computed_is_not_forgotten(city: City) -> None:
    at = DAY + timedelta(hours=10)
    city.report(at, CLEAN, at)
    now = at + timedelta(seconds=6)
    marks = derivations.due(city.deriving, "air_quality", "hour", now, 10)
    city.report(at, {"temperature": 3.0}, at + timedelta(seconds=1))  # feeds nothing
    city.report(at + timedelta(minutes=1), {"pm25": 21.0}, now)
    derivations.done(city.deriving, "air_quality", "hour", marks)
    assert len(derivations.due(city.deriving, "air_quality", "hour", now + timedelta(seconds=6), 10)) == 1


def test_a_station_that_registered_itself_since_is_computed_too(city: City) -> None:
    at = DAY + timedelta(hours=10)
    stranger = ("150802", "air", "stranger")
    city.table.register_device(city.collecting, stranger, at)
    city.report(at, CLEAN, at, stranger)
    assert city.derive(at + timedelta(seconds=6)) == (1, 0)
    found = city.collecting.execute("select value from board_latest where device = 'stranger' and metric = 'aqi'")
    assert found.fetchone() == (40.0,)


def test_marks_far_apart_are_not_read_in_one_go(city: City) -> None:
    old, new = DAY - timedelta(days=1000), DAY
    for at in (old, new):
        city.report(at, CLEAN, at)
    now = DAY + timedelta(hours=1)
    assert [city.derive(now)[0], city.derive(now)[0], city.derive(now)[0]] == [1, 1, 0]
    assert set(city.values("aqi")) == {old, new}


def test_the_2012_table_counts_before_march_2026(city: City) -> None:
    for day, index in ((datetime(2026, 2, 28, 23, tzinfo=ZONE), 100), (datetime(2026, 3, 1, 0, tzinfo=ZONE), 114)):
        city.report(day, CLEAN | {"pm25": 75.0}, day)
        for _ in itertools.repeat(None, 2):
            city.derive(datetime.now(UTC))
        assert city.values("aqi")[day][0] == index


def test_the_night_flow_lies_at_the_end_of_the_night_and_is_computed_once_it_is_over(city: City) -> None:
    zone = city.place(("150802", "water", "zone-1"))
    for minute in range(120, 240, 5):
        at = DAY + timedelta(minutes=minute)
        city.report(at, {"zone_inflow": 20.0 if minute in (180, 185, 190) else 30.0}, at, zone)
    end = DAY + timedelta(hours=4)
    # Of the two hours the first is over by now, and the night is not.
    assert city.derive(end - timedelta(minutes=4), "night_flow") == (1, 0)
    assert city.values("night_flow", zone) == {}
    assert city.derive(end + timedelta(seconds=1), "night_flow") == (1, 0)
    assert city.values("night_flow", zone) == {end: (20, 0)}
    # A buffered hour that comes in the morning revises it.
    late = end + timedelta(hours=3)
    city.report(DAY + timedelta(minutes=187), {"zone_inflow": 0.0}, late, zone)
    assert city.derive(late + timedelta(seconds=6), "night_flow") == (1, 0)
    (value, quality) = city.values("night_flow", zone)[end]
    assert value == pytest.approx(15)
    assert quality & Flag.REVISED


def test_a_bill_that_comes_late_changes_the_leakage_rate_of_every_day_since(city: City) -> None:
    area = city.place(("150802", "water", "linhe"))
    days = [DAY + timedelta(days=n) for n in range(31)]
    for number, day in enumerate(days):
        volumes = {"supply_volume": 1000.0} if number == 3 else {"supply_volume": 1000.0, "billed_volume": 900.0}
        city.report(day, volumes, day + timedelta(days=1), area)
    now = days[-1] + timedelta(days=1, minutes=1)
    assert city.derive(now, "leakage") == (31, 31)
    assert city.values("leakage_rate", area) == {day: (pytest.approx(10), 0) for day in days[28:]}
    city.report(days[3], {"billed_volume": 600.0}, now, area)
    assert city.derive(now + timedelta(seconds=6), "leakage") == (1, 1)
    found = city.values("leakage_rate", area)
    assert set(found) == set(days[27:])  # the 28th day that counts is one earlier now
    # 27 days at 10 % and one at 40 %.
    assert found[days[27]] == (pytest.approx((27 * 10 + 40) / 28), Flag.LATE)
    assert all(quality & Flag.REVISED for day, (_, quality) in found.items() if day != days[27])


def test_the_weather_of_a_region_counts_for_all_its_heating_stations(city: City) -> None:
    weather = city.place(("150802", "heating", "weather"))
    radiators = city.place(("150802", "heating", "radiators"))
    floor = city.place(("150802", "heating", "floor"), {"design_supply_temp": 45.0, "design_return_temp": 35.0})
    elsewhere = city.place(("150821", "heating", "elsewhere"))
    at = DAY + timedelta(hours=10, minutes=30)
    for station in (radiators, floor, elsewhere):
        city.report(at, {"supply_temp": 60.0}, at, station)
    now = DAY + timedelta(hours=11)
    assert city.derive(now, "heating_curve") == (3, 0)
    assert city.values("supply_temp_deviation", radiators) == {}
    # The weather comes late; nobody else sends anything again.
    city.report(at - timedelta(minutes=40), {"outdoor_temp": -5.0}, now, weather)
    assert city.derive(now + timedelta(seconds=6), "heating_curve") == (1, 0)
    # At -5 degC the curve of 75/50 asks for 58.4 degC, that of a floor for less.
    assert city.values("supply_temp_deviation", radiators) == {at: (pytest.approx(1.6, abs=0.05), 0)}
    assert city.values("supply_temp_deviation", floor)[at][0] > 20
    assert city.values("supply_temp_deviation", elsewhere) == {}
    # A station's own late reading computes that station alone.
    city.report(at + timedelta(minutes=5), {"supply_temp": 58.4}, now, radiators)
    assert city.derive(now + timedelta(seconds=12), "heating_curve") == (1, 0)
    assert city.values("supply_temp_deviation", radiators)[at + timedelta(minutes=5)][0] == pytest.approx(0, abs=0.05)
    assert ledger.verify(city.collecting) == []
