"""Explaining an alert: what was measured, against which limit, what was done since, who was told or why nobody was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from citybrain.catalogue.model import Text
from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules import definitions
from rules.alerts.case import one
from rules.alerts.deadlines import Deadlines
from rules.alerts.model import Alert
from rules.alerts.wording import SEVERITY, STEP

BEFORE, AFTER = 12, 6  # readings shown up to the one that decided, and after it

_CONFIDENCE = {
    "A": "two independent sources",
    "B": "one source",
    "C": "from memory of the text",
    "S": "platform default",
}
_WHY = {
    "past": Text(
        "读数到达时已过时；当前读数证实后再通知",
        "the reading was old news when it arrived; it is announced when a current one confirms it",
    ),
    "shelved": Text("值班员已将其搁置", "an operator has shelved it"),
    "maintenance": Text("处于维护窗口内", "it lies in a maintenance window"),
    "hold": Text("可能被另一规则抑制，稍候片刻", "another rule may inhibit it: it is held for a moment"),
    "inhibited": Text("由另一告警引起，告警编号", "it follows from the alert"),
    "release": Text("另一告警结束后留出恢复时间，告警编号", "it is given time to clear after the alert"),
    "repeat": Text("反复出现，且十分钟内已通知过", "it comes and goes, and was announced within the last 10 minutes"),
    "flood": Text("所在区域告警洪峰，等待下一次汇总", "its region is flooded: it waits for the next digest"),
    "false": Text("已判为误报或已办结", "it was judged false, or closed"),
    "brief": Text("在通知之前已恢复", "it had cleared before it was to be announced"),
}


class Entry(NamedTuple):
    """One event of an alert."""

    at: datetime
    kind: str
    event_time: datetime | None
    past: bool
    severity: int | None
    version: int | None
    reason: str | None
    handling: str | None
    actor: str | None
    note: str | None
    crew: str | None
    announcement_id: int | None


class Told(NamedTuple):
    """One announcement of an alert, and what became of it on one route; no route: not dispatched yet."""

    id: int
    at: datetime
    kind: str
    text_zh: str
    text_en: str
    route: str | None
    status: str | None
    attempts: int | None
    sent_at: datetime | None
    error: str | None


class Reading(NamedTuple):
    """One reading of the series that decided."""

    time: datetime
    value: float
    good: bool


@dataclass(frozen=True)
class Explanation:
    """All there is to say of an alert. `series` is the name of what decided, with its unit."""

    alert: Alert
    definition: Mapping[str, Any]
    series: tuple[str, str | None] | None
    readings: tuple[Reading, ...]
    events: tuple[Entry, ...]
    told: tuple[Told, ...]


def explain(connection: Connection, id: int) -> Explanation:
    """Collect all there is to say of the alert `id`.

    Raises:
        AlertError: there is none.
    """
    alert = one(connection, id)
    row = connection.execute(query("alerts", "definition"), {"rule": alert.rule, "version": alert.version}).fetchone()
    series = connection.execute(query("alerts", "series"), {"series": alert.series_id}).fetchone()
    around = {"series": alert.series_id, "at": alert.raised_at, "before": BEFORE, "after": AFTER}
    return Explanation(
        alert=alert,
        definition=row[0] if row else {},
        series=(series[0], series[1]) if series else None,
        readings=tuple(map(Reading._make, connection.execute(query("alerts", "readings"), around))),
        events=tuple(map(Entry._make, connection.execute(query("alerts", "events"), {"id": id}))),
        told=tuple(map(Told._make, connection.execute(query("alerts", "told"), {"id": id}))),
    )


def lines(found: Explanation, deadlines: Deadlines, zone: ZoneInfo) -> Iterator[str]:
    """An explanation as lines of text, with times in `zone`."""
    alert = found.alert
    severity = SEVERITY[alert.severity]
    yield f"Alert {alert.id}: {severity.zh} {alert.title_zh} ({severity.en}, {alert.title_en})"
    yield f"  of {alert.rule}, version {alert.version}, on {alert.subject}" + (" (on trial)" * (alert.mode == "shadow"))
    yield f"  {_condition(alert, zone)}; handling: {alert.handling}"
    if alert.advice_zh:
        yield f"  advice: {alert.advice_zh} ({alert.advice_en})"
    yield from _judged(found)
    if found.readings:
        yield f"Readings of {found.series[0] if found.series else alert.series_id}:"
        for time, value, good in found.readings:
            mark = "  <- raised" if time == alert.raised_at else ""
            yield f"  {_time(time, zone)}  {value:g}" + ("" if good else " (doubtful)") + mark
    yield "Deadlines:"
    yield f"  {_deadline(alert, deadlines, zone)}"
    yield "What happened:"
    for event in found.events:
        yield f"  {_time(event.at, zone)}  {_event(event, zone)}"
    yield "Who was told:"
    yield from _who(found, zone)


def why(alert: Alert) -> Text | None:
    """Why nobody is told of an alert for now, as a clause; None where nothing keeps it."""
    if alert.mode == "shadow":
        return Text("其规则在试运行", "its rule is on trial")
    if alert.withheld is None:
        return None
    reason, _, by = alert.withheld.partition(" ")
    return Text(f"{_WHY[reason].zh} {by}".rstrip(), f"{_WHY[reason].en} {by}".rstrip())


def judged(found: Explanation) -> dict[str, str]:
    """What the step that decided says of raising and clearing, in the rule's own words."""
    words = definitions.step(found.definition, found.alert.step)
    return {key: str(words[key]) for key in ("raise", "for", "clear", "keep", "season", "hours") if key in words}


