"""A city whose sites, devices and readings a test makes as it needs them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import datetime

import pytest

from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT
from citybrain.store.connection import Connection, connect
from rules.plans.load import load
from rules.plans.model import Plan


class City:
    """Sites, devices, series and readings, written as migration and collectors write them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.numbers = itertools.count()

    def device(self, region: str, domain: str, kind: str, *, verified: bool = True, online: bool | None = None) -> int:
        """A new device at a new site."""
        name = f"made-{next(self.numbers)}"
        self.connection.execute(
            "insert into site (id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude) "
            "values (%s, %s, %s, %s, '', '', 107, 40)",
            (name, region, domain, kind),
        )
        return self._id(
            "insert into device (region_id, domain_id, name, site_id, verified, first_seen, online) "
            "values (%s, %s, %s, %s, %s, '2026-01-01Z', %s) returning id",
            (region, domain, name, name, verified, online),
        )

    def series(self, device: int, metric: str) -> int:
        """A series of a device."""
        return self._id(
            "insert into series (device_id, metric_id) select d.id, m.id from device d "
            "join metric m on m.domain_id = d.domain_id and m.name = %s where d.id = %s returning id",
            (metric, device),
        )

    def read(self, device: int, metric: str, values: Mapping[datetime, float], quality: int = 0) -> None:
        """Readings of a metric, with their hours and the newest of them."""
        series = self.series(device, metric)
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "insert into reading (time, value, series_id, quality) values (%s, %s, %s, %s)",
                [(time, value, series, quality) for time, value in values.items()],
            )
            cursor.execute(
                "insert into rollup (series_id, bucket, n, s, mn, mx, n_doubtful) "
                "select series_id, date_trunc('hour', time), count(*) filter (where quality & 30 = 0), "
                "coalesce(sum(value) filter (where quality & 30 = 0), 0), min(value), max(value), "
                "count(*) filter (where quality & 30 <> 0) from reading where series_id = %s group by 1, 2",
                (series,),
            )
            newest = max(values)
            cursor.execute(
                "insert into series_state (series_id, time, value, quality) values (%s, %s, %s, %s)",
                (series, newest, values[newest], quality),
            )

    def _id(self, statement: str, parameters: tuple[object, ...]) -> int:
        row = self.connection.execute(statement.encode(), parameters).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def city(database: str) -> Iterator[City]:
    with connect(database, "writer", "test") as connection:
        yield City(connection)


@pytest.fixture
def board(database: str) -> Iterator[Connection]:
    with connect(database, "board", "test") as connection:
        yield connection


@pytest.fixture(scope="session")
def plans(catalogue: Catalogue) -> dict[str, Plan]:
    return load(PROJECT, catalogue)
