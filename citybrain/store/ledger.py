"""The ledger: what was received, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import polars as pl

from citybrain.store.binary import NEVER
from citybrain.store.connection import Connection
from citybrain.store.readings import DUPLICATE, REVISED, STORED
from citybrain.store.sql import query
from citybrain.store.state import HOUR_US, as_columns

COUNTS = ("received", "stored", "duplicate", "quarantined", "revised")
COLUMNS = ("hour", "device", *COUNTS, "heard")


class Hour(NamedTuple):
    """The account of one device in one hour of receipt; `missing` is 0 where it adds up."""

    hour: datetime
    device_id: int
    device: str
    region: str
    domain: str
    received: int
    stored: int
    duplicate: int
    quarantined: int
    revised: int
    missing: int


class Totals(NamedTuple):
    """The account of everything; `unbalanced` counts the hours that don't add up."""

    received: int
    stored: int
    duplicate: int
    quarantined: int
    revised: int
    unbalanced: int


class Difference(NamedTuple):
    """A device whose account (`stored`) differs from its readings (`rows`) or its rollups (`rolled`)."""

    device_id: int
    device: str
    stored: int
    rows: int
    rolled: int


def account(
    received: Mapping[tuple[int, int], int],
    fates: pl.DataFrame,
    quarantined: pl.DataFrame,
    heard: Mapping[int, int] | None = None,
) -> pl.DataFrame:
    """What goes into the ledger for one batch, by hour of receipt and device.

    Args:
        received: by (hour in us, device), as the decoder counted it in the payloads.
        fates: one row a reading: received (us), device, fate. What was stored is counted here, and `received` is
            not, so that a reading lost anywhere in between leaves a difference.
        quarantined: one row an entry: received (us), device.
        heard: by device, when the newest of its messages came (us), whatever it said; None: nobody was heard.

    Returns:
        The columns of COLUMNS.
    """
    hour = (pl.col("received") - pl.col("received") % HOUR_US).alias("hour")
    counted = fates.group_by(hour, "device").agg(
        stored=pl.col("fate").is_in([STORED, REVISED]).sum(),
        duplicate=(pl.col("fate") == DUPLICATE).sum(),
        revised=(pl.col("fate") == REVISED).sum(),
    )
    kept = quarantined.group_by(hour, "device").agg(quarantined=pl.len())
    came = pl.DataFrame(
        [(hour_us, device, number) for (hour_us, device), number in received.items()],
        schema={"hour": pl.Int64, "device": pl.Int32, "received": pl.Int32},
        orient="row",
    )
    last = pl.DataFrame(
        [(time - time % HOUR_US, device, time) for device, time in (heard or {}).items()],
        schema={"hour": pl.Int64, "device": pl.Int32, "heard": pl.Int64},
        orient="row",
    )
    return (
        pl.concat([came, counted, kept, last], how="diagonal_relaxed")
        .group_by("hour", "device")
        .agg(*(pl.col(name).sum().cast(pl.Int32) for name in COUNTS), pl.col("heard").max().fill_null(NEVER))
        .select(COLUMNS)
        .sort("hour", "device")  # two writers that meet at several rows take them in the same order
    )


def add(connection: Connection, counts: pl.DataFrame) -> None:
    """Add what `account` counted."""
    if len(counts):
        connection.execute(query("ledger", "add"), as_columns(counts, hour=True, heard=True))


def hours(connection: Connection, since: datetime) -> list[Hour]:
    """The account from `since` on, by hour and device."""
    return [Hour(*row) for row in connection.execute(query("ledger", "hours"), {"since": since})]


def totals(connection: Connection) -> Totals:
    """The account of everything ever received."""
    row = connection.execute(query("ledger", "totals")).fetchone()
    return Totals(*row) if row else Totals(0, 0, 0, 0, 0, 0)


def verify(connection: Connection) -> list[Difference]:
    """Devices whose account differs from the tables; empty when nothing is amiss. Needs the writer's role."""
    return [Difference(*row) for row in connection.execute(query("ledger", "verify"))]
