"""Who is on duty (值班): people who said that they begin, until they say that they end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg.rows import class_row

from citybrain.access.model import Scope
from citybrain.store.connection import Connection
from citybrain.store.sql import query

LONGEST = timedelta(hours=24)  # after which a duty that nobody ended has ended


class Duty(NamedTuple):
    """One time that somebody was on duty; `ended_at` None: still is."""

    name: str
    title: str
    begun_at: datetime
    ended_at: datetime | None


def begin(connection: Connection, person: int, now: datetime) -> None:
    """Put a person (by number) on duty; again changes nothing."""
    parameters = {"person": person, "now": now, "longest": LONGEST}
    connection.execute(query("duty", "end_forgotten_duty"), parameters)
    connection.execute(query("duty", "begin_duty"), parameters)


def end(connection: Connection, person: int, now: datetime) -> None:
    """Take a person off duty; again changes nothing."""
    connection.execute(query("duty", "end_duty"), {"person": person, "now": now, "longest": LONGEST})


def between(connection: Connection, scope: Scope, since: datetime, until: datetime, now: datetime) -> list[Duty]:
    """Who was on duty at any time between two moments, of those who see something of the scope; the first first."""
    parameters = {**scope.parameters(), "since": since, "until": until, "now": now, "longest": LONGEST}
    with connection.cursor(row_factory=class_row(Duty)) as cursor:
        return cursor.execute(query("duty", "on_duty"), parameters).fetchall()


def present(connection: Connection, scope: Scope, now: datetime) -> list[Duty]:
    """Who is on duty now, likewise."""
    return [duty for duty in between(connection, scope, now, now, now) if duty.ended_at is None]
