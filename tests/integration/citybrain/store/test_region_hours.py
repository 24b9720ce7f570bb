"""Hours of regions are the sums of the hours of their series, whatever comes and in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import psycopg
import pytest

from citybrain.settings import Settings
from citybrain.store import retention
from citybrain.store.connection import Connection, connect
from citybrain.store.migrate import migrate
from citybrain.store.readings import REVISED, STORED, Readings, chunk_span, prefer_indexes
from citybrain.store.series import SeriesTable
from citybrain.store.state import HOUR_US, SeriesState

NOW = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000
MINUTE_US = 60_000_000
SCHEMA = {"series": pl.Int32, "device": pl.Int32, "time": pl.Int64, "value": pl.Float64, "received": pl.Int64}
# Readings of devices; readings that are revised; derived ones, which have a writer of their own.
METRICS = ("temperature", "aqi_forecast_1d", "aqi")

# By region, metric and hour: what is kept, and what the hours of series come to.
KEPT = """
select region_id, m.name, bucket, n, n_doubtful, s from region_hour h join metric m on m.id = h.metric_id
where n + n_doubtful > 0 order by 1, 2, 3
"""
OF_ROLLUPS = """
select b.region_id, b.metric, r.bucket, sum(r.n), sum(r.n_doubtful), sum(r.s)
from rollup r join board_series b using (series_id) group by 1, 2, 3 order by 1, 2, 3
"""
SEEN = "select region_id, metric, hour, n, n_doubtful, s from board_region_hour order by 1, 2, 3"
OF_SERIES = """
select b.region_id, b.metric, h.hour, sum(h.n), sum(h.n_doubtful), coalesce(sum(h.mean * h.n), 0)
from board_hour h join board_series b using (series_id) group by 1, 2, 3 order by 1, 2, 3
"""


class Writer:
    """A process that stores: it keeps the state of its series between batches."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.table, self.state = SeriesTable.load(connection), SeriesState.load(connection)
        self.span_us = chunk_span(connection)

    def store(self, rows: list[tuple[int, int, int, float, int]]) -> dict[str, int]:
        """Store a batch (series, device, time, value, received); how many readings met each fate."""
        arrived = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(quality=pl.lit(0, pl.Int16))
        with self.connection.transaction():
            prefer_indexes(self.connection)
            settled = Readings(self.connection, self.span_us).settle(self.table, self.state, arrived)
        for moved in settled.rows:
            self.state.put(moved)
        return dict(settled.arrived["fate"].value_counts().iter_rows())


def devices(connection: Connection, metric: str) -> list[tuple[int, int]]:
    """Series and device of a metric, of three devices in each of two regions."""
    table = SeriesTable.load(connection)
    found = []
    for region in ("150802", "150821"):
        for number in range(3):
            key = (region, "air", f"station-{number}")
            if key not in table.devices:
                table.register_device(connection, key, NOW)
            found.append((table.register_series(connection, key, metric).series, table.devices[key]))
    return found


def agrees(connection: Connection) -> int:
    """Check all hours of regions; how many there are."""
    for kept, summed in ((KEPT, OF_ROLLUPS), (SEEN, OF_SERIES)):
        left, right = connection.execute(kept).fetchall(), connection.execute(summed).fetchall()
        assert [row[:5] for row in left] == [row[:5] for row in right]
        np.testing.assert_allclose([row[5] for row in left], [row[5] for row in right], rtol=1e-9, atol=1e-9)
    return len(left)


