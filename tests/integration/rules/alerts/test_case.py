"""What people do with alerts, and what happens when they are too slow."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from rules.alerts.case import act, escalate, one
from rules.alerts.deadlines import load
from rules.alerts.handling import Action, Actor, Request
from rules.alerts.model import Alert, AlertError

from .conftest import NOW, Desk, transition

ALONE = "water.quality"
LI, WANG = Actor("李雪梅"), Actor("王强")


def do(desk: Desk, action: Action, actor: Actor = LI, *, at: datetime = NOW, **more: Any) -> Alert:
    given = {"note": "说明", "crew": "一班", **more}
    return act(desk.connection, 1, Request(action, actor, **given), load(), at)


def minutes(number: float) -> datetime:
    return NOW + timedelta(minutes=number)


def test_the_whole_way_with_its_deadlines(desk: Desk) -> None:
    desk.record(transition("raised", 2, rule=ALONE))
    way: list[tuple[Action, str, str | None, float | None]] = [
        ("confirm", "confirmed", "dispatch", 5),
        ("dispatch", "dispatched", "accept", 15),
        ("accept", "accepted", "start", 60),
        ("start", "handling", "feed_back", 240),
        ("feed_back", "fed_back", "verify", 60),
        ("return", "returned", "dispatch", 5),
        ("start", "handling", "feed_back", 240),
        ("feed_back", "fed_back", "verify", 60),
        ("close", "closed", None, None),
    ]
    for number, (action, handling, step, within) in enumerate(way):
        done = do(desk, action, at=minutes(number))
        due = None if within is None else minutes(number + within)
        assert (done.handling, done.due_step, done.due_at) == (handling, step, due)
    (stored,) = desk.alerts("handling, revision, operator, crew, due_at")
    assert stored == ("closed", 9, "李雪梅", "一班", None)
    assert desk.rows("select kind, handling, actor, note, crew from alert_event where kind = 'dispatch'") == [
        ("dispatch", "dispatched", "李雪梅", "说明", "一班")
    ]


def test_the_second_operator_learns_what_the_first_did(desk: Desk) -> None:
    desk.record(transition("raised", 2))
    do(desk, "confirm", revision=0, at=datetime(2026, 11, 22, 3, 13, 5, tzinfo=NOW.tzinfo))
    with pytest.raises(AlertError, match="李雪梅 confirmed it at 03:13:05 UTC: alert 1 is confirmed now"):
        do(desk, "refute", WANG, revision=0)
    assert do(desk, "refute", WANG, revision=1).handling == "false"


def test_two_operators_at_once_make_one_transition(open_desk: Callable[[], Desk]) -> None:
    desks = [open_desk() for _ in range(4)]
    desks[0].record(transition("raised", 2))

    def confirm(desk: Desk) -> bool:
        try:
            do(desk, "confirm", revision=0)
        except AlertError:
            return False
        return True

    with ThreadPoolExecutor(len(desks)) as pool:
        assert sorted(pool.map(confirm, desks)) == [False, False, False, True]
    assert desks[0].events() == ["raised", "confirm"]


def test_a_change_of_the_condition_is_no_conflict(desk: Desk) -> None:
    desk.record(transition("raised", 2))
    desk.record(transition("escalated", 1))
    assert do(desk, "confirm", revision=0).handling == "confirmed"


def test_a_repeated_request_changes_nothing_more(desk: Desk) -> None:
    desk.record(transition("raised", 2))
    first = do(desk, "confirm", revision=0, key="a")
    assert do(desk, "confirm", revision=0, key="a").revision == first.revision
    assert desk.events() == ["raised", "confirm"]
    with pytest.raises(AlertError, match="used for another action"):
        do(desk, "close", key="a")


def test_there_is_no_such_alert(desk: Desk) -> None:
    with pytest.raises(AlertError, match="There is no alert 1"):
        do(desk, "confirm")


def test_what_is_reopened_makes_no_second_open_alert(desk: Desk) -> None:
    desk.record(transition("raised", 2))
    do(desk, "close")
    desk.record(transition("cleared", 2), transition("raised", 2))
    with pytest.raises(AlertError, match="newer open alert"):
        do(desk, "reopen")
    assert desk.alerts("handling") == [("closed",), ("new",)]


def test_nobody_handles_a_rule_on_trial(desk: Desk) -> None:
    desk.record(transition("raised", 2, rule="water.trial"))
    with pytest.raises(AlertError, match="on trial"):
        do(desk, "confirm")


def test_judging_counts_from_the_announcement(desk: Desk) -> None:
    desk.record(transition("raised", 2))  # held for 30 s
    assert escalate(desk.connection, load(), minutes(0)) == 0
    assert one(desk.connection, 1).due_at is None
    desk.announce(30)
    escalate(desk.connection, load(), minutes(0.5))
    assert one(desk.connection, 1).due_at == minutes(5.5)


def test_a_missed_deadline_is_announced_once_a_step_and_wants_more_attention(desk: Desk) -> None:
    desk.record(transition("raised", 3, rule=ALONE))
    desk.announce()
    escalate(desk.connection, load(), minutes(0))
    assert escalate(desk.connection, load(), minutes(14.9)) == 0
    assert [escalate(desk.connection, load(), minutes(late)) for late in (15, 16, 100)] == [1, 0, 0]
    assert desk.announce(900) == [("deadline", 2)]
    assert desk.announce(960) == []
    assert desk.rows("select attention, severity, missed_step from board_alert") == [(2, 3, "judge")]
    do(desk, "confirm", at=minutes(101))
    assert escalate(desk.connection, load(), minutes(116)) == 1
    assert desk.announce(116 * 60) == [("deadline", 1)]
    assert desk.rows("select reason from alert_event where kind = 'overdue' order by id") == [("judge",), ("dispatch",)]
    assert desk.rows("select text_zh from announcement where kind = 'deadline' order by id")[1] == (
        "派单超时：黄 water.quality 告警，150802/water/P-7/pressure",
    )


def test_what_went_by_itself_has_no_deadline_until_it_comes_again(desk: Desk) -> None:
    desk.record(transition("raised", 3, rule=ALONE))
    desk.announce()
    escalate(desk.connection, load(), minutes(0))
    desk.record(transition("cleared", 3, rule=ALONE), now=minutes(1))
    desk.announce(60)
    assert escalate(desk.connection, load(), minutes(60)) == 0
    assert one(desk.connection, 1).due_at is None
    desk.record(transition("raised", 3, rule=ALONE), now=minutes(60))
    escalate(desk.connection, load(), minutes(60))
    assert one(desk.connection, 1).due_at == minutes(75)


def test_a_judged_alert_is_due_even_when_it_cleared(desk: Desk) -> None:
    desk.record(transition("raised", 3, rule=ALONE))
    do(desk, "confirm")
    desk.record(transition("cleared", 3, rule=ALONE), now=minutes(1))
    assert escalate(desk.connection, load(), minutes(15)) == 1


def test_what_is_reopened_by_hand_is_announced_if_it_never_was(desk: Desk) -> None:
    desk.record(transition("raised", 3, rule=ALONE))
    do(desk, "refute")
    assert desk.announce(1) == []
    assert one(desk.connection, 1).withheld == "false"
    do(desk, "reopen", at=minutes(1))
    assert desk.announce(60) == [("raised", 3)]
