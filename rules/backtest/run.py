"""A backtest: what rules say of a span of history, beside what the rules in force say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from citybrain.errors import Correctable
from citybrain.store.connection import Connection
from rules import sets
from rules.backtest import instants
from rules.backtest.alerts import Alert, Alerts
from rules.backtest.replay import Judge, Progress, Version, replay
from rules.engine.directory import Series
from rules.host import directory
from rules.model import Absence, Rule, RuleSet, Stream
from rules.places import Places

Bar = Callable[[str], Progress]  # told what is going to be done; gives what is told how much of it is


class BacktestError(Correctable):
    """A backtest that can't be made; the text says why."""


@dataclass(frozen=True)
class Outcome:
    """What a backtest found; `live` are the alerts of the versions in force, `late` those with late readings in time.

    `versions` are those that were compared with, by rule; `silent` says why some of the rules were not replayed.
    """

    rules: tuple[str, ...]
    since_us: int
    until_us: int
    readings: int
    rows: int
    alerts: tuple[Alert, ...]
    live: tuple[Alert, ...] | None = None
    versions: Mapping[str, int] | None = None
    late: tuple[Alert, ...] | None = None
    silent: Mapping[str, str] | None = None


def in_force(connection: Connection) -> Version:
    """The rules in force, with the plans that they go by.

    Raises:
        BacktestError: there are none.
    """
    newest = sets.newest(connection)
    if newest is None:
        raise BacktestError("No rules are in force to compare with: leave out `--against`, or run `rules apply` first.")
    stored = sets.load(connection, newest)
    return Version(stored.rules, stored.plans, stored.versions)


def run(
    connection: Connection,
    reader: Connection,
    version: Version,
    rules: Sequence[Rule],
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
    bar: Bar,
    *,
    against: Version | None = None,
    late: bool = False,
    admits: Callable[[Series], bool] = lambda _: True,
) -> Outcome:
    """Replay a span.

    Args:
        connection: of the writer, in autocommit; nothing is written.
        reader: of the role in which queries run.
        version: the rules to try.
        rules: those of them to replay, whatever their mode.
        since: begin of the span, whole seconds.
        until: its end, exclusive.
        zone: the city's.
        bar: shows how far it is.
        against: rules to compare with, those of the same names.
        late: also replay as if late readings had come in time.
        admits: whether a series is there to be judged and read. Queries and plans have their rows from the database,
            and show all of them nevertheless.

    Raises:
        BacktestError: none of the rules can be replayed, or there is nothing to replay.
        QueryError: a query fails.
        TooMany: the rules raise more alerts than can be listed.
    """
    begin_us, end_us = (int(moment.timestamp()) * 1_000_000 for moment in (since, until))
    series = [one for one in directory(connection) if admits(one)]
    silent = {rule.name: why for rule in rules if (why := _why_not(rule))}
    chosen = [rule.name for rule in rules if rule.name not in silent]
    if not chosen:
        reasons = "; ".join(f"{name}: {why}" for name, why in silent.items())
        raise BacktestError(f"Nothing can be replayed: {reasons}", f"没有可重放的规则：{reasons}")
    here = _Side(version, chosen, series, zone, begin_us, end_us)
    common = [name for name in chosen if against is not None and name in against.rules.rules]
    there = _Side(against, common, series, zone, begin_us, end_us) if against is not None else None
    sides = [here] if there is None else [here, there]
    readings = rows = 0
    if here.judge.plan.programs:
        judges = [side.judge for side in sides]
        readings = replay(connection, judges, begin_us, end_us, bar("readings"))
        if not readings:
            raise _no_data(connection, here.judge, since, until, zone)
    unjudged = [name for name in chosen if name in here.judge.plan.judged and not here.judge.plan.judged[name]]
    silent |= dict.fromkeys(unjudged, "no series in the store has its metric and matches its `where`")
    if len(unjudged) == len(chosen):
        raise BacktestError(
            "Nothing to replay: " + "; ".join(f"{name}: {silent[name]}" for name in unjudged) + ".",
            f"没有可重放的数据：库中没有与规则 {'、'.join(unjudged)} 相符的序列。",
        )
    for side in sides:
        for rule in side.scheduled:
            words = rule.name if side is here else f"{rule.name}, in force"
            args = (side.version, rule, Places(series), zone, side.alerts, bar(words))
            rows += instants.replay(connection, reader, *args)
    return Outcome(
        rules=tuple(chosen),
        since_us=begin_us,
        until_us=end_us,
        readings=readings,
        rows=rows,
        alerts=tuple(here.alerts.all()),
        live=None if there is None else tuple(there.alerts.all()),
        versions=None if against is None else {name: against.versions[name] for name in common},
        late=_with_late(connection, version, chosen, series, zone, begin_us, end_us, bar) if late else None,
        silent=silent,
    )


class _Side:
    """One version of the rules at work, with the alerts that it makes."""

    def __init__(
        self, version: Version, names: Iterable[str], series: list[Series], zone: ZoneInfo, since_us: int, until_us: int
    ) -> None:
        chosen = {name: replace(version.rules.rules[name], mode="live") for name in names}
        rules = RuleSet(chosen, version.rules.calendars, version.rules.vocabulary)
        self.version = replace(version, rules=rules)
        self.alerts = Alerts(since_us, until_us)
        self.judge = Judge(self.version, series, zone, self.alerts)
        self.scheduled = [rule for rule in chosen.values() if not isinstance(rule.source, Stream)]


def _with_late(
    connection: Connection,
    version: Version,
    names: Iterable[str],
    series: list[Series],
    zone: ZoneInfo,
    since_us: int,
    until_us: int,
    bar: Bar,
) -> tuple[Alert, ...]:
    side = _Side(version, names, series, zone, since_us, until_us)
    if side.judge.plan.programs:
        replay(connection, [side.judge], since_us, until_us, bar("with late readings"), late=True)
    return tuple(side.alerts.all())


def _why_not(rule: Rule) -> str | None:
    if isinstance(rule.source, Absence):
        return "silence is not replayed, for nobody kept when gateways and collectors were there to hear it"
    if views := instants.unseen(rule):
        return f"its query reads {', '.join(sorted(views))}, which only shows the present"
    return None


def _no_data(connection: Connection, judge: Judge, since: datetime, until: datetime, zone: ZoneInfo) -> BacktestError:
    begin, end, count = local(since, zone), local(until, zone), len(judge.judged)
    en = f"There are no readings from {begin} to {end} of the {count} series that these rules judge"
    zh = f"{begin} 至 {end} 之间，这些规则所判断的 {count} 个序列没有读数"
    extent = judge.extent(connection)
    if extent is None:
        return BacktestError(f"{en}, nor at any other time.", f"{zh}，其他时间也没有。")
    first, last = (local(moment, zone) for moment in extent)
    return BacktestError(f"{en}: there are from {first} to {last}.", f"{zh}：现有读数为 {first} 至 {last}。")


def local(moment: datetime, zone: ZoneInfo) -> str:
    """An instant in city time."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