def limit_text(name: str, limit: Mapping[str, Any]) -> str:
    """A limit with its provenance: `limit = 0.14 MPa, CJJ 58 3.1.3, confidence B (one source)`."""
    amount = f"{limit['value']:g}" if isinstance(limit["value"], int | float) else str(limit["value"])
    number = " ".join(filter(None, [amount, limit.get("unit")]))
    source = " ".join(filter(None, [limit.get("source"), limit.get("clause"), limit.get("plan")]))
    confidence = limit.get("confidence")
    words = _CONFIDENCE.get((confidence or "")[:1], "")
    return f"{name} = {number}, {source or 'no source'}" + (
        f", confidence {confidence} ({words})" if confidence else ""
    )


def _condition(alert: Alert, zone: ZoneInfo) -> str:
    text = f"raised at {_time(alert.raised_at, zone)}" + (f", {alert.reopened} times again" * bool(alert.reopened))
    if alert.cleared_at is None:
        return text
    return (
        text + f", cleared at {_time(alert.cleared_at, zone)}" + (f" ({alert.clear_reason})" * bool(alert.clear_reason))
    )


def _judged(found: Explanation) -> Iterator[str]:
    """What decided: the condition's own words, the values that it saw, the limits with their provenance."""
    alert = found.alert
    yield "Why:"
    for key, words in judged(found).items():
        yield f"  {key}: {words}"
    unit = f" {found.series[1]}" if found.series and found.series[1] else ""
    for name, value in alert.values.items():
        if name not in alert.limits:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            yield f"  {name} = {shown}" + unit * (name == "value")
    for name, limit in alert.limits.items():
        yield f"  {limit_text(name, limit)}"


def _deadline(alert: Alert, deadlines: Deadlines, zone: ZoneInfo) -> str:
    if alert.due_at is None or alert.due_step is None:
        return "none now"
    step = STEP[alert.due_step]
    entry = deadlines.of(alert.due_step)
    missed = ", missed" if alert.missed_step else ""
    return (
        f"{step.zh} ({step.en}) by {_time(alert.due_at, zone)}{missed}; {entry.source}, confidence {entry.confidence}"
    )


def _event(event: Entry, zone: ZoneInfo) -> str:
    parts = [event.kind]
    if event.severity is not None and event.event_time is not None:
        parts.append(f"{event.severity}, by the reading of {_time(event.event_time, zone)}, version {event.version}")
    if event.past:
        parts.append("(old news when it arrived)")
    parts += [f"({event.reason})"] if event.reason else []
    parts += [f"to {event.crew}"] if event.crew else []
    parts += [f"by {event.actor}"] if event.actor else []
    parts += [f"as announcement {event.announcement_id}"] if event.announcement_id else []
    return " ".join(parts) + (f": {event.note}" if event.note else "")


def _who(found: Explanation, zone: ZoneInfo) -> Iterator[str]:
    for told in found.told:
        if told.route is None:
            outcome = "not delivered yet"
        elif told.sent_at is not None:
            outcome = f"{told.route}, {_time(told.sent_at, zone)}"
        else:
            outcome = f"{told.route}: {told.status} after {told.attempts} attempts" + (
                f" ({told.error})" if told.error else ""
            )
        yield f"  {told.kind}, {_time(told.at, zone)}: {outcome}"
    reason = why(found.alert)
    if reason is not None:
        yield f"  Nobody is told now: {reason.en}."
    elif not found.told:
        yield "  Nobody yet: it has not been decided about."


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
