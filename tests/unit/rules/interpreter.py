"""Rules judged one reading at a time, from plain Python values: what every run of the engine must equal.

Written from the grammar alone, for clarity and not for speed: no arrays, no batches, nothing of `rules.engine` but the
names of series.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from citybrain.catalogue.model import Metric
from citybrain.quality import DOUBTFUL, Flag
from rules.engine.directory import Series
from rules.model import (
    Absence,
    Calendar,
    Duration,
    Hold,
    Limit,
    PlanIndicator,
    Query,
    Rule,
    RuleSet,
    Season,
    Step,
    Stream,
)
from rules.testing.history import Event, Message, Reading, Rows, Tick
from rules.transition import Kind
from tests.unit.rules.scalar import Cell, Formula, formula

CITY = ZoneInfo("Asia/Shanghai")
GRACE_US = 10_000_000  # microseconds after which the clock may fire a timer
DAY_US = 86_400_000_000  # microseconds
SPAN_READINGS = 4096  # a span holds so many of the newest readings at most
EARTH_M = 6_371_008.8  # metres, mean radius

Item = int | str  # a series' id, or the subject that a row names


class Fired(NamedTuple):
    rule: str
    subject: str
    kind: Kind
    severity: int
    time_us: int
    reason: str | None


@dataclass(frozen=True)
class Facts:
    """What is known besides readings: habits by series, span and time; plans by indicator, use and time."""

    usual: Callable[[int, int, int], float | None] = lambda series, span_us, time_us: None
    plan: Callable[[str, str, int], float | None] = lambda indicator, use, time_us: None


NOTHING = Facts()


class Voice(NamedTuple):
    """What can fall silent, and when it was heard so far."""

    interval_us: float
    heard: Sequence[int]


@dataclass
class Run:
    """One condition's true evidence without a false one and without a pause."""

    hold: Hold
    interval_us: float
    gap_us: float
    since: int | None = None
    last: int | None = None
    count: int = 0
    among: list[bool] = field(default_factory=list)

    def take(self, now: bool | None, time_us: int) -> bool:
        """Whether this evidence meets the hold."""
        if now is None:
            return False
        if self.last is not None and time_us - self.last > self.gap_us:
            self.forget()
        self.last = time_us
        self.among.append(now)
        if not now:
            self.since, self.count = None, 0
            return False
        self.since = time_us if self.since is None else self.since
        self.count += 1
        if self.hold.among:
            return sum(self.among[-self.hold.among :]) >= self.hold.samples
        if self.hold.samples:
            return self.count >= self.hold.samples
        return time_us - self.since >= self.hold_us

    def forget(self) -> None:
        self.since, self.last, self.count = None, None, 0
        self.among.clear()

    @property
    def hold_us(self) -> float:
        return lasting(self.hold.duration, self.interval_us) if self.hold.duration else 0

    @property
    def due(self) -> float:
        """When the clock alone would meet the hold."""
        return math.inf if self.since is None or self.hold.samples else self.since + self.hold_us


@dataclass
class Pair:
    """A step and a series: two runs and a latch."""

    raising: Run
    clearing: Run
    latched: bool = False

    def judge(self, raise_: bool | None, clear: bool | None, time_us: int) -> None:
        if raise_:
            clear = False
        elif clear and raise_ is None:
            raise_ = False
        # Both are told before either decides, for false evidence ends the other's run.
        up, down = self.raising.take(raise_, time_us), self.clearing.take(clear, time_us)
        if up:
            self.latched = True
        elif down:
            self.latched = False

    @property
    def due(self) -> float:
        return self.clearing.due if self.latched else self.raising.due

    def leave_season(self) -> None:
        self.raising.forget()
        self.clearing.forget()
        self.latched = False


@dataclass
class Alert:
    severity: int
    time_us: int


