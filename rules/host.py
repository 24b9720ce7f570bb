"""The engine in a process that stores readings: it judges each batch inside the transaction that stores it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl
import psycopg
import structlog
from psycopg import sql

from citybrain import metrics
from citybrain.store.binary import Array, copy_rows
from citybrain.store.connection import Connection, awake
from citybrain.store.readings import literal
from citybrain.store.sql import query
from rules import sets
from rules.alerts import record
from rules.alerts.provenance import Background
from rules.builtin import BLIND, BUILTIN, about
from rules.engine import evaluate, needs, saved
from rules.engine.carry import carry, reconcile
from rules.engine.directory import Series
from rules.engine.plan import Plan, compile_rules
from rules.engine.saved import Row, Saved
from rules.engine.state import Delta, Key, Open, State
from rules.engine.view import Readings
from rules.habits import StoredFacts
from rules.model import Rule, RuleSet, Stream
from rules.transition import Transition

log = structlog.get_logger()

COUNT_EVERY = timedelta(seconds=15)  # between two looks at what rules could not judge
BLIND_SHARE = 0.5  # of a day's readings; a rule that could not judge more than these is reported

Column = npt.NDArray[Any]

_NEWEST = np.dtype([("series", "i4"), ("time", "i8"), ("value", "f8")])


class Host:
    """An engine over the series that one process writes.

    Args:
        unit: its name; what it remembers goes by it.
        zone: the city's.
        derived: judges the rules of derived metrics, or else those of reported ones: a series has one writer.
        regions: the regions whose series it writes; None: all.
    """

    def __init__(self, unit: str, zone: ZoneInfo, *, derived: bool, regions: frozenset[str] | None = None) -> None:
        self.unit = unit
        self.zone = zone
        self.derived = derived
        self.regions = regions
        self.set_id: int | None = None
        self._in_use: tuple[Any, ...] | None = None
        self._plan: Plan | None = None
        self._stored: sets.Stored | None = None
        self._counted: datetime | None = None
        self._day: date | None = None
        self._judged: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()

    def load(self, connection: Connection, now: datetime) -> None:
        """Take up the rules in force, the series there are and what was remembered; outside of a transaction.

        What the rules or the catalogue no longer support is cleared here, with the reason. A set that this release
        can't read leaves nothing judged, and says so: readings are stored all the same.
        """
        self._plan = None
        try:
            with connection.transaction():
                loaded = self._loaded(connection, now)
        except psycopg.Error:
            raise
        except Exception as error:  # a mistake of ours, or a set of another release
            metrics.RULE_ERRORS.labels(self.unit).inc()
            hint = "run `citybrain rules apply`"
            log.error("rules unreadable", set=self.set_id, error=str(error), hint=hint, exc_info=True)
            return
        if loaded is not None:
            self._plan, self._state = loaded
            log.info(
                "rules loaded", unit=self.unit, set=self.set_id, rules=len(self._plan.judged), pairs=self._plan.pairs
            )

    @property
    def busy(self) -> int:
        """How many pairs of step and series are not idle."""
        return int(self._state.busy.sum()) if self._plan is not None else 0

    def beat(self, connection: Connection, now: datetime) -> None:
        """Do what is due by the clock, about once a second; outside of a transaction."""
        self.refresh(connection, now)
        self.tick(connection, now)
        if self._counted is None or now - self._counted >= COUNT_EVERY:
            self._counted = now
            self.count(connection, now)

    def refresh(self, connection: Connection, now: datetime) -> None:
        """Take up another set of rules, or another catalogue, if there is one; outside of a transaction."""
        in_use = connection.execute(query("rules", "in_use")).fetchone()
        if in_use != self._in_use:
            self.load(connection, now)
            self._in_use = in_use

    def prepare(self, connection: Connection, arrived: Iterable[int], now: datetime) -> None:
        """Take up series that are new since; before the transaction that stores their readings."""
        if self._plan is not None and not self._series.keys() >= set(arrived):
            self.load(connection, now)

    def judge(
        self, connection: Connection, stored: pl.DataFrame, revised: pl.DataFrame, now: datetime
    ) -> Callable[[], None]:
        """Write what the rules make of readings just stored; what is returned is to be called after the commit.

        Args:
            connection: in the transaction that stored them.
            stored: in order of arrival: series, time (us), value, received (us, one value a message), quality.
            revised: values that replaced stored ones: series, time (us), value. They are never judged; `with` and
                spans see them from the next batch on.
            now: the server's time.
        """
        if self._plan is None or not (len(stored) or len(revised)):
            return _nothing
        judged = self._judge(connection, stored, now)
        state = self._state

        def committed() -> None:
            judged()
            state.correct(*(revised[name].to_numpy() for name in ("series", "time", "value")))

        return committed

    def _judge(self, connection: Connection, stored: pl.DataFrame, now: datetime) -> Callable[[], None]:
        series, time, value, quality, message = (
            stored[name].to_numpy() for name in ("series", "time", "value", "quality", "received")
        )
        readings = Readings(series, time, value, quality, message)

        def judged(plan: Plan, facts: StoredFacts, state: State, now_us: int) -> tuple[Delta, list[Transition]]:
            facts.fetch(connection, needs.habits(plan, readings))
            return evaluate.evaluate(plan, facts, state, readings, now_us)

        return self._write(connection, judged, now)

    def tick(self, connection: Connection, now: datetime) -> None:
        """Let timers run out, in a transaction of its own."""
        if self._plan is not None and self._state.busy.any():
            with connection.transaction():
                done = self._write(connection, evaluate.tick, now)
            done()

    def count(self, connection: Connection, now: datetime) -> None:
        """Add to the metrics what rules judged, and what they could not judge, since the last time.

        After each city day the rules are named, by an alert, that could not judge more than half of its readings.
        """
        if self._plan is None:
            return
        judged, unknown = self._state.counts()
        for rule in judged:
            metrics.JUDGED.labels(rule).inc(judged[rule])
            metrics.UNKNOWN.labels(rule).inc(unknown[rule])
        self._judged.update(judged)
        self._unknown.update(unknown)
        today = now.astimezone(self.zone).date()
        if self._day != today:
            if self._day is not None:
                self._tell_blind(connection, now)
            self._day = today
            self._judged.clear()
            self._unknown.clear()

    def _tell_blind(self, connection: Connection, now: datetime) -> None:
        """Raise and clear the alerts of rules that could not judge more than half of a day's readings."""
        raised = {alert.subject for alert in record.raised(connection) if alert.rule == BLIND.name}
        found = []
        for rule, judged in self._judged.items():
            share = self._unknown[rule] / judged if judged else 0.0
            if judged and (share > BLIND_SHARE) != (rule in raised):
                found.append(about(BLIND, rule, now, raised=rule not in raised, values={"share": round(share, 3)}))
        if found:
            with connection.transaction():
                record.record(connection, found, self._background, now)

    def _loaded(self, connection: Connection, now: datetime) -> tuple[Plan, State] | None:
        """The rules in force, compiled, and the state that goes on with them; None before the first `apply`."""
        self.set_id = sets.newest(connection)
        if self.set_id is None:
            return None
        stored = self._stored
        if stored is None or stored.id != self.set_id:
            stored = self._stored = awake(connection, partial(sets.load, connection, self.set_id))
        before = awake(connection, partial(sets.earlier, connection, self.unit, self.set_id))
        series = directory(connection)
        mine = _only(stored.rules, lambda rule: self._mine(rule, stored.rules))
        plan = awake(connection, partial(compile_rules, mine, series, self.zone, stored.versions))
        self._series = {one.id: one for one in series}
        self._background = Background({**stored.rules.rules, **BUILTIN}, self._series, self.zone)
        self._facts = StoredFacts(stored.plans)
        remembered = self._remembered(connection, stored, before)
        alike = {name for name in mine.rules if before is None or stored.judges_alike(before, name)}
        kept = carry(plan, remembered.rows, alike)
        state = self._restored(connection, plan, Saved(tuple(kept), remembered.alerts))
        delta, transitions = reconcile(plan, state, alike, _us(now))
        self._forget(connection, set(remembered.rows) - set(kept))
        self._keep(connection, sorted(set(kept) - set(remembered.rows)))
        record.record(connection, transitions, self._background, now)
        connection.execute(query("rules", "set_engine"), {"unit": self.unit, "set": self.set_id})
        state.apply(delta)
        return plan, state

    def _write(
        self, connection: Connection, judge: Callable[..., tuple[Delta, list[Transition]]], now: datetime
    ) -> Callable[[], None]:
        plan, state = self._plan, self._state
        assert plan is not None  # noqa: S101  callers look
        try:
            delta, transitions = judge(plan, self._facts, state, _us(now))
            rows = saved.rows_of(plan, delta.pairs, delta.rows)
            if rows or transitions or delta.current:
                with connection.transaction():  # a savepoint: what a mistake has written by half is taken back
                    self._keep(connection, [row for row in rows if not row.idle])
                    self._forget(connection, [row for row in rows if row.idle])
                    record.record(connection, transitions, self._background, now)
                    record.mark_current(connection, delta.current, now)
        except psycopg.Error:
            raise
        except Exception:  # a mistake of ours: the readings must be stored all the same
            metrics.RULE_ERRORS.labels(self.unit).inc()
            log.exception("judging failed", unit=self.unit)
            return _nothing

        def committed() -> None:
            state.apply(delta)
            for transition in transitions:
                metrics.TRANSITIONS.labels(transition.kind).inc()

        return committed

    def _keep(self, connection: Connection, rows: list[Row]) -> None:
        if rows:
            columns = dict(zip(Row._fields, map(list, zip(*sorted(rows), strict=True)), strict=True))
            connection.execute(query("rules", "save_state"), {**columns, "subject": [""] * len(rows)})

    def _forget(self, connection: Connection, rows: Iterable[Row]) -> None:
        keys = sorted(row[:3] for row in rows)
        if keys:
            columns = dict(zip(Row._fields[:3], map(list, zip(*keys, strict=True)), strict=True))
            connection.execute(query("rules", "drop_state"), {**columns, "subject": [""] * len(keys)})

    def _remembered(self, connection: Connection, stored: sets.Stored, before: sets.Stored | None) -> Saved:
        """What was remembered of the rules and series that are this unit's."""
        sources = [known.rules for known in (stored, before) if known is not None]
        rules = {name for known in sources for name, rule in known.rules.items() if self._mine(rule, known)}
        rows = [
            Row(*row)
            for row in connection.execute(query("rules", "state"))
            if row[0] in rules and self._here(self._series[row[2]].region if row[2] in self._series else None)
        ]
        alerts = {
            Key(alert.rule, alert.subject): Open(alert.severity, alert.last_us, alert.past, alert.subject_kind)
            for alert in record.raised(connection)
            if alert.rule in rules and self._here(alert.region)
        }
        return Saved(tuple(rows), alerts)

    def _mine(self, rule: Rule, known: RuleSet) -> bool:
        if not isinstance(rule.source, Stream):
            return False
        domains = known.vocabulary.domains.values()
        found = [domain.metrics[name] for domain in domains for name in rule.source.metrics if name in domain.metrics]
        return self.derived == any(metric.derived for metric in found)

    def _here(self, region: str | None) -> bool:
        return self.regions is None or region is None or region in self.regions

    def _restored(self, connection: Connection, plan: Plan, remembered: Saved) -> State:
        newest = copy_rows(connection, query("rules", "newest"), _NEWEST, ("time",))
        looked_back = newest[newest["series"] < len(plan.keep_by_series)]
        keep_us = plan.keep_by_series[looked_back["series"]]
        looked_back, keep_us = looked_back[keep_us > 0], keep_us[keep_us > 0]
        history = (np.empty(0, "i4"), np.empty(0, "i8"), np.empty(0, "f8"))
        if len(looked_back):
            since = looked_back["time"] - keep_us
            statement = sql.SQL(query("rules", "history")).format(low=literal(int(since.min())))
            found = connection.execute(
                statement, {"series": Array(looked_back["series"]), "since": Array(since, times=True)}, binary=True
            ).fetchall()
            if found:
                ids, times, values = zip(*found, strict=True)
                history = np.array(ids, "i4"), np.array(times, "i8"), np.array(values, "f8")
        return saved.restore(plan, remembered, (newest["series"], newest["time"], newest["value"]), history)


