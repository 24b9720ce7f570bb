"""The audit: who changed what, when, from where. Append-only."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from citybrain.store.connection import Connection
from citybrain.store.sql import query


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. `details` never hold a secret."""

    actor: str
    action: str
    target: str
    details: Mapping[str, object] = field(default_factory=dict)
    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Kept(Entry):
    """An entry as it stands in the audit; its number grows with time."""

    id: int = field(kw_only=True)
    at: datetime = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are asked for; None: whatever it is."""

    actor: str | None = None
    action: str | None = None  # what the action begins with
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None  # before this moment


def add(connection: Connection, entry: Entry, now: datetime) -> None:
    """Append an entry, in the transaction of the change."""
    connection.execute(
        query("access", "add_audit"),
        {
            "at": now,
            "actor": entry.actor,
            "action": entry.action,
            "target": entry.target,
            "details": Jsonb(dict(entry.details)),
            "address": entry.address,
            "request_id": entry.request_id,
        },
    )


def page(connection: Connection, wanted: Filter, after: int | None, limit: int) -> list[Kept]:
    """Entries, the newest first, beginning after the one with the number `after`."""
    parameters: dict[str, Any] = {**asdict(wanted), "after": after, "limit": limit}
    with connection.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(query("access", "audit"), parameters).fetchall()


def commander() -> str:
    """Who acts on the command line: `command:USER`, as the system calls the user."""
    try:
        return f"command:{getpass.getuser()}"
    except (OSError, KeyError):  # a user without a name, as in a container
        return "command:unknown"