class Interpreter:
    def __init__(self, rule_set: RuleSet, directory: Iterable[Series], facts: Facts = NOTHING) -> None:
        self.rule_set = rule_set
        self.series = {series.id: series for series in directory}
        self.facts = facts
        self.formulas: dict[str, Formula] = {}
        self.arrived: dict[int, list[Reading]] = defaultdict(list)  # good readings in order, by series
        self.alerts: dict[tuple[str, str], Alert] = {}
        self.pairs: dict[tuple[str, int, Item], Pair] = {}
        self.items: dict[str, list[Item]] = {}
        self.last_words: dict[tuple[str, str], int | None] = {}  # when what is silent was heard last
        self.fired: list[Fired] = []
        for rule in rule_set.rules.values():
            self.items[rule.name] = [s.id for s in self.series.values() if self.selects(rule, s)]
            for item in self.items[rule.name]:
                self.pair_up(rule, item)

    def play(self, events: Iterable[Event]) -> list[Fired]:
        """The transitions so far, in arrival order."""
        for event in events:
            if isinstance(event, Message):
                self.message(event)
            elif isinstance(event, Tick):
                self.tick(event.now_us)
            elif isinstance(event, Rows):
                self.instant(event)
        return self.fired

    # Which series a rule judges

    def selects(self, rule: Rule, series: Series) -> bool:
        if not isinstance(rule.source, Stream) or rule.mode == "off":
            return False
        wanted = rule.source.metrics == ("*",) or series.metric in rule.source.metrics
        if not wanted or (rule.domain in self.rule_set.vocabulary.domains and series.domain != rule.domain):
            return False
        return rule.where is None or self.true(rule.where.text, Attributes(series)) is True

    def pair_up(self, rule: Rule, item: Item) -> None:
        interval, change = math.inf, False
        if isinstance(item, int):
            interval, change = self.series[item].interval_us, self.series[item].reports_change
        elif isinstance(rule.source, Query | PlanIndicator):
            interval = rule.source.schedule.every_us
        gap = math.inf if change else lasting(rule.gap, interval)
        for step in rule.steps:
            runs = (Run(step.for_, interval, gap), Run(step.keep, interval, gap))
            self.pairs[rule.name, step.severity, item] = Pair(*runs)

    # What happens

    def message(self, message: Message) -> None:
        ordered = sorted(message.readings, key=lambda reading: reading.time_us)
        good = [reading for reading in ordered if not reading.flags & (DOUBTFUL | Flag.LATE | Flag.REVISED)]
        for reading in ordered:
            if reading.flags & (Flag.LATE | Flag.REVISED):
                continue
            here = [other for other in good if other.time_us <= reading.time_us]
            for rule in self.rule_set.rules.values():
                doubtful = bool(reading.flags & DOUBTFUL)
                if reading.series in self.items[rule.name] and (rule.any_quality or not doubtful):
                    self.reading(rule, reading, here)
        for reading in good:
            self.arrived[reading.series].append(reading)

    def reading(self, rule: Rule, reading: Reading, here: Sequence[Reading]) -> None:
        series = self.series[reading.series]
        in_season = not rule.season or self.calendar(rule.season, series.region, reading.time_us)
        if in_season and rule.hours and not self.calendar(rule.hours, series.region, reading.time_us):
            return
        if series.reports_change:
            self.strike([(rule, series.id)], before=reading.time_us)
        if not in_season:
            for step in rule.steps:
                self.pairs[rule.name, step.severity, series.id].leave_season()
            self.settle(rule, series.subject(rule.subject), reading.time_us, "out of season")
            return
        for step in rule.steps:
            row = At(self, rule, step, reading, here)
            self.judge(rule, step, series.id, row, reading.time_us)
        self.settle(rule, series.subject(rule.subject), reading.time_us)

    def judge(self, rule: Rule, step: Step, item: Item, row: Columns, time_us: int) -> None:
        raise_ = self.true(step.raise_.text, row) if step.raise_ else None
        clear = self.true(step.clear.text, row) if step.clear else None if raise_ is None else not raise_
        self.pairs[rule.name, step.severity, item].judge(raise_, clear, time_us)

    def tick(self, now_us: int) -> None:
        """Timers, and the end of a season for series that have said nothing since, in the order of their times."""
        due: list[tuple[int, str, str, Pair | None, int]] = []
        for rule in self.rule_set.rules.values():
            for item in self.items[rule.name]:
                if not isinstance(item, int):
                    continue
                subject = self.subject(rule, item)
                if self.series[item].reports_change:
                    due += [
                        (at, rule.name, subject, pair, item)
                        for at, pair in self.timers(rule, item, now_us - GRACE_US + 1)
                    ]
                ended = self.season_over(rule, self.series[item], now_us)
                if ended is not None:
                    due.append((ended, rule.name, subject, None, item))
        due.sort(key=lambda one: one[:3])
        for (time_us, name, subject), found in groupby(due, key=lambda one: one[:3]):
            rule = self.rule_set.rules[name]
            over = False
            for *_, pair, item in found:
                if pair is not None:
                    pair.latched = not pair.latched
                    continue
                over = True
                for step in rule.steps:
                    self.pairs[name, step.severity, item].leave_season()
            self.settle(rule, subject, time_us, "out of season") if over else self.settle(rule, subject, time_us)

    def timers(self, rule: Rule, item: Item, before: int) -> list[tuple[int, Pair]]:
        """The holds of a rule and a series that are due before an instant."""
        pairs = [self.pairs[rule.name, step.severity, item] for step in rule.steps]
        return [(int(pair.due), pair) for pair in pairs if pair.due < before and self.runs(rule, item, int(pair.due))]

    def season_over(self, rule: Rule, series: Series, now_us: int) -> int | None:
        """When the season ended a day ago or earlier, if nothing good was read since."""
        day = city_day(now_us - DAY_US)
        if not rule.season or self.calendar(rule.season, series.region, midnight(day)):
            return None
        for _ in range(366):
            if self.calendar(rule.season, series.region, midnight(day - timedelta(days=1))):
                break
            day -= timedelta(days=1)
        newest = self.arrived[series.id][-1].time_us if self.arrived[series.id] else -math.inf
        return midnight(day) if newest < midnight(day) else None

    def strike(self, changing: Sequence[tuple[Rule, Item]], before: int) -> None:
        """Fire the timers that are due before an instant, in the order of their times."""
        due = []
        for rule, item in changing:
            subject = self.subject(rule, item)
            due += [(at, rule.name, subject, pair) for at, pair in self.timers(rule, item, before)]
        due.sort(key=lambda timer: timer[:3])
        for (time_us, name, subject), timers in groupby(due, key=lambda timer: timer[:3]):
            for *_, pair in timers:
                pair.latched = not pair.latched
            self.settle(self.rule_set.rules[name], subject, time_us)

    def runs(self, rule: Rule, item: Item, time_us: int) -> bool:
        """Whether a rule exists at an instant: outside of its season it does not, so no timer of it runs out."""
        region = self.series[item].region if isinstance(item, int) else ""
        return not rule.season or self.calendar(rule.season, region, time_us)

    def instant(self, event: Rows) -> None:
        for rule in self.rule_set.rules.values():
            if not isinstance(rule.source, Query | PlanIndicator) or rule.mode == "off":
                continue
            missing = rule.source.missing == "clear" if isinstance(rule.source, Query) else False
            rows: dict[str, Columns | None] = {str(item): None for item in self.items[rule.name]} if missing else {}
            for subject, columns in event.rows.items():
                if rule.where is None or self.true(rule.where.text, Given(columns)) is True:
                    rows[subject] = Given(columns)
            for subject, row in rows.items():
                self.row(rule, subject, row, event.time_us)

    def row(self, rule: Rule, subject: str, row: Columns | None, time_us: int) -> None:
        if subject not in self.items[rule.name]:
            self.items[rule.name].append(subject)
            self.pair_up(rule, subject)
        for step in rule.steps:
            if row is None:
                self.pairs[rule.name, step.severity, subject].judge(raise_=False, clear=True, time_us=time_us)
            else:
                limited = Given({**row.values, **self.limits(step, {}, time_us)}) if isinstance(row, Given) else row
                self.judge(rule, step, subject, limited, time_us)
        self.settle(rule, subject, time_us)

    def silent(self, rule: Rule, name: str, own: Voice, parent: Voice | None, time_us: int) -> None:
        """Judge whether a thing has been silent for long at that instant; only being heard again ends it."""
        assert isinstance(rule.source, Absence)
        if name not in self.items[rule.name]:
            self.items[rule.name].append(name)
            self.pair_up(rule, name)
        floor = (3 * parent.interval_us if parent else 0) + own.interval_us
        raise_ = silence(own, parent, time_us) >= max(lasting(rule.source.after, own.interval_us), floor)
        last = own.heard[-1] if own.heard else None
        again = last != self.last_words.get((rule.name, name), last)
        for step in rule.steps:
            self.pairs[rule.name, step.severity, name].judge(raise_, again, time_us)
        self.settle(rule, name, time_us)
        if raise_:
            self.last_words[rule.name, name] = last

    # From latches to alerts

    def settle(self, rule: Rule, subject: str, time_us: int, reason: str | None = None) -> None:
        """Tell what became of the subject's alert, and of its neighbours' where they count together."""
        self.tell(rule, subject, time_us, reason)
        if rule.together:
            for other in sorted({self.subject(rule, item) for item in self.items[rule.name]} - {subject}):
                self.tell(rule, other, time_us, None)

    def tell(self, rule: Rule, subject: str, time_us: int, reason: str | None) -> None:
        before, severity = self.alerts.get((rule.name, subject)), self.severity(rule, subject)
        if severity == (before.severity if before else None):
            return
        if before is None:
            assert severity is not None
            self.alerts[rule.name, subject] = Alert(severity, time_us)
            self.fired.append(Fired(rule.name, subject, "raised", severity, time_us, reason))
            return
        time_us = max(time_us, before.time_us)
        if severity is None:
            del self.alerts[rule.name, subject]
            self.fired.append(Fired(rule.name, subject, "cleared", before.severity, time_us, reason))
            return
        kind: Kind = "escalated" if severity < before.severity else "downgraded"
        self.alerts[rule.name, subject] = Alert(severity, time_us)
        self.fired.append(Fired(rule.name, subject, kind, severity, time_us, reason))

    def severity(self, rule: Rule, subject: str) -> int | None:
        own = self.own_severity(rule, subject)
        if own is None or rule.together is None:
            return own
        open_ = [
            other
            for other in {self.subject(rule, item) for item in self.items[rule.name]}
            if self.own_severity(rule, other) is not None
            and (other == subject or self.metres(rule, subject, other) <= rule.together.within_m)
        ]
        return max(1, own - rule.together.raise_by) if len(open_) >= rule.together.count else own

    def own_severity(self, rule: Rule, subject: str) -> int | None:
        members = [item for item in self.items[rule.name] if self.subject(rule, item) == subject]
        for step in sorted(rule.steps, key=lambda step: step.severity):
            if sum(self.pairs[rule.name, step.severity, item].latched for item in members) >= rule.at_least:
                return step.severity
        return None

    def subject(self, rule: Rule, item: Item) -> str:
        return self.series[item].subject(rule.subject) if isinstance(item, int) else item

    def metres(self, rule: Rule, one: str, other: str) -> float:
        places = []
        for subject in (one, other):
            members = [item for item in self.items[rule.name] if self.subject(rule, item) == subject]
            places += [self.series[item].place for item in members if isinstance(item, int)][:1]
        if len(places) < 2 or places[0] is None or places[1] is None:
            return math.inf
        (a, b), (c, d) = ([math.radians(degrees) for degrees in place] for place in places if place)
        half = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
        return 2 * EARTH_M * math.asin(math.sqrt(half))

    # What conditions read

    def true(self, text: str, row: Columns) -> bool | None:
        if text not in self.formulas:
            self.formulas[text] = formula(text)
        result = self.formulas[text](row)
        assert result is None or isinstance(result, bool), text
        return result

    def limits(self, step: Step, attributes: Mapping[str, Cell], time_us: int) -> dict[str, Cell]:
        return {name: self.limit(limit, attributes, time_us) for name, limit in step.limits.items()}

    def limit(self, limit: Limit, attributes: Mapping[str, Cell], time_us: int) -> Cell:
        day = city_day(time_us)
        for entry in limit:
            matches = entry.where is None or self.true(entry.where.text, Given(attributes)) is True
            if matches and (entry.start or date.min) <= day <= (entry.end or date.max):
                if entry.attribute:
                    return attributes.get(entry.attribute)
                return self.facts.plan(entry.plan, entry.use, time_us) if entry.plan else entry.value
        return None

    def calendar(self, name: str, region: str, time_us: int) -> bool:
        regions = self.rule_set.vocabulary.regions
        path, above = [region], regions[region].parent if region in regions else None
        while above:
            path.append(above)
            above = regions[above].parent
        return in_calendar(self.rule_set.calendars[name], path, time_us)

    def metric(self, series: Series) -> Metric:
        return self.rule_set.vocabulary.domains[series.domain].metrics[series.metric]


