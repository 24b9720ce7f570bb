"""Stream rules inside the transaction that stores readings: what survives what."""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

import psycopg
import pytest
import structlog

from rules.engine import evaluate
from tests.integration.rules.conftest import DAY, REGION, at

if TYPE_CHECKING:
    from tests.integration.rules.conftest import Town

MINUTE = timedelta(minutes=1)
LIMIT = "{value: 0.2, unit: MPa, source: platform default, confidence: S}"
LOW = f"""
- rule: water.low
  metric: pressure
  limit: {LIMIT}
  raise: value < limit
  clear: value >= limit + 0.05
  for: 30m
  keep: 3 samples
  severity: 3
"""
SUBJECT = f"{REGION}/water/p1/pressure"


def test_a_hold_of_20_minutes_survives_a_restart_and_is_met_10_minutes_after(town: Town) -> None:
    town.apply(LOW)
    town.series("water/p1", "pressure", "10:00", MINUTE, [0.1] * 21)
    assert town.said("water.low") == []
    town.restart()
    town.series("water/p1", "pressure", "10:21", MINUTE, [0.1] * 9)
    assert town.said("water.low") == []
    town.say("water/p1", "10:30", {"pressure": 0.1})
    assert town.said("water.low") == [("10:30", SUBJECT, "raised", 3, None, 1)]


def test_only_what_is_not_idle_is_remembered(town: Town) -> None:
    town.apply(LOW)
    for device, value in (("p1", 0.1), ("p2", 0.3), ("p3", 0.1)):
        town.say(f"water/{device}", "10:00", {"pressure": value})
    assert [row[:2] for row in town.remembered()] == [("water.low", 3)] * 2
    for device in ("p1", "p2", "p3"):
        town.say(f"water/{device}", "10:01", {"pressure": 0.3})
    assert town.remembered() == []


@pytest.mark.parametrize("restarts", [False, True])
def test_a_latch_and_its_keep_survive_a_restart(town: Town, *, restarts: bool) -> None:
    town.apply(LOW.replace("30m", "2 samples"))
    for minute, value in enumerate((0.1, 0.1, 0.3, 0.22, 0.3, 0.3)):
        clock = f"10:0{minute}"
        town.say("water/p1", clock, {"pressure": value})
        if restarts:
            town.restart()
    assert town.brief("water.low") == ["10:01 raised 3"]
    town.say("water/p1", "10:06", {"pressure": 0.3})
    assert town.brief("water.low") == ["10:01 raised 3", "10:06 cleared 3"]
    assert town.remembered() == []


def test_duplicates_late_conflicting_and_wrong_readings_are_no_evidence(town: Town) -> None:
    town.apply(LOW.replace("30m", "3 samples"))
    low = [town.message("water/p1", at(clock), {"pressure": 0.1}) for clock in ("10:00", "10:01")]
    town.store(*low)
    outcome = town.store(
        town.message("water/p1", at("10:01"), {"pressure": 0.1}),  # a duplicate
        town.message("water/p1", at("09:59"), {"pressure": 0.1}),  # late
        town.message("water/p1", at("10:00"), {"pressure": 0.12}),  # a conflict
        town.message("water/p1", at("10:05"), {"pressure": 0.1}, at("10:02")),  # ahead
        town.message("water/p1", at("10:02"), {"pressure": 9.0}),  # out of range
    )
    assert outcome.counts["duplicate"] == 1
    assert outcome.late == 1
    assert outcome.doubtful == 2
    assert town.said("water.low") == []
    town.say("water/p1", "10:03", {"pressure": 0.1})
    assert town.brief("water.low") == ["10:03 raised 3"]
    # Nor do they clear anything.
    for clock in ("09:50", "09:51", "09:52", "09:53"):
        town.say("water/p1", clock, {"pressure": 0.3})
    assert town.brief("water.low") == ["10:03 raised 3"]


def test_lateness_within_one_batch_is_that_of_arrival(town: Town) -> None:
    town.apply(LOW.replace("30m", "2 samples"))
    town.store(
        town.message("water/p1", at("10:02"), {"pressure": 0.1}),
        town.message("water/p1", at("10:01"), {"pressure": 0.1}),
        town.message("water/p1", at("10:00"), {"pressure": 0.1}),
    )
    assert town.said("water.low") == []
    town.say("water/p1", "10:03", {"pressure": 0.1})
    assert town.brief("water.low") == ["10:03 raised 3"]


