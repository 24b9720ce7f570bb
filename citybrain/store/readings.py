"""Readings into the hypertable: what is stored already, what is new, what replaces a stored value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl
from psycopg import sql

from citybrain.quality import DOUBTFUL, Flag, judge, lag_s
from citybrain.store.binary import Array, Column, copy_data
from citybrain.store.connection import Connection
from citybrain.store.series import SeriesTable
from citybrain.store.sql import query
from citybrain.store.state import HOUR_US, ROLLUP_COLUMNS, SeriesState, advance, as_columns, save

STORED, DUPLICATE, REVISED, CONFLICT = "stored", "duplicate", "revised", "conflict"

READING = np.dtype([("time", "i8"), ("value", "f8"), ("series_id", "i4"), ("quality", "i2"), ("lag_s", "i2")])


class StoreError(Exception):
    """The store did something else than it was told: nothing may be committed."""


@dataclass(frozen=True)
class Settled:
    """What became of readings; `stored` has their flags, `rows` go to `state.put` after the commit."""

    arrived: pl.DataFrame  # as given, with the column `fate`
    stored: pl.DataFrame
    rows: list[Column]

    def with_fate(self, *fates: str) -> pl.DataFrame:
        """The readings that met one of `fates`."""
        return self.arrived.filter(pl.col("fate").is_in(fates))


class Readings:
    """What a transaction does with readings; `span_us` is the length of a chunk in microseconds."""

    def __init__(self, connection: Connection, span_us: int) -> None:
        self.connection = connection
        self.span_us = span_us

    def settle(
        self, table: SeriesTable, state: SeriesState, arrived: pl.DataFrame, *, look_everywhere: bool = False
    ) -> Settled:
        """Store what is new and revise what may be revised; conflicts are left to the caller.

        Args:
            table: what series there are.
            state: as of before; it is not changed.
            arrived: in arrival order: series i32, time i64 (us), value f64, received i64 (us), quality i16.
            look_everywhere: look up every key, also those newer than anything that `state` knows to be stored.

        Raises:
            StoreError: the server took another number of rows than it was given.
        """
        arrived = arrived.with_columns(fate=self._fates(table, state, arrived, look_everywhere=look_everywhere))
        new = arrived.filter(pl.col("fate") == STORED).drop("fate")
        series = new["series"].to_numpy()
        stored = judge(new, state.take(series), table.traits(series))
        rows: list[Column] = []
        if len(stored):
            rows.append(self.insert(state, stored))
        revised = _in_range(arrived.filter(pl.col("fate") == REVISED), table)
        if len(revised):
            rows.append(self.revise(state.overlaid(*rows), revised))
        return Settled(arrived, stored, rows)

    def _fates(
        self, table: SeriesTable, state: SeriesState, arrived: pl.DataFrame, *, look_everywhere: bool
    ) -> pl.Series:
        """What becomes of each reading: stored, duplicate, revised or conflict.

        A key counts once: what is stored, or else the first to come, is the reading; the same value again is a
        duplicate; another value revises it where the metric says so and is a conflict elsewhere.
        """
        series, time = arrived["series"].to_numpy(), arrived["time"].to_numpy()
        rows = state.take(series)
        # Nothing is stored beyond the newest reading and the furthest one of a clock ahead: no need to look there.
        reached = np.maximum(rows["time"], rows["ahead_until"])
        candidates = np.flatnonzero((time <= reached) | look_everywhere).astype("i4")
        known = np.full(len(arrived), np.nan)
        is_known = np.zeros(len(arrived), bool)
        if len(candidates):
            at, values = self.stored(series[candidates], time[candidates])
            known[candidates[at]] = values
            is_known[candidates[at]] = True
        frame = arrived.select(
            "value",
            first=pl.struct("series", "time").is_first_distinct(),
            first_value=pl.col("value").first().over("series", "time"),
            value_before=pl.col("value").shift(1).over("series", "time"),
            known=pl.when(pl.Series(is_known)).then(pl.Series(known)),
            revises=pl.Series(table.traits(series)["revises"]),
        )
        # What may be revised is what came last; anything else stays what it was first.
        present = (
            pl.when("revises").then(pl.coalesce("value_before", "known")).otherwise(pl.coalesce("known", "first_value"))
        )
        return frame.select(
            pl.when(pl.col("known").is_null() & pl.col("first"))
            .then(pl.lit(STORED))
            .when(pl.col("value") == present)
            .then(pl.lit(DUPLICATE))
            .when("revises")
            .then(pl.lit(REVISED))
            .otherwise(pl.lit(CONFLICT))
        ).to_series()

    def stored(self, series: Column, time: Column) -> tuple[Column, Column]:
        """Which of the keys (series i32, time i64 us) are stored already.

        Returns:
            Positions into the keys (ascending within a chunk only), and the stored values beside them.
        """
        positions: list[int] = []
        values: list[float] = []
        for part, low, high in self._chunks(time):
            rows = self.connection.execute(
                self._bounded("stored", low, high),
                {
                    "series": Array(series[part]),
                    "time": Array(time[part], times=True),
                    "position": Array(part),
                },
                binary=True,
            ).fetchall()
            positions += [row[0] for row in rows]
            values += [row[1] for row in rows]
        return np.array(positions, "i4"), np.array(values, "f8")

    def insert(self, state: SeriesState, new: pl.DataFrame) -> Column:
        """Store `new`, keep rollups and newest values in step.

        Args:
            state: as of before; it is not changed.
            new: in arrival order, not stored yet: series, time, value, quality, lag_s, same_since.

        Returns:
            The new state rows, for `state.put` after the commit.

        Raises:
            StoreError: the server took another number of rows than it was given.
        """
        rows = np.empty(len(new), READING)
        for column, name in zip(READING.names or (), ("time", "value", "series", "quality", "lag_s"), strict=True):
            rows[column] = new[name].to_numpy()
        with self.connection.cursor() as cursor:
            with cursor.copy(query("readings", "copy")) as copy:
                copy.write(copy_data(rows, ("time",)))
            if cursor.rowcount != len(rows):
                raise StoreError(f"{len(rows)} readings were copied and {cursor.rowcount} arrived.")
        moved, closed = advance(state, new)
        save(self.connection, moved)
        self._rollup("add_rollup", closed)
        return moved

    def revise(self, state: SeriesState, revised: pl.DataFrame) -> Column:
        """Replace stored values and compute their hours anew; the last of several for one key counts.

        Args:
            state: as of after `insert`; it is not changed.
            revised: series, time, value, received, quality of stored keys.

        Returns:
            The new state rows, for `state.put` after the commit.
        """
        revised = revised.unique(["series", "time"], keep="last", maintain_order=True).with_columns(
            (pl.col("quality") | int(Flag.REVISED)).cast(pl.Int16), lag_s=lag_s()
        )
        for part, low, high in self._chunks(revised["time"].to_numpy()):
            columns = as_columns(revised[part].select("series", "time", "value", "quality", "lag_s"), time=True)
            self.connection.execute(self._bounded("revise", low, high), columns)
        rows = self._newest_revised(state, revised)
        keys = revised.select("series", bucket=pl.col("time") - pl.col("time") % HOUR_US).unique()
        again = self._hours_again(keys)
        open_hours = pl.DataFrame({"series": rows["series_id"], "open": rows["bucket"]})
        again = again.join(open_hours, on="series", how="left", maintain_order="left")
        is_open = again["bucket"] == again["open"]
        here = again.filter(is_open)
        at = np.searchsorted(rows["series_id"], here["series"].to_numpy())
        for name in ROLLUP_COLUMNS:
            rows[name][at] = here[name].to_numpy()
        save(self.connection, rows)
        # All of an open hour is in its state row now, also what came for it under the flag AHEAD before it was open.
        self._rollup("drop_rollup", here.select("series", "bucket"))
        self._rollup("set_rollup", again.filter(~is_open).drop("open"))
        return rows

    def _newest_revised(self, state: SeriesState, revised: pl.DataFrame) -> Column:
        """The state rows of the series revised, with a revised newest value in them; sorted by series."""
        rows = state.take(np.unique(revised["series"].to_numpy()))
        rows["series_id"] = np.unique(revised["series"].to_numpy())
        at = np.searchsorted(rows["series_id"], revised["series"].to_numpy())
        time, value, quality = (revised[name].to_numpy() for name in ("time", "value", "quality"))
        newest = rows["time"][at] == time
        rows["value"][at[newest]] = value[newest]
        rows["quality"][at[newest]] = quality[newest]
        good = (quality & int(DOUBTFUL)) == 0
        newest_good = good & (time >= rows["good_time"][at]) & (time <= rows["time"][at])
        rows["good_time"][at[newest_good]] = time[newest_good]
        rows["good_value"][at[newest_good]] = value[newest_good]
        return rows

    def _hours_again(self, keys: pl.DataFrame) -> pl.DataFrame:
        """The hours (series, bucket) of `keys`, computed from their readings."""
        found: list[tuple[int, int, int, float, float, float]] = []
        for part, low, high in self._chunks(keys["bucket"].to_numpy()):
            hours = keys[part]
            found += self.connection.execute(
                # An hour may reach over the end of its chunk.
                self._bounded("hours_again", low, high + HOUR_US),
                {
                    "series": Array(hours["series"].to_numpy()),
                    "bucket": Array(hours["bucket"].to_numpy(), times=True),
                    "position": Array(part),
                },
            ).fetchall()
        computed = pl.DataFrame(
            found,
            schema={
                "position": pl.Int32,
                "n": pl.Int32,
                "n_doubtful": pl.Int32,
                "s": pl.Float64,
                "mn": pl.Float64,
            }
            | {"mx": pl.Float64},
            orient="row",
        )
        return keys[computed["position"]].hstack(computed.drop("position"))

    def _rollup(self, name: str, hours: pl.DataFrame) -> None:
        """Write hours of series, and with them those of their regions."""
        if len(hours):
            bucket = hours["bucket"].to_numpy()
            statement = self._bounded(name, int(bucket.min()), int(bucket.max()) + HOUR_US)
            self.connection.execute(statement, as_columns(hours, bucket=True))

    def _chunks(self, time: Column) -> Iterator[tuple[Column, int, int]]:
        """Positions of `time` (us) by chunk interval, with the interval's bounds (us)."""
        start = time - time % self.span_us
        for low in np.unique(start):
            yield np.flatnonzero(start == low).astype("i4"), int(low), int(low) + self.span_us

    def _bounded(self, name: str, low: int, high: int) -> sql.Composed:
        return sql.SQL(query("readings", name)).format(low=literal(low), high=literal(high))


def _in_range(revised: pl.DataFrame, table: SeriesTable) -> pl.DataFrame:
    """Revised readings with the flag of those that are not plausible."""
    traits = table.traits(revised["series"].to_numpy())
    value = revised["value"].to_numpy()
    outside = (value < traits["low"]) | (value > traits["high"])
    flag = np.where(outside, int(Flag.OUT_OF_RANGE), 0)
    return revised.with_columns(quality=(pl.col("quality") | pl.Series(flag)).cast(pl.Int16))


def literal(time_us: int) -> sql.Literal:
    """A time in microseconds since 1970 as a literal, whole seconds; it lets the planner exclude chunks."""
    return sql.Literal(datetime.fromtimestamp(time_us // 1_000_000, UTC))


def prefer_indexes(connection: Connection) -> None:
    """Have the present transaction look up the keys it is given one by one, whatever the statistics say."""
    connection.execute(query("readings", "prefer_indexes"))


def chunk_span(connection: Connection) -> int:
    """The length of a new chunk of readings in microseconds."""
    row = connection.execute(query("readings", "chunk_span")).fetchone()
    if row is None:
        raise StoreError("The table reading is no hypertable: run `citybrain db migrate`.")
    return int(row[0])
