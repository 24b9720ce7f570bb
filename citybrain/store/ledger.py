"""The ledger: what was received, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import polars as pl

from citybrain.store.connection import Connection
from citybrain.store.sql import query
from citybrain.store.state import as_columns

COUNTS = ("received", "stored", "duplicate", "quarantined", "revised")
COLUMNS = ("hour", "device", *COUNTS)


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


def add(connection: Connection, counts: pl.DataFrame) -> None:
    """Add `counts`: hour (i64 us), device i32 and the five counts i32, one row a (hour, device)."""
    connection.execute(query("ledger", "add"), as_columns(counts.select(COLUMNS), hour=True))


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
