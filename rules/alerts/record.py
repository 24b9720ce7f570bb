"""Alerts and their events in the store: where a transition of the engine becomes an alert."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import msgspec
from psycopg.rows import class_row

from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.alerts.condition import fold
from rules.alerts.model import Alert, Event
from rules.alerts.provenance import Background
from rules.model import Rule, SubjectKind
from rules.transition import Transition

AT_ONCE = 1000  # alerts a transaction: whoever else writes alerts, ingest above all, waits for so many at most


class Raised(NamedTuple):
    """What an engine must know of a raised alert; `last_us` in microseconds, `past`: old news that nobody was told."""

    rule: str
    subject: str
    subject_kind: SubjectKind
    severity: int
    version: int
    last_us: int
    past: bool
    region: str | None


def record(connection: Connection, transitions: Sequence[Transition], background: Background, now: datetime) -> None:
    """Write what `transitions` make of alerts, in the transaction that is open.

    It holds the lock of all writers of alerts until the transaction ends: call it late, and before `ledger.add`. Any
    number of transitions takes six statements at most.

    Args:
        connection: in the transaction that stores the readings that decided.
        transitions: as the engine gave them, in order.
        background: of that engine.
        now: the server's time, which stamps the events.
    """
    if not transitions:
        return
    lock(connection)
    standing = _standing(connection, {(t.rule, t.subject) for t in transitions})
    changes = fold(standing, transitions, background, _numbers(connection, len(transitions)), now)
    # In this order: what was done with before it cleared makes room for what is raised anew.
    save(connection, changes.changed.values())
    _write(connection, "add", changes.new.values())
    add_events(connection, changes.events)


def raised(connection: Connection) -> list[Raised]:
    """All raised alerts, those of rules on trial included."""
    return [Raised(*row) for row in connection.execute(query("alerts", "raised"))]


def mark_current(connection: Connection, keys: Collection[tuple[str, str]], now: datetime) -> None:
    """Say that a current reading of these alerts (rule, subject) was evaluated: they are past no longer."""
    if keys:
        lock(connection)
        rules, subjects = zip(*sorted(keys), strict=True)
        connection.execute(
            query("alerts", "mark_current"), {"rules": list(rules), "subjects": list(subjects), "now": now}
        )


def promote(connection: Connection, rules: Mapping[str, Rule], now: datetime) -> int:
    """Make what rules that are on trial no longer have raised known to people; how many alerts that were.

    Called when a new set of rules comes into force: an engine says nothing more of what is raised already. The other
    way round nothing is to be done: a live alert stays one until it clears.
    """
    live = [rule.name for rule in rules.values() if rule.mode == "live"]
    with connection.transaction():
        lock(connection)
        found = find(connection, "on_trial", rules=live)
        save(connection, [replace(alert, mode="live", look_at=now) for alert in found])
        add_events(connection, [Event(alert.id, now, "promoted", severity=alert.severity) for alert in found])
    return len(found)


def lock(connection: Connection) -> None:
    """Be the only writer of alerts until the transaction ends, so that events get their numbers in commit order."""
    connection.execute(query("alerts", "lock"))


def save(connection: Connection, alerts: Iterable[Alert]) -> None:
    """Write alerts that are in the store already."""
    _write(connection, "save", alerts)


def add_events(connection: Connection, events: Iterable[Event]) -> None:
    """Append events, in their order; under `lock`."""
    _write(connection, "add_events", events)


def as_json(rows: object) -> str:
    """Rows as a statement takes them; what JSON has no number for (infinity, NaN) is null."""
    # Numpy's scalars pass for numbers everywhere else.
    return msgspec.json.encode(rows, enc_hook=lambda scalar: scalar.item()).decode()


def find(connection: Connection, name: str, **parameters: object) -> list[Alert]:
    """The alerts of the block `name` of alerts.sql."""
    with connection.cursor(row_factory=class_row(Alert)) as cursor:
        return cursor.execute(query("alerts", name), parameters).fetchall()


def _standing(connection: Connection, keys: Collection[tuple[str, str]]) -> list[Alert]:
    rules, subjects = zip(*keys, strict=True)
    return find(connection, "standing", rules=list(rules), subjects=list(subjects))


def _numbers(connection: Connection, count: int) -> Iterator[int]:
    """So many numbers for new alerts; they are only fetched when the first is wanted."""
    for (number,) in connection.execute(query("alerts", "numbers"), {"count": count}).fetchall():
        yield number


def _write(connection: Connection, name: str, rows: Iterable[Alert | Event]) -> None:
    """Write any number of rows by one statement, which takes them as JSON."""
    if listed := list(rows):
        connection.execute(query("alerts", name), {"rows": as_json(listed)})
