"""The engine as tests use it: one session for each history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from rules.engine.plan import compile_rules
from rules.engine.view import Array
from rules.model import Absence, RuleSet, Stream
from rules.testing.history import History
from rules.testing.run import Engine, Session
from rules.testing.scheduled import RowSession, SilenceSession
from rules.testing.session import StreamSession


@dataclass(frozen=True)
class GivenFacts:
    """What a test says about habits and plans, at every time and place."""

    history: History

    def usual(self, series: Array, time_us: Array, span_us: int) -> Array:
        """As rules.engine.facts.Facts says."""
        return np.array([self.history.usual.get(one, np.nan) for one in series.tolist()], "f8")

    def indicator(self, name: str, region: str, use: Literal["path", "target"], day: date) -> float | None:
        """As rules.engine.facts.Facts says."""
        return self.history.indicators.get((name, use))


def engine(zone: ZoneInfo) -> Engine:
    """The engine of the city, for sets of one rule."""
    return partial(_session, zone)


def _session(zone: ZoneInfo, rule_set: RuleSet, history: History) -> Session:
    (rule,) = rule_set.rules.values()
    if isinstance(rule.source, Absence):
        return SilenceSession(rule, history)
    if isinstance(rule.source, Stream):
        return StreamSession(compile_rules(rule_set, history.directory, zone), GivenFacts(history))
    return RowSession(rule_set, rule, history, GivenFacts(history), zone)
