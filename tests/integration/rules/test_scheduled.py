"""Query and plan rules on a real database: once an instant, by one runner, whatever a query does."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from citybrain.settings import PROJECT
from citybrain.store.connection import connect
from citybrain.store.sql import query
from rules import scheduled
from rules.grammar.errors import RulesError
from rules.model import Query, Schedule
from rules.plans.entry import Entry, enter
from rules.plans.load import load as load_plans
from rules.scheduled import QueryError
from tests.integration.rules.conftest import DAY, REGION, at

if TYPE_CHECKING:
    from tests.integration.rules.conftest import Town

HOUR = timedelta(hours=1)
SUBJECT = f"{REGION}/water/f1"
# 999 stands for a subject without a row, 0 for one whose value is NULL.
FLOW = """
- rule: water.high
  every: 1h
  at: 10m
  query: SELECT device, nullif(value, 0) AS v FROM rule_latest WHERE metric = 'flow' AND value <> 999
  subject: device
  columns: {v: m3/h}
  raise: v > 10
  clear: v < 5
  severity: 3
"""


def hours(town: Town, start: int, *values: float, turn: object = None, restarts: bool = False) -> None:
    """A value an hour, and the run ten minutes after it."""
    runner = turn or town.runner()
    for number, value in enumerate(values, start=start):
        town.store(town.message("water/f1", at(f"{number}:00"), {"flow": value}))
        runner.take(at(f"{number}:10:01"))
        if restarts:
            runner = town.runner()


def test_a_row_is_a_reading_of_its_subject_at_the_instant(town: Town) -> None:
    town.apply(FLOW)
    hours(town, 8, 20, 7, 20, 4)
    assert town.said("water.high") == [
        ("08:10", SUBJECT, "raised", 3, None, 1),
        ("11:10", SUBJECT, "cleared", 3, None, 1),
    ]
    columns = "region_id, domain_id, device, series_id, values"
    [(region, domain, device, series, values)] = town.ask(f"select {columns} from alert")
    assert (region, domain, device) == (REGION, "water", "f1")
    assert series is None
    assert values["v"] in (4, 20)


def test_an_instant_is_run_once_and_of_missed_ones_the_newest(town: Town) -> None:
    town.apply(FLOW.replace("raise: v > 10", "for: 2 samples\n  raise: v > 10"))
    town.say("water/f1", "08:00", {"flow": 20})
    turn = town.runner()
    for clock in ("08:10:01", "08:10:02", "08:59"):
        turn.take(at(clock))
    town.runner().take(at("09:09:59"))
    assert town.brief("water.high") == []
    town.runner().take(at("13:30"))
    # One run in five hours: longer than three intervals, so that nothing of before counts.
    assert town.brief("water.high") == []
    assert town.ask("select instant from rule_run") == [(at("13:10"),)]


def test_one_runner_has_the_lock_and_another_gets_it_when_it_dies(town: Town) -> None:
    def locks(connection: psycopg.Connection[tuple[bool]]) -> bool:
        row = connection.execute(query("rules", "lock_runner")).fetchone()
        assert row is not None
        return row[0]

    with connect(town.url, "writer", "one") as one, connect(town.url, "writer", "other") as other:
        assert locks(one)
        assert not locks(other)
        town.do("select pg_terminate_backend(%s)", one.info.backend_pid)
        time.sleep(0.2)
        assert locks(other)


@pytest.mark.parametrize("restarts", [False, True])
def test_k_of_n_counts_over_instants_and_restarts(town: Town, *, restarts: bool) -> None:
    town.apply(FLOW.replace("raise: v > 10", "for: 3 of 4 samples\n  raise: v > 10"))
    # 7 is neither high nor low: evidence of raise that is false. 0 is NULL: no evidence at all.
    hours(town, 6, 20, 7, 20, 0, 20, 7, 7, 4, restarts=restarts)
    # A keep that nobody gave is N-K+1 samples.
    assert town.brief("water.high") == ["10:10 raised 3"]
    hours(town, 14, 4, restarts=restarts)
    assert town.brief("water.high") == ["10:10 raised 3", "14:10 cleared 3"]


@pytest.mark.parametrize(("missing", "ends"), [("keep", []), ("clear", ["09:10 cleared 3"])])
def test_a_subject_without_a_row_is_no_evidence_or_counts_as_clear(town: Town, missing: str, ends: list[str]) -> None:
    town.apply(f"{FLOW}  missing: {missing}\n")
    hours(town, 8, 20, 999)
    assert town.brief("water.high") == ["08:10 raised 3", *ends]


def test_a_null_clears_nothing_even_where_what_is_missing_does(town: Town) -> None:
    town.apply(f"{FLOW}  missing: clear\n")
    hours(town, 8, 20, 0, 4)
    assert town.brief("water.high") == ["08:10 raised 3", "10:10 cleared 3"]


def test_the_end_of_the_season_clears(town: Town) -> None:
    town.apply(f"{FLOW}  season: wet\n", "wet: [{from: 04-01, to: 11-20}]\n")
    hours(town, 22, 20, 20, 20)
    assert town.brief("water.high") == ["22:10 raised 3", "11-21 00:10 cleared 3 (out of season)"]
    hours(town, 25, 20)
    assert len(town.said("water.high")) == 2


def test_hours_outside_are_no_evidence(town: Town) -> None:
    town.apply(f"{FLOW}  hours: day\n", "day: {hours: '08:00-10:00'}\n")
    hours(town, 7, 20, 20, 7, 4)
    assert town.brief("water.high") == ["08:10 raised 3"]
    hours(town, 32, 4)
    assert town.brief("water.high")[1:] == ["11-21 08:10 cleared 3"]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_new_version_is_judged_anew_once_and_its_holds_run_then(town: Town, *, restarts: bool) -> None:
    town.apply(FLOW)
    turn = town.runner()
    hours(town, 6, 20, turn=turn)
    changed = FLOW.replace("v > 10", "v > 9").replace("severity: 3", "severity: 3\n  for: 3 samples\n  keep: 2 samples")
    town.apply(changed)
    hours(town, 7, 7, 4, turn=turn, restarts=restarts)
    assert town.brief("water.high") == ["06:10 raised 3"]
    hours(town, 9, 4, turn=turn)
    assert [(one.at, one.version) for one in town.said("water.high")[1:]] == [("09:10", 2)]
    hours(town, 10, 20, 20, turn=turn, restarts=restarts)
    assert len(town.said("water.high")) == 2
    hours(town, 12, 20, turn=turn)
    assert town.brief("water.high")[2:] == ["12:10 reopened 3"]


LADDER = FLOW.replace(
    "  raise: v > 10\n  clear: v < 5\n  severity: 3\n",
    "  ladder:\n    - {severity: 3, raise: v > 10, clear: v < 5}\n    - {severity: 2, raise: v > 20, clear: v < 15}\n",
)


def test_a_step_that_is_gone_is_released_and_forgotten(town: Town) -> None:
    town.apply(LADDER)
    turn = town.runner()
    hours(town, 6, 30, turn=turn)
    without = LADDER.replace("    - {severity: 2, raise: v > 20, clear: v < 15}\n", "")
    town.apply(without)
    hours(town, 7, 7, turn=turn)
    assert [one.kind for one in town.said("water.high")] == ["raised", "downgraded"]
    town.apply(LADDER)
    hours(town, 8, 12, turn=turn)
    assert [one.kind for one in town.said("water.high")] == ["raised", "downgraded"]
    assert [row[1] for row in town.remembered()] == [3]


@pytest.mark.parametrize("how", ["removed", "off"])
def test_a_rule_that_is_gone_clears_its_alerts_and_comes_back_without_memory(town: Town, how: str) -> None:
    other = FLOW.replace("water.high", "water.other")
    town.apply(FLOW + other)
    turn = town.runner()
    hours(town, 6, 20, turn=turn)
    town.apply((FLOW + "  mode: 'off'\n" if how == "off" else "") + other)
    turn.take(at("06:30"))
    assert town.brief("water.high") == ["06:10 raised 3", "06:30 cleared 3 (rule removed)"]
    assert [row[0] for row in town.remembered()] == ["water.other"]
    town.apply(FLOW + other)
    hours(town, 7, 7, turn=turn)
    assert len(town.said("water.high")) == 2
    hours(town, 8, 20, turn=turn)
    assert town.brief("water.high")[2:] == ["08:10 reopened 3"]


# ── queries that fail ──────────────────────────────────────────────────────────────────────────────────────

ENDLESS = FLOW.replace("water.high", "water.endless").replace(
    "FROM rule_latest", "FROM (SELECT device, metric, value FROM rule_latest, generate_series(1, 100000000000) n) many"
)


def test_a_query_that_never_ends_is_an_alert_and_the_others_go_on(town: Town) -> None:
    town.apply(ENDLESS + FLOW)
    started = time.monotonic()
    hours(town, 8, 20)
    assert time.monotonic() - started < 10
    assert town.brief("water.high") == ["08:10 raised 3"]
    assert town.said("water.endless") == []
    [failed] = town.said("platform.rule_failed")
    assert (failed.subject, failed.kind) == ("water.endless", "raised")
    [(error,)] = town.ask("select error from board_rule where rule = 'water.endless'")
    assert "5 s" in error
    town.apply(FLOW.replace("water.high", "water.endless") + FLOW)
    hours(town, 9, 20)
    assert [one.kind for one in town.said("platform.rule_failed")] == ["raised", "cleared"]
    assert town.brief("water.endless") == ["09:10 raised 3"]


def test_a_failure_is_no_evidence_and_keeps_what_is_remembered(town: Town) -> None:
    town.apply(FLOW.replace("nullif(value, 0)", "1 / nullif(value - 999.5, 0.5) * 0 + value").replace("<> 999", "> 0"))
    broken = FLOW.replace("nullif(value, 0)", "1 / (value - 13) * 0 + value").replace(
        "raise: v > 10", "for: 2 samples\n  raise: v > 10"
    )
    town.apply(broken)
    hours(town, 8, 20, 13, 20)
    assert [one.kind for one in town.said("platform.rule_failed")] == ["raised", "cleared"]
    assert town.brief("water.high") == ["10:10 raised 3"]


def test_the_failure_of_a_rule_that_is_gone_is_over(town: Town) -> None:
    town.apply(FLOW.replace("nullif(value, 0)", "value / 0") + FLOW.replace("water.high", "water.other"))
    turn = town.runner()
    hours(town, 8, 20, turn=turn)
    assert len(town.said("platform.rule_failed")) == 1
    town.apply(FLOW.replace("water.high", "water.other"))
    turn.take(at("08:30"))
    assert [one.kind for one in town.said("platform.rule_failed")] == ["raised", "cleared"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("value <> 999", "value <> 999 AND device > repeat('x', -1)"), None),
        (("device, nullif(value, 0) AS v", "NULL AS device, value AS v"), "subject"),
        (("nullif(value, 0) AS v", "'many' AS v"), "number"),
        (("device, nullif(value, 0) AS v", "repeat('x', 1000) || random() AS device, value AS v"), "500 characters"),
        (("FROM rule_latest WHERE", "FROM rule_latest, generate_series(1, 200000) n WHERE"), "100000 rows"),
        (("nullif(value, 0) AS v", "'NaN'::float8 AS v"), None),
    ],
)
def test_rows_that_cannot_be_judged_fail_their_rule_alone(
    town: Town, change: tuple[str, str], says: str | None
) -> None:
    town.apply(FLOW.replace("water.high", "water.odd").replace(*change) + FLOW)
    hours(town, 8, 20)
    assert town.brief("water.high") == ["08:10 raised 3"]
    [(error,)] = town.ask("select error from rule_run where rule = 'water.odd'")
    assert says in error if says else error is None


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'a' AS subject, value AS v FROM reading",
        "SELECT 'a' AS subject, 1 AS v FROM pg_authid",
        "SELECT 'a' AS subject, pg_sleep(60) IS NULL AS v",
        "SELECT pg_read_file('/etc/passwd') AS subject, 1 AS v",
        "SELECT 'a' AS subject, pg_advisory_lock(1) IS NULL AS v",
        "SELECT 'a' AS subject, lo_create(0) AS v",
        "SELECT 'a' AS subject, 1 AS v INTO stolen",
        "WITH gone AS (DELETE FROM rule_state RETURNING 1) SELECT 'a' AS subject, 1 AS v",
        "SELECT device AS subject, value AS v FROM rule_latest FOR UPDATE",
        "SELECT 'a' AS subject, 1 AS v; DROP TABLE reading",
        "SELECT 'a' AS subject, 1 AS v) x; SET ROLE postgres; SELECT * FROM (SELECT 1",
        "SELECT 'a' AS subject, query_to_xml('select * from reading', true, true, '') IS NULL AS v",
        "INSERT INTO rule_set SELECT 1",
        "TABLE reading",
    ],
)
def test_what_does_more_than_read_the_views_is_refused_by_the_checker_and_by_the_role(town: Town, text: str) -> None:
    with pytest.raises(RulesError):
        town.apply(
            f"- rule: water.thief\n  every: 1h\n  query: {json.dumps(text)}\n"
            "  subject: text\n  columns: {v: number}\n  raise: v > 0\n  severity: 4\n"
        )
    unchecked = Query(text, Schedule(3_600_000_000), {})
    with connect(town.url, "rules", "test") as reader:
        with pytest.raises(QueryError):
            scheduled.fetch(reader, unchecked, DAY)
        row = reader.execute("select current_user, current_setting('statement_timeout')").fetchone()
        assert row == ("citybrain_rules", "5s")


@pytest.mark.parametrize(("name", "value"), [("role", "postgres"), ("statement_timeout", "0")])
def test_a_query_that_changes_its_session_is_refused_and_changes_nothing(town: Town, name: str, value: str) -> None:
    text = f"SELECT set_config('{name}', '{value}', false) AS subject, 1 AS v"
    with pytest.raises(RulesError):
        town.apply(
            f"- rule: water.thief\n  every: 1h\n  query: {text}\n  subject: text\n  columns: {{v: number}}\n"
            "  raise: v > 0\n  severity: 4\n"
        )
    with connect(town.url, "rules", "test") as reader:
        with suppress(QueryError):
            scheduled.fetch(reader, Query(text, Schedule(3_600_000_000), {}), DAY)
        row = reader.execute("select current_user, current_setting('statement_timeout')").fetchone()
        assert row == ("citybrain_rules", "5s")


def test_words_in_texts_and_comments_are_no_parameters(town: Town) -> None:
    town.apply(
        FLOW.replace("SELECT device", "SELECT /* as of :now */ device").replace(
            "value <> 999", "value <> 999 AND device <> 'at :now' AND device NOT LIKE '%s%'"
        )
    )
    hours(town, 8, 20)
    assert town.brief("water.high") == ["08:10 raised 3"]


HOSTILE = ["'); drop table alert; --", 'a "quoted" \\ one', "line\nfeed\ttab", "%s %(x)s :now $1", "人" * 400, "*", ""]


def test_any_subject_survives(town: Town) -> None:
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in HOSTILE)
    rule = f"""
