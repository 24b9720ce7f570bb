"""Which derived hours and days are to be computed, and when."""

from __future__ import annotations

import polars as pl

from citybrain.store.connection import Connection
from citybrain.store.series import SeriesTable
from citybrain.store.sql import query
from citybrain.store.state import HOUR_US, as_columns

SETTLE_US = 5 * 1_000_000  # a station's metrics may come in several messages: wait so long for the others


def mark(connection: Connection, table: SeriesTable, changed: pl.DataFrame) -> None:
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
            .with_columns(hour=hour, due=due)
            .group_by("device", "hour")
            .agg(pl.col("due").max())
        )
        if len(hours):
            parameters = as_columns(hours, hour=True, due=True)
            connection.execute(query("derivations", "mark"), {**parameters, "function": function})
