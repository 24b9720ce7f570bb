"""The tests in a rule file: what is given and what is expected, read from their notation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from citybrain.catalogue.messages import hint
from citybrain.catalogue.schema import duration
from rules.model import Rule
from rules.testing.columns import columns, constants, plan_limits
from rules.testing.moments import microseconds, moment, shown, start_of
from rules.testing.sequence import Sequence, Unreadable, sequence
from rules.transition import Kind

CITY = ZoneInfo("Asia/Shanghai")
KEYS = ("name", "given", "expect", "start", "every", "until")
SENSOR = "sensor"  # the subject of a test that names none

_EXPECTED = re.compile(
    r"(?P<time>(?:[\d-]+ )?\d\d?:\d\d(?::\d\d)?) (?:(?P<subject>.+?) )?"
    r"(?:(?P<kind>raised|escalated|downgraded) (?P<severity>[1-4])|(?P<cleared>cleared)(?: \((?P<reason>.+)\))?)"
)


@dataclass(frozen=True, slots=True)
class Expected:
    """One transition that a test expects; `subject` is the test's name for it, empty where it has only one."""

    time_us: int
    subject: str
    kind: Kind
    severity: int | None  # None: cleared
    reason: str | None = None

    def text(self, start: datetime) -> str:
        """As a test writes it."""
        what = "cleared" if self.severity is None else f"{self.kind} {self.severity}"
        reason = f" ({self.reason})" if self.reason else ""
        return " ".join(part for part in (shown(self.time_us, start), self.subject, what + reason) if part)


@dataclass(frozen=True, slots=True)
class Given:
    """What is given of one subject: sequences by column, and constants, as text, by name."""

    sequences: Mapping[str, Sequence]
    constants: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Test:
    """One test of a rule; `every_us` None: the expected interval. `until` None: to the last reading."""

    name: str
    start: datetime
    given: Mapping[str, Given]  # by the name of the subject, empty where there is only one
    expected: tuple[Expected, ...]
    every_us: int | None = None
    until: datetime | None = None


def check(test: Any, rule: Rule) -> list[str]:
    """What is wrong with a test as it is written, as sentences; none: it can be read."""
    mistakes = _Reader(rule, CITY).read(test)[1]
    if isinstance(test, Mapping) and _names(rule).count(name := str(test.get("name", ""))) > 1:
        mistakes.append(f"The rule has several tests named {name!r}: give each a name of its own.")
    return mistakes


def read(test: Any, rule: Rule, zone: ZoneInfo = CITY) -> Test:
    """Read a test of a rule from the tree of its file, all scalars of which are texts.

    Raises:
        Unreadable: with all mistakes.
    """
    found, mistakes = _Reader(rule, zone).read(test)
    if mistakes:
        raise Unreadable(" ".join(mistakes))
    return found


def _names(rule: Rule) -> list[str]:
    tests = rule.definition.get("tests", [])
    return [str(test.get("name", "")) for test in tests if isinstance(test, Mapping)]


