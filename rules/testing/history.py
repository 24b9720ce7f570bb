"""A history: what arrives for rules to judge, in the order in which it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from rules.engine.directory import Series
from rules.transition import Cell


class Reading(NamedTuple):
    """One value of one series; `time_us` in microseconds since 1970, `flags` of citybrain.quality.Flag."""

    series: int
    time_us: int
    value: float
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """What arrives at once; no batch splits it."""

    arrival_us: int
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """The clock strikes: timers of metrics that report on change may be due."""

    now_us: int


@dataclass(frozen=True, slots=True)
class Rows:
    """What a query or a plan gives at a scheduled instant: columns by subject."""

    time_us: int
    rows: Mapping[str, Mapping[str, Cell]]


@dataclass(frozen=True, slots=True)
class Heard:
    """When everything was heard last (us), as of an instant at which silence is judged; what never was is left out."""

    time_us: int
    last_us: Mapping[str, int]


Event = Message | Tick | Rows | Heard


@dataclass(frozen=True, slots=True)
class Thing:
    """What can fall silent, and through what it is heard: the name of a gateway, None is the region's collector."""

    interval_us: float
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """All that a rule needs in order to be judged; `labels` are a test's names of subjects.

    `usual` is the habit of a series, the same at every hour; `indicators` are the numbers of plans, by plan/indicator
    and path or target; `things` are what an absence rule listens for, with the gateways.
    """

    directory: tuple[Series, ...] = ()
    events: tuple[Event, ...] = ()
    usual: Mapping[int, float] = field(default_factory=dict)
    indicators: Mapping[tuple[str, str], float | None] = field(default_factory=dict)
    things: Mapping[str, Thing] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