WINDOW = """
- rule: water.mean
  metric: pressure
  raise: avg(value, '20m') < 0.2
  clear: avg(value, '20m') >= 0.25
  severity: 3
- rule: water.drop
  metric: pressure
  raise: delta(value, '5m') <= -0.1
  clear: delta(value, '5m') > -0.05
  severity: 2
- rule: water.least
  metric: pressure
  raise: "max(value, '1h') < 0.15"
  clear: "min(value, '10m') > 0.3"
  severity: 4
"""
WAVE = [0.3] * 30 + [0.1] * 90 + [0.35] * 40 + [0.2, 0.1, 0.3] * 10


def waves(town: Town, size: int, *, restarts: bool = False) -> list[list[str]]:
    """The wave, so many readings a batch."""
    town.apply(WINDOW)
    messages = [town.message("water/p1", at("10:00") + n * MINUTE, {"pressure": v}) for n, v in enumerate(WAVE)]
    for start in range(0, len(messages), size):
        town.store(*messages[start : start + size])
        if restarts:
            town.restart()
    return [town.brief(rule) for rule in ("water.mean", "water.drop", "water.least")]


def test_windows_are_those_of_a_hand_computation(town: Town) -> None:
    mean, drop, least = waves(town, 1)
    # At 10:30 the first 0.1 comes. The mean of 20 readings is below 0.2 from the 11th on: 0.3 - 0.2 * 11 / 20 = 0.19.
    assert mean[0] == "10:40 raised 3"
    assert drop[:2] == ["10:30 raised 2", "10:35 cleared 2"]
    # Sixty readings of 0.1; the span is open at its far end.
    assert least[:2] == ["11:29 raised 4", "12:09 cleared 4"]


@pytest.mark.parametrize(("size", "restarts"), [(7, True), (64, True), (190, False)])
def test_windows_are_the_same_for_every_cut_and_restart(town: Town, size: int, *, restarts: bool) -> None:
    whole = ["10:40 raised 3", "12:09 cleared 3"]
    mean, _, least = waves(town, size, restarts=restarts)
    assert mean[:1] == whole[:1]
    assert least[:2] == ["11:29 raised 4", "12:09 cleared 4"]
    assert len(mean) == len(set(mean))


def test_cuts_agree_with_each_other(town: Town) -> None:
    """The same wave at three devices: one reading a batch, all at once, and restarted at random places."""
    town.apply(WINDOW)
    cuts = {"a": [1] * len(WAVE), "b": [len(WAVE)], "c": [3, 50, 1, 60, 7, 40, 29]}
    for device, sizes in cuts.items():
        sent = 0
        for size in sizes:
            part = WAVE[sent : sent + size]
            moments = (at("10:00") + (sent + n) * MINUTE for n in range(len(part)))
            town.store(
                *(town.message(f"water/{device}", t, {"pressure": v}) for t, v in zip(moments, part, strict=True))
            )
            sent += size
            if device == "c":
                town.restart()
    for rule in ("water.mean", "water.drop", "water.least"):
        by_device = {
            # What was over as old news is done with, so that it is raised again instead of reopened.
            device: [(one.at, one.kind == "cleared") for one in town.said(rule) if f"/{device}/" in one.subject]
            for device in cuts
        }
        assert by_device["a"]
        assert by_device["a"] == by_device["b"] == by_device["c"]


def test_a_transaction_that_is_rolled_back_changes_nothing_and_the_retry_is_as_if_it_had_not_been(town: Town) -> None:
    town.apply(WINDOW + LOW.replace("30m", "40 samples"))
    sent = [town.message("water/p1", at("10:00") + n * MINUTE, {"pressure": v}) for n, v in enumerate(WAVE)]
    town.store(*sent[:35])
    before = town.remembered()
    town.do("create function broken() returns trigger language plpgsql as 'begin raise exception ''not now''; end'")
    for part in (sent[35:160], sent[35:120], sent[35:160]):
        town.do("create trigger broken before insert or update on ledger execute function broken()")
        with town.connection.transaction():
            batch = town.intake.batch(part)
        with pytest.raises(psycopg.errors.RaiseException):
            town.commit(batch)
        town.do("drop trigger broken on ledger")
        assert town.remembered() == before
        assert town.said("water.mean") == []
    for half in batch.halves():
        town.commit(half)
    town.store(*sent[160:])
    mean, drop, least = (town.brief(rule) for rule in ("water.mean", "water.drop", "water.least"))
    assert mean[:1] == ["10:40 raised 3"]
    assert drop[:2] == ["10:30 raised 2", "10:35 cleared 2"]
    assert least[:2] == ["11:29 raised 4", "12:09 cleared 4"]
    assert town.brief("water.low")[0] == "11:09 raised 3"


