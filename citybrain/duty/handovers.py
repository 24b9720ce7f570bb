"""Handovers (交接班): what a shift leaves to the next, signed by both; never changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from citybrain.access.model import Clash, Missing, Principal, Scope
from citybrain.store.connection import Connection
from citybrain.store.sql import query


class Handover(NamedTuple):
    """A handover; what begins with `taken_` is None until somebody took over."""

    id: int
    made_at: datetime
    made_by: str
    content: dict[str, Any]
    digest: str
    taken_at: datetime | None
    taken_by: str | None
    taken_title: str | None
    taken_note: str | None
    taken_digest: str | None

    @property
    def intact(self) -> bool:
        """Whether both digests are those of what stands here."""
        if self.digest != digest(self.content):
            return False
        return self.taken_digest is None or self.taken_digest == _signature(
            self.digest, str(self.taken_by), self.taken_at or self.made_at, self.taken_note
        )


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256, in hexadecimal, of a document as compact JSON in UTF-8 with sorted keys."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def make(connection: Connection, content: Mapping[str, Any], maker: Principal, now: datetime) -> Handover:
    """Keep a handover, which is signed with that; who sees all that its maker sees may see it."""
    row = connection.execute(
        query("duty", "add_handover"),
        {
            **maker.scope.parameters(),
            "now": now,
            "by": maker.label,
            "content": Jsonb(dict(content)),
            "digest": digest(content),
        },
    ).fetchone()
    assert row is not None  # noqa: S101  an insert that returns has a row
    return find(connection, int(row[0]), maker.scope)


def find(connection: Connection, id: int, within: Scope) -> Handover:
    """The handover `id`.

    Raises:
        Missing: there is none, or what its maker saw is not all within that scope.
    """
    with connection.cursor(row_factory=class_row(Handover)) as cursor:
        found = cursor.execute(query("duty", "handover"), {**within.parameters(), "id": id}).fetchone()
    if found is None:
        raise Missing(f"There is no handover {id}.", f"没有编号为 {id} 的交接班记录。")
    return found


def page(connection: Connection, within: Scope, taken: bool | None, before: int | None, limit: int) -> list[Handover]:
    """Handovers within a scope, the newest first, of those before the number `before`."""
    parameters = {**within.parameters(), "taken": taken, "before": before, "limit": limit}
    with connection.cursor(row_factory=class_row(Handover)) as cursor:
        return cursor.execute(query("duty", "handovers"), parameters).fetchall()


def take(connection: Connection, id: int, taker: Principal, note: str | None, now: datetime) -> Handover:
    """Take over, which signs the handover a second time.

    Raises:
        Missing: as `find`.
        Clash: somebody took it already, or it is the taker's own.
    """
    found = find(connection, id, taker.scope)
    if found.made_by == taker.label:
        raise Clash(
            f"You made the handover {id} yourself: another person takes it.",
            f"交接班记录 {id} 由您本人交班：须由另一人接班。",
        )
    signed = {
        "id": id,
        "now": now,
        "by": taker.label,
        "title": taker.title,
        "note": note,
        "digest": _signature(found.digest, taker.label, now, note),
    }
    taken = connection.execute(query("duty", "take_handover"), signed).fetchone()
    found = find(connection, id, taker.scope)
    if taken is None:
        raise Clash(
            f"{found.taken_title} took the handover {id} at {found.taken_at:%H:%M:%S} UTC already.",
            f"{found.taken_title} 已于 {found.taken_at:%H:%M:%S}（UTC）接班：交接班记录 {id} 不能重复接收。",
        )
    return found


def _signature(handed: str, by: str, at: datetime, note: str | None) -> str:
    """The digest of who took over, when, with which words, and what."""
    return digest({"handover": handed, "taken_by": by, "taken_at": at.astimezone(UTC).isoformat(), "note": note})
