"""Retention drops whole chunks, counts them, and leaves what is kept alone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import psycopg

from citybrain.settings import Settings
from citybrain.store import ledger, retention
from citybrain.store.connection import Connection, connect
from citybrain.store.readings import Readings, chunk_span
from citybrain.store.series import SeriesTable
from citybrain.store.state import SeriesState

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY_US = 86_400_000_000
SCHEMA = {"series": pl.Int32, "device": pl.Int32, "time": pl.Int64, "value": pl.Float64, "received": pl.Int64}


def store_days(connection: Connection, days: int) -> None:
    """One reading a day up to NOW, with its account."""
    table = SeriesTable.load(connection)
    device = table.register_device(connection, ("150802", "air", "old"), NOW)
    series = table.register_series(connection, ("150802", "air", "old"), "temperature").series
    now_us = int(NOW.timestamp()) * 1_000_000
    times = now_us - np.arange(days)[::-1] * DAY_US
    arrived = pl.DataFrame(
        {"series": series, "device": device, "time": times, "value": 1.0, "received": now_us}, schema=SCHEMA
    ).with_columns(quality=pl.lit(0, pl.Int16))
    with connection.transaction():
        settled = Readings(connection, chunk_span(connection)).settle(table, SeriesState.load(connection), arrived)
        account = ledger.account(Counter({(now_us, device): days}), settled.arrived, arrived.clear())
        ledger.add(connection, account)


def test_nothing_is_dropped_by_default(database: str) -> None:
    with connect(database, "writer", "test") as connection:
        store_days(connection, 60)
    with connect(database, "owner", "test") as connection:
        dropped = retention.enforce(connection, Settings(), NOW)
        assert dropped.keys() > {"chunks of readings", "chunks of rollups", "quarantine entries"}
        assert not any(dropped.values())


def test_sessions_and_answers_go_when_they_are_over(database: str) -> None:
    with connect(database, "writer", "test") as connection:
        connection.execute(
            "insert into person (name, role, created_at, created_by) values ('li', 'viewer', %(now)s, 'test')",
            {"now": NOW},
        )
        for minutes in (-1, 1):
            connection.execute(
                "insert into session (hash, person_id, created_at, expires_at, address, agent)"
                " values (%(hash)s, 1, %(now)s, %(over)s, '', '')",
                {"hash": str(minutes).encode(), "now": NOW, "over": NOW + timedelta(minutes=minutes)},
            )
            connection.execute(
                "insert into request_key values ('li', %(key)s, '', %(at)s, 200, '{}')",
                {"key": str(minutes), "at": NOW - timedelta(days=1) + timedelta(minutes=minutes)},
            )
    with connect(database, "owner", "test") as connection:
        dropped = retention.enforce(connection, Settings(), NOW)

        assert dropped["sessions that are over"] == 1
        assert dropped["answers for repeated requests"] == 1
        assert connection.execute("select convert_from(hash, 'utf8') from session").fetchall() == [("1",)]
        assert connection.execute("select key from request_key").fetchall() == [("1",)]


def test_old_chunks_go_and_the_ledger_still_adds_up(database: str) -> None:
    with connect(database, "writer", "test") as connection:
        store_days(connection, 60)
        assert ledger.verify(connection) == []
    with connect(database, "owner", "test") as connection:
        retention.enforce(connection, Settings(retain_raw_days=30), NOW)
    with connect(database, "writer", "test") as connection:
        assert ledger.verify(connection) == []
    with psycopg.connect(database) as connection:
        oldest, number = connection.execute("select min(time), count(*) from reading").fetchone()  # type: ignore[misc]
        assert NOW - timedelta(days=37) <= oldest <= NOW - timedelta(days=29)  # whole chunks of a week
        assert number < 40
        assert connection.execute("select count(*) from board_hour").fetchone() == (60,)


def test_a_lost_reading_is_noticed(database: str) -> None:
    with connect(database, "writer", "test") as connection:
        store_days(connection, 5)
    with psycopg.connect(database) as connection:
        connection.execute("delete from reading where time = (select max(time) from reading)")
    with connect(database, "writer", "test") as connection:
        (difference,) = ledger.verify(connection)
        assert (difference.stored, difference.rows, difference.rolled) == (5, 4, 5)


def test_a_loose_index_of_rollups_is_made_anew_once(database: str) -> None:
    hours, series = 240, 400
    with connect(database, "writer", "test") as connection:
        for hour in range(hours):  # one hour of all series after the other, as they are closed
            connection.execute(
                "insert into rollup (series_id, bucket, n, s, mn, mx)"
                " select s, %(at)s, 1, 1, 1, 1 from generate_series(1, %(series)s) s",
                {"at": NOW - timedelta(hours=hour), "series": series},
            )
    with connect(database, "owner", "test") as connection:
        assert retention.tighten(connection, pages=10) >= 1
        assert retention.tighten(connection, pages=10) == 0
        assert connection.execute("select count(*) from rollup").fetchone() == (hours * series,)
