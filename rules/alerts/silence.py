"""Silence on purpose: shelves, by which an operator quiets alerts for a time, and maintenance windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import errors

from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.alerts.model import AlertError, Event
from rules.alerts.record import add_events, find, lock

LONGEST_SHELF = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Window:
    """A time of maintenance. Each of the four that is given must fit; a region stands for all below it, too.

    `device` is region/domain/name.
    """

    start: datetime
    end: datetime
    region: str | None = None
    domain: str | None = None
    site: str | None = None
    device: str | None = None


def shelve(
    connection: Connection,
    rule: str,
    subject: str,
    until: datetime,
    reason: str,
    by: str,
    now: datetime,
    longest: timedelta = LONGEST_SHELF,
) -> int:
    """Announce nothing of the alerts whose rule and subject match until then; the number of the shelf.

    What is still raised then is announced then. In both patterns `*` stands for anything.

    Raises:
        AlertError: it is too long, over already, or without reason or name.
    """
    _check(reason, by)
    if not now < until <= now + longest:
        hours = longest / timedelta(hours=1)
        raise AlertError(f"Alerts are shelved for {hours:g} hours at most, and not into the past: shorten the time.")
    with connection.transaction():
        lock(connection)
        parameters = {"rule": rule, "subject": subject, "until": until, "reason": reason, "by": by, "now": now}
        number = _number(connection, "shelve", parameters)
        _note(connection, rule, subject, Event(0, now, "shelved", actor=by, note=reason))
    return number


def unshelve(connection: Connection, number: int, by: str, now: datetime) -> None:
    """End a shelf early.

    Raises:
        AlertError: there is none of that number that is not over.
    """
    with connection.transaction():
        lock(connection)
        row = connection.execute(query("alerts", "unshelve"), {"id": number, "by": by, "now": now}).fetchone()
        if row is None:
            raise AlertError(f"There is no shelf {number} that is not over.")
        _note(connection, row[0], row[1], Event(0, now, "unshelved", actor=by))
        connection.execute(query("alerts", "look_again"), {"now": now})


def open_window(connection: Connection, window: Window, reason: str, by: str, now: datetime) -> int:
    """Announce nothing of what lies in a maintenance window while it lasts; its number.

    Raises:
        AlertError: it names nothing or something unknown, ends before it begins or is over, or has no reason or name.
    """
    _check(reason, by)
    if not window.start < window.end or window.end <= now:
        raise AlertError("A maintenance window ends after it begins, and in the future: correct its times.")
    if not any((window.region, window.domain, window.site, window.device)):
        raise AlertError("A maintenance window is for a region, a domain, a site or a device: name at least one.")
    parameters = {
        "region": window.region,
        "domain": window.domain,
        "site": window.site,
        "device": window.device,
        "start": window.start,
        "end": window.end,
        "reason": reason,
        "by": by,
        "now": now,
    }
    try:
        return _number(connection, "open_window", parameters)
    except errors.ForeignKeyViolation:
        raise AlertError(f"There is no region {window.region} or no domain {window.domain}: correct it.") from None


def close_window(connection: Connection, number: int, now: datetime) -> None:
    """End a maintenance window early.

    Raises:
        AlertError: there is none of that number that is not over.
    """
    with connection.transaction():
        lock(connection)
        if not connection.execute(query("alerts", "close_window"), {"id": number, "now": now}).rowcount:
            raise AlertError(f"There is no maintenance window {number} that is not over.")
        connection.execute(query("alerts", "look_again"), {"now": now})


def _check(reason: str, by: str) -> None:
    if not reason.strip() or not by.strip():
        raise AlertError("Say why, and who you are: silence without a reason or a name is not kept.")


def _note(connection: Connection, rule: str, subject: str, event: Event) -> None:
    """Give each open alert that matches its copy of `event`."""
    matching = find(connection, "matching", rule=rule, subject=subject)
    add_events(connection, [replace(event, alert_id=alert.id, severity=alert.severity) for alert in matching])


def _number(connection: Connection, name: str, parameters: dict[str, Any]) -> int:
    row = connection.execute(query("alerts", name), parameters).fetchone()
    assert row is not None  # noqa: S101  an insert that returns has a row
    return int(row[0])
