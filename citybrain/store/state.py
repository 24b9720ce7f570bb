"""The newest reading and the open hour of each series, and how stored readings move them on.

One row a series serves both, because one update of one row costs half of two upserts. It needs one writer a
series, which is what the region's lock is for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from citybrain.quality import DOUBTFUL, Flag
from citybrain.store.binary import NEVER, Array, Column, copy_rows
from citybrain.store.connection import Connection
from citybrain.store.sql import query

HOUR_US = 3_600_000_000  # microseconds in an hour

# Times in microseconds since 1970, NEVER: none yet. `before` is the value before `value`; `same_since` is when
# the series last took another value; `ahead_until` is the furthest time stored under the flag AHEAD. `bucket` to
# `mx` are the open hour: its start, good and doubtful readings, and sum, least and greatest of the good.
ROW = np.dtype(
    [
        ("series_id", "i4"),
        ("time", "i8"),
        ("value", "f8"),
        ("quality", "i2"),
        ("before", "f8"),
        ("same_since", "i8"),
        ("good_time", "i8"),
        ("good_value", "f8"),
        ("ahead_until", "i8"),
        ("bucket", "i8"),
        ("n", "i4"),
        ("n_doubtful", "i4"),
        ("s", "f8"),
        ("mn", "f8"),
        ("mx", "f8"),
    ]
)
TIMES = ("time", "same_since", "good_time", "ahead_until", "bucket")
EMPTY = np.array([(0, NEVER, np.nan, 0, np.nan, NEVER, NEVER, np.nan, NEVER, NEVER, 0, 0, 0.0, np.inf, -np.inf)], ROW)[
    0
]

ROLLUP_COLUMNS = ("n", "n_doubtful", "s", "mn", "mx")


class SeriesState:
    """The rows of all series, indexed by series id."""

    def __init__(self, rows: Column | None = None) -> None:
        self._rows = np.full(1024, EMPTY, ROW)
        if rows is not None and len(rows):
            self.put(rows)

    @classmethod
    def load(cls, connection: Connection) -> SeriesState:
        """Read every series' row."""
        return cls(copy_rows(connection, query("readings", "load_state"), ROW, TIMES))

    def take(self, series: Column) -> Column:
        """The rows of `series`, in its order; a series without a row has EMPTY."""
        self._reach(int(series.max(initial=0)))
        return self._rows[series]

    def put(self, rows: Column) -> None:
        """Replace the rows of the series that `rows` name; call it after the commit."""
        self._reach(int(rows["series_id"].max(initial=0)))
        self._rows[rows["series_id"]] = rows

    def overlaid(self, *changes: Column) -> SeriesState:
        """A copy with `changes` put."""
        copy = SeriesState()
        copy._rows = self._rows.copy()
        for rows in changes:
            copy.put(rows)
        return copy

    def _reach(self, series: int) -> None:
        if series >= len(self._rows):
            grown = np.full(2 * series, EMPTY, ROW)
            grown[: len(self._rows)] = self._rows
            self._rows = grown


def save(connection: Connection, rows: Column) -> None:
    """Write `rows` to their series' state."""
    columns = {name: Array(rows[name], times=name in TIMES) for name in ROW.names or ()}
    connection.execute(query("readings", "save_state"), columns)


def hours(stored: pl.DataFrame) -> pl.DataFrame:
    """What stored readings add to each series and hour.

    Args:
        stored: series i32, time i64 (us), value f64, quality i16.

    Returns:
        One row a (series, bucket): n, n_doubtful, s, mn, mx; doubtful readings are counted and nothing else.
    """
    good = (pl.col("quality") & int(DOUBTFUL)) == 0
    value = pl.when(good).then("value")
    return stored.group_by("series", bucket=pl.col("time") - pl.col("time") % HOUR_US).agg(
        n=good.sum().cast(pl.Int32),
        n_doubtful=(~good).sum().cast(pl.Int32),
        s=value.sum(),
        mn=value.min().fill_null(np.inf),
        mx=value.max().fill_null(-np.inf),
    )


