"""Computes derived series where their inputs changed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Protocol
from zoneinfo import ZoneInfo

import polars as pl
import psycopg
import structlog

from citybrain import metrics
from citybrain.derived import air_quality
from citybrain.store import derivations, ledger
from citybrain.store.binary import Column
from citybrain.store.connection import HOLDER_IDLE, Connection, connect
from citybrain.store.readings import REVISED, STORED, Readings, chunk_span, prefer_indexes
from citybrain.store.series import SeriesTable
from citybrain.store.sql import query
from citybrain.store.state import HOUR_US, SeriesState

log = structlog.get_logger()

POLL_S = 1.0  # seconds between two looks for what is due
STANDBY_S = 2.0  # seconds between two tries for the lock
HOURS_AT_ONCE = 2000  # marks of one transaction; more would hold up collectors that renew one
DAYS_AT_ONCE = 200


class Derivation(Protocol):
    """What a module of this package offers.

    `hourly` and `daily` take station i32, time i64 (start of the hour, us) and the inputs' hourly means, and give
    station, time, metric and value.
    """

    @property
    def INPUTS(self) -> tuple[str, ...]:  # noqa: N802  a module's constant
        """Metrics that it reads."""

    @property
    def REACH_HOURS(self) -> int:  # noqa: N802
        """Hours after its own that an hour counts in."""

    def hourly(self, hours: pl.DataFrame, zone: str) -> pl.DataFrame:
        """Readings of hours."""

    def daily(self, hours: pl.DataFrame, zone: str) -> pl.DataFrame:
        """Readings of whole city days, timed at their start."""


FUNCTIONS: Mapping[str, Derivation] = MappingProxyType({"air_quality": air_quality})


class Runner:
    """Computes what is due until `stop` is called; one runner works, others stand by."""

    def __init__(self, database_url: str, zone: ZoneInfo) -> None:
        self.database_url = database_url
        self.zone = zone
        self.stopping = False

    def stop(self) -> None:
        """End after the present transaction; safe to call from a signal handler."""
        self.stopping = True

    def run(self) -> None:
        """Take the lock, compute, begin anew when the database was away."""
        while not self.stopping:
            try:
                with connect(self.database_url, "writer", "derive") as connection:
                    connection.execute(HOLDER_IDLE)
                    locked = connection.execute(query("derivations", "lock")).fetchone()
                    if locked and locked[0]:
                        log.info("deriving")
                        self._work(connection)
            except psycopg.Error as error:
                log.warning("database away", error=str(error).strip().replace("\n", " ")[:200])
            self._pause(STANDBY_S)

    def _work(self, connection: Connection) -> None:
        table = SeriesTable.load(connection)
        state = SeriesState.load(connection)
        while not self.stopping:
            busy = False
            for function in FUNCTIONS:
                for compute in (compute_hours, compute_days):
                    busy |= compute(connection, table, state, function, self.zone, datetime.now(UTC)) > 0
            if not busy:
                self._pause(POLL_S)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < until:
            time.sleep(0.05)


def compute_hours(
    connection: Connection,
    table: SeriesTable,
    state: SeriesState,
    function: str,
    zone: ZoneInfo,
    now: datetime,
) -> int:
    """Compute the hours that are due at `now`, and mark their days; how many marks were worked off."""
    marks = derivations.due(connection, function, "hour", now, HOURS_AT_ONCE)
    if not len(marks):
        return 0
    derivation = FUNCTIONS[function]
    reach_us = derivation.REACH_HOURS * HOUR_US
    low, high = _bounds(marks)
    hours = derivations.hours(
        connection,
        marks["device"].unique().to_list(),
        derivation.INPUTS,
        low - reach_us,
        high + reach_us + HOUR_US,
    )
    # An hour counts in the running means of the hours after it: those are computed, too.
    touched = (
        marks.select("device", pl.int_ranges("time", pl.col("time") + reach_us + 1, HOUR_US).alias("time"))
        .explode("time")
        .unique()
    )
    _know(connection, table, marks)
    results = derivation.hourly(hours, zone.key).join(
        touched, left_on=["station", "time"], right_on=["device", "time"], how="semi", maintain_order="left"
    )
    with connection.transaction():
        prefer_indexes(connection)
        derivations.mark(connection, function, "day", _days(marks, zone))
        moved = _work_off(connection, table, state, function, "hour", marks, results, now)
    for rows in moved:
        state.put(rows)
    return len(marks)


def compute_days(
    connection: Connection,
    table: SeriesTable,
    state: SeriesState,
    function: str,
    zone: ZoneInfo,
    now: datetime,
) -> int:
    """Compute the city days that are due at `now`; how many marks were worked off."""
    marks = derivations.due(connection, function, "day", now, DAYS_AT_ONCE)
    if not len(marks):
        return 0
    derivation = FUNCTIONS[function]
    low, high = _bounds(marks)
    # A city day has at most 25 hours.
    hours = derivations.hours(
        connection, marks["device"].unique().to_list(), derivation.INPUTS, low, high + 25 * HOUR_US
    )
    _know(connection, table, marks)
    results = derivation.daily(hours, zone.key).join(
        marks, left_on=["station", "time"], right_on=["device", "time"], how="semi", maintain_order="left"
    )
    with connection.transaction():
        prefer_indexes(connection)
        moved = _work_off(connection, table, state, function, "day", marks, results, now)
    for rows in moved:
        state.put(rows)
    return len(marks)


def _work_off(
    connection: Connection,
    table: SeriesTable,
    state: SeriesState,
    function: str,
    span: str,
    marks: pl.DataFrame,
    results: pl.DataFrame,
    now: datetime,
) -> list[Column]:
    """Store the results of `marks` and take the marks away; the new state rows, for `state.put` after the commit."""
    moved, account = _store(connection, table, state, function, results, now)
    # What collectors write, too, comes last: they wait for us until the commit.
    derivations.done(connection, function, span, marks)
    ledger.add(connection, account)
    return moved


def _store(
    connection: Connection,
    table: SeriesTable,
    state: SeriesState,
    function: str,
    results: pl.DataFrame,
    now: datetime,
) -> tuple[list[Column], pl.DataFrame]:
    """Store derived readings as any others; what has changed revises what was there.

    Returns:
        The new state rows, for `state.put` after the commit, and the account, for the ledger.
    """
    now_us = int(now.timestamp() * 1_000_000)
    pairs = results.select("station", "metric").unique()
    series = [table.series_of(connection, station, metric) for station, metric in pairs.iter_rows()]
    arrived = (
        results.join(pairs.with_columns(series=pl.Series(series, dtype=pl.Int32)), on=["station", "metric"])
        .sort("time", maintain_order=True)
        .select(
            "series",
            pl.col("station").alias("device").cast(pl.Int32),
            "time",
            "value",
            received=pl.lit(now_us, pl.Int64),
            quality=pl.lit(0, pl.Int16),
        )
    )
    settled = Readings(connection, chunk_span(connection)).settle(table, state, arrived)
    hour_us = now_us - now_us % HOUR_US
    # What came out as it was before is no duplicate: nobody sent it.
    changed = settled.with_fate(STORED, REVISED)
    received = {(hour_us, device): number for device, number in changed["device"].value_counts().iter_rows()}
    metrics.DERIVED.labels(function).inc(len(arrived))
    return settled.rows, ledger.account(received, changed, arrived.select("received", "device").clear())


def _know(connection: Connection, table: SeriesTable, marks: pl.DataFrame) -> None:
    """Read the catalogue again where a device has registered itself since."""
    if not set(marks["device"].to_list()) <= table.keys.keys():
        table.reload(connection)


def _days(marks: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """The city days of hours, due when they are over."""
    start = pl.from_epoch("time", "us").dt.replace_time_zone("UTC").dt.convert_time_zone(zone.key).dt.truncate("1d")
    return (
        marks.select("device", start=start, changed="due")
        .group_by("device", "start")
        .agg(pl.col("changed").max())
        .select(
            "device",
            time=pl.col("start").dt.epoch("us"),
            due=pl.max_horizontal(pl.col("start").dt.offset_by("1d").dt.epoch("us") + derivations.SETTLE_US, "changed"),
        )
    )


def _bounds(marks: pl.DataFrame) -> tuple[int, int]:
    low, high = marks["time"].min(), marks["time"].max()
    assert isinstance(low, int)  # noqa: S101  there are marks, and none is null
    assert isinstance(high, int)  # noqa: S101
    return low, high
