"""The condition of alerts: what transitions make of the alerts that are open. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rules.alerts.model import DONE, Alert, Event
from rules.alerts.provenance import Background, limits
from rules.transition import Transition

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Changes:
    """What is to be written: alerts as they are now, and the events that made them so, in order."""

    new: dict[int, Alert] = field(default_factory=dict)
    changed: dict[int, Alert] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def put(self, alert: Alert, event: Event) -> None:
        """Note that `event` made an alert what it is."""
        (self.new if alert.id in self.new else self.changed)[alert.id] = alert
        self.events.append(event)


def fold(
    open_alerts: Iterable[Alert],
    transitions: Iterable[Transition],
    background: Background,
    numbers: Iterator[int],
    now: datetime,
) -> Changes:
    """Apply transitions, in their order, to the alerts that are open.

    What was raised is raised once: a second word of it changes at most the severity. What is raised again before its
    case is done with reopens; a rule on trial (shadow) has alerts of its own, which nobody handles and nothing reopens.

    Args:
        open_alerts: all open alerts of the transitions' rules and subjects.
        transitions: as the engine gave them.
        background: of the engine that did.
        numbers: ids for new alerts.
        now: the server's time.
    """
    changes = Changes()
    standing: defaultdict[tuple[str, str], dict[int, Alert]] = defaultdict(dict)
    for alert in open_alerts:
        standing[alert.key][alert.id] = alert
    for transition in transitions:
        alerts = standing[transition.rule, transition.subject]
        raised = next((alert for alert in alerts.values() if alert.raised), None)
        if transition.kind == "cleared":
            step = _clear(raised, transition, now) if raised else None
        elif raised is not None:
            step = _change(raised, transition, background, now)
        else:
            step = _raise(alerts.values(), transition, background, numbers, now)
        if step is None:
            continue
        alert, event = step
        if alert.id not in alerts:
            changes.new[alert.id] = alert
        alerts[alert.id] = alert
        changes.put(alert, event)
    return changes


def _raise(
    alerts: Iterable[Alert], transition: Transition, background: Background, numbers: Iterator[int], now: datetime
) -> tuple[Alert, Event]:
    rule = background.rules[transition.rule]
    time = _moment(transition.time_us)
    live = rule.mode != "shadow"
    waiting = next((alert for alert in alerts if alert.mode == "live" and alert.handling not in DONE), None)
    told: dict[str, Any] = {
        "version": transition.version,
        "title_zh": rule.title.zh,
        "title_en": rule.title.en,
        "advice_zh": rule.advice.zh if rule.advice else None,
        "advice_en": rule.advice.en if rule.advice else None,
        "severity": transition.severity,
        "condition": "raised",
        "raised_at": time,
        "look_at": now if live else None,
        **_decided(transition, background, now),
    }
    if live and waiting is not None:
        # What was reported as repaired is not.
        handling = "returned" if waiting.handling == "fed_back" else waiting.handling
        alert = replace(
            waiting,
            **told,
            worst=min(waiting.worst, transition.severity),
            cleared_at=None,
            clear_reason=None,
            reopened=waiting.reopened + 1,
        )
        return _handled(alert, handling), _event("reopened", alert, transition, now)
    alert = Alert(
        id=next(numbers),
        rule=transition.rule,
        subject=transition.subject,
        subject_kind=transition.subject_kind,
        region_id=transition.region,
        domain_id=transition.domain or rule.domain,
        site_id=transition.site,
        device=transition.device,
        mode="live" if live else "shadow",
        worst=transition.severity,
        cleared_at=None,
        clear_reason=None,
        **told,
    )
    return alert, _event("raised", alert, transition, now)


def _change(alert: Alert, transition: Transition, background: Background, now: datetime) -> tuple[Alert, Event] | None:
    if transition.severity == alert.severity:
        return None
    worse = transition.severity < alert.severity
    changed = replace(
        alert,
        severity=transition.severity,
        worst=min(alert.worst, transition.severity),
        look_at=now if alert.mode == "live" else None,
        **_decided(transition, background, now),
    )
    if worse and alert.handling in DONE and alert.mode == "live":
        # It was judged when it was less severe: that judgement does not cover this.
        changed = _handled(changed, "new")
    return changed, _event("escalated" if worse else "downgraded", changed, transition, now)


def _clear(alert: Alert, transition: Transition, now: datetime) -> tuple[Alert, Event]:
    time = _moment(transition.time_us)
    cleared = replace(
        alert,
        condition="cleared",
        cleared_at=time,
        clear_reason=transition.reason,
        last_time=time,
        changed_at=now,
        past=transition.past,
        look_at=now if alert.mode == "live" else None,
    )
    if alert.handling == "new" and alert.told_at is None and alert.past and transition.past:
        # Nobody was told, and all of it is history: there is nothing to judge.
        closed = replace(_handled(cleared, "closed"), look_at=None, withheld="past")
        return closed, replace(_event("cleared", closed, transition, now), handling="closed")
    if alert.handling == "new":
        # It went by itself before anybody judged it: it waits for a judgement, without a deadline.
        cleared = replace(cleared, due_step=None, due_at=None, missed_step=None, told_step=None)
    return cleared, _event("cleared", cleared, transition, now)


def _handled(alert: Alert, handling: Any) -> Alert:
    """The alert with another handling, if it is another; the next step's deadline is set when it is announced."""
    if handling == alert.handling:
        return alert
    return replace(
        alert,
        handling=handling,
        revision=alert.revision + 1,
        due_step=None,
        due_at=None,
        missed_step=None,
        told_step=None,
    )


def _decided(transition: Transition, background: Background, now: datetime) -> dict[str, Any]:
    """The columns that say when and by what reading a condition changed."""
    return {
        "last_time": _moment(transition.time_us),
        "changed_at": now,
        "past": transition.past,
        "step": transition.step,
        "series_id": transition.series,
        "values": dict(transition.values),
        "limits": limits(background, transition),
    }


def _event(kind: str, alert: Alert, transition: Transition, now: datetime) -> Event:
    return Event(
        alert_id=alert.id,
        at=now,
        kind=kind,
        event_time=_moment(transition.time_us),
        past=transition.past,
        severity=transition.severity,
        version=transition.version,
        reason=transition.reason,
        handling=alert.handling,
        values=dict(transition.values),
    )


def _moment(time_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time_us)