@dataclass
class Given:
    """A row whose columns are all written down."""

    values: Mapping[str, Cell]

    def column(self, name: str) -> Cell:
        value = {key.lower(): value for key, value in self.values.items()}.get(name)
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    def call(self, function: str, column: str, span_us: int) -> Cell:
        raise AssertionError(f"{function} over a row")


class Attributes(Given):
    def __init__(self, series: Series) -> None:
        super().__init__({"region": series.region, **series.attributes, "metric": series.metric})


@dataclass
class At:
    """What a condition sees at one reading."""

    judge: Interpreter
    rule: Rule
    step: Step
    reading: Reading
    here: Sequence[Reading]  # good readings of the same message, not after this one

    @property
    def series(self) -> Series:
        return self.judge.series[self.reading.series]

    def column(self, name: str) -> Cell:
        attributes = Attributes(self.series)
        limits = {key.lower(): limit for key, limit in self.step.limits.items()}
        if name == "value":
            return self.typed(self.series, self.reading.value)
        if name in self.rule.with_:
            newest = self.newest(name)
            return self.typed(self.series_of(name), newest.value) if newest else None
        if name in limits:
            return self.judge.limit(limits[name], attributes.values, self.reading.time_us)
        if name in self.judge.rule_set.calendars:
            return self.judge.calendar(name, self.series.region, self.reading.time_us)
        if name.startswith("is_"):
            return bool(self.reading.flags & Flag[name.removeprefix("is_").upper()])
        return attributes.column(name)

    def typed(self, series: Series | None, value: float) -> Cell:
        assert series
        metric = self.judge.metric(series)
        if metric.kind == "boolean":
            return value != 0
        if metric.kind == "state":
            return {code: name for name, code in metric.states.items()}.get(int(value))
        return value

    def series_of(self, column: str) -> Series | None:
        """The judged series, or the only one that an alias can mean."""
        if column == "value":
            return self.series
        with_ = self.rule.with_[column]
        domains = self.judge.rule_set.vocabulary.domains
        own = self.rule.domain in domains and with_.metric in domains[self.rule.domain].metrics
        matching = [
            other
            for other in self.judge.series.values()
            if other.id != self.series.id
            and other.metric == with_.metric
            and (not own or other.domain == self.rule.domain)
            and same(self.series, other, with_.same)
        ]
        return matching[0] if len(matching) == 1 else None

    def seen(self, series: Series) -> list[Reading]:
        """Good readings that arrived before this message, or in it and not after this reading."""
        return self.judge.arrived[series.id] + [reading for reading in self.here if reading.series == series.id]

    def newest(self, column: str) -> Reading | None:
        if column == "value":
            return self.reading
        series = self.series_of(column)
        if series is None or not self.seen(series):
            return None
        newest = self.seen(series)[-1]
        max_age = self.rule.with_[column].max_age or Duration(intervals=math.inf if series.reports_change else 3)
        return newest if self.reading.time_us - newest.time_us <= lasting(max_age, series.interval_us) else None

    def call(self, function: str, column: str, span_us: int) -> Cell:
        series, now = self.series_of(column), self.reading.time_us
        if series is None:
            return None
        if function == "usual":
            return self.judge.facts.usual(series.id, span_us, now)
        closed = function in ("delta", "rate")
        seen = [r for r in self.seen(series) if now - span_us <= r.time_us <= now]
        window = [r for r in seen if closed or r.time_us > now - span_us][-SPAN_READINGS:]
        values = [clipped(reading.value) for reading in window]
        if function == "count":
            return float(len(window))
        if function == "sum":
            return sum(values) / 1e6
        if not window or 2 * (now - window[0].time_us) < span_us:
            return None
        if function == "avg":
            return sum(values) / len(values) / 1e6
        if function in ("min", "max"):
            return (min if function == "min" else max)(reading.value for reading in window)
        newest = self.newest(column)
        if newest is None:
            return None
        delta = newest.value - window[0].value
        return delta if function == "delta" else delta / ((now - window[0].time_us) / 3.6e9)


