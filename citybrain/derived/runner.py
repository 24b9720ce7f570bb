"""Computes derived series where their inputs changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import polars as pl
import structlog

from citybrain import metrics
from citybrain.derived import inputs
from citybrain.derived.functions import FUNCTIONS
from citybrain.quality import AHEAD_US
from citybrain.store import derivations, ledger
from citybrain.store.connection import Connection
from citybrain.store.holder import Holder
from citybrain.store.readings import REVISED, STORED, Readings, Settled, chunk_span, prefer_indexes
from citybrain.store.series import SeriesTable
from citybrain.store.sql import query
from citybrain.store.state import HOUR_US, SeriesState

log = structlog.get_logger()

POLL_S = 1.0  # seconds between two looks for what is due
DAYS_AT_ONCE = 200  # marks of one transaction

_NOTHING = pl.DataFrame(schema={"station": pl.Int32, "time": pl.Int64, "metric": pl.String, "value": pl.Float64})


class Rules(Protocol):
    """What judges derived readings, inside the transaction that stores them."""

    def prepare(self, connection: Connection, arrived: Iterable[int], now: datetime) -> None:
        """Take up series that are new."""

    def judge(
        self, connection: Connection, stored: pl.DataFrame, revised: pl.DataFrame, now: datetime
    ) -> Callable[[], None]:
        """Write what the rules make of rows just stored; what is returned is to be called after the commit."""

    def beat(self, connection: Connection, now: datetime) -> None:
        """Do what is due by the clock."""


@dataclass(frozen=True)
class Desk:
    """What computing works with: the connection that holds the lock, what series there are, their state, the rules."""

    connection: Connection
    table: SeriesTable
    state: SeriesState
    zone: ZoneInfo
    rules: Rules | None = None


class Runner:
    """Computes what is due until `stop` is called; one runner works, others stand by."""

    def __init__(self, database_url: str, zone: ZoneInfo, rules: Callable[[], Rules]) -> None:
        self.zone = zone
        self.rules = rules
        self._holder = Holder(database_url, "derive", query("derivations", "lock"))

    def stop(self) -> None:
        """End after the present transaction; safe to call from a signal handler."""
        self._holder.stop()

    def run(self) -> None:
        """Take the lock, compute, begin anew when the database was away."""
        self._holder.run(self._work)

    def _work(self, connection: Connection) -> None:
        rules = self.rules()
        desk = Desk(connection, SeriesTable.load(connection), SeriesState.load(connection), self.zone, rules)
        while not self._holder.stopping:
            busy = False
            rules.beat(connection, datetime.now(UTC))
            for function in FUNCTIONS:
                for compute in (compute_hours, compute_days):
                    busy |= compute(desk, function, datetime.now(UTC)) > 0
            if not busy:
                self._holder.pause(POLL_S)


def compute_hours(desk: Desk, function: str, now: datetime) -> int:
    """Compute the hours that are due at `now`, and mark their days; how many marks were worked off."""
    derivation = FUNCTIONS[function]
    marks = derivations.due(desk.connection, function, "hour", now, derivation.hours_at_once)
    if not len(marks):
        return 0
    _know(desk.connection, desk.table, marks)
    results = _NOTHING
    if derivation.hourly:
        frame, touched = inputs.of_hours(desk.connection, derivation, marks)
        results = _touched(derivation.hourly(frame, desk.zone.key), touched, now)
    with desk.connection.transaction():
        prefer_indexes(desk.connection)
        if derivation.daily:
            derivations.mark(desk.connection, function, "day", _days(marks, desk.zone))
        committed = _work_off(desk, function, "hour", marks, results, now)
    committed()
    return len(marks)


def compute_days(desk: Desk, function: str, now: datetime) -> int:
    """Compute the city days that are due at `now`; how many marks were worked off."""
    derivation = FUNCTIONS[function]
    marks = derivations.due(desk.connection, function, "day", now, DAYS_AT_ONCE)
    if not len(marks):
        return 0
    _know(desk.connection, desk.table, marks)
    results = _NOTHING
    if derivation.daily:
        frame, touched = inputs.of_days(desk.connection, derivation, marks, desk.zone.key)
        results = _touched(derivation.daily(frame, desk.zone.key), touched, now)
    with desk.connection.transaction():
        prefer_indexes(desk.connection)
        committed = _work_off(desk, function, "day", marks, results, now)
    committed()
    return len(marks)


def _touched(results: pl.DataFrame, touched: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The results that may have changed; what lies further ahead than clocks differ is not over yet."""
    hour = pl.col("time") - pl.col("time") % HOUR_US
    return (
        results.filter(pl.col("time") <= int(now.timestamp() * 1_000_000) + AHEAD_US)
        .with_columns(hour=hour)
        .join(touched.select(station="device", hour=hour), on=["station", "hour"], how="semi", maintain_order="left")
        .drop("hour")
    )


def _work_off(
    desk: Desk, function: str, span: str, marks: pl.DataFrame, results: pl.DataFrame, now: datetime
) -> Callable[[], None]:
    """Store the results of `marks` and take the marks away; what is returned is to be called after the commit."""
    settled, account = _store(desk, function, results, now)
    judged = None
    if desk.rules is not None:
        judged = desk.rules.judge(desk.connection, settled.stored, settled.with_fate(REVISED), now)
    # What collectors write, too, comes last: they wait for us until the commit.
    derivations.done(desk.connection, function, span, marks)
    ledger.add(desk.connection, account)

    def committed() -> None:
        for rows in settled.rows:
            desk.state.put(rows)
        if judged is not None:
            judged()

    return committed


def _store(desk: Desk, function: str, results: pl.DataFrame, now: datetime) -> tuple[Settled, pl.DataFrame]:
    """Store derived readings as any others; what has changed revises what was there.

    Returns:
        What became of them, and the account, for the ledger.
    """
    now_us = int(now.timestamp() * 1_000_000)
    pairs = results.select("station", "metric").unique()
    series = [desk.table.series_of(desk.connection, station, metric) for station, metric in pairs.iter_rows()]
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
    if desk.rules is not None:
        desk.rules.prepare(desk.connection, series, now)
    settled = Readings(desk.connection, chunk_span(desk.connection)).settle(desk.table, desk.state, arrived)
    hour_us = now_us - now_us % HOUR_US
    # What came out as it was before is no duplicate: nobody sent it.
    changed = settled.with_fate(STORED, REVISED)
    received = {(hour_us, device): number for device, number in changed["device"].value_counts().iter_rows()}
    metrics.DERIVED.labels(function).inc(len(arrived))
    return settled, ledger.account(received, changed, arrived.select("received", "device").clear())


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
