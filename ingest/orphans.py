"""Sessions that nobody collects any more: the broker queues for them until its memory is full."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from citybrain.errors import Correctable
from citybrain.store.connection import Connection
from citybrain.store.sql import query
from ingest.ownership import EVERYTHING, claim
from ingest.session import delete


class StillCollected(Correctable):
    """Somebody collects the unit, so its session is no orphan."""


def units(connection: Connection) -> Iterable[tuple[str, str, datetime, datetime, bool, int]]:
    """Every unit that was ever collected: unit, holder, since, heartbeat, connected, queued messages."""
    return connection.execute(query("collector", "units")).fetchall()


def forget(database_url: str, mqtt_url: str, unit: str) -> None:
    """Delete the session of `unit`, with everything that waits in it.

    Raises:
        StillCollected: a collector holds the unit, or something above or below it.
    """
    claimed = claim(database_url, "" if unit == EVERYTHING else unit)
    if claimed is None:
        raise StillCollected(f"A collector holds {unit}, or a region above or below it: stop it first.")
    with claimed.connection as connection:
        delete(mqtt_url, claimed.session_id)
        connection.execute(query("collector", "forget"), {"unit": unit})
