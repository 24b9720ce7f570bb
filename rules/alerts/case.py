"""Cases in the store: what people do with alerts, and what happens when they are too slow."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from psycopg import errors
from psycopg.rows import class_row

from citybrain.access.model import Scope
from citybrain.duty import crews
from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.alerts import handling
from rules.alerts.deadlines import Deadlines
from rules.alerts.handling import HANDLING_ZH, STEPS, Action, Request
from rules.alerts.model import Alert, AlertError, Conflict, Event, NoAlert
from rules.alerts.record import AT_ONCE, add_events, find, lock, save


class Latest(NamedTuple):
    """Who changed the handling of an alert last; `title` is what others call them."""

    action: Action
    actor: str
    title: str
    at: datetime


def act(connection: Connection, id: int, request: Request, deadlines: Deadlines, now: datetime) -> Alert:
    """Do what `request` says with the alert `id`; the alert as it is then.

    A request with the key of an earlier one of the same action changes nothing more.

    Raises:
        AlertError: NoAlert, there is none; Conflict, somebody else was faster, or it is not possible from here;
            NotYours, the actor may not; or something is missing.
    """
    with connection.transaction():
        lock(connection)
        alert = one(connection, id)
        if request.key is not None and _is_repeated(connection, alert, request):
            return alert
        if request.revision is not None and request.revision != alert.revision:
            raise conflict(connection, alert)
        if request.crew is not None and crews.has_retired(connection, request.crew):
            raise AlertError(
                f"The crew {request.crew} has retired: send another.", f"班组 {request.crew} 已停用：请改派其他班组。"
            )
        if request.operator is not None:
            _check_operator(connection, alert, request.operator)
        changed, event = handling.act(alert, request, deadlines, now)
        try:
            # The only thing that can be open twice: what is reopened, beside what was raised since.
            with connection.transaction():
                save(connection, [changed])
        except errors.UniqueViolation:
            raise Conflict(
                f"Alert {id} can't be reopened: {alert.subject} has a newer open alert of {alert.rule}. Use that one.",
                f"告警 {id} 不能重新打开：{alert.subject} 已有 {alert.rule} 的更新告警，请处置那一条。",
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
        NoAlert: there is none.
    """
    found = find(connection, "one", id=id)
    if not found:
        raise NoAlert(
            f"There is no alert {id}; `citybrain alert list` shows those that are open.", f"没有编号为 {id} 的告警。"
        )
    return found[0]


def seen(connection: Connection, id: int, scope: Scope) -> Alert:
    """The alert `id`, for somebody who sees that scope.

    Raises:
        NoAlert: there is none, it lies outside, or it is of a rule on trial.
    """
    alert = next(iter(find(connection, "one", id=id)), None)
    if alert is None or alert.mode == "shadow" or not scope.sees(alert.region_id, alert.domain_id):
        raise NoAlert(f"There is no alert {id}.", f"没有编号为 {id} 的告警。")
    return alert


def latest(connection: Connection, id: int) -> Latest | None:
    """Who changed the handling of an alert last; None: nobody has."""
    with connection.cursor(row_factory=class_row(Latest)) as cursor:
        return cursor.execute(query("alerts", "newest_handling"), {"id": id}).fetchone()


def newest_event(connection: Connection, id: int) -> int:
    """The number of the newest event of an alert."""
    row = connection.execute(query("alerts", "newest_event"), {"id": id}).fetchone()
    assert row is not None  # noqa: S101  an aggregate has a row
    return int(row[0])


def _check_operator(connection: Connection, alert: Alert, name: str) -> None:
    """Nobody is given what they can't see, or may not work on."""
    parameters = {"name": name, "region": alert.region_id, "domain": alert.domain_id}
    row = connection.execute(query("alerts", "may_have"), parameters).fetchone()
    if not row or not row[0]:
        raise AlertError(
            f"{name} can't have alert {alert.id} in hand: name an operator who sees it.",
            f"告警 {alert.id} 不能转交给 {name}：请指明能看到它的值班员。",
        )


def _with_deadline(alert: Alert, deadlines: Deadlines, now: datetime) -> Alert:
    step, due_at = deadlines.next(alert.handling, alert.severity, now)
    return replace(alert, due_step=step, due_at=due_at)


def _is_repeated(connection: Connection, alert: Alert, request: Request) -> bool:
    row = connection.execute(query("alerts", "request"), {"id": alert.id, "key": request.key}).fetchone()
    if row and row[0] != request.action:
        raise Conflict(
            f"The key {request.key} was used for another action ({row[0]}): use a new one.",
            f"键 {request.key} 已用于另一操作（{row[0]}）：请使用新的键。",
        )
    return row is not None


def conflict(connection: Connection, alert: Alert) -> Conflict:
    """Who did what since somebody saw the alert."""
    last = latest(connection, alert.id)
    now_zh = HANDLING_ZH[alert.handling]
    if last is None:
        return Conflict(
            f"Alert {alert.id} has changed since you saw it; it is {alert.handling} now.",
            f"告警 {alert.id} 已有变化，目前{now_zh}。",
        )
    step = STEPS[last.action]
    return Conflict(
        f"{last.title} {step.done} at {last.at:%H:%M:%S} UTC: alert {alert.id} is {alert.handling} now. "
        "Go on from there.",
        f"{last.title} 已于 {last.at:%H:%M:%S}（UTC）{step.title_zh}：告警 {alert.id} 目前{now_zh}，请据此继续。",
    )
