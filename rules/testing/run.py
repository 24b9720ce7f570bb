"""Running a test: whole, message by message and restarted after each; all must agree, and be what is expected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from rules.model import Rule, RuleSet
from rules.testing.history import Event, History, Message
from rules.testing.notation import CITY, Expected, Test, read
from rules.testing.sequence import Unreadable
from rules.testing.stage import stage
from rules.transition import Transition

Cut = Literal["whole", "message by message", "restarted at every message"]
CUTS: tuple[Cut, ...] = ("whole", "message by message", "restarted at every message")


class Session(Protocol):
    """One engine at work on one history."""

    def judge(self, batch: Sequence[Event]) -> list[Transition]:
        """Judge messages as one batch, or one event of another kind."""

    def restart(self) -> None:
        """Forget all but what is stored."""


Engine = Callable[[RuleSet, History], Session]


@dataclass(frozen=True)
class Result:
    """What became of a test. `fired` is of the run as a whole; `apart` of the cuts that gave something else."""

    rule: str
    name: str
    test: Test | None = None
    history: History = field(default_factory=History)
    fired: tuple[Transition, ...] = ()
    apart: Mapping[Cut, tuple[Transition, ...]] = field(default_factory=dict)
    mistake: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every cut gave exactly what is expected."""
        if self.test is None or self.apart:
            return False
        return by_subject(self.test.expected) == by_subject(self.told(self.fired))

    def told(self, transitions: Iterable[Transition]) -> tuple[Expected, ...]:
        """Transitions in the words of the test."""
        return tuple(
            Expected(
                time_us=transition.time_us,
                subject=self.history.labels.get(transition.subject, transition.subject),
                kind=transition.kind,
                severity=None if transition.kind == "cleared" else transition.severity,
                reason=transition.reason if transition.kind == "cleared" else None,
            )
            for transition in transitions
        )


def run(rule: Rule, rule_set: RuleSet, test: Any, engine: Engine, zone: ZoneInfo = CITY) -> Result:
    """Run one test of a rule, given as the tree of its file; a mistake in the test is part of the result."""
    name = str(test.get("name", "")) if isinstance(test, Mapping) else ""
    try:
        found = read(test, rule, zone)
        history = stage(found, rule, rule_set.vocabulary)
    except Unreadable as error:
        return Result(rule.name, name, mistake=str(error))
    alone = RuleSet({rule.name: rule}, rule_set.calendars, rule_set.vocabulary)
    runs = {cut: tuple(play(engine(alone, history), history, cut)) for cut in CUTS}
    result = Result(rule.name, found.name, found, history, runs["whole"])
    whole = by_subject(result.told(result.fired))
    return replace(result, apart={cut: other for cut, other in runs.items() if by_subject(result.told(other)) != whole})


def play(session: Session, history: History, cut: Cut) -> list[Transition]:
    """All transitions of a history, cut into batches in that way."""
    fired: list[Transition] = []
    for batch in _batches(history.events, cut):
        fired += session.judge(batch)
        if cut == "restarted at every message":
            session.restart()
    return fired


def by_subject(transitions: Iterable[Expected]) -> dict[str, list[Expected]]:
    """Transitions in their order, apart for each subject: the order between subjects says nothing."""
    found: dict[str, list[Expected]] = defaultdict(list)
    for transition in transitions:
        found[transition.subject].append(transition)
    return dict(found)


def _batches(events: Iterable[Event], cut: Cut) -> list[list[Event]]:
    """Messages in a row make a batch if the history is not to be cut between them."""
    batches: list[list[Event]] = []
    for is_message, group in groupby(events, key=lambda event: isinstance(event, Message)):
        found = list(group)
        batches += [found] if is_message and cut == "whole" else [[event] for event in found]
    return batches
