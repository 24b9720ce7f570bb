"""Figures: the newest readings of many series as one number, with its course and what is usual."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from api.access.scopes import Titled
from api.pages import trends
from api.pages.asked import Asked
from api.pages.documents import FigureNumber
from api.pages.trends import Points
from api.views.documents import Words
from api.views.rows import rows, tuples
from api.views.status import states
from citybrain.catalogue.model import Domain, Metric
from citybrain.catalogue.pages import Across, Figure
from rules.levels import Level, RuleInForce, kept, levels

Levels = Mapping[str, Mapping[str, list[Level]]]
"""By domain and metric."""

HOURLY = timedelta(hours=1)  # what comes less often has no hourly course


class Wanted(NamedTuple):
    """A figure of a domain."""

    domain: Domain
    figure: Figure

    @property
    def metric(self) -> Metric:
        """What it is a number of."""
        return self.domain.metrics[self.figure.metric]

    @property
    def across(self) -> Across:
        """How series become one number."""
        return self.figure.combined(self.metric)

    @property
    def has_course(self) -> bool:
        """Whether its hours say something: of a number that comes at least hourly, and is no share."""
        metric, figure = self.metric, self.figure
        if figure.keeps or metric.kind != "number" or (metric.interval and metric.interval > HOURLY):
            return False
        return not figure.kinds or self.leads

    @property
    def leads(self) -> bool:
        """Whether it is the value of one series: its course is that of this series."""
        return self.across in ("low", "high", "newest")


class Newest(NamedTuple):
    """The readings of a figure; `lowest`, `highest` and `latest` are series."""

    figure: int
    of: int
    n: int
    time: datetime
    mean: float | None
    sum: float | None
    low: float | None
    high: float | None
    newest: float | None
    kept: int
    lowest: int | None
    highest: int | None
    latest: int | None


class Combined(Protocol):
    """Readings put together in every way."""

    @property
    def mean(self) -> float | None: ...  # noqa: D102
    @property
    def sum(self) -> float | None: ...  # noqa: D102
    @property
    def low(self) -> float | None: ...  # noqa: D102
    @property
    def high(self) -> float | None: ...  # noqa: D102
    @property
    def newest(self) -> float | None: ...  # noqa: D102


def combined(row: Combined, across: Across) -> float | None:
    """The number that is asked for."""
    ways = {"mean": row.mean, "sum": row.sum, "low": row.low, "high": row.high, "newest": row.newest}
    return ways[across]


class _Place(NamedTuple):
    series_id: int
    id: str
    zh: str
    en: str


async def limits(asked: Asked, domains: Iterable[str]) -> Levels:
    """The limits in force today of domains, by domain and metric."""
    named = list(domains)
    found = await rows(asked.reader, RuleInForce, "api_pages", "rules", **asked.parameters(), named=named)
    return {id: levels((rule for rule in found if rule.rule.partition(".")[0] == id), asked.day) for id in named}


def level(wanted: Wanted, known: Levels) -> Level | None:
    """The limit of a share; None: it is none, or its rule is not in force."""
    keeps = wanted.figure.keeps
    return kept(keeps, known.get(wanted.domain.id, {}).get(wanted.figure.metric, ())) if keeps else None


async def read(asked: Asked, wanted: Sequence[Wanted], known: Levels) -> list[FigureNumber]:
    """The number of each figure, in their order."""
    newest = await _newest(asked, wanted, known)
    leaders = {at: series for at, row in newest.items() if (series := _leader(wanted[at], row)) is not None}
    places = await rows(asked.reader, _Place, "api_pages", "places", series=list(leaders.values()))
    titled = {place.series_id: Titled(id=place.id, title=Words(zh=place.zh, en=place.en)) for place in places}
    courses = await _courses(asked, wanted, newest, leaders)
    return [
        _number(one, newest.get(at), titled.get(leaders.get(at, 0)), courses.get(at), asked.now)
        if not one.figure.keeps or level(one, known)
        else FigureNumber(value=None, time=None, n=0, of=0)
        for at, one in enumerate(wanted)
    ]


async def _newest(asked: Asked, wanted: Sequence[Wanted], known: Levels) -> dict[int, Newest]:
    bounds = [level(one, known) for one in wanted]
    among = {
        "of_domains": [one.domain.id for one in wanted],
        "metrics": [one.figure.metric for one in wanted],
        "kinds": [",".join(one.figure.kinds) for one in wanted],
        "operators": [bound.operator if bound else "" for bound in bounds],
        "limits": [bound.value if bound else None for bound in bounds],
    }
    found = await rows(asked.reader, Newest, "api_pages", "figures", **asked.parameters(), **among)
    return {row.figure - 1: row for row in found}


def _leader(one: Wanted, row: Newest) -> int | None:
    if one.figure.keeps:
        return None
    leaders: dict[Across, int | None] = {"low": row.lowest, "high": row.highest, "newest": row.latest}
    return leaders.get(one.across)


async def _courses(
    asked: Asked, wanted: Sequence[Wanted], newest: Mapping[int, Newest], leaders: Mapping[int, int]
) -> dict[int, Points]:
    """Hourly values since as long ago as bands need: of the leading series, or of all of the regions.

    Regions keep means alone: a sum is the mean of the hour for as many series as report now.
    """
    courses: dict[int, dict[datetime, float]] = defaultdict(dict)
    span = {"start": trends.present(asked.now) - trends.REACH, "end": asked.now}
    single = {at: series for at, series in leaders.items() if wanted[at].has_course}
    keys = {"keys": list(single), "series": list(single.values()), "across": ["mean"] * len(single)}
    for at, hour, value in await tuples(asked.reader, "api_pages", "hours", **span, **keys):
        courses[at][hour] = value
    spread = [at for at in newest if wanted[at].has_course and not wanted[at].leads]
    among = {
        "of_domains": [wanted[at].domain.id for at in spread],
        "metrics": [wanted[at].figure.metric for at in spread],
    }
    for place, hour, mean in await tuples(
        asked.reader, "api_pages", "region_hours", **asked.parameters(), **span, **among
    ):
        at = spread[place - 1]
        courses[at][hour] = mean * newest[at].n if wanted[at].across == "sum" else mean
    return dict(courses)


def _number(
    one: Wanted, row: Newest | None, place: Titled | None, points: Points | None, now: datetime
) -> FigureNumber:
    if row is None:
        return FigureNumber(value=None, time=None, n=0, of=0)
    value = (100 * row.kept / row.n if row.n else None) if one.figure.keeps else combined(row, one.across)
    return FigureNumber(
        value=value,
        states=[] if value is None else states(one.metric.kind, one.metric.states, value),
        time=row.time,
        n=row.n,
        of=row.of,
        place=place,
        trend=trends.course(points, now) if points else None,
        band=trends.band(points, now) if points else None,
        usual=trends.usual(points, now) if points else None,
    )
