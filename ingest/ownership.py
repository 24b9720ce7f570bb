"""Who collects what: a unit is all of city/ or one region with all below it; one process holds it at a time."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from citybrain.errors import Correctable
from citybrain.store.connection import HOLDER_IDLE, Connection, connect
from citybrain.store.sql import query

EVERYTHING = "city"


class UnknownRegion(Correctable):
    """The catalogue has no such region."""


@dataclass(frozen=True)
class Unit:
    """What one collector owns; `regions` is empty for all of city/."""

    name: str
    regions: tuple[str, ...]
    session_id: str
    connection: Connection


def claim(url: str, region: str) -> Unit | None:
    """Take `region` with all below it, or everything where it is empty; None while somebody else has any of it.

    The locks live as long as the unit's connection. Only that connection may write the unit's readings.

    Raises:
        psycopg.OperationalError: the database can't be reached.
        UnknownRegion: the catalogue has no such region.
    """
    connection = connect(url, "writer", f"collect {region or EVERYTHING}")
    try:
        connection.execute(HOLDER_IDLE)
        unit = _lock(connection, region)
    except BaseException:
        connection.close()
        raise
    if unit is None:
        connection.close()
    return unit


def _lock(connection: Connection, region: str) -> Unit | None:
    secret = connection.execute(query("collector", "secret")).fetchone()
    session_id = f"citybrain-{secret[0] if secret else ''}-{region or EVERYTHING}"
    if not region:
        free = _true(connection.execute(query("collector", "lock_all")))
        return Unit(EVERYTHING, (), session_id, connection) if free else None
    regions = tuple(id for (id,) in connection.execute(query("collector", "below"), {"region": region}))
    if not regions:
        raise UnknownRegion(f"The catalogue has no region {region!r}: see regions/, or run `citybrain db migrate`.")
    free = _true(connection.execute(query("collector", "lock_some"))) and all(
        _true(connection.execute(query("collector", "lock_region"), {"region": id})) for id in regions
    )
    return Unit(region, regions, session_id, connection) if free else None


def _true(cursor: psycopg.Cursor[tuple[object, ...]]) -> bool:
    row = cursor.fetchone()
    return row is not None and bool(row[0])
