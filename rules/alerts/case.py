"""Cases in the store: what people do with alerts, and what happens when they are too slow."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from psycopg import errors

from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.alerts import handling
from rules.alerts.deadlines import Deadlines
from rules.alerts.handling import STEPS, Request
from rules.alerts.model import Alert, AlertError, Event
from rules.alerts.record import AT_ONCE, add_events, find, lock, save


def act(connection: Connection, id: int, request: Request, deadlines: Deadlines, now: datetime) -> Alert:
    """Do what `request` says with the alert `id`; the alert as it is then.

    A request with the key of an earlier one of the same action changes nothing more.

    Raises:
        AlertError: there is no such alert, somebody else was faster, or it is not possible; the text says which.
    """
    with connection.transaction():
        lock(connection)
        alert = one(connection, id)
        if request.key is not None and _is_repeated(connection, alert, request):
            return alert
        if request.revision is not None and request.revision != alert.revision:
            raise AlertError(_conflict(connection, alert))
        changed, event = handling.act(alert, request, deadlines, now)
        try:
            # The only thing that can be open twice: what is reopened, beside what was raised since.
            with connection.transaction():
                save(connection, [changed])
        except errors.UniqueViolation:
            raise AlertError(
                f"Alert {id} can't be reopened: {alert.subject} has a newer open alert of {alert.rule}. Use that one."
            ) from None
        add_events(connection, [event])
    return changed


def escalate(connection: Connection, deadlines: Deadlines, now: datetime) -> int:
    """Set the deadlines that are not set yet, and escalate what has missed one, once a step; how many did.

    Called by the one runner each second, for AT_ONCE alerts at most. A miss is an event and one level more of
    attention, and is announced as such.
    """
    row = connection.execute(query("alerts", "is_due"), {"now": now}).fetchone()
    if not row or not row[0]:
        return 0
    with connection.transaction():
        lock(connection)
        unset = find(connection, "without_deadline", limit=AT_ONCE)
        save(connection, [_with_deadline(alert, deadlines, now) for alert in unset])
        late = find(connection, "overdue", now=now, limit=AT_ONCE)
        save(
            connection,
            [replace(a, missed_step=a.due_step, missed=a.missed + 1, look_at=now) for a in late],
        )
        add_events(
            connection,
            [Event(alert.id, now, "overdue", severity=alert.severity, reason=alert.due_step) for alert in late],
        )
    return len(late)


def one(connection: Connection, id: int) -> Alert:
    """The alert `id`.

    Raises:
        AlertError: there is none.
    """
    found = find(connection, "one", id=id)
    if not found:
        raise AlertError(f"There is no alert {id}; `citybrain alert list` shows those that are open.")
    return found[0]


def _with_deadline(alert: Alert, deadlines: Deadlines, now: datetime) -> Alert:
    step, due_at = deadlines.next(alert.handling, alert.severity, now)
    return replace(alert, due_step=step, due_at=due_at)


def _is_repeated(connection: Connection, alert: Alert, request: Request) -> bool:
    row = connection.execute(query("alerts", "request"), {"id": alert.id, "key": request.key}).fetchone()
    if row and row[0] != request.action:
        raise AlertError(f"The key {request.key} was used for another action ({row[0]}): use a new one.")
    return row is not None


def _conflict(connection: Connection, alert: Alert) -> str:
    """Who did what since, as a sentence."""
    row = connection.execute(query("alerts", "newest_handling"), {"id": alert.id}).fetchone()
    if row is None:
        return f"Alert {alert.id} has changed since you saw it; it is {alert.handling} now."
    kind, actor, at = row
    done = next((step.done for action, step in STEPS.items() if action == kind), "changed it")
    return f"{actor} {done} at {at:%H:%M:%S} UTC: alert {alert.id} is {alert.handling} now. Go on from there."
