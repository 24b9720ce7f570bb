"""The queries of the rules that ship, on a database with a few readings: what rows they give."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from citybrain.settings import PROJECT
from citybrain.store.connection import connect

NOW = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)
HOUR = datetime(2026, 11, 21, 9, tzinfo=UTC)


def definitions() -> dict[str, dict[str, Any]]:
    files: list[Path] = sorted(PROJECT.glob("domains/*/rules.yaml"))
    rules = [rule for file in files for rule in yaml.load(file.read_text("utf-8"), yaml.BaseLoader)]
    return {rule["rule"]: rule for rule in rules if "query" in rule}


QUERIES = definitions()


class City:
    """A store into which a test writes what it needs, and from which it asks as a rule does."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.owner = psycopg.connect(url, autocommit=True)

    def series(
        self,
        domain: str,
        metric: str,
        name: str,
        *,
        kind: str = "station",
        latitude: float = 40.75,
        attributes: dict[str, Any] | None = None,
    ) -> int:
        """A device of region 150802 with a site of its own name, and its series of the metric."""
        values = {"domain": domain, "metric": metric, "name": name, "kind": kind, "latitude": latitude}
        self.owner.execute(
            "insert into site values (%(name)s, '150802', %(domain)s, %(kind)s, '站', 'Site', 107.4, %(latitude)s, "
            "%(attributes)s)",
            values | {"attributes": Jsonb(attributes or {})},
        )
        device = self._id(
            "insert into device (region_id, domain_id, name, site_id, verified, first_seen) "
            "values ('150802', %(domain)s, %(name)s, %(name)s, true, now()) returning id",
            values,
        )
        return self._id(
            "insert into series (device_id, metric_id) select %(device)s, id from metric "
            "where domain_id = %(domain)s and name = %(metric)s returning id",
            values | {"device": device},
        )

    def hour(self, series: int, value: float) -> None:
        """The hourly mean of the hour before NOW's."""
        self.owner.execute(
            "insert into rollup (bucket, s, mn, mx, series_id, n) values (%s, %s, %s, %s, %s, 1)",
            (HOUR, value, value, value, series),
        )

    def reading(self, series: int, value: float, age: timedelta, lag_s: int = 0, quality: int = 0) -> None:
        self.owner.execute(
            "insert into reading (time, value, series_id, quality, lag_s) values (%s, %s, %s, %s, %s)",
            (NOW - age, value, series, quality, lag_s),
        )

    def rows(self, rule: str) -> list[dict[str, Any]]:
        """What the rule's query gives at NOW, in the role in which queries run."""
        statement = QUERIES[rule]["query"].replace("%", "%%").replace(":now", "%(now)s::timestamptz")
        with connect(self.url, "rules", "test") as connection:
            cursor = connection.cursor(row_factory=dict_row)
            return cursor.execute(statement, {"now": NOW}).fetchall()

    def _id(self, statement: str, values: dict[str, Any]) -> int:
        row = self.owner.execute(statement, values).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def city(database: str) -> Iterator[City]:
    city = City(database)
    yield city
    city.owner.close()


@pytest.mark.parametrize("rule", QUERIES)
def test_a_query_of_an_empty_city_has_no_rows(city: City, rule: str) -> None:
    assert city.rows(rule) == []


def test_a_station_is_compared_with_the_median_of_its_neighbours(city: City) -> None:
    for name, latitude, value in (
        ("a", 40.75, 150.0),
        ("b", 40.80, 40.0),
        ("c", 40.70, 44.0),
        ("d", 40.85, 60.0),
        ("far", 41.75, 500.0),  # 100 km away
    ):
        city.hour(city.series("air", "pm25", f"air-{name}", latitude=latitude), value)
    rows = {row["series"]: row for row in city.rows("air.station_apart")}
    assert rows["150802/air/air-a/pm25"] == {"series": "150802/air/air-a/pm25", "value": 150, "near": 44, "n": 3}
    assert "150802/air/air-far/pm25" not in rows


def test_a_heating_station_is_compared_with_the_median_of_its_network(city: City) -> None:
    stations = {
        name: city.series("heating", "return_temp", name, kind="heat_exchange_station", attributes={"network": network})
        for name, network in (("s1", "north"), ("s2", "north"), ("s3", "north"), ("s4", "south"))
    }
    for name, value in (("s1", 50.0), ("s2", 40.0), ("s3", 41.0), ("s4", 70.0)):
        city.reading(stations[name], value, timedelta(minutes=5))
    city.reading(stations["s1"], 20.0, timedelta(minutes=31))  # too old
    city.reading(stations["s1"], 20.0, timedelta(minutes=10), lag_s=900)  # not yet there at NOW
    city.reading(stations["s1"], 20.0, timedelta(minutes=15), quality=4)  # out of range
    rows = {row["site"]: (row["away"], row["n"]) for row in city.rows("heating.return_apart")}
    assert rows == {"s1": (9, 3), "s2": (-1, 3), "s3": (0, 3), "s4": (0, 1)}


def test_the_share_of_a_device_in_quarantine_is_of_the_last_two_hours(city: City) -> None:
    city.series("water", "pressure", "p1")
    for hours, received, quarantined in ((0, 30, 30), (1, 70, 10), (2, 1000, 1000)):
        city.owner.execute(
            "insert into ledger (hour, device_id, received, stored, duplicate, quarantined, revised) "
            "select %s, id, %s, %s, 0, %s, 0 from device where name = 'p1'",
            (NOW.replace(minute=0) - timedelta(hours=hours), received, received - quarantined, quarantined),
        )
    assert city.rows("platform.quarantine_share") == [{"device": "150802/water/p1", "received": 100, "share": 40}]
