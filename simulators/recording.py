"""Recorded hourly readings of air stations, in the CSV format of UCI's "Beijing Multi-Site Air-Quality"."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from citybrain.errors import Correctable

ZONE = "Asia/Shanghai"  # of the local times
DATE_PARTS = ("year", "month", "day", "hour")

METRICS = {
    "PM2.5": "pm25",
    "PM10": "pm10",
    "SO2": "so2",
    "NO2": "no2",
    "CO": "co",
    "O3": "o3",
    "TEMP": "temperature",
    "PRES": "air_pressure",
    "DEWP": "dew_point",
    "RAIN": "rain",
    "WSPM": "wind_speed",
    "wd": "wind_direction",
}
"""The columns that are read, and the metric each becomes."""

COMPASS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")
DEGREES = {point: 22.5 * number for number, point in enumerate(COMPASS)}  # Where the wind comes from.

MICROGRAMS = 1000  # ug in a mg: the files have CO in ug/m3, the catalogue in mg/m3.


class RecordingError(Correctable):
    """A file is not a recording; the text says where, and what was expected."""


def read(paths: Iterable[Path]) -> pl.DataFrame:
    """The readings of all files together, in order of time and station.

    Args:
        paths: CSV files with the columns `DATE_PARTS` (start of the hour in `ZONE`), station and `METRICS`.

    Returns: `station` (text), `time` (i64, us UTC) and a column (f64) for each metric; null where the file
        has `NA` or nothing.

    Raises:
        RecordingError: a file can't be read or is malformed, or a station has an hour twice.
    """
    readings = pl.concat([_read(path) for path in paths]).sort("time", "station")
    twice = readings.filter(pl.struct("station", "time").is_duplicated()).head(1)
    for station, hour in twice.select("station", pl.from_epoch("time", "us")).iter_rows():
        raise RecordingError(f"Station {station} has the hour {hour} UTC twice; each may be there once.")
    return readings


def _read(path: Path) -> pl.DataFrame:
    try:
        _check_shape(path)
        rows = pl.read_csv(path, infer_schema=False, null_values="NA")
    except OSError as error:
        raise RecordingError(f"{path} can't be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error, pl.exceptions.PolarsError) as error:
        raise RecordingError(f"{path} can't be read as CSV in UTF-8: {error}.") from error
    rows = rows.with_row_index("line", offset=2).filter(pl.any_horizontal(pl.exclude("line").is_not_null()))

    for column in DATE_PARTS:
        good = pl.col(column).cast(pl.Int32, strict=False).is_not_null()
        _check(path, rows, column, good, "a whole number")
    name = pl.col("station").str.contains(r"^[\w.-]+$")
    _check(path, rows, "station", name, "a station's name of letters, digits, '.', '_' and '-'")
    for column in METRICS:
        number = pl.col(column).cast(pl.Float64, strict=False).is_finite()
        good, expected = (number, "a number") if column != "wd" else (pl.col("wd").is_in(COMPASS), "a compass point")
        _check(path, rows, column, pl.col(column).is_null() | good, f"{expected} or NA")

    date = pl.format("{}-{}-{} {}:00", *DATE_PARTS)
    local = date.str.to_datetime("%Y-%m-%d %H:%M", time_unit="us", strict=False)
    hour = local.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")
    rows = rows.with_columns(date.alias("hour"), time=hour.dt.epoch("us"))
    _check(path, rows, "hour", pl.col("time").is_not_null(), f"an hour of the calendar in {ZONE}")

    values = [pl.col(column).cast(pl.Float64).alias(metric) for column, metric in METRICS.items() if column != "wd"]
    wind = pl.col("wd").replace_strict(DEGREES, default=None, return_dtype=pl.Float64).alias("wind_direction")
    return rows.select("station", "time", *values, wind).with_columns(pl.col("co") / MICROGRAMS)


def _check_shape(path: Path) -> None:
    """Every line must have the columns of the first one, and those must be there."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file, strict=True)
        header = next(lines, [])
        missing = [column for column in (*DATE_PARTS, "station", *METRICS) if column not in header]
        if missing:
            raise RecordingError(
                f"{path}, line 1: the column {missing[0]} is missing; expected are {', '.join(DATE_PARTS)}, "
                f"{', '.join(METRICS)} and station."
            )
        for fields in lines:
            if fields and len(fields) != len(header):
                raise RecordingError(
                    f"{path}, line {lines.line_num}: expected {len(header)} fields as in line 1, found {len(fields)}."
                )


def _check(path: Path, rows: pl.DataFrame, column: str, good: pl.Expr, expected: str) -> None:
    """The first row where `good` is not true is an error."""
    bad = rows.filter(~good.fill_null(value=False)).select("line", column).head(1)
    for line, value in bad.iter_rows():
        found = "nothing" if value is None else repr(value)
        raise RecordingError(f"{path}, line {line}, column {column}: expected {expected}, found {found}.")
