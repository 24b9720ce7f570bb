"""A small waterworks whose readings are stored, and judged, as a collector does it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
import yaml
from psycopg.types.json import Jsonb

from citybrain.catalogue.model import Catalogue
from citybrain.store.connection import Connection, connect
from citybrain.store.readings import chunk_span
from citybrain.store.series import SeriesTable
from citybrain.store.state import HOUR_US, SeriesState
from ingest.batch import SCHEMA, Batch
from ingest.transaction import commit
from rules import sets
from rules.backtest.replay import Version
from rules.grammar.load import Checked, build
from rules.grammar.vocabulary import vocabulary
from rules.host import Host

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 4, 15, 14, 0, tzinfo=UTC)  # 22:00 in the city, two hours before the season ends
START_US = int(START.timestamp()) * 1_000_000
MINUTE_US = 60_000_000
CALENDARS = {"winter": [{"from": "10-15", "to": "04-15"}]}

RULES = """
- rule: water.low
  title: {zh: 低, en: Low}
  metric: pressure
  raise: value < limit
  clear: value >= limit + 0.02
  for: 3m
  keep: 2 samples
  ladder:
    - {severity: 3, limit: {value: 0.3, unit: MPa, source: platform default, confidence: S}}
    - severity: 2
      limit: {value: 0.24, unit: MPa, source: platform default, confidence: S}
      for: 2 of 3 samples
      keep: 0
- rule: water.drop
  title: {zh: 降, en: Drop}
  metric: pressure
  with: {flow: {metric: flow, same: device}, power: {metric: mains_power, same: site}}
  raise: delta(value, '5m') <= -0.08 AND flow > 40 AND coalesce(power, TRUE)
  clear: value >= avg(value, '10m')
  severity: 1
- rule: water.power
  title: {zh: 电, en: Power}
  metric: mains_power
  raise: NOT value
  for: 1m
  keep: 30s
  severity: 2
- rule: water.site_power
  title: {zh: 站, en: Site}
  metric: mains_power
  raise: NOT value
  for: 2m
  subject: region
  at_least: 2
  severity: 2
- rule: water.winter
  title: {zh: 冬, en: Winter}
  metric: flow
  season: winter
  raise: value > 50
  for: 2 samples
  severity: 4
- rule: water.stuck
  title: {zh: 疑, en: Doubt}
  metric: pressure
  quality: any
  raise: is_step OR is_out_of_range
  clear: NOT is_step AND NOT is_out_of_range
  severity: 4
- rule: water.many
  title: {zh: 多, en: Many}
  metric: pressure
  subject: region
  at_least: 2
  raise: value < usual(value, '7d') - 0.05
  clear: value >= usual(value, '7d')
  severity: 3
