"""Readings, rollup and newest values against a model that takes one reading at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from citybrain.quality import DOUBTFUL, Flag
from citybrain.store.connection import Connection, connect
from citybrain.store.readings import CONFLICT, DUPLICATE, REVISED, STORED, Readings, chunk_span
from citybrain.store.series import SeriesTable
from citybrain.store.state import HOUR_US, ROW, SeriesState

SECOND = 1_000_000
START = 1_795_300_000 * SECOND  # 2026-11-21, a little before an hour ends
SCHEMA = {"series": pl.Int32, "device": pl.Int32, "time": pl.Int64, "value": pl.Float64, "received": pl.Int64}


@pytest.fixture
def connection(database: str) -> Any:
    with connect(database, "writer", "test") as connection:
        yield connection


def series(connection: Connection) -> tuple[SeriesTable, list[int]]:
    """Two plain series, and one that revises."""
    table = SeriesTable.load(connection)
    now = psycopg.connect(connection.info.dsn).execute("select now()").fetchone()[0]  # type: ignore[index]
    key = ("150802", "air", "model")
    if key not in table.devices:
        table.register_device(connection, key, now)
    plain = [table.register_series(connection, key, metric).series for metric in ("temperature", "wind_speed")]
    return table, [*plain, table.series_of(connection, table.devices[key], "aqi")]


@dataclass
class Model:
    """What is stored, by key; the newest reading in order of each series; how often each fate was met."""

    stored: dict[tuple[int, int], tuple[float, bool]] = field(default_factory=dict)
    newest: dict[int, tuple[int, float]] = field(default_factory=dict)
    fates: dict[str, int] = field(default_factory=dict)

    def take(self, series: int, time: int, value: float, received: int, *, revises: bool) -> None:
        old = self.stored.get((series, time))
        ahead = time > received + 60 * SECOND
        if old is None:
            fate = STORED
            self.stored[series, time] = (value, not ahead)
            if not ahead and time > self.newest.get(series, (0, 0.0))[0]:
                self.newest[series] = (time, value)
        elif old[0] == value:
            fate = DUPLICATE
        elif revises:
            fate = REVISED
            self.stored[series, time] = (value, True)
            if self.newest.get(series, (0, 0.0))[0] == time:
                self.newest[series] = (time, value)
        else:
            fate = CONFLICT
        self.fates[fate] = self.fates.get(fate, 0) + 1

    def hours(self) -> dict[tuple[int, int], tuple[int, int, float, float, float]]:
        found: dict[tuple[int, int], list[float]] = {}
        doubtful: dict[tuple[int, int], int] = {}
        for (series, time), (value, good) in self.stored.items():
            hour = (series, time - time % HOUR_US)
            found.setdefault(hour, [])
            doubtful.setdefault(hour, 0)
            if good:
                found[hour].append(value)
            else:
                doubtful[hour] += 1
        nothing = (np.nan, np.nan, np.nan)
        return {
            hour: (len(values), doubtful[hour], *((min(values), max(values), sum(values)) if values else nothing))
            for hour, values in found.items()
        }


# (series 0..2, minute from START, value, seconds from the reading's time to its arrival)
ARRIVALS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(-200, 200), st.integers(0, 3), st.sampled_from([0, 0, 0, 5, -120])),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.tuples(ARRIVALS, st.booleans()), min_size=1, max_size=6))
def test_any_batches_leave_what_a_reading_by_reading_model_says(
    connection: Connection, batches: list[tuple[list[tuple[int, int, int, int]], bool]]
) -> None:
    for table in ("reading", "rollup", "region_hour", "series_state", "ledger"):
        connection.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))
    connection.execute("delete from series")
    table, ids = series(connection)
    state = SeriesState.load(connection)
    model = Model()
    span = chunk_span(connection)
    for arrivals, rolls_back in batches:
        rows = [
            (ids[which], 1, START + minute * 60 * SECOND, float(value), START + minute * 60 * SECOND + lag * SECOND)
            for which, minute, value, lag in arrivals
        ]
        arrived = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(quality=pl.lit(0, pl.Int16))
        if rolls_back:
            with connection.transaction(force_rollback=True):
                Readings(connection, span).settle(table, state, arrived)
            continue
        with connection.transaction():
            settled = Readings(connection, span).settle(table, state, arrived)
        for moved in settled.rows:
            state.put(moved)
        before = dict(model.fates)
        for id, _, time, value, received in rows:
            model.take(id, time, value, received, revises=id == ids[2])
        counted = {fate: number - before.get(fate, 0) for fate, number in model.fates.items()}
        assert {k: v for k, v in counted.items() if v} == dict(settled.arrived["fate"].value_counts().iter_rows())
    agrees(connection, model)
    # What a restart reads is what the process had.
    kept, held = SeriesState.load(connection).take(np.array(ids)), state.take(np.array(ids))
    for name in ROW.names or ():
        if name != "series_id":  # a series that has had nothing has no row in memory
            np.testing.assert_array_equal(kept[name], held[name], err_msg=name)


def agrees(connection: Connection, model: Model) -> None:
    rows = connection.execute(
        "select series_id, (extract(epoch from time) * 1000000)::bigint, value, quality from reading"
    ).fetchall()
    assert {(id, time): value for id, time, value, _ in rows} == {k: v for k, (v, _) in model.stored.items()}
    revised = {(id, time) for id, time, _, quality in rows if quality & Flag.REVISED}
    doubtful = {(id, time) for id, time, _, quality in rows if quality & DOUBTFUL}
    assert doubtful - revised == {k for k, (_, good) in model.stored.items() if not good} - revised
    hours = connection.execute(
        "select series_id, (extract(epoch from hour) * 1000000)::bigint, n, n_doubtful, low, high, mean from board_hour"
    ).fetchall()
    found = {
        (id, hour): (n, d, *(np.nan if x is None else x for x in (low, high, None if mean is None else mean * n)))
        for id, hour, n, d, low, high, mean in hours
    }
    expected = model.hours()
    assert found.keys() == expected.keys()
    for hour, numbers in expected.items():
        np.testing.assert_allclose(found[hour], numbers, rtol=1e-12, err_msg=str(hour))
    regions = connection.execute(
        "select metric, (extract(epoch from hour) * 1000000)::bigint, n, n_doubtful, s from board_region_hour"
    ).fetchall()
    metrics = dict(connection.execute("select series_id, metric from board_series").fetchall())
    # Each of the series has a metric of its own.
    assert {(metric, hour): numbers for metric, hour, *numbers in regions} == {
        (metrics[id], hour): [n, doubtful, pytest.approx(0 if n == 0 else total, rel=1e-12)]
        for (id, hour), (n, doubtful, _, _, total) in expected.items()
    }
    latest = connection.execute(
        "select series_id, (extract(epoch from time) * 1000000)::bigint, value from board_latest"
    ).fetchall()
    assert {id: (time, value) for id, time, value in latest} == model.newest


def test_a_revision_in_an_hour_that_began_with_a_wrong_clock_counts_once(connection: Connection) -> None:
    table, (_, _, revising) = series(connection)
    state, model = SeriesState.load(connection), Model()
    hour = START - START % HOUR_US + HOUR_US
    # Ahead of its time, then the hour itself, then a revision in it; each in a batch of its own.
    arrivals = [(hour + 60 * SECOND, 1.0, hour - 300 * SECOND), (hour, 2.0, hour), (hour, 3.0, hour + SECOND)]
    for time, value, received in arrivals:
        rows = [(revising, 1, time, value, received)]
        arrived = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(quality=pl.lit(0, pl.Int16))
        with connection.transaction():
            for moved in Readings(connection, chunk_span(connection)).settle(table, state, arrived).rows:
                state.put(moved)
        model.take(revising, time, value, received, revises=True)
    agrees(connection, model)


def test_a_revised_value_is_judged_by_its_range(connection: Connection) -> None:
    table, (_, _, revising) = series(connection)
    state = SeriesState.load(connection)
    for value, received in ((50.0, START), (-1e30, START + SECOND)):
        arrived = pl.DataFrame([(revising, 1, START, value, received)], schema=SCHEMA, orient="row").with_columns(
            quality=pl.lit(0, pl.Int16)
        )
        with connection.transaction():
            for moved in Readings(connection, chunk_span(connection)).settle(table, state, arrived).rows:
                state.put(moved)
    latest = connection.execute("select value, good from board_latest").fetchone()
    assert latest == (-1e30, False)
    assert connection.execute("select n, n_doubtful from board_hour").fetchone() == (0, 1)


def test_a_state_that_is_out_of_date_is_noticed_and_mended(connection: Connection) -> None:
    table, ids = series(connection)
    state = SeriesState.load(connection)
    arrived = pl.DataFrame([(ids[0], 1, START, 1.0, START)], schema=SCHEMA, orient="row").with_columns(
        quality=pl.lit(0, pl.Int16)
    )
    readings = Readings(connection, chunk_span(connection))
    with connection.transaction():
        readings.settle(table, state, arrived)
    # The state was not put: it believes the series to be empty.
    with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
        readings.settle(table, state, arrived)
    with connection.transaction():
        settled = readings.settle(table, SeriesState.load(connection), arrived, look_everywhere=True)
    assert settled.arrived["fate"].to_list() == [DUPLICATE]


def test_duplicates_over_many_chunks_are_found_by_index(connection: Connection) -> None:
    table, ids = series(connection)
    state = SeriesState.load(connection)
    week = 7 * 24 * 3600 * SECOND
    rows = [(ids[0], 1, START - number * week, float(number), START) for number in range(60)][::-1]
    arrived = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(quality=pl.lit(0, pl.Int16))
    readings = Readings(connection, chunk_span(connection))
    with connection.transaction():
        for moved in readings.settle(table, state, arrived).rows:
            state.put(moved)
    with connection.transaction():
        again = readings.settle(table, state, arrived.reverse())
        plan = connection.execute(
            "explain select k.position, r.value from unnest(array[%s], array['2026-11-21Z'::timestamptz], array[0]) "
            "k (series_id, time, position) join reading r on r.series_id = k.series_id and r.time = k.time "
            "where r.time >= '2026-11-19Z' and r.time < '2026-11-26Z'",
            (ids[0],),
        ).fetchall()
    assert again.arrived["fate"].unique().to_list() == [DUPLICATE]
    assert "Index Only Scan" in str(plan)
    assert "Seq Scan" not in str(plan)
