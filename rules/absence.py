"""Silence: what should have been heard, counted only while the thing that would have carried it is heard. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from rules.engine.directory import Series
from rules.model import Absence, Duration, Rule
from rules.transition import PAST_US, Transition

PARENT_INTERVALS = 3  # a pause of the parent that is no longer than this is none


@dataclass(frozen=True, slots=True)
class Parent:
    """A gateway, or a region's collector: since when it has been heard without a long pause, and when last (us)."""

    since_us: int
    heard_us: int
    interval_us: float


NOBODY = Parent(0, 0, 0)  # listens: where no collector is there, silence says nothing


@dataclass(frozen=True, slots=True)
class Member:
    """A series, device or gateway that a rule listens for: when it was heard last (us), and through what."""

    subject: str
    heard_us: int
    interval_us: float
    parent: Parent
    series: Series


class Presence:
    """Since when parents have been heard without a pause, as one listener has seen it."""

    def __init__(self) -> None:
        self._known: dict[str, Parent] = {}

    def hear(self, name: str, heard_us: int, interval_us: float) -> Parent:
        """Take note of when a parent was heard last; what was before the first note is not known."""
        before = self._known.get(name)
        since = heard_us
        if before is not None and heard_us - before.heard_us <= PARENT_INTERVALS * interval_us:
            since = before.since_us
        parent = self._known[name] = Parent(since, heard_us, interval_us)
        return parent


def carrying(devices: Mapping[str, Member], gateways: Collection[str]) -> dict[str, Member]:
    """The gateways, heard whenever a device behind them is, and expected as often as the most frequent of these.

    A gateway may have nothing of its own to say.
    """
    found: dict[str, Member] = {}
    for device in devices.values():
        through = device.series.subject("gateway")
        if through in gateways and device.subject not in gateways:
            known = found.get(through)
            heard_us = max(device.heard_us, known.heard_us if known else devices[through].heard_us)
            interval_us = min(device.interval_us, known.interval_us) if known else device.interval_us
            found[through] = replace(devices[through], heard_us=heard_us, interval_us=interval_us)
    return found


def due_us(rule: Rule, member: Member) -> int:
    """The instant from which a member counts as silent, if it is not heard before and its parent still is then."""
    return max(member.heard_us, member.parent.since_us) + _after_us(rule, member)


def judge(
    rule: Rule, version: int, members: Iterable[Member], raised: Mapping[str, int], now_us: int
) -> list[Transition]:
    """What became silent, what was heard again, and what nobody listens for any more.

    Args:
        rule: with `silent`.
        version: of the rule.
        members: all that it listens for, whether a collector is there or not.
        raised: subjects that are known to be silent, each with the instant from which it counts as so (us).
        now_us: the present.
    """
    found = []
    seen = set()
    for member in members:
        seen.add(member.subject)
        since = raised.get(member.subject)
        due = due_us(rule, member)
        if since is None and due <= min(now_us, member.parent.heard_us):
            found.append(_transition(rule, version, member, "raised", due, now_us))
        elif since is not None and member.heard_us > since - _after_us(rule, member):
            # It may have been heard before it counted as silent, in a batch that was still on its way.
            found.append(_transition(rule, version, member, "cleared", max(member.heard_us, since), now_us))
    return found + [_left(rule, version, subject, now_us) for subject in sorted(raised.keys() - seen)]


def _after_us(rule: Rule, member: Member) -> int:
    """The silence asked for, which is never less than three intervals of the parent and one of its own."""
    assert isinstance(rule.source, Absence)  # noqa: S101  only such rules listen
    parent, own = Duration(intervals=PARENT_INTERVALS), Duration(intervals=1)
    least = parent.of(member.parent.interval_us) + own.of(member.interval_us)
    return max(rule.source.after.of(member.interval_us), least)


def _transition(rule: Rule, version: int, member: Member, kind: str, time_us: int, now_us: int) -> Transition:
    series = member.series
    severity = rule.steps[0].severity
    return Transition(
        rule=rule.name,
        version=version,
        subject=member.subject,
        subject_kind=rule.subject,
        kind="raised" if kind == "raised" else "cleared",
        time_us=time_us,
        severity=severity,
        before=None if kind == "raised" else severity,
        step=severity,
        past=now_us - time_us > PAST_US,
        series=series.id if series.subject("series") == member.subject else None,
        region=series.region,
        domain=series.domain,
        site=series.site,
        device=series.device,
        values={"heard": member.heard_us / 1_000_000},
    )


def _left(rule: Rule, version: int, subject: str, now_us: int) -> Transition:
    severity = rule.steps[0].severity
    return Transition(
        rule=rule.name,
        version=version,
        subject=subject,
        subject_kind=rule.subject,
        kind="cleared",
        time_us=now_us,
        severity=severity,
        before=severity,
        reason="subject left",
    )