def advance(state: SeriesState, stored: pl.DataFrame) -> tuple[Column, pl.DataFrame]:
    """Move the state on by newly stored readings; pure.

    Args:
        state: as of before.
        stored: in arrival order: series i32, time i64 (us), value f64, quality i16, same_since i64 (us; of readings
            neither late nor ahead).

    Returns:
        The new state rows of the series touched, and what to add to closed hours (as of `hours`): what came for
        hours that are not open, and the hours that this batch closes.
    """
    in_order = (pl.col("quality") & int(Flag.LATE | Flag.AHEAD)) == 0
    good = in_order & ((pl.col("quality") & int(DOUBTFUL)) == 0)
    ahead = (pl.col("quality") & int(Flag.AHEAD)) != 0
    newest = stored.group_by("series").agg(
        pl.col("time", "value", "quality", "same_since").filter(in_order).last(),
        before=pl.col("value").filter(in_order).slice(-2, 1).first(),
        in_order=in_order.sum(),
        good_time=pl.col("time").filter(good).last(),
        good_value=pl.col("value").filter(good).last(),
        ahead_until=pl.col("time").filter(ahead).max(),
    )
    series = newest["series"].to_numpy()
    old = state.take(series)
    rows = old.copy()
    rows["series_id"] = series
    _replace(rows, newest, "in_order", ("time", "value", "quality", "same_since"))
    _replace(rows, newest, "good_time", ("good_time", "good_value"))
    # With one new reading the one before it is the old newest.
    moved = newest["in_order"].to_numpy()
    rows["before"] = np.where(moved == 0, old["before"], old["value"])
    several = moved > 1
    rows["before"][several] = newest["before"].to_numpy()[several]
    furthest = newest["ahead_until"].fill_null(NEVER).to_numpy()
    rows["ahead_until"] = np.maximum(old["ahead_until"], furthest)

    rows["bucket"] = np.where(rows["time"] == NEVER, NEVER, rows["time"] - rows["time"] % HOUR_US)
    added = hours(stored).join(pl.DataFrame({"series": series, "open": rows["bucket"]}), on="series")
    closed = added.filter(pl.col("bucket") != pl.col("open")).drop("open")
    closing = (rows["bucket"] != old["bucket"]) & (old["n"] + old["n_doubtful"] > 0)
    for name in ROLLUP_COLUMNS:
        rows[name][rows["bucket"] != old["bucket"]] = EMPTY[name]
    contributions = newest.select("series").join(
        added.filter(pl.col("bucket") == pl.col("open")), on="series", how="left", maintain_order="left"
    )
    for name in ("n", "n_doubtful", "s"):
        rows[name] += contributions[name].fill_null(0).to_numpy()
    rows["mn"] = np.minimum(rows["mn"], contributions["mn"].fill_null(np.inf).to_numpy())
    rows["mx"] = np.maximum(rows["mx"], contributions["mx"].fill_null(-np.inf).to_numpy())
    return rows, _merge(closed, old[closing], series[closing])


def _replace(rows: Column, newest: pl.DataFrame, where: str, names: tuple[str, ...]) -> None:
    present = newest[where].fill_null(0).to_numpy() != 0
    for name in names:
        rows[name][present] = newest[name].to_numpy()[present]


def _merge(closed: pl.DataFrame, rows: Column, series: Column) -> pl.DataFrame:
    """`closed` and the open hours of `rows`, one row a (series, bucket)."""
    opened = pl.DataFrame({"series": series, **{name: rows[name] for name in ("bucket", *ROLLUP_COLUMNS)}})
    return (
        pl.concat([closed, opened.select(closed.columns)])
        .group_by("series", "bucket")
        .agg(pl.col("n", "n_doubtful", "s").sum(), pl.col("mn").min(), pl.col("mx").max())
    )


def as_columns(frame: pl.DataFrame, **times: Any) -> dict[str, Array]:
    """The columns of `frame` as statement parameters; `name=True` marks a column of times."""
    return {name: Array(frame[name].to_numpy(), times=bool(times.get(name))) for name in frame.columns}
