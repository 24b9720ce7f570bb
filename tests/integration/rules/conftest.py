"""A town: rules of the test's own in force, a collector's part and a runner's part, at times that the test chooses."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from citybrain.catalogue.model import Catalogue
from citybrain.settings import Settings
from citybrain.store.connection import Connection, connect
from citybrain.store.readings import chunk_span
from citybrain.store.series import SeriesTable
from citybrain.store.state import SeriesState
from ingest.batch import Batch, Intake, Message, Policy
from ingest.transaction import Outcome, commit
from rules import sets
from rules.alerts import deadlines
from rules.grammar.load import load
from rules.host import Host
from rules.plans.load import indicators
from rules.plans.model import Plan
from rules.runner import Turn
from rules.sets import Applied

ZONE = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 11, 20, tzinfo=ZONE)
REGION = "150802"
TITLE = "title: {zh: 试, en: Trial}"

Values = Mapping[str, object]


class Said(NamedTuple):
    """One change of one alert. `at` is the city's clock on DAY, with the date before it on other days."""

    at: str
    subject: str
    kind: str
    severity: int
    reason: str | None
    version: int


def at(clock: str, day: datetime = DAY) -> datetime:
    """That time of a day in the city."""
    parts = [int(part) for part in clock.split(":")]
    return day + timedelta(hours=parts[0], minutes=parts[1], seconds=parts[2] if len(parts) > 2 else 0)