- rule: water.names
  every: 1h
  query: {json.dumps(f"SELECT name AS subject, 1 AS v FROM unnest(ARRAY[{names}]) AS name")}
  subject: text
  columns: {{v: number}}
  raise: v > 0
  for: 2 samples
  severity: 4
"""
    town.apply(rule)
    for clock in ("08:00", "09:00", "10:00"):
        town.runner().take(at(clock))
    assert sorted(one.subject for one in town.said("water.names")) == sorted(HOSTILE)
    town.apply(rule.replace("water.names", "water.gone"))
    town.runner().take(at("10:30"))
    assert not town.ask("select subject from alert where condition = 'raised' and rule = 'water.names'")


def test_many_rows_are_judged_within_the_limits_of_the_connection(town: Town) -> None:
    town.apply(
        FLOW.replace("SELECT device,", "SELECT device || n AS device,").replace(
            "FROM rule_latest", "FROM rule_latest, generate_series(1, 90000) n"
        )
    )
    hours(town, 8, 7)
    assert town.ask("select rows, error from rule_run") == [(90000, None)]


# ── plans ──────────────────────────────────────────────────────────────────────────────────────────────────

OFF_COURSE = """
- rule: plan.leakage
  plan: inner-mongolia-city-quality-2025/leakage_rate
  every: day at 07:00
  subject: region
  ladder:
    - {severity: 4, raise: actual > path}
    - {severity: 3, raise: actual > path + 2, clear: actual < path + 1.5}
