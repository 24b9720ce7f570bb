"""Whether an alert is announced now, and if not, why not and when to look again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from rules.alerts.model import DONE, Alert, AnnouncementKind
from rules.model import Inhibition, Rule

REPEAT = timedelta(minutes=10)  # an alert that comes and goes is announced again after so long; a red one at once
RECHECK = timedelta(seconds=5)  # what waits for another alert to end is looked at so often
FLOOD_SPAN = timedelta(minutes=10)
FLOOD_BEGINS = 10  # more announcements than this in FLOOD_SPAN: ANSI/ISA-18.2-2016, clause 16.4
FLOOD_ENDS = 5  # fewer than this: same clause
DIGEST = timedelta(minutes=1)  # in a flood, one digest a region and domain in so long

Why = Literal["shelved", "maintenance", "inhibited", "release", "hold", "past", "repeat", "flood", "false", "brief"]


@dataclass(frozen=True, slots=True)
class Inhibitor:
    """An alert that silences another; `ended_at` None: it is still raised."""

    alert_id: int
    inhibition: Inhibition
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Context:
    """What decides about one alert besides itself.

    `hold_us` is the longest hold of the rules that may inhibit it; `inhibitors` are their alerts on the same thing.
    """

    shelved_until: datetime | None = None
    maintained_until: datetime | None = None
    hold_us: int = 0
    inhibitors: Sequence[Inhibitor] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do: announce it as `tell`, or not because of `why`.

    `by` is the alert that silences it. `again` is when to decide anew; None: when something happens.
    """

    tell: AnnouncementKind | None = None
    why: Why | None = None
    by: int | None = None
    again: datetime | None = None

    @property
    def reason(self) -> str | None:
        """Why it is not announced, as it is stored: `shelved`, `inhibited 42`."""
        return f"{self.why} {self.by}" if self.by is not None else self.why


def decide(alert: Alert, context: Context, now: datetime) -> Decision:
    """Whether the difference between an alert and what people were told of it is announced now."""
    kind = _difference(alert)
    if kind is None:
        # Nothing was told and nothing holds any more: it went before its time came.
        return Decision(why="brief" if not alert.raised and alert.told_at is None else None)
    if alert.raised and alert.handling in DONE:
        return Decision(why="false")
    if alert.past and kind != "deadline":
        return Decision(why="past")
    if context.shelved_until is not None:
        return Decision(why="shelved", again=context.shelved_until)
    if context.maintained_until is not None:
        return Decision(why="maintenance", again=context.maintained_until)
    if kind in ("raised", "reopened", "escalated"):
        inhibited = _inhibited(alert, context, now)
        if inhibited is not None:
            return inhibited
    if kind == "reopened" and alert.severity > 1 and alert.told_at is not None and now < alert.told_at + REPEAT:
        return Decision(why="repeat", again=alert.told_at + REPEAT)
    return Decision(tell=kind)


def is_flood(flooded: bool, count: int) -> bool:
    """Whether a region is flooded, by whether it was and its announcements in FLOOD_SPAN."""
    return count >= FLOOD_ENDS if flooded else count > FLOOD_BEGINS


def inhibitions(rules: Mapping[str, Rule], rule: str) -> dict[str, Inhibition]:
    """The rules that may inhibit alerts of `rule`, with how. Rules on trial silence nobody."""
    return {
        name: other.inhibits
        for name, other in rules.items()
        if other.inhibits is not None
        and other.mode == "live"
        and name != rule
        and any(fnmatchcase(rule, pattern) for pattern in other.inhibits.rules)
    }


def _difference(alert: Alert) -> AnnouncementKind | None:
    """What people have not been told."""
    if not alert.raised:
        if alert.told_severity is not None:
            return "cleared"
    elif alert.told_severity is None:
        return "reopened" if alert.reopened and alert.told_at is not None else "raised"
    elif alert.severity != alert.told_severity:
        return "escalated" if alert.severity < alert.told_severity else "downgraded"
    return "deadline" if alert.missed_step not in (None, alert.told_step) else None


def _inhibited(alert: Alert, context: Context, now: datetime) -> Decision | None:
    present = [inhibitor.alert_id for inhibitor in context.inhibitors if inhibitor.ended_at is None]
    if present:
        return Decision(why="inhibited", by=min(present), again=now + RECHECK)
    released = _latest(
        (inhibitor.ended_at + timedelta(microseconds=inhibitor.inhibition.release_us), inhibitor.alert_id)
        for inhibitor in context.inhibitors
        # One that ended before this alert was raised had nothing to do with it.
        if inhibitor.ended_at is not None and inhibitor.ended_at >= alert.changed_at
    )
    if released is not None and now < released[0]:
        return Decision(why="release", by=released[1], again=released[0])
    held = alert.changed_at + timedelta(microseconds=context.hold_us)
    if now < held:
        return Decision(why="hold", again=held)
    return None


def _latest(moments: Iterable[tuple[datetime, int]]) -> tuple[datetime, int] | None:
    return max(moments, default=None)
