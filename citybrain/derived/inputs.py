"""What a derivation reads for its marks, and which hours or days of its results they touch."""

from __future__ import annotations

import polars as pl

from citybrain.derived.functions import Derivation
from citybrain.store import derivations
from citybrain.store.connection import Connection
from citybrain.store.state import HOUR_US

TOUCHED = ("device", "time")
LONGEST_DAY_US = 25 * HOUR_US  # a city day on which the clock is put back


def of_hours(connection: Connection, derivation: Derivation, marks: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """For marks of hours: the inputs, and the hours of each device (`TOUCHED`) whose readings may change."""
    reach_us = derivation.reach_hours * HOUR_US
    stations = None
    if derivation.shared:
        stations = derivations.stations(
            connection, _devices(marks), derivation.inputs, derivation.shared, derivation.site_numbers
        )
        marks = _concerned(marks, stations)
    # An hour counts in the results of the hours after it: those are computed, too.
    touched = _hours(marks, pl.col("time"), pl.col("time") + reach_us)
    if derivation.reads == "means":
        return _means(connection, derivation, touched, reach_us, HOUR_US), touched
    wanted = _hours(touched, pl.col("time") - reach_us, pl.col("time"))
    if stations is None:
        return derivations.readings(connection, wanted, derivation.inputs), touched
    wanted = pl.concat([wanted, _beside(wanted, stations, pl.col("shares"))]).unique()
    return derivations.readings(connection, wanted, derivation.inputs).join(stations, on="station"), touched


def of_days(
    connection: Connection, derivation: Derivation, marks: pl.DataFrame, zone: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """For marks of city days: the hourly means, and the days of each device (`TOUCHED`) whose readings may change."""
    start = pl.from_epoch("time", "us").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    days = pl.concat_list(start.dt.offset_by(f"{day}d").dt.epoch("us") for day in range(derivation.reach_days + 1))
    touched = marks.select("device", time=days).explode("time").unique()
    return _means(connection, derivation, touched, derivation.reach_days * LONGEST_DAY_US, LONGEST_DAY_US), touched


def _means(
    connection: Connection, derivation: Derivation, touched: pl.DataFrame, back_us: int, span_us: int
) -> pl.DataFrame:
    """Hourly means for results that look so far back from their start, and span so much."""
    low, high = touched["time"].min(), touched["time"].max()
    assert isinstance(low, int)  # noqa: S101  there are marks, and none is null
    assert isinstance(high, int)  # noqa: S101
    return derivations.hours(connection, _devices(touched), derivation.inputs, low - back_us, high + span_us)


def _devices(marks: pl.DataFrame) -> list[int]:
    return marks["device"].unique().to_list()


def _hours(marks: pl.DataFrame, first: pl.Expr, last: pl.Expr) -> pl.DataFrame:
    """The hours from `first` to `last`, both inclusive, of each mark's device."""
    return marks.select("device", time=pl.int_ranges(first, last + 1, HOUR_US)).explode("time").unique()


def _concerned(marks: pl.DataFrame, stations: pl.DataFrame) -> pl.DataFrame:
    """The marks' own hours, and of a device that shares an input those of every device of its region."""
    own = marks.select(TOUCHED)
    sharing = stations.filter("shares").select(device="station")
    return pl.concat([own, _beside(own.join(sharing, on="device"), stations, pl.lit(value=True))]).unique()


def _beside(hours: pl.DataFrame, stations: pl.DataFrame, which: pl.Expr) -> pl.DataFrame:
    """The same hours of the other stations of the region, as far as `which` holds for them."""
    return (
        hours.join(stations.select("region", device="station"), on="device")
        .select("region", "time")
        .unique()
        .join(stations.filter(which).select("region", device="station"), on="region")
        .select(TOUCHED)
    )
