"""Messages without a time: what is needed to know their redelivery for one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from citybrain.store.connection import Connection
from citybrain.store.sql import query

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Untimed(NamedTuple):
    """A message without a time: its packet id, a digest of topic and payload, when it first came (us since 1970)."""

    packet_id: int
    digest: bytes
    received_us: int


def save(connection: Connection, session: str, messages: Sequence[Untimed]) -> None:
    """Remember `messages` of `session`, in place of older ones with their packet ids."""
    with connection.cursor() as cursor:
        cursor.executemany(
            query("untimed", "save"),
            [
                {
                    "session": session,
                    "packet_id": m.packet_id,
                    "digest": m.digest,
                    "received": _moment(m.received_us),
                }
                for m in messages
            ],
        )


def load(connection: Connection, session: str) -> dict[int, Untimed]:
    """What is remembered of `session`, by packet id."""
    rows = connection.execute(query("untimed", "load"), {"session": session})
    return {id: Untimed(id, digest, (at - _EPOCH) // timedelta(microseconds=1)) for id, digest, at in rows}


def confirm(connection: Connection, session: str, until_us: int) -> None:
    """Forget what was received up to then: the broker has read its acknowledgement."""
    connection.execute(query("untimed", "confirmed"), {"session": session, "until": _moment(until_us)})


def _moment(time_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time_us)