def test_new_series_are_judged_in_the_batch_that_brings_them(town: Town) -> None:
    town.apply(LOW.replace("30m", "2 samples"))
    town.store(
        town.message("water/new1", at("10:00"), {"pressure": 0.1, "flow": 3}),
        town.message("water/new1", at("10:01"), {"pressure": 0.1}),
        town.message("water/new2", at("10:01"), {"pressure": 0.1}),
    )
    assert town.brief("water.low") == ["10:01 raised 3"]
    town.say("water/new2", "10:02", {"pressure": 0.1})
    assert [one.subject for one in town.said("water.low")][1:] == [f"{REGION}/water/new2/pressure"]


WITH = """
- rule: water.both
  metric: pressure
  with: {inflow: {metric: flow, same: device}}
  raise: value < 0.2 AND inflow > 100
  clear: value >= 0.2
  severity: 2
"""


def test_the_newest_value_of_another_metric_survives_a_restart_and_grows_old(town: Town) -> None:
    town.apply(WITH)
    town.say("water/p1", "10:00", {"flow": 150})
    town.say("water/p1", "10:01", {"pressure": 0.3})
    town.restart()
    town.say("water/p1", "10:02", {"pressure": 0.1})
    assert town.brief("water.both") == ["10:02 raised 2"]
    town.say("water/p1", "10:03", {"pressure": 0.3})
    town.restart()
    # Older than three of its intervals.
    town.say("water/p1", "10:04", {"pressure": 0.1})
    assert town.brief("water.both")[2:] == []
    # A late value is not the newest, and one in the same message counts.
    town.say("water/p1", "09:59", {"flow": 150})
    town.say("water/p1", "10:05", {"pressure": 0.1})
    assert town.brief("water.both")[2:] == []
    town.say("water/p1", "10:06", {"flow": 150, "pressure": 0.1})
    assert town.brief("water.both")[2:] == ["10:06 reopened 2"]


USUAL = """
- rule: water.unusual
  metric: flow
  raise: value > 2 * usual(value, '7d')
  clear: value <= 1.5 * usual(value, '7d')
  severity: 4
- rule: water.weekly
  metric: flow
  raise: value > 2 * usual(value, '4w')
  severity: 4
"""


def test_usual_is_the_median_of_hourly_means_of_the_rollup(town: Town) -> None:
    town.apply(USUAL)
    days = {1: (10, 14), 2: (30, 30), 3: (20, 22), 4: (1, 3), 7: (100, 100), 8: (500, 500), 14: (7, 9)}
    for back in sorted(days, reverse=True):
        for minute, value in zip((5, 35), days[back], strict=True):
            moment = at("10:00", DAY - timedelta(days=back)) + timedelta(minutes=minute)
            town.store(town.message("water/f1", moment, {"flow": value}))
    usual = median([sum(days[back]) / 2 for back in (1, 2, 3, 4, 7)])
    assert usual == 21
    town.say("water/f1", "10:05", {"flow": 42})
    town.restart()
    town.say("water/f1", "10:06", {"flow": 42.01})
    assert town.brief("water.unusual")[-1] == "10:06 raised 4"
    # This weekday: 100 a week ago and 8 two weeks ago, so that half of four are there; 500 was another weekday.
    town.say("water/f1", "10:07", {"flow": 108})
    assert town.brief("water.weekly")[-1:] != ["10:07 raised 4"]
    town.say("water/f1", "10:08", {"flow": 109})
    assert town.brief("water.weekly")[-1] == "10:08 raised 4"
    # At another hour nothing is usual.
    town.say("water/f1", "11:05", {"flow": 9000})
    assert town.brief("water.unusual")[-1] == "10:06 raised 4"


