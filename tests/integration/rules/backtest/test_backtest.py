"""Backtests on a real database, against what live judging made of the same messages."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from citybrain.store.connection import Connection
from rules.backtest import history
from rules.backtest.alerts import Alert
from rules.backtest.command import backtest_command
from rules.backtest.replay import Version
from rules.backtest.run import BacktestError, Outcome, in_force, run
from tests.integration.rules.backtest.conftest import (
    MINUTE_US,
    RULES,
    START,
    START_US,
    ZONE,
    Message,
    Waterworks,
    bad_day,
    no_bar,
)

UNTIL = START + timedelta(days=2)
HOURLY = """
- rule: water.hourly
  title: {zh: 时, en: Hourly}
  every: 10m
  query: |
    SELECT series, min(value) AS low FROM rule_reading
    WHERE metric = 'pressure' AND time > :now - interval '10 minutes'
    GROUP BY series
  subject: series
  columns: {low: MPa}
  limit: {value: 0.3, unit: MPa, source: platform default, confidence: S}
  raise: low < limit
  severity: 4
- rule: water.newest
  title: {zh: 新, en: Newest}
  every: 10m
  query: SELECT series, value FROM rule_latest WHERE metric = 'pressure'
  subject: series
  columns: {value: MPa}
  raise: value < 0.1
  severity: 4
- rule: water.silent
  title: {zh: 静, en: Silent}
  silent: device
  after: 10m
  severity: 4
