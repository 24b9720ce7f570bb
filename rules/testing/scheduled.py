"""The engine at work on what a query or a plan gives, and on silence, with a store that is a dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rules import absence, scheduled
from rules.absence import Member, Parent, Presence
from rules.engine.directory import Series
from rules.engine.facts import Facts
from rules.engine.saved import Row, Saved
from rules.engine.state import Key, Open
from rules.model import Absence, Query, Rule, RuleSet
from rules.testing.columns import PLAN_COLUMNS
from rules.testing.history import Event, Heard, History, Rows
from rules.transition import Transition

NOWHERE = Series(id=0, metric="", domain="", region="", device="")


class RowSession:
    """A query or plan rule. All that it remembers is stored after each instant, so that a restart changes nothing."""

    def __init__(self, rule_set: RuleSet, rule: Rule, history: History, facts: Facts, zone: ZoneInfo) -> None:
        self.rule_set = rule_set
        self.rule = rule
        self.facts = facts
        self.zone = zone
        self.places = {series.name: series for series in history.directory}
        self.names: dict[int, str] = {}
        self.rows: dict[str, tuple[Row, ...]] = {}
        self.alerts: dict[Key, Open] = {}

    def judge(self, batch: Sequence[Event]) -> list[Transition]:
        """Judge the rows of one instant."""
        (event,) = batch
        if not isinstance(event, Rows):
            raise TypeError(f"{self.rule.name} is judged by rows alone")
        columns = tuple(self.rule.source.columns) if isinstance(self.rule.source, Query) else PLAN_COLUMNS
        run = scheduled.judge(
            rules=self.rule_set,
            rule=self.rule,
            version=0,
            lines=[{**dict.fromkeys(columns), **row, "subject": name} for name, row in event.rows.items()],
            instant_us=event.time_us,
            remembered=Saved(tuple(row for rows in self.rows.values() for row in rows), self.alerts),
            names=self.names,
            place=lambda name: self.places.get(name, NOWHERE),
            facts=self.facts,
            zone=self.zone,
            now_us=event.time_us,
        )
        numbers = {name: number for number, name in enumerate(run.kept, start=1)}
        self.names = {number: name for name, number in numbers.items()}
        self.rows = {name: tuple(row._replace(series=numbers[name]) for row in rows) for name, rows in run.kept.items()}
        for transition in run.transitions:
            key = Key(transition.rule, transition.subject)
            if transition.kind == "cleared":
                del self.alerts[key]
            else:
                self.alerts[key] = Open(transition.severity, transition.time_us)
        return list(run.transitions)

    def restart(self) -> None:
        """Nothing is lost."""


class SilenceSession:
    """An absence rule. The collector above the gateways is heard all the time.

    Since when parents are heard is what one listener has seen and begins anew with it, which only delays an alert; so a
    restart is not tried here.
    """

    def __init__(self, rule: Rule, history: History) -> None:
        self.rule = rule
        self.things = history.things
        self.presence = Presence()
        self.raised: dict[str, int] = {}
        self.begun_us: int | None = None

    def judge(self, batch: Sequence[Event]) -> list[Transition]:
        """Judge who is silent at one instant."""
        (event,) = batch
        if not isinstance(event, Heard):
            raise TypeError(f"{self.rule.name} is judged by silence alone")
        if self.begun_us is None:
            self.begun_us = event.time_us
        members = self._members(event, Parent(self.begun_us, event.time_us, 0))
        found = absence.judge(self.rule, 0, members, self.raised, event.time_us)
        for transition in found:
            if transition.kind == "raised":
                self.raised[transition.subject] = transition.time_us
            else:
                del self.raised[transition.subject]
        return found

    def restart(self) -> None:
        """Nothing is lost."""

    def _members(self, event: Heard, collector: Parent) -> list[Member]:
        """Those that the rule listens for; a device through which another is heard is a gateway."""
        if not isinstance(self.rule.source, Absence):
            raise TypeError(f"{self.rule.name} does not listen")
        gateways = {thing.parent for thing in self.things.values()}
        above = {
            name: self.presence.hear(name, event.last_us[name], thing.interval_us)
            for name, thing in self.things.items()
            if name in gateways and name in event.last_us
        }
        wanted = self.rule.source.of == "gateway"
        return [
            Member(
                subject=name,
                heard_us=event.last_us.get(name, 0),
                interval_us=thing.interval_us,
                parent=above.get(thing.parent, collector) if thing.parent else collector,
                series=NOWHERE,
            )
            for name, thing in self.things.items()
            if (name in gateways) == wanted
        ]