@dataclass
class _Reader:
    rule: Rule
    zone: ZoneInfo

    def read(self, tree: Any) -> tuple[Test, list[str]]:
        self.mistakes: list[str] = []
        if not isinstance(tree, Mapping):
            return Test("", start_of(None, self.zone), {}, ()), ["A test is a mapping with given and expect."]
        for key in tree:
            if key not in KEYS:
                self.mistakes.append(f"A test has no key {key!r}{hint(str(key), KEYS) or '.'}")
        self.start = self._time(tree.get("start"), "start") or start_of(None, self.zone)
        test = Test(
            name=str(tree.get("name", "")),
            start=self.start,
            given=self._given(tree.get("given")),
            expected=self._expect(tree.get("expect")),
            every_us=self._every(tree.get("every")),
            until=self._time(tree.get("until"), "until"),
        )
        if test.until and test.until < test.start:
            later = test.until + timedelta(days=1)
            self.mistakes.append(
                f"until: {tree['until']} is before start; write a time of another day with it, such as "
                f"{later:%m-%d %H:%M}."
            )
        self._check_plan_limits(test.given)
        for expected in test.expected:
            if expected.subject not in test.given and len(test.given) == 1 and "" in test.given:
                self.mistakes.append(f"expect names {expected.subject!r}, but given names no subject.")
        return test, self.mistakes

    def _time(self, text: Any, key: str) -> datetime | None:
        if text is None:
            return None
        try:
            return start_of(str(text), self.zone) if key == "start" else moment(str(text), self.start)
        except Unreadable as error:
            self.mistakes.append(f"{key}: {error}")
            return None

    def _every(self, text: Any) -> int | None:
        if text is None:
            return None
        try:
            return round(duration(str(text)).total_seconds()) * 1_000_000
        except ValueError as error:
            self.mistakes.append(f"every: {error}.")
            return None

    def _given(self, tree: Any) -> dict[str, Given]:
        if tree is None:
            self.mistakes.append("The key given is missing: it says what is read, such as `given: 0.25 0.18x5`.")
            return {}
        if not isinstance(tree, Mapping):
            return {"": self._of_subject({columns(self.rule)[0]: tree}, "")}
        nested = [isinstance(value, Mapping) for value in tree.values()]
        if nested and all(nested):
            return {str(name): self._of_subject(columns, f"{name}.") for name, columns in tree.items()}
        if any(nested):
            self.mistakes.append("given mixes subjects and columns: write {subject: {column: sequence}} for all.")
            return {}
        return {"": self._of_subject(tree, "")}

    def _of_subject(self, tree: Mapping[str, Any], where: str) -> Given:
        sequences, told = {}, {}
        known, stated, before = columns(self.rule), constants(self.rule), len(self.mistakes)
        for key, text in tree.items():
            name = str(key).strip().lower()
            if isinstance(text, Mapping | list) or text is None:
                self.mistakes.append(f"given.{where}{key} is no text: write a sequence or a value.")
            elif name in known:
                try:
                    sequences[name] = sequence(str(text))
                except Unreadable as error:
                    self.mistakes.append(f"given.{where}{key}: {error}")
            elif name in stated:
                told[name] = str(text).strip()
            else:
                near = hint(name, (*known, *stated)) or f"; the rule has {', '.join(known)}."
                self.mistakes.append(f"given.{where}{key} is unknown{near}")
        if not sequences and len(self.mistakes) == before:
            self.mistakes.append(f"given{'.' + where[:-1] if where else ''} has no readings: write {known[0]}.")
        return Given(sequences, told)

    def _check_plan_limits(self, given: Mapping[str, Given]) -> None:
        """A test knows no plan: a limit that it does not state would be NULL, and nothing would ever be raised."""
        for name, indicators in plan_limits(self.rule).items():
            if given and not any(name in subject.constants for subject in given.values()):
                plans = " and ".join(sorted({plan for plan, _ in indicators}))
                self.mistakes.append(
                    f'given has no {name}, the number of {plans}: write `{name}: 12`, or `{name}: "-"` where the plan '
                    "has none."
                )

    def _expect(self, tree: Any) -> tuple[Expected, ...]:
        if tree is None:
            self.mistakes.append("The key expect is missing: write none, or a list such as [06:13 raised 3].")
            return ()
        if tree == "none":
            return ()
        if not isinstance(tree, list):
            self.mistakes.append(f"expect is a list, or none; found {tree!r}.")
            return ()
        return tuple(expected for line in tree if (expected := self._line(str(line).strip())))

    def _line(self, line: str) -> Expected | None:
        found = _EXPECTED.fullmatch(line)
        if found is None:
            self.mistakes.append(
                f"expect: {line!r} is no transition: write TIME [SUBJECT] raised N, escalated N, downgraded N, "
                "cleared or cleared (reason)."
            )
            return None
        try:
            time_us = microseconds(moment(found["time"], self.start))
        except Unreadable as error:
            self.mistakes.append(f"expect: {error}")
            return None
        subject = found["subject"] or ""
        if found["cleared"]:
            return Expected(time_us, subject, "cleared", None, found["reason"])
        return Expected(time_us, subject, found["kind"], int(found["severity"]))  # type: ignore[arg-type]  # see _EXPECTED
