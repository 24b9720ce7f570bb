"""A recording as a cycle of whole days, in which every instant of all time has its place."""

from __future__ import annotations

import polars as pl

DAY = 86_400_000_000  # us


def length(times: pl.Series) -> int:
    """The shortest whole number of days (in us) after which nothing of these times (us) falls on another."""
    first, last = times.min(), times.max()
    if not isinstance(first, int) or not isinstance(last, int):
        raise ValueError("A cycle needs at least one time, as whole microseconds.")
    return ((last - first) // DAY + 1) * DAY


def ending(readings: pl.DataFrame, now: int) -> pl.DataFrame:
    """The readings of the cycle in the last `length` before `now` (us, inclusive), in order of `time`.

    Each is moved by the largest whole number of cycles with which it is not in the future. An instant
    therefore has the same readings whatever `now` is.
    """
    cycle = length(readings["time"])
    time = pl.col("time")
    return readings.with_columns(time + (now - time) // cycle * cycle).sort("time", maintain_order=True)