"""


def backtest(
    works: Waterworks, reader: Connection, version: Version | None = None, since: datetime = START, **more: Any
) -> Outcome:
    chosen = version or works.version()
    rules = list(chosen.rules.rules.values())
    until = more.pop("until", UNTIL)
    return run(works.connection, reader, chosen, rules, since, until, ZONE, no_bar, **more)


def course(alerts: Sequence[Alert]) -> Mapping[tuple[str, str], list[tuple[int, str, int]]]:
    found: dict[tuple[str, str], list[tuple[int, str, int]]] = {}
    for alert in alerts:
        found.setdefault((alert.rule, alert.subject), []).extend(alert.course)
    return found


def pressures(works: Waterworks, *values: tuple[int, float], delay_s: int = 1) -> list[Message]:
    """Pressures of the first sensor, so many minutes after the start."""
    series = works.series["sensor-0", "pressure"]
    times = [(START_US + minute * MINUTE_US, value) for minute, value in values]
    return [Message(time + delay_s * 1_000_000, ((series, time, value),)) for time, value in times]


@pytest.mark.parametrize("seed", range(3))
def test_it_says_what_live_judging_said_in_slices_of_any_size(
    works: Waterworks, reader: Connection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    works.apply()
    works.receive(bad_day(works, seed, 200))
    live = works.said()
    assert {rule for rule, _ in live} >= {"water.low", "water.drop", "water.power", "water.winter", "water.stuck"}
    assert course(backtest(works, reader).alerts) == live
    for size in (400, 50):
        monkeypatch.setattr(history, "SLICE", size)
        assert course(backtest(works, reader).alerts) == live


def test_what_is_raised_when_the_span_begins_is_shown_and_what_was_before_is_not(
    works: Waterworks, reader: Connection
) -> None:
    works.receive(pressures(works, *((minute, 0.28) for minute in range(5)), *((m, 0.4) for m in range(5, 8))))
    works.receive(pressures(works, *((minute, 0.28) for minute in range(20, 40))))
    switch = works.series["switch-0", "mains_power"]
    works.receive([Message(START_US - 30 * 86_400_000_000, ((switch, START_US - 30 * 86_400_000_000, 0.0),))])
    since = START + timedelta(minutes=30)
    found = backtest(works, reader, since=since)
    shown = {(alert.rule, (alert.raised_us - START_US) // MINUTE_US) for alert in found.alerts}
    assert shown >= {("water.low", 23), ("water.power", 1 - 30 * 1440)}
    assert ("water.low", 3) not in shown


def test_a_late_reading_counts_only_when_asked_for(works: Waterworks, reader: Connection) -> None:
    version = works.version(RULES.replace("for: 3m", "for: 0"))
    works.receive([*pressures(works, (0, 0.4), (3, 0.4)), *pressures(works, (1, 0.2), delay_s=600)])
    found = backtest(works, reader, version, late=True)
    assert not [alert for alert in found.alerts if alert.rule == "water.low"]
    assert found.late is not None
    (alert,) = [alert for alert in found.late if alert.rule == "water.low"]
    assert alert.raised_us == START_US + MINUTE_US


def test_a_changed_limit_is_compared_with_the_version_in_force(works: Waterworks, reader: Connection) -> None:
    works.apply()
    works.receive(bad_day(works, 7, 100))
    milder = works.version(RULES.replace("value: 0.3,", "value: 0.26,"))
    found = backtest(works, reader, milder, against=in_force(works.connection))
    assert found.live is not None
    live = {key: changes for key, changes in works.said().items() if key[0] == "water.low"}
    assert {key: changes for key, changes in course(found.live).items() if key[0] == "water.low"} == live
    assert found.versions == dict.fromkeys(milder.rules.rules, 1)
    low_for = [
        sum(alert.minutes(found.since_us, found.until_us) for alert in alerts if alert.rule == "water.low")
        for alerts in (found.alerts, found.live)
    ]
    assert 0 < low_for[0] < low_for[1]


def test_a_query_sees_at_each_instant_what_had_arrived_by_then(works: Waterworks, reader: Connection) -> None:
    # The second low pressure arrives after the instants that it would have been in.
    works.receive([*pressures(works, (1, 0.25), (11, 0.4)), *pressures(works, (21, 0.25), delay_s=1200)])
    found = backtest(works, reader, works.version(HOURLY))
    (alert,) = found.alerts
    assert [(time_us - START_US) // MINUTE_US for time_us, _, _ in alert.course] == [10, 20]
    assert found.rows == 2
    assert set(found.silent or {}) == {"water.newest", "water.silent"}


def test_a_span_without_readings_says_when_there_are_some(works: Waterworks, reader: Connection) -> None:
    works.receive(pressures(works, (0, 0.4), (3, 0.4)))
    with pytest.raises(BacktestError, match="there are from 2026-04-15 22:00:00 to 2026-04-15 22:03:00"):
        backtest(works, reader, since=START + timedelta(days=30), until=START + timedelta(days=31))


def test_nothing_is_compared_where_no_rules_are_in_force(works: Waterworks) -> None:
    with pytest.raises(BacktestError, match="No rules are in force"):
        in_force(works.connection)


def test_the_command_says_all_of_it_and_writes_files(works: Waterworks, reader: Connection, tmp_path: Path) -> None:
    works.apply()
    works.receive(bad_day(works, 3, 100))
    truth = tmp_path / "truth.csv"
    truth.write_text(
        "incident,kind,start,end,subjects\n"
        "i1,burst,2026-04-15T22:10,2026-04-15T23:30,made-0;made-1\n"
        "i2,leak,2026-04-16T10:00,2026-04-16T11:00,made-2\n",
        encoding="utf-8",
    )
    shown = io.StringIO()
    version = works.version(RULES.replace("value: 0.3,", "value: 0.26,"))
    backtest_command(
        works.connection,
        reader,
        tmp_path,
        version.rules,
        {},
        "water.low",
        "2026-04-15",
        "2026-04-18",
        ZONE,
        UNTIL,
        Console(file=shown, width=120),
        against="live",
        truth=truth,
        csv=tmp_path / "alerts.csv",
        json=tmp_path / "alerts.json",
        late=True,
    )
    text = shown.getvalue()
    for words in ("water.low, version 1", "only in force", "lead time", "burst", "late counted"):
        assert words in text
    tree = json.loads((tmp_path / "alerts.json").read_text("utf-8"))
    assert tree["from"] == "2026-04-15T00:00:00+08:00"
    assert tree["alerts"]
    assert tree["in_force"]
    lines = (tmp_path / "alerts.csv").read_text("utf-8").splitlines()
    assert len(lines) == len(tree["alerts"]) + 1
