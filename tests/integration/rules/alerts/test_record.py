"""What transitions make of alerts in the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from rules.alerts.case import act
from rules.alerts.deadlines import load
from rules.alerts.handling import Action, Actor, Request
from rules.alerts.record import Raised, mark_current, promote, raised

from .conftest import NOW, RULES, Desk, transition

LATER = NOW + timedelta(minutes=5)


def handle(desk: Desk, *actions: Action, id: int = 1) -> None:
    for action in actions:
        act(desk.connection, id, Request(action, Actor("李雪梅"), note="说明", crew="一班"), load(), NOW)


def test_an_alert_carries_what_raised_it_and_where_the_limit_comes_from(desk: Desk) -> None:
    desk.record(transition("raised", 3))
    (row,) = desk.alerts("rule, subject, severity, condition, handling, title_zh, advice_en, values, limits, site_id")
    assert row[:7] == (
        "water.end_pressure", "150802/water/P-7/pressure", 3, "raised", "new", "water.end_pressure 告警",
        "Check the pumps",
    )  # fmt: skip
    assert row[7] == {"value": 0.12, "limit": 0.14}
    provenance = {"value": 0.14, "unit": "MPa", "source": "CJJ 58", "clause": "3.1.3", "confidence": "B"}
    assert row[8:] == ({"limit": provenance}, "S7")


def test_what_is_no_number_is_null(desk: Desk) -> None:
    desk.record(transition("raised", 3, values={"value": float("nan"), "most": float("inf"), "on": True}))
    assert desk.alerts("values") == [({"value": None, "most": None, "on": True},)]


def test_one_call_takes_a_whole_life(desk: Desk) -> None:
    later = [NOW + timedelta(minutes=minutes) for minutes in range(5)]
    desk.record(
        transition("raised", 3, time=later[0]),
        transition("escalated", 1, time=later[1]),
        transition("downgraded", 2, time=later[2]),
        transition("cleared", 2, time=later[3]),
        transition("raised", 4, time=later[4]),
    )
    assert desk.events("kind", "severity") == [
        ("raised", 3), ("escalated", 1), ("downgraded", 2), ("cleared", 2), ("reopened", 4)
    ]  # fmt: skip
    assert desk.alerts("severity, worst, condition, reopened, raised_at, cleared_at") == [
        (4, 1, "raised", 1, later[4], None)
    ]


def test_what_was_raised_is_raised_once(desk: Desk) -> None:
    desk.record(transition("raised", 3))
    desk.record(transition("raised", 3), now=LATER)
    desk.record(transition("cleared", 3), transition("cleared", 3), now=LATER)
    assert desk.events() == ["raised", "cleared"]


@pytest.mark.parametrize(("action", "reopens"), [("confirm", True), ("refute", False), ("close", False)])
def test_only_what_is_done_with_makes_room_for_a_new_alert(desk: Desk, action: Action, *, reopens: bool) -> None:
    desk.record(transition("raised", 3))
    handle(desk, action)
    desk.record(transition("cleared", 3), transition("raised", 2), now=LATER)
    assert desk.alerts("reopened") == ([(1,)] if reopens else [(0,), (0,)])


def test_what_was_reported_as_repaired_is_returned_when_it_is_raised_again(desk: Desk) -> None:
    desk.record(transition("raised", 3))
    handle(desk, "confirm", "dispatch", "accept", "start", "feed_back")
    desk.record(transition("cleared", 3), transition("raised", 3), now=LATER)
    assert desk.alerts("handling, revision, due_at") == [("returned", 6, None)]


def test_a_judgement_as_false_does_not_cover_what_grows_worse(desk: Desk) -> None:
    desk.record(transition("raised", 3))
    handle(desk, "refute")
    desk.record(transition("downgraded", 4), now=LATER)
    assert desk.alerts("handling") == [("false",)]
    desk.record(transition("escalated", 1), now=LATER)
    assert desk.alerts("handling") == [("new",)]


def test_rules_on_trial_have_alerts_that_nobody_sees(desk: Desk) -> None:
    desk.record(transition("raised", 1, rule="water.trial"))
    desk.record(transition("cleared", 1, rule="water.trial"))
    desk.record(transition("raised", 1, rule="water.trial"))
    assert desk.alerts("mode, condition") == [("shadow", "cleared"), ("shadow", "raised")]
    assert desk.announce() == []
    assert desk.rows("select count(*) from board_alert") == [(0,)]
    assert desk.rows("select count(*) from board_alert_shadow") == [(2,)]
    assert desk.rows("select count(*) from board_alert_rate") == [(0,)]


def test_what_a_rule_on_trial_has_raised_is_announced_when_it_goes_live(desk: Desk) -> None:
    live = RULES | {"water.trial": replace(RULES["water.trial"], mode="live")}
    desk.record(transition("raised", 1, rule="water.trial"), transition("raised", 3, rule="water.trial", subject="S2"))
    desk.record(transition("cleared", 3, rule="water.trial", subject="S2"))
    assert promote(desk.connection, RULES, NOW) == 0
    assert promote(desk.connection, live, NOW) == 1
    assert desk.announce() == [("raised", 1)]
    assert promote(desk.connection, live, NOW) == 0
    desk.record(transition("cleared", 1, rule="water.trial"), rules=RULES)
    desk.record(transition("raised", 1, rule="water.trial"), rules=RULES)  # on trial again: an alert of its own
    assert promote(desk.connection, live, NOW) == 0
    assert desk.alerts("mode, condition") == [("live", "cleared"), ("shadow", "cleared"), ("shadow", "raised")]


def test_two_writers_at_once_raise_one_alert(open_desk: Callable[[], Desk]) -> None:
    desks = [open_desk() for _ in range(4)]
    subjects = [f"S{n}" for n in range(50)]

    def write(desk: Desk) -> None:
        for subject in subjects if desk is desks[0] else reversed(subjects):
            desk.record(transition("raised", 3, subject=subject))

    with ThreadPoolExecutor(len(desks)) as pool:
        list(pool.map(write, desks))
    assert sorted(desks[0].alerts("subject")) == sorted((subject,) for subject in subjects)
    assert desks[0].events().count("raised") == len(subjects)


def test_the_database_itself_refuses_a_second_open_alert(desk: Desk) -> None:
    desk.record(transition("raised", 3))
    with pytest.raises(psycopg.errors.UniqueViolation):
        desk.rows(
            "insert into alert select * from jsonb_populate_recordset(null::alert, "
            "(select jsonb_agg(to_jsonb(a) || '{\"id\": 99}') from alert a))"
        )


def test_numbers_of_events_are_in_the_order_of_commits(open_desk: Callable[[], Desk]) -> None:
    desks = [open_desk() for _ in range(3)]
    seen: list[int] = []

    def write(number: int) -> None:
        for n in range(40):
            desks[number].record(transition("raised", 3, subject=f"{number}-{n}"))

    with ThreadPoolExecutor(3) as pool:
        writing = [pool.submit(write, number) for number in (0, 1)]
        while not all(job.done() for job in writing):
            after = seen[-1] if seen else 0
            seen += [id for (id,) in desks[2].rows("select id from alert_event where id > %s order by id", after)]
    after = seen[-1]
    seen += [id for (id,) in desks[2].rows("select id from alert_event where id > %s order by id", after)]
    assert len(seen) == 80


@pytest.mark.parametrize(
    "statement", ["update alert_event set note = 'x'", "delete from alert_event", "truncate alert_event"]
)
def test_events_are_never_changed(desk: Desk, database: str, statement: str) -> None:
    desk.record(transition("raised", 3))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        desk.connection.execute(statement.encode())
    with psycopg.connect(database) as superuser, pytest.raises(psycopg.errors.InsufficientPrivilege, match="append"):
        superuser.execute(statement.encode())


def test_an_engine_that_starts_finds_what_is_raised(desk: Desk) -> None:
    desk.record(transition("raised", 3), transition("raised", 2, rule="water.quality", past=True, version=4))
    desk.record(transition("raised", 3, subject="S2"), transition("cleared", 3, subject="S2"))
    us = round(NOW.timestamp() * 1_000_000)
    subject = "150802/water/P-7/pressure"
    assert sorted(raised(desk.connection)) == [
        Raised("water.end_pressure", subject, "series", 3, 1, us, past=False, region="150802"),
        Raised("water.quality", subject, "series", 2, 4, us, past=True, region="150802"),
    ]
    mark_current(desk.connection, [("water.quality", subject)], NOW)
    assert not any(alert.past for alert in raised(desk.connection))


def test_nothing_is_recorded_by_a_transaction_that_fails(desk: Desk) -> None:
    def fail() -> None:
        with desk.connection.transaction():
            desk.record(transition("raised", 3))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert desk.alerts("id") == []


def test_any_number_of_transitions_takes_six_statements(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[object] = []

    class Counting(psycopg.Cursor[Any]):
        def execute(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
            statements.append(statement)
            return super().execute(statement, *args, **kwargs)

    monkeypatch.setattr(desk.connection, "cursor_factory", Counting)
    subjects = [f"150802/water/P-{n}/pressure" for n in range(5000)]
    flood = [transition("raised", 3, rule="water.quality", subject=subject) for subject in subjects]
    began = time.perf_counter()
    desk.record(*flood)
    raised = time.perf_counter()
    assert len(statements) <= 6
    desk.record(*(transition("cleared", 3, rule="water.quality", subject=subject) for subject in subjects))
    cleared = time.perf_counter()
    assert len(statements) <= 12
    desk.record(*flood)
    reopened = time.perf_counter()
    assert {kind for kind, _ in desk.announce(1)} == {"flood"}
    assert desk.rows("select count(*) from alert where told_severity = 3") == [(5000,)]
    print(
        f"5000 raised in {raised - began:.2f} s, cleared in {cleared - raised:.2f} s, reopened in "
        f"{reopened - cleared:.2f} s, announced in {time.perf_counter() - reopened:.2f} s"
    )
