"""What a replay says: alerts from when they were raised to when they cleared, out of transitions. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from citybrain.errors import Correctable
from rules.engine.state import Key
from rules.transition import Transition

MINUTE_US = 60_000_000  # microseconds in a minute
MOST_TRANSITIONS = 400_000  # of one replay, so that memory stays bounded; no operator could follow more


class TooMany(Correctable):
    """A rule changes its alerts so often that there is no point in listing them."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of one rule and subject; `transitions` from raised to cleared, or to the end of the span."""

    transitions: tuple[Transition, ...]

    @property
    def rule(self) -> str:
        """The rule that says it."""
        return self.transitions[0].rule

    @property
    def subject(self) -> str:
        """Whose alert it is."""
        return self.transitions[0].subject

    @property
    def raised_us(self) -> int:
        """When it was raised, event time in microseconds since 1970."""
        return self.transitions[0].time_us

    @property
    def cleared_us(self) -> int | None:
        """When it cleared; None: not within the span."""
        last = self.transitions[-1]
        return last.time_us if last.kind == "cleared" else None

    @property
    def worst(self) -> int:
        """The most severe that it became."""
        return min(transition.severity for transition in self.transitions)

    @property
    def course(self) -> tuple[tuple[int, str, int], ...]:
        """Its transitions as time (us), kind and severity."""
        return tuple((one.time_us, one.kind, one.severity) for one in self.transitions)

    @property
    def names(self) -> frozenset[str]:
        """All that it may be called by: its subject, its site, its device with and without region and domain."""
        first = self.transitions[0]
        device = f"{first.region}/{first.domain}/{first.device}" if first.device else None
        return frozenset(name for name in (self.subject, first.site, first.device, device) if name)

    def minutes(self, since_us: int, until_us: int) -> float:
        """How long it was raised within a span."""
        cleared = self.cleared_us if self.cleared_us is not None else until_us
        return max(0, min(cleared, until_us) - max(self.raised_us, since_us)) / MINUTE_US


class Alerts:
    """Collects the alerts of a replay that has a span to report and begins before it.

    Transitions must come in their order. Alerts that cleared before the span are forgotten; what comes after it is
    not taken.
    """

    def __init__(self, since_us: int, until_us: int) -> None:
        self.since_us = since_us
        self.until_us = until_us
        self._open: dict[Key, list[Transition]] = {}
        self._done: list[Alert] = []
        self._count = 0

    def take(self, transitions: Iterable[Transition]) -> None:
        """Add transitions.

        Raises:
            TooMany: there are more than can be kept.
        """
        for one in transitions:
            if one.time_us >= self.until_us:
                continue
            key = Key(one.rule, one.subject)
            if one.kind == "raised":
                self._open[key] = [one]
            else:
                self._open[key].append(one)
            if one.kind == "cleared":
                found = Alert(tuple(self._open.pop(key)))
                if one.time_us >= self.since_us:
                    self._done.append(found)
                    self._count += len(found.transitions)
            if self._count > MOST_TRANSITIONS:
                raise TooMany(
                    f"There are more than {MOST_TRANSITIONS:,} changes of alerts, the last of {one.rule}: shorten the "
                    "span, or give the rule a `for`, and a `clear` further from its limit.",
                    f"告警变化超过 {MOST_TRANSITIONS:,} 次，最后一次属于规则 {one.rule}："
                    "请缩短时段，或为规则设置 `for`，并使 `clear` 离限值更远。",
                )

    def all(self) -> list[Alert]:
        """Alerts of the span, also those that were raised before it or are raised at its end, by time and name."""
        still = [Alert(tuple(transitions)) for transitions in self._open.values()]
        return sorted([*self._done, *still], key=lambda one: (one.raised_us, one.rule, one.subject))