@pytest.mark.parametrize("seed", range(4))
def test_hours_of_regions_are_the_sums_of_their_series(database: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    fates: dict[str, int] = {}
    with connect(database, "writer", "a") as collecting, connect(database, "writer", "b") as deriving:
        known = {metric: devices(collecting, metric) for metric in METRICS}
        collector, runner = Writer(collecting), Writer(deriving)
        for batch in range(25):
            clock = NOW_US + batch * 20 * MINUTE_US
            for metric, pairs in known.items():
                rows = []
                for which in random.integers(0, len(pairs), 30):
                    # Up to half a day late, or up to half an hour ahead, which is doubtful.
                    minute = int(random.choice([*range(-8, 1), *range(-720, 0, 30), 10, 30]))
                    value = float(random.integers(0, 50) if random.random() < 0.9 else 1e6)
                    rows.append((*pairs[which], clock + minute * MINUTE_US, value, clock))
                writer = runner if metric == "aqi" else collector
                for fate, number in writer.store(rows).items():
                    fates[fate] = fates.get(fate, 0) + number
            agrees(collecting)
        assert agrees(collecting) > 50
    assert min(fates[STORED], fates[REVISED]) > 100


def test_an_hour_that_moves_back_to_its_series_is_not_left_in_its_region(database: str) -> None:
    with connect(database, "writer", "test") as connection:
        series, device = devices(connection, "aqi")[0]
        writer = Writer(connection)
        hour = NOW_US - NOW_US % HOUR_US + HOUR_US
        # Ahead of its time, so that it is in a closed hour; then the hour opens; then it is revised.
        for time, value, received in (
            (hour + MINUTE_US, 1.0, hour - 5 * MINUTE_US),
            (hour, 2.0, hour),
            (hour, 3.0, hour + 1),
        ):
            writer.store([(series, device, time, value, received)])
            agrees(connection)
        assert connection.execute("select count(*) from rollup").fetchone() == (0,)
        assert connection.execute("select n, n_doubtful, s from region_hour").fetchall() == [(0, 0, 0)]
        assert connection.execute("select n, n_doubtful, mean from board_region_hour").fetchall() == [(1, 1, 3)]


def test_a_batch_that_is_rolled_back_leaves_no_hour(database: str) -> None:
    with connect(database, "writer", "test") as connection:
        series, device = devices(connection, "temperature")[0]
        with connection.transaction(force_rollback=True):
            Writer(connection).store([(series, device, NOW_US + hour * HOUR_US, 1.0, NOW_US) for hour in (-3, -2)])
            assert agrees(connection) == 2
        assert connection.execute("select count(*) from region_hour").fetchone() == (0,)


def test_hours_of_regions_go_with_those_of_their_series(database: str) -> None:
    with connect(database, "writer", "test") as connection:
        series, device = devices(connection, "temperature")[0]
        writer = Writer(connection)
        writer.store([(series, device, NOW_US - day * 24 * HOUR_US, 1.0, NOW_US) for day in range(400, 0, -1)])
        assert agrees(connection) == 400
    with connect(database, "owner", "test") as connection:
        dropped = retention.enforce(connection, Settings(retain_raw_days=30, retain_rollup_days=100), NOW)
        assert dropped["chunks of rollups"] > 0
    with connect(database, "writer", "test") as connection:
        assert 100 <= agrees(connection) < 200
        (oldest,) = connection.execute("select min(bucket) from region_hour").fetchone()  # type: ignore[misc]
        assert oldest > NOW - timedelta(days=200)


def test_the_migration_makes_hours_of_regions_of_what_is_there(database: str) -> None:
    with connect(database, "writer", "test") as connection:
        for metric in METRICS:
            rows = [
                (series, device, NOW_US - minute * MINUTE_US, float(minute % 50), NOW_US)
                for minute in range(600, 0, -20)
                for series, device in devices(connection, metric)
            ]
            Writer(connection).store(rows)
        before = agrees(connection)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop table region_hour cascade")
        connection.execute("delete from _yoyo_migration where migration_id = '0013_region_hours'")
    migrate(database)
    with connect(database, "writer", "test") as connection:
        assert agrees(connection) == before > 50


def test_an_hour_of_a_region_is_found_by_its_key(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        devices(connection, "temperature")
        connection.execute(
            "insert into region_hour (metric_id, region_id, bucket, s, n, n_doubtful) "
            "select m.id, r.id, %s - make_interval(hours => h), 1, 1, 0 "
            "from metric m, region r, generate_series(1, 24) h",
            (NOW,),
        )
        connection.execute("analyze region_hour")
        plan = connection.execute(
            "explain select hour, n, s from board_region_hour where region_id = any(array['150802', '150821']) "
            "and domain_id = 'air' and metric = 'temperature' and hour >= %s",
            (NOW - timedelta(hours=5),),
        ).fetchall()
    condition = next(line for (line,) in plan if "Index Cond" in line and "bucket" in line)
    assert "metric_id" in condition
    assert "region_id" in condition
