"""What rules would have raised over a span of history, within what somebody may see."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from citybrain.errors import Correctable
from citybrain.store.connection import Connection
from rules.backtest.alerts import Alert
from rules.backtest.compare import compare
from rules.backtest.replay import Version
from rules.backtest.run import Outcome, run
from rules.engine.clock import date_at
from rules.engine.directory import Series
from rules.grammar.load import build
from rules.model import PlanIndicator, Query, Rule, RuleSet
from rules.plans.load import indicators
from rules.sets import Stored
from rules.trial.draft import Basis, own
from rules.trial.job import DryRun, DryRunResult, RuleTrial, TrialAlert, TrialDay
from rules.trial.limits import changed

SHOWN = 200  # alerts that are listed
MOST_RULES = 50  # rules of a text that are run at once


class TrialError(Correctable):
    """A dry run that can't be made; the text says why."""


def dry_run(
    connection: Connection, reader: Connection, basis: Basis, asked: DryRun, zone: ZoneInfo, now: datetime
) -> DryRunResult:
    """Run rules over history, and beside them their versions in force.

    Args:
        connection: of the writer, in autocommit; nothing is written.
        reader: of the role in which queries run.
        basis: what is in force.
        asked: rules, span and scope.
        zone: the city's.
        now: the present, beyond which nothing is run.

    Raises:
        TrialError: nothing is in force, there is no such rule, or it sees more than may be seen.
        RulesError: the text has mistakes.
        Correctable: as `rules.backtest.run.run` says.
    """
    if basis.stored is None:
        raise TrialError(
            "No rules are in force: run `citybrain rules apply` first.",
            "尚无生效的规则：请先运行 `citybrain rules apply`。",
        )
    since, until = asked.since.replace(microsecond=0), min(asked.until, now).replace(microsecond=0)
    if since >= until:
        raise TrialError("The span lies in the future.", "该时段在未来。")
    rules, tried = _tried(basis, basis.stored, asked)
    everything = asked.regions is None and asked.domains is None
    _check_scheduled(tried, basis.stored, everything=everything)
    live = Version(basis.stored.rules, basis.stored.plans, basis.stored.versions)
    found = run(
        connection,
        reader,
        Version(rules, basis.stored.plans, {}),
        tried,
        since,
        until,
        zone,
        lambda _: lambda _: None,
        against=live,
        admits=lambda series: _admitted(series, asked),
    )
    return _result(found, zone)


def _tried(basis: Basis, stored: Stored, asked: DryRun) -> tuple[RuleSet, Sequence[Rule]]:
    if asked.text is not None:
        checked = basis.read(asked.text)
        tried = own(checked)
        if not 0 < len(tried) <= MOST_RULES:
            raise TrialError(
                f"Send from 1 to {MOST_RULES} rules; these are {len(tried)}.",
                f"请提交 1 至 {MOST_RULES} 条规则；现为 {len(tried)} 条。",
            )
        return checked.rules, tried
    known = stored.rules.rules.get(asked.rule or "")
    if known is None:
        raise TrialError(f"No rule {asked.rule} is in force.", f"没有生效的规则 {asked.rule}。")
    units = {name: indicator.unit for name, indicator in indicators(stored.plans).items()}
    definitions = {name: rule.definition for name, rule in stored.rules.rules.items()}
    definitions[known.name] = changed(known.definition, asked.limits)
    rules = build(list(definitions.values()), stored.calendars, stored.rules.vocabulary, units)
    return rules, [rules.rules[known.name]]


def _check_scheduled(rules: Iterable[Rule], stored: Stored, *, everything: bool) -> None:
    """Queries and plans see the whole city, and SQL that came with a text is not run at all."""
    for rule in rules:
        if not isinstance(rule.source, Query | PlanIndicator):
            continue
        if not everything:
            raise TrialError(
                f"{rule.name} sees the whole city: only who sees all regions and domains may try it, and without "
                "naming regions.",
                f"规则 {rule.name} 涉及整个城市：只有可见全部行政区划和领域的人员才能试运行，且不得指定行政区划。",
            )
        known = stored.rules.rules.get(rule.name)
        same = known is not None and isinstance(known.source, Query) and isinstance(rule.source, Query)
        if isinstance(rule.source, Query) and not (same and known.source.sql == rule.source.sql):  # type: ignore[union-attr]
            raise TrialError(
                f"The query of {rule.name} is not the one in force, and none that is sent is run here: try it with "
                "`citybrain rules backtest`.",
                f"规则 {rule.name} 的查询与生效版本不同，此处不执行所提交的查询："
                "请用 `citybrain rules backtest` 试运行。",
            )


def _admitted(series: Series, asked: DryRun) -> bool:
    return (asked.regions is None or series.region in asked.regions) and (
        asked.domains is None or series.domain in asked.domains
    )


def _result(found: Outcome, zone: ZoneInfo) -> DryRunResult:
    live, versions = found.live or (), found.versions or {}
    here, there = _by_day(found, found.alerts, zone), _by_day(found, live, zone)
    return DryRunResult(
        since=_moment(found.since_us),
        until=_moment(found.until_us),
        readings=found.readings,
        rows=found.rows,
        count=len(found.alerts),
        rules=list(_compared(found, live, versions)),
        days=[TrialDay(day=day, alerts=here[day], in_force=there[day]) for day in sorted({*here, *there})],
        alerts=[_alert(alert) for alert in islice(found.alerts, SHOWN)],
        silent=dict(found.silent or {}),
    )


def _compared(found: Outcome, live: Iterable[Alert], versions: Mapping[str, int]) -> Iterable[RuleTrial]:
    ours, theirs = _by_rule(found.alerts), _by_rule(live)
    for rule in found.rules:
        beside: dict[str, Any] = dict.fromkeys(("version", "in_force", "same", "only_here", "only_in_force", "changed"))
        if rule in versions:
            difference = compare(ours[rule], theirs[rule])
            beside = {
                "version": versions[rule],
                "in_force": len(theirs[rule]),
                "same": len(difference.same),
                "only_here": len(difference.only_here),
                "only_in_force": len(difference.only_there),
                "changed": len(difference.changed),
            }
        minutes = sum(alert.minutes(found.since_us, found.until_us) for alert in ours[rule])
        yield RuleTrial(rule=rule, alerts=len(ours[rule]), minutes=round(minutes, 1), **beside)


def _by_rule(alerts: Iterable[Alert]) -> dict[str, list[Alert]]:
    found: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        found[alert.rule].append(alert)
    return found


def _by_day(found: Outcome, alerts: Iterable[Alert], zone: ZoneInfo) -> Counter[date]:
    """Alerts by the city day of their raise; those raised before the span count on its first day."""
    return Counter(date_at(max(alert.raised_us, found.since_us), zone) for alert in alerts)


def _alert(alert: Alert) -> TrialAlert:
    first = alert.transitions[0]
    cleared = alert.cleared_us
    return TrialAlert(
        rule=alert.rule,
        subject=alert.subject,
        site=first.site,
        device=first.device,
        region=first.region,
        severity=alert.worst,
        raised_at=_moment(alert.raised_us),
        cleared_at=_moment(cleared) if cleared is not None else None,
        values=dict(first.values),
    )


def _moment(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us / 1_000_000, UTC)