"""


class Message(NamedTuple):
    """Readings (series, time in us, value) that arrive at once."""

    arrival_us: int
    readings: tuple[tuple[int, int, float], ...]


class Waterworks:
    """Six devices at three sites; `rules` are applied, and judge what is received."""

    def __init__(self, url: str, connection: Connection, catalogue: Catalogue) -> None:
        self.url = url
        self.connection = connection
        self.words = vocabulary(catalogue)
        self.series: dict[tuple[str, str], int] = {}
        for number in range(3):
            self._site(number)

    def version(self, text: str = RULES) -> Version:
        """Rules as a file has them."""
        rules = build(yaml.load(text, yaml.BaseLoader), CALENDARS, self.words)
        return Version(rules, {}, {})

    def apply(self, text: str = RULES) -> None:
        """Put rules in force."""
        checked = Checked(self.version(text).rules, (), CALENDARS)
        sets.apply(self.connection, checked, {}, "test", START)

    def receive(self, messages: Sequence[Message]) -> None:
        """Store and judge messages one by one, the clock ticking at each."""
        table, state = SeriesTable.load(self.connection), SeriesState.load(self.connection)
        span_us = chunk_span(self.connection)
        host = Host("test", ZONE, derived=False)
        host.load(self.connection, START)
        for message in messages:
            now = datetime.fromtimestamp(message.arrival_us / 1e6, UTC)
            host.tick(self.connection, now)
            rows = sorted(message.readings, key=lambda reading: reading[1])
            columns = {
                "series": [row[0] for row in rows],
                "device": [int(table.traits(np.array([row[0]]))["device"][0]) for row in rows],
                "time": [row[1] for row in rows],
                "value": [row[2] for row in rows],
                "received": [message.arrival_us] * len(rows),
                "quality": [0] * len(rows),
            }
            hour_us = message.arrival_us // HOUR_US * HOUR_US
            received = Counter((hour_us, device) for device in columns["device"])
            batch = Batch(pl.DataFrame(columns, schema=SCHEMA), received=received)
            commit(self.connection, span_us, "test", table, state, batch, rules=host, look_everywhere=True)

    def said(self) -> Mapping[tuple[str, str], list[tuple[int, str, int]]]:
        """What was written of each alert (rule, subject): time in us, kind, severity."""
        found: dict[tuple[str, str], list[tuple[int, str, int]]] = {}
        rows = self.connection.execute(
            "select a.rule, a.subject, (extract(epoch from e.event_time) * 1000000)::int8, e.kind, e.severity "
            "from alert_event e join alert a on a.id = e.alert_id "
            "where e.kind in ('raised', 'reopened', 'escalated', 'downgraded', 'cleared') order by e.id"
        )
        for rule, subject, time_us, kind, severity in rows:
            kind = "raised" if kind == "reopened" else kind
            found.setdefault((rule, subject), []).append((time_us, kind, severity))
        return found

    def _site(self, number: int) -> None:
        site = f"made-{number}"
        self.connection.execute(
            "insert into site (id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude, attributes) "
            "values (%s, '150802', 'water', 'pump_house', '', '', 107, 40, %s)",
            (site, Jsonb({"zone": "north"})),
        )
        for name, metrics in ((f"sensor-{number}", ("pressure", "flow")), (f"switch-{number}", ("mains_power",))):
            device = self._id(
                "insert into device (region_id, domain_id, name, site_id, verified, first_seen) "
                "values ('150802', 'water', %s, %s, true, '2026-01-01Z') returning id",
                name,
                site,
            )
            for metric in metrics:
                self.series[name, metric] = self._id(
                    "insert into series (device_id, metric_id) select %s, id from metric "
                    "where domain_id = 'water' and name = %s returning id",
                    device,
                    metric,
                )
                self.connection.execute(
                    "insert into series_state (series_id) values (%s)", (self.series[name, metric],)
                )

    def _id(self, statement: str, *parameters: object) -> int:
        row = self.connection.execute(statement.encode(), parameters).fetchone()
        assert row is not None
        return int(row[0])


def bad_day(works: Waterworks, seed: int, minutes: int) -> list[Message]:
    """Gaps, buffers that come late and in parts, spikes, resends; messages come at different whole seconds."""
    chance = random.Random(seed)
    waiting: dict[str, list[tuple[int, int, float]]] = {}
    messages: list[tuple[int, list[tuple[int, int, float]]]] = []
    level = dict.fromkeys({name for name, _ in works.series}, 0.32)
    for minute in range(minutes):
        for name in sorted(level):
            time_us = START_US + minute * MINUTE_US
            if name.startswith("switch"):
                if chance.random() < 0.15:
                    time_us += chance.randrange(60) * 1_000_000
                    value = float(chance.random() < 0.5)
                    waiting.setdefault(name, []).append((works.series[name, "mains_power"], time_us, value))
            elif chance.random() < 0.93:
                level[name] = min(0.4, max(0.15, level[name] + chance.choice([-0.06, -0.03, 0, 0, 0.03, 0.06])))
                spike = chance.choice([0, 0, 0, 0, 0, 0, 0, 0.9, 2.3]) if chance.random() < 0.2 else 0
                flow = float(chance.randrange(20, 70))
                waiting.setdefault(name, []).extend(
                    [
                        (works.series[name, "pressure"], time_us, level[name] + spike),
                        (works.series[name, "flow"], time_us, flow),
                    ]
                )
            if chance.random() < 0.6 and name in waiting:
                buffered = waiting.pop(name)
                delay_s = chance.choice([0, 0, 0, 1, 5, 40, 130, chance.randrange(2400)])
                if len(buffered) > 2 and chance.random() < 0.3:
                    messages.append((time_us + (delay_s + 400) * 1_000_000, buffered[1:]))
                    buffered = buffered[:1]
                messages.append((time_us + delay_s * 1_000_000, buffered))
                if chance.random() < 0.1:
                    messages.append((time_us + (delay_s + 60) * 1_000_000, buffered))
    found = []
    at_us = 0
    for arrival_us, readings in sorted(messages):
        newest = max(time_us for _, time_us, _ in readings)
        at_us = max(at_us + 1_000_000, arrival_us, newest)
        found.append(Message(at_us + chance.randrange(900_000), tuple(readings)))
    return found


@pytest.fixture
def works(database: str, catalogue: Catalogue) -> Iterator[Waterworks]:
    with connect(database, "writer", "test") as connection:
        yield Waterworks(database, connection, catalogue)


@pytest.fixture
def reader(database: str) -> Iterator[Connection]:
    with connect(database, "rules", "test") as connection:
        yield connection


def no_bar(_: str) -> Any:
    return lambda share: None
