"""Quarantine: what could not be understood, with its reason and its bytes, until somebody replays it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from citybrain.access.model import Scope
from citybrain.store.connection import Connection
from citybrain.store.sql import query

PAYLOAD_BYTES = 2 * 1024 * 1024  # kept of one payload; the broker of `citybrain up` lets no more than 4 MiB pass

EVERYTHING = Scope()


class Entry(NamedTuple):
    """Something to put into quarantine: one reading, or one whole message."""

    received: datetime
    topic: str
    reason: str
    detail: str
    payload: bytes
    device: int


class Kept(NamedTuple):
    """Something in quarantine; `payload` is cut short where it is less than `size` bytes."""

    id: int
    received: datetime
    topic: str
    reason: str
    detail: str
    payload: bytes
    size: int


class Shown(NamedTuple):
    """Something in quarantine as it is looked at; `payload` is its beginning, of `size` bytes."""

    id: int
    received: datetime
    topic: str
    reason: str
    detail: str
    payload: bytes
    size: int
    replayed: datetime | None


class Waiting(NamedTuple):
    """How much waits for one reason."""

    reason: str
    entries: int
    first: datetime
    last: datetime
    example: str


def add(connection: Connection, entries: Sequence[Entry]) -> int:
    """Keep `entries`; how many the server took."""
    with connection.cursor() as cursor:
        cursor.executemany(
            query("quarantine", "add"),
            [
                {
                    "received": entry.received,
                    "topic": entry.topic,
                    "reason": entry.reason,
                    "detail": entry.detail,
                    "payload": entry.payload[:PAYLOAD_BYTES],
                    "size": len(entry.payload),
                    "device": entry.device,
                }
                for entry in entries
            ],
        )
        return cursor.rowcount


def summary(connection: Connection, scope: Scope = EVERYTHING) -> list[Waiting]:
    """How much waits, by reason, most first."""
    return [Waiting(*row) for row in connection.execute(query("quarantine", "summary"), scope.parameters())]


def newest(connection: Connection) -> int:
    """The newest entry; 0 where there is none."""
    row = connection.execute(query("quarantine", "newest")).fetchone()
    return int(row[0]) if row else 0


def entries(
    connection: Connection,
    *,
    reason: str | None = None,
    after: int = 0,
    until: int | None = None,
    limit: int = 100,
    scope: Scope = EVERYTHING,
) -> list[Kept]:
    """What waits after the entry `after`, up to `until` (None: to the newest), oldest first."""
    until = newest(connection) if until is None else until
    parameters = {"reason": reason, "after": after, "until": until, "limit": limit, **scope.parameters()}
    rows = connection.execute(query("quarantine", "entries"), parameters)
    return [Kept(*row) for row in rows]


def page(connection: Connection, scope: Scope, most: int, shown: int, **filters: object) -> list[Shown]:
    """At most `most` entries, the newest first, with the first `shown` bytes of each.

    Filters are `before` (id), `reason` (a list), `topic` (its beginning), `since`, `until`, `is_replayed`; None: no
    filter. Needs a transaction, and gives up after ten seconds.
    """
    connection.execute(query("quarantine", "bound_time"))
    values = {**filters, **scope.parameters(), "most": most, "shown": shown}
    return [Shown(*row) for row in connection.execute(query("quarantine", "page"), values)]


def lock_replay(connection: Connection) -> bool:
    """Be the one that replays until the transaction ends; False: somebody else is."""
    row = connection.execute(query("quarantine", "lock_replay")).fetchone()
    return row is not None and bool(row[0])


def mark_replayed(connection: Connection, ids: Iterable[int], now: datetime) -> None:
    """Say that these entries went back to the broker at `now`."""
    connection.execute(query("quarantine", "replayed"), {"ids": list(ids), "now": now})


def expire(connection: Connection, before: datetime) -> int:
    """Drop entries received before `before`; how many there were."""
    return connection.execute(query("quarantine", "expire"), {"before": before}).rowcount
