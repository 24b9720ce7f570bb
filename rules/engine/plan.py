"""Rules x series, laid out as arrays: which step judges which series, with which terms, limits and neighbours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from rules.calendars import days
from rules.conditions import Call, Condition, Value
from rules.engine.clock import MINUTE_US
from rules.engine.directory import Series
from rules.engine.holds import TERMS
from rules.engine.neighbours import Neighbours
from rules.model import HOUR_US, LONGEST_US, Hold, LimitEntry, Rule, RuleSet, Step, Stream
from rules.transition import PAST_INTERVALS, PAST_US

Array = npt.NDArray[Any]

# Readings that a step must judge: good ones outside of their series' quiet band, or all good ones; with rules that ask
# for doubtful ones those with a flag, or all. Series with a busy pair are never passed over.
Reads = Literal["noisy", "good", "flagged", "any"]

FLAG_COLUMNS = frozenset({"is_stuck", "is_step", "is_out_of_range", "is_ahead"})
AGE_INTERVALS = (
    3  # expected intervals after which the newest value of another metric is too old, if nothing else is said
)
FOREVER = float("inf")
# Windows of another metric are kept for readings that come this much behind its newest, beside the span itself.
BEHIND_US = HOUR_US


@dataclass(frozen=True)
class Group:
    """The series of one metric, by id; positions in arrays of a group are positions in `series`."""

    metric: str
    series: Array  # i4, ascending
    members: tuple[Series, ...]
    attributes: Mapping[str, Value]
    boolean: bool

    def column(self, name: str) -> Value:
        """An attribute as a column over the group's positions; NULL where a series lacks it."""
        if name == "metric":
            return Value(np.array([self.metric], object))
        return self.attributes[name]


@dataclass(frozen=True)
class Alias:
    """Another metric's series for each position of a group, and how old its newest value may be (us); -1: none.

    `several` counts the positions where more than one series matches, which is as good as none.
    """

    series: Array
    max_age_us: Array
    boolean: bool
    several: int


@dataclass(frozen=True)
class LimitColumn:
    """A limit over a group's positions: for each entry, where it applies, its number and its days (ordinals)."""

    entries: tuple[tuple[LimitEntry, Array, Array], ...]  # entry, applies (bool), number (NaN: NULL)
    fixed: Value | None  # where neither dates nor plans matter

    @property
    def varies(self) -> bool:
        """Whether a plan decides the number."""
        return any(entry.plan is not None for entry, _, _ in self.entries)


@dataclass(frozen=True)
class Program:
    """One step of one rule over one group. Its pairs are `first` plus the position in the group."""

    number: int  # position in `Plan.programs`
    rule: Rule
    version: int
    step: Step
    position: int  # of the step in the rule
    group: Group
    first: int
    member: Array | None  # bool over the group; None: all
    raise_: Condition
    clear: Condition
    limits: Mapping[str, LimitColumn]
    aliases: Mapping[str, Alias]
    calls: Mapping[str, Call]
    bounded: bool  # raise can only be true outside of the series' band
    flagged: bool  # raise can only be true where a reading is doubtful

    @property
    def reads(self) -> Reads:
        """Which readings must be judged."""
        if self.rule.any_quality:
            return "flagged" if self.flagged else "any"
        return "noisy" if self.bounded else "good"


@dataclass(frozen=True)
class Plan:
    """A rule set compiled for the series there are. Arrays named by_series are indexed by series id."""

    rule_set: RuleSet
    versions: Mapping[str, int]
    zone: ZoneInfo
    series: Mapping[int, Series]
    groups: tuple[Group, ...]
    programs: tuple[Program, ...]
    by_group: tuple[Mapping[Reads, tuple[Program, ...]], ...]
    first_pairs: Array  # of the programs, ascending
    terms: Array  # rows of TERMS, by pair
    group_by_series: Array  # position in `groups`, -1: no rule
    rank_by_series: Array  # position in the group
    quiet_by_series: Array  # columns low and high: between them no bounded step can raise
    keep_by_series: Array  # how far back windows reach, us
    step_by_series: Array  # the expected interval, us; a minute where there is none
    news_by_series: Array  # how old a reading may be and still be news, us
    neighbours: Mapping[str, Neighbours]  # of the rules that raise alerts together
    judged: Mapping[str, frozenset[int]]  # by rule, the series that it judges

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return len(self.terms)

    def program_of(self, pairs: Array) -> Array:
        """Positions in `programs` of pairs."""
        found: Array = np.searchsorted(self.first_pairs, pairs, side="right") - 1
        return found

    @cached_property
    def habitual(self) -> tuple[tuple[Program, Call], ...]:
        """The steps that ask what is usual, with their calls."""
        return tuple(
            (program, call) for program in self.programs for call in program.calls.values() if call.function == "usual"
        )

    @cached_property
    def _days(self) -> dict[tuple[str, str], Callable[[date], bool]]:
        return {}

    def days(self, calendar: str, region: str) -> Callable[[date], bool]:
        """A test of whether a day is one of a calendar's, for a region."""
        found = self._days.get((calendar, region))
        if found is None:
            path = [region]
            while (known := self.rule_set.vocabulary.regions.get(path[-1])) and known.parent:
                path.append(known.parent)
            found = self._days[calendar, region] = days(self.rule_set.calendars[calendar], path)
        return found

    @cached_property
    def series_by_pair(self) -> Array:
        """The series of each pair."""
        parts = [program.group.series for program in self.programs]
        return np.concatenate(parts) if parts else np.empty(0, "i4")

    def owner(self, pair: int) -> tuple[Program, int]:
        """The program and the series of one pair."""
        program = self.programs[int(np.searchsorted(self.first_pairs, pair, side="right")) - 1]
        return program, int(program.group.series[pair - program.first])