def us(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


class Town:
    """A store with rules; `host` judges what `say` stores, `turn` is a runner's."""

    def __init__(self, url: str, connection: Connection, catalogue: Catalogue, folder: Path) -> None:
        self.url = url
        self.connection = connection
        self.catalogue = catalogue
        self.folder = folder
        self.plans: dict[str, Plan] = {}
        self._packets = itertools.count(1)
        self._arrived_us = 0
        self._readers: list[Connection] = []
        self.restart()

    # ── rules ──────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, rules: str, calendars: str = "{}\n") -> None:
        """Put rule files into the town's folder; `title` is added to rules that lack one."""
        (self.folder / "domains" / "test").mkdir(parents=True, exist_ok=True)
        _, *parts = rules.split("- rule:")
        titled = (part if "title:" in part else f"{part.rstrip()}\n  {TITLE}\n" for part in parts)
        (self.folder / "domains" / "test" / "rules.yaml").write_text("".join(f"- rule:{part}" for part in titled))
        (self.folder / "domains" / "calendars.yaml").write_text(calendars)

    def apply(self, rules: str, calendars: str = "{}\n", *, now: datetime = DAY) -> Applied:
        """Put rules in force, as the command does; the collector takes them up at `now`."""
        self.write(rules, calendars)
        units = {name: found.unit for name, found in indicators(self.plans).items()}
        checked = load(self.folder, self.catalogue, units)
        applied = sets.apply(self.connection, checked, self.plans, "test", now)
        self.refresh(now)
        return applied

    # ── the collector's part ───────────────────────────────────────────────────────────────────────────────

    def restart(self) -> None:
        """Forget what a collector remembers, as `kill -9` does."""
        self.table, self.state = SeriesTable.load(self.connection), SeriesState.load(self.connection)
        policy = Policy.of(Settings(), date(2026, 11, 21))
        self.intake = Intake(self.table, policy, self.connection)
        self.host = Host("city", ZONE, derived=False)
        self.refresh(DAY)

    def refresh(self, now: datetime) -> None:
        """Take up what is in force now, as a collector does with each heartbeat."""
        self.host.refresh(self.connection, now)

    def message(self, device: str, moment: datetime, values: Values, arrives: datetime | None = None) -> Message:
        """What a device says; it arrives when it is sent, if nothing else is said, and after what came before."""
        self._arrived_us = max(self._arrived_us + 1, us(arrives or moment))
        payload = json.dumps({"time": moment.isoformat(), "values": dict(values)})
        topic = f"city/{REGION}/{device}/reading"
        return Message(topic, payload.encode(), self._arrived_us, next(self._packets))

    def store(self, *messages: Message, now: datetime | None = None) -> Outcome:
        """Commit one batch, as a collector does."""
        with self.connection.transaction():
            batch = self.intake.batch(list(messages))
        return self.commit(batch, now)

    def commit(self, batch: Batch, now: datetime | None = None) -> Outcome:
        moment = now or datetime.fromtimestamp(self._arrived_us / 1_000_000, ZONE)
        self.host.prepare(self.connection, batch.readings["series"].unique(), moment)
        rules = _Clocked(self.host, moment)
        span = chunk_span(self.connection)
        return commit(self.connection, span, "session", self.table, self.state, batch, rules=rules)

    def say(self, device: str, clock: str, values: Values) -> Outcome:
        """One message of a device (`domain/name`) at that time of DAY, in a batch of its own."""
        return self.store(self.message(device, at(clock), values))

    def series(self, device: str, metric: str, start: str, every: timedelta, values: Sequence[object]) -> None:
        """Readings of one metric, each in a batch of its own."""
        for number, value in enumerate(values):
            self.store(self.message(device, at(start) + number * every, {metric: value}))

    # ── the runner's part ──────────────────────────────────────────────────────────────────────────────────

    def runner(self) -> Turn:
        """A runner that begins anew."""
        reader = connect(self.url, "rules", "test")
        self._readers.append(reader)
        return Turn(self.connection, reader, ZONE, deadlines.load())

    # ── what came of it ────────────────────────────────────────────────────────────────────────────────────

    def said(self, rule: str) -> list[Said]:
        """Every change of the condition of a rule's alerts, in the order in which they were written."""
        rows = self.connection.execute(
            "select e.event_time, a.subject, e.kind, e.severity, e.reason, e.version "
            "from alert_event e join alert a on a.id = e.alert_id where a.rule = %s "
            "and e.kind in ('raised', 'reopened', 'escalated', 'downgraded', 'cleared') order by e.id",
            (rule,),
        )
        return [Said(clock(moment), subject, *rest) for moment, subject, *rest in rows]

    def brief(self, rule: str) -> list[str]:
        """The same in short: `10:30 raised 3`, with the reason in brackets where there is one."""
        said = ((one, f" ({one.reason})" if one.reason else "") for one in self.said(rule))
        return [f"{one.at} {one.kind} {one.severity}{reason}" for one, reason in said]

    def ask(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement.encode(), parameters).fetchall()

    def do(self, statement: str, *parameters: object) -> None:
        """Change something as a superuser does."""
        with connect(self.url, "owner", "test") as owner:
            owner.execute("reset role")
            owner.execute(statement.encode(), parameters)

    def remembered(self) -> list[tuple[Any, ...]]:
        """What is remembered of pairs."""
        return self.ask("select rule, severity, subject, code, run from rule_state order by 1, 2, 3, series_id")

    def close(self) -> None:
        for reader in self._readers:
            reader.close()


class _Clocked:
    """A host that takes the arrival of a batch for the present."""

    def __init__(self, host: Host, now: datetime) -> None:
        self.host = host
        self.now = now

    def judge(
        self, connection: Connection, stored: pl.DataFrame, revised: pl.DataFrame, now: datetime
    ) -> Callable[[], None]:
        return self.host.judge(connection, stored, revised, self.now)


def clock(moment: datetime) -> str:
    """The city's clock, with the date before it on days other than DAY."""
    local = moment.astimezone(ZONE)
    text = local.strftime("%H:%M:%S").removesuffix(":00")
    return text if local.date() == DAY.date() else f"{local:%m-%d} {text}"


@pytest.fixture
def town(database: str, catalogue: Catalogue, tmp_path: Path) -> Iterator[Town]:
    """A town for one test."""
    with connect(database, "writer", "test") as connection:
        town = Town(database, connection, catalogue, tmp_path)
        yield town
        town.close()
