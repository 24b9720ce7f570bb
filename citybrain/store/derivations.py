"""Which derived hours and days are to be computed, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl
from psycopg import sql

from citybrain.quality import DOUBTFUL
from citybrain.store.connection import Connection
from citybrain.store.readings import literal
from citybrain.store.series import SeriesTable
from citybrain.store.sql import query
from citybrain.store.state import HOUR_US, as_columns

SETTLE_US = 5 * 1_000_000  # a station's metrics may come in several messages: wait so long for the others
MARK = {"device": pl.Int32, "time": pl.Int64, "due": pl.Int64}
DUE = {**MARK, "version": pl.Int32}


def mark_changed(connection: Connection, table: SeriesTable, changed: pl.DataFrame) -> None:
    """Mark the hours whose derived readings are to be computed.

    An hour that a single reading fills is due at once; one that fills up is due when it is over.

    Args:
        connection: in the transaction that stores `changed`.
        table: what series there are.
        changed: new or revised readings: series, device, time (us), received (us).
    """
    if not table.functions or not len(changed):
        return
    traits = table.traits(changed["series"].to_numpy())
    frame = changed.select("device", "time", "received").with_columns(
        feeds=pl.Series(traits["feeds"]), interval_us=pl.Series(traits["interval_us"])
    )
    hour = pl.col("time") - pl.col("time") % HOUR_US
    settled = pl.col("received") + SETTLE_US
    due = pl.when(pl.col("interval_us") < HOUR_US).then(pl.max_horizontal(settled, hour + HOUR_US)).otherwise(settled)
    for position, function in enumerate(table.functions):
        hours = (
            frame.filter((pl.col("feeds") & (1 << position)) != 0)
            .select("device", time=hour, due=due)
            .group_by("device", "time")
            .agg(pl.col("due").max())
        )
        mark(connection, function, "hour", hours)


def mark(connection: Connection, function: str, span: str, marks: pl.DataFrame) -> None:
    """Mark hours or days (`span`) of devices: the columns of MARK, times in microseconds."""
    if len(marks):
        connection.execute(query("derivations", "mark"), _parameters(function, span, marks.select(*MARK)))


def due(connection: Connection, function: str, span: str, now: datetime, limit: int) -> pl.DataFrame:
    """The oldest marks that are due at `now`, of a month at most: the columns of DUE."""
    parameters = {"function": function, "span": span, "now": now, "limit": limit}
    rows = connection.execute(query("derivations", "due"), parameters).fetchall()
    return pl.DataFrame(rows, schema=DUE, orient="row")


def done(connection: Connection, function: str, span: str, marks: pl.DataFrame) -> None:
    """Take `marks`, as of `due`, away, except those renewed since they were read."""
    connection.execute(query("derivations", "done"), _parameters(function, span, marks))


def hours(
    connection: Connection, devices: Sequence[int], metrics: Sequence[str], low_us: int, high_us: int
) -> pl.DataFrame:
    """Valid hourly means between the bounds: station i32, time i64 (us), and one column a metric."""
    statement = sql.SQL(query("derivations", "hours")).format(low=literal(low_us), high=literal(high_us))
    rows = connection.execute(statement, {"devices": list(devices), "metrics": list(metrics)}).fetchall()
    return _wide(rows, metrics)


def readings(connection: Connection, wanted: pl.DataFrame, metrics: Sequence[str]) -> pl.DataFrame:
    """Good readings in the hours (`device`, `time` in us) that are wanted, shaped as by `hours`."""
    low, high = wanted["time"].min(), wanted["time"].max()
    if not isinstance(low, int) or not isinstance(high, int):
        return _wide([], metrics)
    statement = sql.SQL(query("derivations", "readings")).format(
        low=literal(low), high=literal(high + HOUR_US), doubtful=sql.Literal(int(DOUBTFUL))
    )
    parameters = {"metrics": list(metrics), **as_columns(wanted.sort("device", "time"), time=True)}
    return _wide(connection.execute(statement, parameters).fetchall(), metrics)


def stations(
    connection: Connection,
    devices: Sequence[int],
    metrics: Sequence[str],
    shared: Sequence[str],
    numbers: Sequence[str],
) -> pl.DataFrame:
    """The devices of the same regions and domains as `devices` that have any of `metrics`.

    Returns:
        station i32, region, shares (whether it has any of `shared`), and the site's attributes `numbers` as f64, null
        where it has none.
    """
    parameters = {"devices": list(devices), "metrics": list(metrics), "shared": list(shared)}
    rows = [
        (station, region, shares, *(_number((attributes or {}).get(name)) for name in numbers))
        for station, region, shares, attributes in connection.execute(query("derivations", "stations"), parameters)
    ]
    schema = {"station": pl.Int32, "region": pl.String, "shares": pl.Boolean, **dict.fromkeys(numbers, pl.Float64)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _number(attribute: Any) -> float | None:
    return float(attribute) if isinstance(attribute, int | float) and not isinstance(attribute, bool) else None


def _wide(rows: Sequence[tuple[Any, ...]], metrics: Sequence[str]) -> pl.DataFrame:
    """One row per station and time, one column a metric, from rows of station, time, metric and value."""
    schema = {"station": pl.Int32, "time": pl.Int64, "metric": pl.String, "value": pl.Float64}
    wide = pl.DataFrame(rows, schema=schema, orient="row").pivot("metric", index=["station", "time"], values="value")
    missing = [pl.lit(None, pl.Float64).alias(metric) for metric in metrics if metric not in wide.columns]
    return wide.with_columns(missing).select("station", "time", *metrics).sort("station", "time")


def _parameters(function: str, span: str, marks: pl.DataFrame) -> dict[str, object]:
    # Two writers that meet at several rows take them in the same order.
    ordered = marks.sort("device", "time")
    return {"function": function, "span": span, **as_columns(ordered, time=True, due=True)}