def compile_rules(
    rule_set: RuleSet,
    directory: Iterable[Series],
    zone: ZoneInfo,
    versions: Mapping[str, int] | None = None,
) -> Plan:
    """Lay out the stream rules of a set, and only those that are not off, for the series of `directory`."""
    rules = [rule for rule in rule_set.rules.values() if rule.mode != "off" and isinstance(rule.source, Stream)]
    return _Compiler(rule_set, rules, list(directory), zone, versions or {}).plan()


def compile_scheduled(rule_set: RuleSet, rule: Rule, subjects: Sequence[Series], zone: ZoneInfo, version: int) -> Plan:
    """Lay out one scheduled rule for its subjects, each of which counts as a series of the empty metric."""
    return _Compiler(rule_set, [rule], list(subjects), zone, {rule.name: version}).plan()


@dataclass
class _Compiler:
    rule_set: RuleSet
    rules: list[Rule]
    directory: list[Series]
    zone: ZoneInfo
    versions: Mapping[str, int]
    programs: list[Program] = field(default_factory=list)
    terms: list[Array] = field(default_factory=list)
    pairs: int = 0

    def plan(self) -> Plan:
        size = max((series.id for series in self.directory), default=0) + 1
        self.groups = self._groups()
        self.index = self._index()
        self.keep = np.zeros(size, "i8")
        quiet = np.empty((size, 2))
        quiet[:] = -np.inf, np.inf
        for rule in self.rules:
            for group in self.groups:
                self._add(rule, group, quiet)
        interval = np.full(size, np.inf)
        for series in self.directory:
            interval[series.id] = series.interval_us
        group_by_series = np.full(size, -1, "i4")
        rank_by_series = np.zeros(size, "i4")
        by_group: list[Mapping[Reads, tuple[Program, ...]]] = []
        for number, group in enumerate(self.groups):
            group_by_series[group.series] = number
            rank_by_series[group.series] = np.arange(len(group.series))
            mine: dict[Reads, tuple[Program, ...]] = {}
            for program in self.programs:
                if program.group is group:
                    mine[program.reads] = (*mine.get(program.reads, ()), program)
            by_group.append(mine)
        return Plan(
            rule_set=self.rule_set,
            versions=self.versions,
            zone=self.zone,
            series={series.id: series for series in self.directory},
            groups=tuple(self.groups),
            programs=tuple(self.programs),
            by_group=tuple(by_group),
            first_pairs=np.array([program.first for program in self.programs], "i8"),
            terms=np.concatenate(self.terms) if self.terms else np.empty(0, TERMS),
            group_by_series=group_by_series,
            rank_by_series=rank_by_series,
            quiet_by_series=quiet,
            keep_by_series=self.keep,
            step_by_series=np.where(np.isfinite(interval) & (interval >= 1), interval, MINUTE_US).astype("i8"),
            news_by_series=np.where(np.isfinite(interval), np.maximum(PAST_US, PAST_INTERVALS * interval), PAST_US),
            neighbours={rule.name: Neighbours(rule, self._judged(rule)) for rule in self.rules if rule.together},
            judged={rule.name: frozenset(series.id for series in self._judged(rule)) for rule in self.rules},
        )

    def _judged(self, rule: Rule) -> Iterator[Series]:
        """The series that a rule judges."""
        for program in self.programs:
            if program.rule is rule and program.position == 0:
                member = program.member
                yield from (s for i, s in enumerate(program.group.members) if member is None or member[i])

    def _groups(self) -> list[Group]:
        by_metric: dict[str, list[Series]] = defaultdict(list)
        for series in self.directory:
            by_metric[series.metric].append(series)
        return [self._group(metric, sorted(found, key=lambda s: s.id)) for metric, found in sorted(by_metric.items())]

    def _group(self, metric: str, found: list[Series]) -> Group:
        names = {name for series in found for name in series.attributes}
        names |= {f"site_{name}" for name in self.rule_set.vocabulary.attributes}
        names |= {"region", "device_kind", "site_kind"}
        return Group(
            metric=metric,
            series=np.array([series.id for series in found], "i4"),
            members=tuple(found),
            attributes={name: self._attribute(name, found) for name in names},
            boolean=self._kind(metric) == "boolean",
        )

    def _kind(self, metric: str) -> str:
        """The kind of a metric, which is the same in every domain; of one that nobody described, number."""
        domains = self.rule_set.vocabulary.domains.values()
        return next((domain.metrics[metric].kind for domain in domains if metric in domain.metrics), "number")

    def _attribute(self, name: str, found: list[Series]) -> Value:
        kind = self.rule_set.vocabulary.attributes.get(name.removeprefix("site_"))
        values = [series.attributes.get(name) for series in found]
        null = np.array([value is None for value in values])
        if kind is not None and kind.kind == "number":
            data = np.array([np.nan if value is None else float(value) for value in values])
        elif kind is not None and kind.kind == "boolean":
            data = np.array([bool(value) for value in values])
        else:
            data = np.array(["" if value is None else str(value) for value in values], object)
        return Value(data, null if null.any() else None)

    def _index(self) -> dict[str, dict[str, list[Series]]]:
        index: dict[str, dict[str, list[Series]]] = {}
        for group in self.groups:
            index[group.metric] = {"": list(group.members)}
        return index

    def _add(self, rule: Rule, group: Group, quiet: Array) -> None:
        """The programs of a rule over a group, if it judges any of its series."""
        member = self._member(rule, group)
        if member is not None and not member.any():
            return
        aliases = {name: self._alias(rule, name, group) for name in rule.with_}
        for position, step in enumerate(rule.steps):
            raise_ = step.raise_
            if raise_ is None:
                continue
            clear = step.clear or raise_.negated()
            limits = {name: self._limit(entries, group) for name, entries in step.limits.items()}
            calls = {call.text: call for call in (*raise_.calls, *clear.calls)}
            flagged = rule.any_quality and self._needs_flag(raise_, group)
            # A query may have a column of the name `value`, which is not the reading's.
            bounded = isinstance(rule.source, Stream) and not rule.any_quality
            bounded = bounded and self._narrow(quiet, raise_, limits, group, member)
            program = Program(
                number=len(self.programs),
                rule=rule,
                version=self.versions.get(rule.name, 0),
                step=step,
                position=position,
                group=group,
                first=self.pairs,
                member=None if member is None or member.all() else member,
                raise_=raise_,
                clear=clear,
                limits=limits,
                aliases=aliases,
                calls=calls,
                bounded=bounded,
                flagged=flagged,
            )
            self._keep_windows(program)
            self.programs.append(program)
            self.terms.append(self._terms(rule, step, group))
            self.pairs += len(group.series)

    def _member(self, rule: Rule, group: Group) -> Array | None:
        """Which series of a group a rule judges; None: all."""
        named = rule.source.metrics if isinstance(rule.source, Stream) else ("*",)
        if named != ("*",) and group.metric not in named:
            return np.zeros(len(group.series), bool)
        member = np.ones(len(group.series), bool)
        if isinstance(rule.source, Stream) and rule.domain in self.rule_set.vocabulary.domains:
            member &= np.array([series.domain == rule.domain for series in group.members])
        if rule.where is not None and isinstance(rule.source, Stream):
            member &= rule.where.evaluate(group.column, len(group.series))[0]
        return member

    def _alias(self, rule: Rule, name: str, group: Group) -> Alias:
        wanted = rule.with_[name]
        own = self.rule_set.vocabulary.domains.get(rule.domain)
        candidates = [
            series
            for series in self.index.get(wanted.metric, {}).get("", [])
            if own is None or wanted.metric not in own.metrics or series.domain == rule.domain
        ]
        by_key: dict[object, list[Series]] = defaultdict(list)
        for series in candidates:
            by_key[_key(series, wanted.same)].append(series)
        found = np.full(len(group.series), -1, "i4")
        age = np.full(len(group.series), FOREVER)
        several = 0
        for position, series in enumerate(group.members):
            key = _key(series, wanted.same)
            others = [other for other in by_key.get(key, ()) if other.id != series.id] if key is not None else []
            several += len(others) > 1
            if len(others) != 1:
                continue
            found[position] = others[0].id
            if wanted.max_age is not None:
                age[position] = wanted.max_age.of(others[0].interval_us)
            elif not others[0].reports_change:
                age[position] = AGE_INTERVALS * others[0].interval_us
        return Alias(found, age, self._kind(wanted.metric) == "boolean", several)

    def _limit(self, entries: tuple[LimitEntry, ...], group: Group) -> LimitColumn:
        n = len(group.series)
        columns = []
        for entry in entries:
            applies = np.ones(n, bool) if entry.where is None else entry.where.evaluate(group.column, n)[0]
            number = np.full(n, np.nan if entry.value is None else entry.value)
            if entry.attribute is not None:
                data, null = group.column(entry.attribute)
                number = np.where(null, np.nan, data.astype("f8")) if null is not None else data.astype("f8")
            columns.append((entry, applies, number))
        fixed = None
        if all(entry.start is None and entry.end is None and entry.plan is None for entry in entries):
            data = np.full(n, np.nan)
            for _, applies, number in reversed(columns):
                data = np.where(applies, number, data)
            null = np.isnan(data)
            fixed = Value(data, null if null.any() else None)
        return LimitColumn(tuple(columns), fixed)

    def _needs_flag(self, raise_: Condition, group: Group) -> bool:
        """Whether `raise` is false wherever no flag is set; only asked of conditions of nothing but flags."""
        if not raise_.columns <= FLAG_COLUMNS or raise_.calls:
            return False
        return not raise_.evaluate(lambda _: Value(np.zeros(1, bool)), 1)[0][0]

    def _narrow(
        self, quiet: Array, raise_: Condition, limits: Mapping[str, LimitColumn], group: Group, member: Array | None
    ) -> bool:
        """Narrow the band of the group's series to where `raise` can't be true; False where that is no band."""
        n = len(group.series)

        def constants(name: str) -> tuple[Array, Array] | None:
            if name in limits:
                return None if limits[name].varies else _extremes(limits[name], n)
            if name in group.attributes and group.attributes[name].data.dtype == np.float64:
                data, null = group.attributes[name]
                data = np.where(null, np.nan, data) if null is not None else data
                return data, data
            return None

        low, high = raise_.zone(constants, n)
        never = (low > high) | np.isnan(low) | np.isnan(high)
        if member is not None:
            never |= ~member
        below = (low == -np.inf) & (high < np.inf)
        above = (high == np.inf) & (low > -np.inf)
        if not (never | below | above).all():
            return False
        rows = quiet[group.series]
        rows[:, 0] = np.where(below & ~never, np.maximum(rows[:, 0], high), rows[:, 0])
        rows[:, 1] = np.where(above & ~never, np.minimum(rows[:, 1], low), rows[:, 1])
        quiet[group.series] = rows
        return True

    def _keep_windows(self, program: Program) -> None:
        for call in program.calls.values():
            if call.function == "usual":
                continue
            if call.column == "value":
                self.keep[program.group.series] = np.maximum(self.keep[program.group.series], call.span_us)
            else:
                others = program.aliases[call.column].series
                others = others[others >= 0]
                self.keep[others] = np.maximum(self.keep[others], call.span_us + max(call.span_us, BEHIND_US))

    def _terms(self, rule: Rule, step: Step, group: Group) -> Array:
        terms = np.zeros(len(group.series), TERMS)
        interval = np.array([series.interval_us for series in group.members])
        terms["season"] = rule.season is not None
        terms["change"] = [series.reports_change for series in group.members]
        terms["for_us"], terms["for_n"], terms["for_among"] = _hold(step.for_, interval)
        terms["keep_us"], terms["keep_n"], _ = _hold(step.keep, interval)
        gap = rule.gap.us + (rule.gap.intervals * interval if rule.gap.intervals else 0.0)
        terms["gap_us"] = np.where(terms["change"], FOREVER, gap)
        return terms


def _hold(hold: Hold, interval_us: Array) -> tuple[Array, int, int]:
    duration = hold.duration
    held = np.zeros(len(interval_us))
    if duration is not None:
        held = duration.us + (duration.intervals * interval_us if duration.intervals else held)
    return np.rint(np.minimum(held, LONGEST_US)).astype("i8"), hold.samples, hold.among


def _key(series: Series, same: str) -> object:
    if same in ("device", "site", "gateway", "region"):
        return series.subject(same)  # type: ignore[arg-type]  # one of SubjectKind, just checked
    return series.attributes.get(same)


def _extremes(limit: LimitColumn, n: int) -> tuple[Array, Array]:
    """Least and greatest number of all entries, by position; NaN where there is none."""
    low, high = np.full(n, np.nan), np.full(n, np.nan)
    for _, applies, number in limit.entries:
        low = np.where(applies, np.fmin(low, number), low)
        high = np.where(applies, np.fmax(high, number), high)
    return low, high