def directory(connection: Connection) -> list[Series]:
    """Every series in the store."""
    return [_series(*row) for row in connection.execute(query("rules", "directory"))]


def _series(
    id: int,
    metric: str,
    domain: str,
    region: str,
    device: str,
    site: str | None,
    gateway: str | None,
    latitude: float | None,
    longitude: float | None,
    site_kind: str | None,
    attributes: Mapping[str, Any] | None,
    interval_us: float | None,
    change: bool,
    _derived: bool,
    is_gateway: bool,
) -> Series:
    known: dict[str, str | float | bool] = {f"site_{name}": value for name, value in (attributes or {}).items()}
    known |= {"region": region, "device_kind": "gateway" if is_gateway else "device"}
    if site_kind is not None:
        known["site_kind"] = site_kind
    return Series(
        id=id,
        metric=metric,
        domain=domain,
        region=region,
        device=device,
        site=site,
        gateway=gateway,
        place=None if latitude is None or longitude is None else (latitude, longitude),
        interval_us=float("inf") if interval_us is None else interval_us,
        reports_change=change,
        attributes=known,
    )


def _only(rules: RuleSet, wanted: Callable[[Rule], bool]) -> RuleSet:
    chosen = {name: rule for name, rule in rules.rules.items() if wanted(rule)}
    return RuleSet(chosen, rules.calendars, rules.vocabulary)


def _us(now: datetime) -> int:
    return int(now.timestamp() * 1_000_000)


def _nothing() -> None:
    """There was nothing to judge."""