def test_an_engine_that_fails_never_stops_ingest(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.apply(LOW.replace("30m", "2 samples"))
    town.say("water/p1", "10:00", {"pressure": 0.1})

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    with monkeypatch.context() as patch, structlog.testing.capture_logs() as logged:
        patch.setattr(evaluate, "evaluate", broken)
        outcome = town.say("water/p1", "10:01", {"pressure": 0.1})
    assert len(outcome.stored) == 1
    assert [line["event"] for line in logged] == ["judging failed"]
    town.say("water/p1", "10:02", {"pressure": 0.1})
    assert town.brief("water.low") == ["10:02 raised 3"]


@pytest.mark.parametrize("where", ["rules.engine.needs.habits", "rules.host.compile_rules", "rules.alerts.record.fold"])
def test_nothing_else_of_the_rules_that_fails_stops_ingest(
    town: Town, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    town.apply(LOW.replace("30m", "2 samples"))

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    with monkeypatch.context() as patch:
        patch.setattr(where, broken)
        for minute in range(3):
            outcome = town.say("water/p1", f"10:0{minute}", {"pressure": 0.1})
            assert len(outcome.stored) == 1


CHANGE = """
- rule: water.power
  metric: mains_power
  raise: NOT value
  for: 1m
  severity: 2
"""


def test_timers_run_out_by_the_clock_and_survive_a_restart(town: Town) -> None:
    town.apply(CHANGE)
    town.say("water/p1", "10:00", {"mains_power": False})
    town.restart()
    for clock, expected in (("10:01:09", []), ("10:01:10", ["10:01 raised 2"]), ("10:05", ["10:01 raised 2"])):
        town.host.tick(town.connection, at(clock))
        assert town.brief("water.power") == expected
    town.restart()
    town.say("water/p1", "10:06", {"mains_power": True})
    assert town.brief("water.power")[1:] == ["10:06 cleared 2"]


HOURS = """
- rule: water.night
  metric: flow
  hours: night
  raise: value > 10
  for: 30m
  keep: 2 samples
  severity: 4
"""
SEASON = """
- rule: heating.cold
  metric: indoor_temp
  season: heating
  raise: value < 18
  clear: value >= 18.5
  for: 2 samples
  severity: 4
"""
CALENDARS = "night: {hours: '02:00-04:00'}\nheating: [{from: 10-15, to: 11-20}]\n"


def test_readings_outside_of_the_hours_are_no_evidence_over_a_restart(town: Town) -> None:
    town.apply(HOURS, CALENDARS)
    five = timedelta(minutes=1)
    town.series("water/f1", "flow", "01:50", five, [20] * 25)
    town.restart()
    town.series("water/f1", "flow", "02:15", five, [20] * 20)
    assert town.brief("water.night") == ["02:30 raised 4"]
    # By day nothing clears; the next night, it does.
    town.series("water/f1", "flow", "04:00", five, [1] * 5)
    town.restart()
    assert town.brief("water.night") == ["02:30 raised 4"]
    town.series("water/f1", "flow", "26:00", five, [1] * 2)
    assert town.brief("water.night")[1:] == ["11-21 02:01 cleared 4"]


def test_the_end_of_a_season_clears_with_its_reason(town: Town) -> None:
    town.apply(SEASON, CALENDARS)
    interval = timedelta(minutes=15)
    town.series("heating/h1", "indoor_temp", "23:00", interval, [16] * 4)
    assert town.brief("heating.cold") == ["23:15 raised 4"]
    town.restart()
    town.series("heating/h1", "indoor_temp", "24:00", interval, [16] * 4)
    assert town.brief("heating.cold")[1:] == ["11-21 00:00 cleared 4 (out of season)"]
    assert town.remembered() == []


def test_a_silent_series_is_released_by_the_clock_after_the_season(town: Town) -> None:
    town.apply(SEASON, CALENDARS)
    town.series("heating/h1", "indoor_temp", "23:00", timedelta(minutes=15), [16] * 3)
    town.restart()
    town.host.tick(town.connection, at("26:00"))
    assert len(town.said("heating.cold")) == 1
    town.host.tick(town.connection, at("49:00"))
    assert town.brief("heating.cold")[1:] == ["11-21 00:00 cleared 4 (out of season)"]
