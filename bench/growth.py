"""What one reading costs as the table grows: the collector's transaction on 1 million rows and on 50 million.

    python -m bench.growth [MILLIONS]

Two databases of one server, 20,000 series at 5 minutes, chunks of a day; the same batches go to both in turn, so
that a noisy machine is noisy for both. Prints the medians and their ratio.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import psycopg
from psycopg import sql

from citybrain.store.connection import Connection, connect
from citybrain.store.migrate import migrate
from citybrain.store.readings import chunk_span
from citybrain.store.series import SeriesTable
from citybrain.store.state import HOUR_US, SeriesState
from deploy.local.servers import postgres
from ingest.batch import SCHEMA, Batch
from ingest.transaction import commit

SERIES = 20_000
INTERVAL_S = 300
BATCH = 5000
BATCHES = 80  # of each database
START = 1_767_225_600  # 2026-01-01 00:00 UTC, seconds

SEED = """
insert into region (id, level, title_zh, title_en) values ('1', 'city', '1', '1');
insert into domain (id, title_zh, title_en) values ('water', '1', '1');
insert into metric (domain_id, name, title_zh, title_en, kind) values ('water', 'pressure', '1', '1', 'number');
insert into device (region_id, domain_id, name, verified, first_seen)
    select '1', 'water', 'd' || n, true, now() from generate_series(1, {series}) n;
insert into series (device_id, metric_id) select id, 1 from device;
insert into series_state (series_id) select id from series;
"""

FILL = """
insert into reading (time, value, series_id)
select to_timestamp({start} + 300 * step), random(), series
from generate_series({first}, {last}) step, generate_series(1, {series}) series
"""


def prepare(server_url: str, name: str, million_rows: int) -> tuple[str, int]:
    """A database with so many readings; its URL, and the step that comes next."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url = server_url.replace("/citybrain?", f"/{name}?")
    migrate(url, chunk_hours=24)
    steps = million_rows * 1_000_000 // SERIES
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SEED.format(series=SERIES))  # type: ignore[call-overload]
        for first in range(0, steps, 288):
            last = min(steps, first + 288) - 1
            connection.execute(FILL.format(start=START, first=first, last=last, series=SERIES))  # type: ignore[call-overload]
        connection.execute("update series_state set time = to_timestamp(%s)", (START + INTERVAL_S * (steps - 1),))
        connection.execute("vacuum analyze")
    return url, steps


def batches(step: int) -> list[pl.DataFrame]:
    """The batches that come next: every series in turn."""
    made = []
    for number in range(BATCHES):
        first = number * BATCH % SERIES
        at = (START + INTERVAL_S * (step + number * BATCH // SERIES)) * 1_000_000
        made.append(
            pl.DataFrame(
                {
                    "series": np.arange(first + 1, first + BATCH + 1),
                    "device": np.arange(first + 1, first + BATCH + 1),
                    "time": at,
                    "value": np.random.default_rng(number).random(BATCH),
                    "received": at + 1_000_000,
                    "quality": 0,
                },
                schema=SCHEMA,
            )
        )
    return made


class Store:
    """One database, and what a collector holds of it."""

    def __init__(self, url: str, step: int) -> None:
        self.connection: Connection = connect(url, "writer", "bench")
        self.table, self.state = SeriesTable.load(self.connection), SeriesState.load(self.connection)
        self.span = chunk_span(self.connection)
        self.batches = batches(step)

    def commit(self, number: int) -> float:
        """Microseconds a reading of one batch's transaction."""
        readings = self.batches[number]
        hour = int(readings["received"][0])
        received = Counter({(hour - hour % HOUR_US, device): 1 for device in readings["device"]})
        begun = time.perf_counter()
        commit(self.connection, self.span, "bench", self.table, self.state, Batch(readings, received=received))
        return 1e6 * (time.perf_counter() - begun) / BATCH


def main() -> None:
    """Measure and print."""
    millions = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as name, postgres(Path(name)) as server:
        small, large = (Store(*prepare(server.url, f"rows_{size}m", size)) for size in (1, millions))
        costs = [(small.commit(number), large.commit(number)) for number in range(BATCHES)]
        with psycopg.connect(server.url) as connection:
            buffers = connection.execute("show shared_buffers").fetchone()
    # The first round over all series warms the caches.
    warm = costs[SERIES // BATCH :]
    few, many = (statistics.median(cost) for cost in zip(*warm, strict=True))
    print(
        f"growth: {few:.1f} us a reading on 1 million rows, {many:.1f} on {millions} million; ratio {many / few:.2f} "
        f"(1-day chunks, shared_buffers {buffers[0] if buffers else '?'}, {SERIES:,} series at 5 minutes in turn)"
    )


if __name__ == "__main__":
    main()
