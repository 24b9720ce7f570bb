"""The runner: one process that runs scheduled rules, listens for silence, announces, escalates and delivers."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import psycopg
import structlog

from citybrain import metrics
from citybrain.store.connection import Connection, awake, connect
from citybrain.store.holder import Holder
from citybrain.store.sql import query
from rules import absence, scheduled, sets
from rules.absence import NOBODY, Member, Parent, Presence
from rules.alerts import announce, case, record
from rules.alerts.deadlines import Deadlines
from rules.alerts.provenance import Background
from rules.builtin import BLIND, BUILTIN, FAILED, about
from rules.engine.directory import Series
from rules.engine.state import Key, Open
from rules.grammar.errors import RulesError
from rules.habits import StoredFacts
from rules.host import directory
from rules.model import Absence, PlanIndicator, Query, Rule, Stream, Vocabulary
from rules.notification.notifier import Notifier
from rules.places import Places
from rules.plans import evaluation
from rules.scheduled import Line, QueryError
from rules.transition import Cell, Transition

log = structlog.get_logger()

_BUSY = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)

TURN_S = 1.0  # seconds between two looks at what is due
COURSE_S = 120.0  # seconds at least between two looks at where plans stand: what is entered shall show soon
COURSE_SHARE = 1 / 200  # of the runner's time that they may take: a measure may read a year
LISTEN_S = 10.0  # seconds between two looks at who was heard
MAP_S = 60.0  # seconds between two looks at which series there are
SETTLED_MESSAGES = 1000  # a collector that has more of them waiting has not caught up


class Runner:
    """Runs until `stop` is called; one runner works, others stand by."""

    def __init__(
        self, database_url: str, zone: ZoneInfo, deadlines: Deadlines, notifier: Callable[[], Notifier]
    ) -> None:
        self.database_url = database_url
        self.zone = zone
        self.deadlines = deadlines
        self.notifier = notifier
        self._holder = Holder(database_url, "rules", query("rules", "lock_runner"))

    def stop(self) -> None:
        """End after the present rule; safe to call from a signal handler."""
        self._holder.stop()

    def run(self) -> None:
        """Take the lock, work, begin anew when the database was away."""
        self._holder.run(self._work)

    def _work(self, connection: Connection) -> None:
        notifier = self.notifier()
        notifier.start()
        try:
            with connect(self.database_url, "rules", "rules query") as reader:
                turn = Turn(connection, reader, self.zone, self.deadlines)
                while not self._holder.stopping:
                    turn.take(datetime.now(UTC))
                    self._holder.pause(TURN_S)
        finally:
            notifier.stop()


class Turn:
    """What a runner does once a second, and what it remembers between.

    Args:
        connection: of the writer; it holds the runner's lock.
        reader: of the role that sees views of rules and nothing else; queries run on it.
        zone: the city's.
        deadlines: of handling.
    """

    def __init__(self, connection: Connection, reader: Connection, zone: ZoneInfo, deadlines: Deadlines) -> None:
        self.connection = connection
        self.reader = reader
        self.zone = zone
        self.deadlines = deadlines
        self._stored: sets.Stored | None = None
        self._before: sets.Stored | None = None
        self._runs: dict[str, tuple[datetime, int]] = {}  # instant and version of each rule's newest run
        self._presence = Presence()
        self._heard: dict[str, int] = {}
        self._listened: datetime | None = None
        self._mapped: datetime | None = None
        self._course_due: datetime | None = None  # None: at once
        self._places = Places()

    def take(self, now: datetime) -> None:
        """Do all that is due."""
        self._refresh(now)
        if self._stored is not None:
            for rule in self._stored.rules.rules.values():
                if isinstance(rule.source, Query | PlanIndicator) and self._run_if_due(rule, now):
                    # A query may take its five seconds: what other alerts have to say does not wait for all of them.
                    announce.announce(self.connection, self._rules(), datetime.now(UTC))
            if self._listened is None or now - self._listened >= timedelta(seconds=LISTEN_S):
                self._try("silence", self._listen, now)
                self._listened = now
            if self._course_due is None or now >= self._course_due:
                began = time.monotonic()
                self._try("course of plans", self._record_course, now)
                took_s = time.monotonic() - began
                self._course_due = now + timedelta(seconds=max(COURSE_S, took_s / COURSE_SHARE))
        rules = self._rules()
        announce.announce(self.connection, rules, now)
        case.escalate(self.connection, self.deadlines, now)

    def _try(self, what: str, work: Callable[[datetime], None], now: datetime) -> None:
        """Do a part of a turn whose failure must not stop the other parts."""
        try:
            work(now)
        except Exception as failure:
            if self._passing(failure):
                raise
            metrics.RULE_ERRORS.labels("scheduled").inc()
            log.exception("failed", what=what)

    def _rules(self) -> dict[str, Rule]:
        return {**(self._stored.rules.rules if self._stored else {}), **BUILTIN}

    def _refresh(self, now: datetime) -> None:
        """Take up a new set of rules, and series that are new."""
        newest = sets.newest(self.connection)
        if newest is not None and (self._stored is None or self._stored.id != newest):
            try:
                stored = awake(self.connection, partial(sets.load, self.connection, newest))
                self._before = awake(self.connection, partial(sets.earlier, self.connection, "scheduled", newest))
                self._stored = stored
            except RulesError as error:
                metrics.RULE_ERRORS.labels("scheduled").inc()
                log.error("rules unreadable", set=newest, error=str(error), hint="run `citybrain rules apply`")
            else:
                self._settle(now)
        if self._stored is not None and (self._mapped is None or now - self._mapped >= timedelta(seconds=MAP_S)):
            self._places = Places(directory(self.connection))
            self._mapped = now

    def _settle(self, now: datetime) -> None:
        """Clear the alerts of scheduled rules that are gone or off, and forget what was known of them."""
        assert self._stored is not None  # noqa: S101  just loaded
        known = {**(self._before.rules.rules if self._before else {}), **self._stored.rules.rules}
        rules = [name for name, rule in self._stored.rules.rules.items() if _is_scheduled(rule) and rule.mode != "off"]
        gone = [
            (key, alert)
            for key, alert in self._raised().items()
            if (key.rule == FAILED.name and key.subject not in rules)
            or (key.rule == BLIND.name and key.subject not in self._stored.rules.rules)
            or (key.rule in known and key.rule not in rules and _is_scheduled(known[key.rule]))
        ]
        with self.connection.transaction():
            self._record([_cleared(key, alert, now, "rule removed") for key, alert in gone], now)
            self.connection.execute(query("rules", "forget_runs"), {"rules": rules})
            self.connection.execute(query("rules", "forget_rules"), {"rules": rules})
            self.connection.execute(query("rules", "set_engine"), {"unit": "scheduled", "set": self._stored.id})
        self._runs = {rule: (at, version) for rule, at, version in self.connection.execute(query("rules", "runs"))}
        record.promote(self.connection, self._rules(), now)

    # ── queries and plans ──────────────────────────────────────────────────────────────────────────────

    def _run_if_due(self, rule: Rule, now: datetime) -> bool:
        """Run a rule whose instant has come; whether it had."""
        assert isinstance(rule.source, Query | PlanIndicator)  # noqa: S101  the caller looked
        if rule.mode == "off":
            return False
        instant_us = scheduled.latest(rule.source.schedule, _us(now), self.zone)
        instant = datetime.fromtimestamp(instant_us / 1_000_000, UTC)
        before, judged_as = self._runs.get(rule.name, (None, None))
        if before is not None and before >= instant:
            return False
        assert self._stored is not None  # noqa: S101  rules come from it
        version = self._stored.versions[rule.name]
        self._runs[rule.name] = instant, judged_as or version
        started = time.monotonic()
        try:
            lines = self._lines(rule, instant, now)
            with self.connection.transaction():
                self._judge(rule, version, judged_as, lines, instant_us, now)
                self._say_how(rule, version, instant, started, len(lines), None, now)
            self._runs[rule.name] = instant, version
        except QueryError as failure:
            self._fail(rule, judged_as or version, instant, started, str(failure), now)
        except Exception as failure:  # one rule that fails never stops the others
            if self._passing(failure):
                raise
            log.exception("rule failed", rule=rule.name)
            self._fail(rule, judged_as or version, instant, started, f"{type(failure).__name__}: {failure}", now)
        return True

    def _passing(self, error: Exception) -> bool:
        """Whether the database is away or busy, which is no failure of a rule: it is tried again."""
        return self.connection.broken or self.reader.broken or isinstance(error, _BUSY)

    def _fail(self, rule: Rule, version: int, instant: datetime, started: float, error: str, now: datetime) -> None:
        """A run that failed is no evidence: what is remembered stays that of `version`."""
        with self.connection.transaction():
            self._say_how(rule, version, instant, started, 0, error, now)

    def _say_how(
        self,
        rule: Rule,
        version: int,
        instant: datetime,
        started: float,
        rows: int,
        error: str | None,
        now: datetime,
    ) -> None:
        """Keep how a run went, and raise or clear the alert that the rule fails."""
        took_s = time.monotonic() - started
        metrics.RULE_SECONDS.labels(rule.name).set(took_s)
        self.connection.execute(
            query("rules", "ran"),
            {
                "rule": rule.name,
                "version": version,
                "instant": instant,
                "took_ms": 1000 * took_s,
                "rows": rows,
                "error": error,
            },
        )
        self._tell_failure(rule, error, now)

    def _lines(self, rule: Rule, instant: datetime, now: datetime) -> list[Line]:
        assert self._stored is not None  # noqa: S101
        if isinstance(rule.source, Query):
            return scheduled.fetch(self.reader, rule.source, instant)
        assert isinstance(rule.source, PlanIndicator)  # noqa: S101
        rows = self._course(now, [rule.source.indicator])
        return [
            {
                "region": row.region,
                "actual": row.course.actual,
                "path": row.course.path,
                "target": row.course.target,
                "shortfall": row.course.shortfall,
                "verdict": row.course.verdict,
            }
            for row in rows
        ]

    def _judge(
        self, rule: Rule, version: int, judged_as: int | None, lines: list[Line], instant_us: int, now: datetime
    ) -> None:
        assert self._stored is not None  # noqa: S101
        alerts = {key: alert for key, alert in self._raised().items() if key.rule == rule.name}
        remembered, names = scheduled.remembered(self.connection, rule.name, alerts)
        run = scheduled.judge(
            self._stored.rules,
            rule,
            version,
            lines,
            instant_us,
            remembered,
            names,
            partial(self._places.of, rule),
            StoredFacts(self._stored.plans),
            self.zone,
            _us(now),
            alike=judged_as is None or sets.judge_alike(self.connection, rule.name, judged_as, version),
        )
        scheduled.remember(self.connection, rule, run)
        self._record(run.transitions, now)

    def _tell_failure(self, rule: Rule, error: str | None, now: datetime) -> None:
        """Raise or clear the alert that a rule fails."""
        raised = Key(FAILED.name, rule.name) in self._raised()
        if raised == (error is not None):
            return
        if error is not None:
            metrics.RULE_ERRORS.labels("scheduled").inc()
            log.warning("rule failed", rule=rule.name, error=error)
        values: dict[str, Cell] = {} if error is None else {"error": error}
        self._record([about(FAILED, rule.name, now, raised=error is not None, values=values)], now)

    # ── silence ────────────────────────────────────────────────────────────────────────────────────────

    def _listen(self, now: datetime) -> None:
        """Judge the rules on silence by who was heard until now."""
        assert self._stored is not None  # noqa: S101
        rules = [rule for rule in self._stored.rules.rules.values() if isinstance(rule.source, Absence)]
        rules = [rule for rule in rules if rule.mode != "off"]
        if not rules:
            return
        words = self._stored.rules.vocabulary
        members = self._members({rule.source.of for rule in rules if isinstance(rule.source, Absence)}, now)
        raised = self._raised()
        found: list[Transition] = []
        for rule in rules:
            assert isinstance(rule.source, Absence)  # noqa: S101
            silent = {key.subject: alert.time_us for key, alert in raised.items() if key.rule == rule.name}
            chosen = [member for member in members[rule.source.of] if _admits(rule, member, words)]
            found += absence.judge(rule, self._stored.versions[rule.name], chosen, silent, _us(now))
        if found:
            with self.connection.transaction():
                self._record(found, now)

    def _members(self, kinds: Collection[str], now: datetime) -> dict[str, list[Member]]:
        """All that can fall silent, by kind, with when each was heard last; series only where they are asked for."""
        collectors = self._collectors(now)
        since = now - timedelta(days=2) if self._listened is None else now - timedelta(hours=2)
        rows = self.connection.execute(query("rules", "heard"), {"since": since}).fetchall()
        found: dict[str, list[Member]] = {"series": [], "device": [], "gateway": []}
        devices: dict[str, Member] = {}
        carriers: set[str] = set()
        for subject, region, domain, site, name, gateway, is_gateway, first_seen, heard, interval in rows:
            heard_us = max(_us(heard) if heard else _us(first_seen), self._heard.get(subject, 0))
            self._heard[subject] = heard_us
            interval_us = interval / timedelta(microseconds=1) if interval else LISTEN_S * 1_000_000
            parent = collectors.get(region) or collectors.get("") or NOBODY
            series = self._places.get(subject) or Series(0, "", domain, region, name, site, gateway)
            devices[subject] = Member(subject, heard_us, interval_us, parent, series)
            if is_gateway:
                carriers.add(subject)
        devices |= absence.carrying(devices, carriers)
        found["gateway"] += [devices[subject] for subject in carriers]
        own: dict[str, Parent] = {}
        for subject, member in devices.items():
            own[subject] = self._presence.hear(subject, member.heard_us, member.interval_us)
        for subject, member in devices.items():
            if subject in carriers:
                continue
            through = member.series.subject("gateway")
            parent = own[through] if through in carriers else member.parent
            found["device"].append(Member(subject, member.heard_us, member.interval_us, parent, member.series))
        if "series" in kinds:
            for name, subject, heard, interval in self.connection.execute(
                query("rules", "heard_series"), {"since": since}
            ):
                if name in own:
                    interval_us = interval / timedelta(microseconds=1)
                    series = self._places.get(subject) or devices[name].series
                    found["series"].append(Member(subject, _us(heard), interval_us, own[name], series))
        return found

    def _collectors(self, now: datetime) -> dict[str, Parent]:
        """The collector of each region, as far as one is connected and has caught up; '' stands for all regions."""
        found: dict[str, Parent] = {}
        for unit, regions, heartbeat, connected, queued in self.connection.execute(query("rules", "collectors")):
            if connected and queued < SETTLED_MESSAGES and now - heartbeat < timedelta(seconds=LISTEN_S):
                parent = self._presence.hear(f"collector {unit}", _us(now), LISTEN_S * 1_000_000)
                found.update(dict.fromkeys(regions or ("",), parent))
        return found

    # ── the rest ───────────────────────────────────────────────────────────────────────────────────────

    def _record_course(self, now: datetime) -> None:
        """Keep where the plans' indicators stand on this city day."""
        assert self._stored is not None  # noqa: S101
        evaluation.record(self.connection, self._stored.plans, self._course(now))

    def _course(self, now: datetime, only: Collection[str] | None = None) -> list[evaluation.Row]:
        """Where indicators stand; a measure has as long as a query."""
        assert self._stored is not None  # noqa: S101
        with self.connection.transaction():
            self.connection.execute(query("rules", "bound_time"))
            return evaluation.evaluate(self.connection, self._stored.plans, now, self.zone, only)

    def _raised(self) -> dict[Key, Open]:
        return {
            Key(alert.rule, alert.subject): Open(alert.severity, alert.last_us, alert.past, alert.subject_kind)
            for alert in record.raised(self.connection)
        }

    def _record(self, transitions: Iterable[Transition], now: datetime) -> None:
        background = Background(self._rules(), self._places.by_number, self.zone)
        record.record(self.connection, list(transitions), background, now)


def _is_scheduled(rule: Rule) -> bool:
    return not isinstance(rule.source, Stream)


def _admits(rule: Rule, member: Member, words: Vocabulary) -> bool:
    """Whether `where` admits what is listened for, by its attributes."""
    return rule.where is None or scheduled.admits(rule.where, member.series.attributes, words)


def _cleared(key: Key, alert: Open, now: datetime, reason: str) -> Transition:
    return Transition(
        rule=key.rule,
        version=0,
        subject=key.subject,
        subject_kind=alert.subject_kind,
        kind="cleared",
        time_us=max(_us(now), alert.time_us),
        severity=alert.severity,
        before=alert.severity,
        reason=reason,
    )


def _us(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