Columns = Given | At


def silence(own: Voice, parent: Voice | None, time_us: int) -> float:
    """For how long a thing has been silent while its parent was heard, in microseconds."""
    if parent is None:
        return time_us - own.heard[-1] if own.heard else 0
    if not parent.heard:
        return 0
    since = parent.heard[0]
    for earlier, later in pairwise(parent.heard):
        if later - earlier > 3 * parent.interval_us:
            since = later
    return min(time_us, parent.heard[-1]) - max([*own.heard[-1:], since])


def in_calendar(calendar: Calendar, path: Sequence[str], time_us: int) -> bool:
    """Whether a calendar is on at an instant, for a region and those above it."""
    now = datetime.fromtimestamp(time_us // 1_000_000, CITY)
    minute, day = now.hour * 60 + now.minute, now.date()
    if calendar.hours and not any(a <= minute < b if a < b else minute >= a or minute < b for a, b in calendar.hours):
        return False
    if not calendar.seasons:
        return not calendar.dates or day in calendar.dates
    dated: list[tuple[date, date]] = []
    yearly: list[tuple[date, date]] = []
    for region in (*path, None):
        own = [season for season in calendar.seasons if season.region == region]
        days = [(season.start, season.end) for season in own]
        dated += [(a, b) for a, b in days if isinstance(a, date) and isinstance(b, date)]
        if not yearly:
            yearly = [spell for season in own for spell in spells(season, day.year)]
    replaced = [(a, b) for a, b in yearly if any(a <= d and c <= b for c, d in dated)]
    return any(a <= day <= b for a, b in [*dated, *(spell for spell in yearly if spell not in replaced)])


def spells(season: Season, year: int) -> list[tuple[date, date]]:
    """The years' spells of a yearly season around a year."""
    if isinstance(season.start, date) or isinstance(season.end, date):
        return []
    wraps = season.start > season.end
    return [(date(y, *season.start), date(y + wraps, *season.end)) for y in (year - 1, year, year + 1)]


def same(one: Series, other: Series, key: str) -> bool:
    if key in ("device", "site", "gateway", "region"):
        return one.subject(key) == other.subject(key)  # type: ignore[arg-type]
    return key in one.attributes and one.attributes[key] == other.attributes.get(key)


def lasting(duration: Duration, interval_us: float) -> float:
    return duration.us + (duration.intervals * interval_us if duration.intervals else 0)


def clipped(value: float) -> int:
    return round(max(-2e9, min(2e9, value)) * 1e6)


def midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=CITY).timestamp()) * 1_000_000


def city_day(time_us: int) -> date:
    return datetime.fromtimestamp(time_us / 1e6, CITY).date()