"""


def test_a_plan_is_judged_by_what_was_entered(town: Town) -> None:
    town.plans = load_plans(PROJECT, town.catalogue)
    town.apply(OFF_COURSE)
    turn = town.runner()

    def entered(day: int, value: float) -> None:
        entry = Entry("inner-mongolia-city-quality-2025/leakage_rate", "150000", date(2026, 11, day), value, None)
        enter(town.connection, [entry], "test", DAY)

    turn.take(at("07:00"))
    assert town.said("plan.leakage") == []
    for number, value in enumerate((50, 50, 1), start=19):
        entered(number, value)
        turn.take(at("07:00", DAY + timedelta(days=number - 18)))
    assert [(one.at, one.subject, one.kind, one.severity) for one in town.said("plan.leakage")] == [
        ("11-21 07:00", "150000", "raised", 3),
        ("11-23 07:00", "150000", "cleared", 3),
    ]
    assert town.ask("select region_id from alert") == [("150000",)]


def test_what_is_entered_shows_on_the_same_day(town: Town) -> None:
    town.plans = load_plans(PROJECT, town.catalogue)
    town.apply(OFF_COURSE)
    turn = town.runner()
    name = "inner-mongolia-city-quality-2025/leakage_rate"
    stands = f"select actual, verdict from board_plan where indicator = '{name}' and region_id = '150000'"

    turn.take(at("08:00"))
    before = town.ask(stands)
    enter(town.connection, [Entry(name, "150000", DAY.date(), 50.0, None)], "test", DAY)
    turn.take(at("08:01"))
    soon = town.ask(stands)
    turn.take(at("08:30"))

    assert before == soon == [(None, "unknown")], "a look may take long: it is not taken each second"
    assert town.ask(stands) == [(50.0, "off_course")]


def test_a_measure_that_fails_is_an_alert_and_stops_nobody(town: Town) -> None:
    town.plans = load_plans(PROJECT, town.catalogue)
    town.apply(OFF_COURSE + FLOW)
    town.do("alter view board_plan_value rename to hidden")
    hours(town, 8, 20)
    assert town.brief("water.high") == ["08:10 raised 3"]
    assert [one.subject for one in town.said("platform.rule_failed")] == ["plan.leakage"]
