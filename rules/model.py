"""What a rule file says, checked and resolved: the words that grammar, engine and alerts share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from citybrain.catalogue.model import Domain, Region, Text
from rules.conditions import Column, Condition

SubjectKind = Literal["series", "device", "site", "gateway", "region", "text"]
Mode = Literal["live", "shadow", "off"]

HOUR_US = 3_600_000_000  # microseconds in an hour
DAY_US = 24 * HOUR_US  # microseconds in a day
LONGEST_US = 400 * DAY_US  # what intervals come to where none is expected: longer than any duration that can be said


@dataclass(frozen=True, slots=True)
class Duration:
    """So many microseconds, or so many expected intervals of what is judged."""

    us: int = 0
    intervals: float = 0

    def of(self, interval_us: float) -> int:
        """In microseconds, for what is expected every `interval_us`."""
        return self.us + round(min(self.intervals * interval_us, LONGEST_US)) if self.intervals else self.us


@dataclass(frozen=True, slots=True)
class Hold:
    """How long a condition must have held: a duration, or `samples` pieces of evidence in a row.

    With `among`, `samples` of the last `among` (at most 32) pieces of evidence, this one included. A hold of nothing
    is met by the first true evidence.
    """

    duration: Duration | None = None
    samples: int = 0
    among: int = 0


AT_ONCE = Hold()


@dataclass(frozen=True, slots=True)
class LimitEntry:
    """A number and where it comes from; one of `value`, `attribute` and `plan` says the number.

    It counts for series that `where` matches, and for readings of the city's days from `start` to `end`, both
    inclusive. `plan` is a `plan/indicator`: its target, or today's point of the path to it (`use`).
    """

    value: float | None = None
    attribute: str | None = None
    plan: str | None = None
    use: Literal["path", "target"] = "target"
    unit: str | None = None
    source: str = ""
    clause: str | None = None
    confidence: str | None = None
    where: Condition | None = None
    start: date | None = None
    end: date | None = None


Limit = tuple[LimitEntry, ...]  # the first that matches counts; none is NULL


@dataclass(frozen=True, slots=True)
class With:
    """Another metric's newest value, read under an alias; `same` is device, site, gateway, region or an attribute.

    `max_age` None: three of its intervals, and no bound for a metric that reports on change.
    """

    metric: str
    same: str = "site"
    max_age: Duration | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a ladder; a rule without a ladder has one. `clear` None is NOT raise."""

    severity: int  # 1 red, 2 orange, 3 yellow, 4 blue
    raise_: Condition | None  # None with absence only
    clear: Condition | None = None
    for_: Hold = AT_ONCE
    keep: Hold = AT_ONCE
    limits: Mapping[str, Limit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """Each evaluated reading of these metrics; `("*",)` is every metric."""

    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Absence:
    """What has been silent for `after`."""

    of: Literal["series", "device", "gateway"]
    after: Duration


@dataclass(frozen=True, slots=True)
class Schedule:
    """Instants that are `every_us` apart, `at_us` after the start of the city's day and of its multiples."""

    every_us: int
    at_us: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """Each row of a SELECT is a reading of its subject at the scheduled instant."""

    sql: str
    schedule: Schedule
    columns: Mapping[str, Column]
    missing: Literal["keep", "clear"] = "keep"


@dataclass(frozen=True, slots=True)
class PlanIndicator:
    """A plan's indicator: a row with actual, path, target, shortfall and verdict for each region."""

    indicator: str  # plan/indicator
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Together:
    """`raise_by` levels more severe while `count` subjects (itself included) within `within_m` metres have it."""

    within_m: float
    count: int = 2
    raise_by: int = 1


@dataclass(frozen=True, slots=True)
class Inhibition:
    """Alerts of the rules that match a pattern (`water.*`), on the same subject, are recorded and not announced.

    `same` is device, gateway, site, region or an attribute of the site. Such an alert is announced `hold_us` after it
    was raised, or `release_us` after the inhibitor has cleared, if it is still there then.
    """

    rules: tuple[str, ...]
    same: str = "site"
    hold_us: int = 30_000_000
    release_us: int = 600_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `steps` go from the most severe to the least; `definition` is what the file says, scalars as text."""

    name: str
    title: Text
    source: Stream | Absence | Query | PlanIndicator
    steps: tuple[Step, ...]
    advice: Text | None = None
    where: Condition | None = None
    season: str | None = None
    hours: str | None = None
    any_quality: bool = False
    with_: Mapping[str, With] = field(default_factory=dict)
    gap: Duration = Duration(intervals=3)
    subject: SubjectKind = "series"
    at_least: int = 1
    together: Together | None = None
    inhibits: Inhibition | None = None
    mode: Mode = "live"
    definition: Mapping[str, Any] = field(default_factory=dict)
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @property
    def domain(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Season:
    """Days from `start` to `end`, inclusive: month and day of every year, or dates that replace those they overlap.

    `region`: for it and all below; None for all.
    """

    start: tuple[int, int] | date
    end: tuple[int, int] | date
    region: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Named times: days (`seasons`, `dates`), or minutes of the day, the end exclusive and maybe past midnight."""

    name: str
    seasons: tuple[Season, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()
    dates: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class SiteAttribute:
    """An attribute that sites have, as a condition reads it (`site_<name>`)."""

    kind: Literal["text", "number", "boolean"]
    unit: str | None = None


@dataclass(frozen=True)
class Vocabulary:
    """What rules may speak of: the catalogue without its sites and devices."""

    regions: Mapping[str, Region]
    domains: Mapping[str, Domain]
    attributes: Mapping[str, SiteAttribute]


@dataclass(frozen=True)
class RuleSet:
    """All rules that are checked and applied together, with the calendars that they name."""

    rules: Mapping[str, Rule]
    calendars: Mapping[str, Calendar]
    vocabulary: Vocabulary
