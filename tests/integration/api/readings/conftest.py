"""A week of readings that the product's own writer has stored, and the API over it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import polars as pl
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from citybrain.store.connection import connect
from citybrain.store.readings import chunk_span
from citybrain.store.series import SeriesTable
from citybrain.store.state import HOUR_US, SeriesState
from deploy.local.servers import Database
from ingest.batch import SCHEMA, Batch
from ingest.transaction import commit
from tests.integration.api.readings.week import DAYS, FIRST, FLOW, FORMULA, LEVEL, NOW, PM25, PRESSURE, Stored

GAUGES = """
insert into device (region_id, domain_id, name, verified, first_seen) values
    ('150821', 'water', 'gauge-1', false, now()),
    ('150802', 'water', 'gauge-2', false, now()),
    ('150802', 'water', '=2+3', false, now());
insert into series (device_id, metric_id)
    select d.id, m.id from device d join metric m on m.domain_id = d.domain_id
    where (d.name, m.name) in (('gauge-1', 'pressure'), ('gauge-2', 'pressure'), ('gauge-2', 'flow'), ('=2+3', 'flow'),
                               ('air-dongsi', 'pm25'))
    order by d.name, m.name;
insert into series_state (series_id) select id from series on conflict do nothing;
"""


def rows_of(series: int, device: int, minutes: int, late: bool) -> list[tuple[object, ...]]:
    """Readings until now; of each tenth hour only late ones, some values out of range."""
    made = []
    for minute in range(0, DAYS * 1440, minutes):
        time = int((FIRST + timedelta(minutes=minute)).timestamp()) * 1_000_000
        if (minute // 60 % 10 == 3) != late:
            continue
        value = 99.0 if minute % 97 == 0 else round(0.3 + minute % 37 / 100, 2)
        received = time + 1_000_000 if not late else int(NOW.timestamp()) * 1_000_000
        made.append((series, device, time, value, received, 0))
    return made


@pytest.fixture(scope="module")
def stored(
    database_server: Database, template: str, serve: Callable[[str], AbstractContextManager[Any]]
) -> Iterator[Stored]:
    """A week of readings of two gauges and an air station, some late and some doubtful, and the API over it."""
    name = f"test_readings_{uuid4().hex}"
    with psycopg.connect(database_server.url, autocommit=True) as connection:
        copy = sql.SQL("create database {} template {}")
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    url = f"postgresql://postgres@/{name}?host={conninfo_to_dict(database_server.url)['host']}"
    with connect(url, "writer", "test") as connection:
        connection.execute(GAUGES)
        devices = connection.execute(
            "select d.region_id || '/' || d.domain_id || '/' || d.name || '/' || m.name, s.id, d.id "
            "from series s join device d on d.id = s.device_id join metric m on m.id = s.metric_id"
        ).fetchall()
        table, state, span = SeriesTable.load(connection), SeriesState.load(connection), chunk_span(connection)
        every = {PRESSURE: 1, LEVEL: 5, FLOW: 5, PM25: 60, FORMULA: 60}
        for late in (False, True):
            rows = [row for name, id, device in devices for row in rows_of(id, device, every[name], late)]
            frame = pl.DataFrame(rows, SCHEMA, orient="row").sort("received")
            hours = Counter({(int(NOW.timestamp()) * 1_000_000 // HOUR_US * HOUR_US, 0): len(frame)})
            commit(connection, span, "test", table, state, Batch(frame, received=hours))
        found = connection.execute("select series_id, time, value, quality::int4 from reading").fetchall()
    kept = pl.DataFrame(found, ["series", "time", "value", "quality"], orient="row")
    with serve(url) as api:
        yield Stored(url, api.client, {name: id for name, id, _ in devices}, kept)
