"""Statistics against figures computed by hand; the views count back from the database's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rules.alerts.statistics import Priority, Statistics, Times, statistics

from .conftest import Desk, transition

# Ten-minute windows begin at full ten minutes: everything is counted from one of them, three days ago.
START = (datetime.now(UTC) - timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
ALONE = "water.quality"


def raise_(desk: Desk, severity: int, subject: str, minutes: float, rule: str = ALONE) -> None:
    at = START + timedelta(minutes=minutes)
    raised = transition("raised", severity, rule=rule, subject=subject, time=at)
    desk.record(raised, transition("cleared", severity, rule=rule, subject=subject, time=at), now=at)


@pytest.fixture
def found(desk: Desk) -> Statistics:
    for number in range(12):  # 12 in 10 minutes: a flood from the 11th, at minute 8.75
        raise_(desk, 4, f"S{number}", 5 + number * 0.375)
    raise_(desk, 3, "S0", 16, "water.end_pressure")
    raise_(desk, 2, "S1", 30)
    for minute in (40, 42, 44, 60):  # three of them within 5 minutes
        raise_(desk, 4, "chatter", minute)
    raise_(desk, 1, "S0", 70, "water.trial")
    desk.record(transition("raised", 3, subject="old", time=START), now=START + timedelta(minutes=80))
    desk.record(transition("raised", 3, subject="past", time=START, past=True), now=START + timedelta(minutes=81))
    return statistics(desk.connection)


def test_rates(desk: Desk, found: Statistics) -> None:
    counts = (
        "select extract(epoch from bucket - %s)::int / 60, sum(alerts)::int from board_alert_rate group by 1 order by 1"
    )
    assert desk.rows(counts, START) == [(0, 12), (10, 1), (30, 1), (40, 3), (60, 1), (80, 1)]
    windows = -(-(datetime.now(UTC) - START) // timedelta(minutes=10))
    assert found.rate == pytest.approx(19 / windows, rel=0.01)
    assert found.most == 12
    assert found.crowded == pytest.approx(1 / windows, rel=0.01)


def test_a_flood_runs_from_more_than_ten_to_fewer_than_five(desk: Desk, found: Statistics) -> None:
    floods = desk.rows("select scope, started_at, ended_at, most from board_alert_flood order by scope")
    # The 11th came at minute 8.75. Ten minutes after the 9th (minute 8) 3 of the 12 and the one of minute 16 are left.
    begin, end = START + timedelta(minutes=8.75), START + timedelta(minutes=18)
    assert floods == [("150802", begin, end, 12), ("all", begin, end, 12)]
    assert found.flooded == pytest.approx((end - begin) / (datetime.now(UTC) - START), rel=0.01)


def test_what_is_frequent_chatters_or_is_stale(desk: Desk, found: Statistics) -> None:
    assert [(one.rule, one.subject, one.alerts) for one in found.top[:2]] == [(ALONE, "chatter", 4), (ALONE, "S1", 2)]
    assert [one.share for one in found.top[:2]] == pytest.approx([4 / 19, 2 / 19])
    assert (found.top[0].title_zh, found.top[0].place_zh) == (
        "water.quality 告警",
        "临河区",
    )  # without a site its region
    assert len(found.top) == 10
    assert desk.rows("select subject, most from board_alert_chattering") == [("chatter", 3)]
    assert desk.rows("select subject from board_alert_stale order by 1") == [("old",), ("past",)]
    assert (found.chattering, found.stale) == (1, 2)


def test_priorities(found: Statistics) -> None:
    shares = {4: 16, 3: 2, 2: 1, 1: 0}
    wanted = {4: 0.8, 3: 0.15, 2: 0.05, 1: 0.01}
    assert found.priorities == tuple(
        Priority(severity, wanted[severity], count, pytest.approx(count / 19)) for severity, count in shares.items()
    )


def test_mean_times(desk: Desk) -> None:
    from rules.alerts.case import act
    from rules.alerts.deadlines import load
    from rules.alerts.handling import Action, Actor, Request

    start = datetime.now(UTC) - timedelta(days=1)

    def do(id: int, action: Action, minute: float) -> None:
        request = Request(action, Actor("李雪梅"), note="说明", crew="一班")
        act(desk.connection, id, request, load(), start + timedelta(minutes=minute))

    for severity, subject in ((2, "S1"), (2, "S2"), (2, "S3"), (3, "S4")):
        desk.record(transition("raised", severity, subject=subject), now=start)
    desk.record(transition("raised", 2, subject="past", past=True), now=start)  # nobody was told of it
    do(1, "confirm", 2)
    do(1, "dispatch", 6)
    do(2, "refute", 4)
    do(4, "close", 30)
    minutes = {number: timedelta(minutes=number) for number in (3, 6, 30)}
    assert statistics(desk.connection).times == (
        Times("water", 2, 3, minutes[3], minutes[6], None),
        Times("water", 3, 1, None, None, minutes[30]),
    )


def test_nothing_at_all(desk: Desk) -> None:
    found = statistics(desk.connection)
    assert (found.rate, found.most, found.crowded, found.flooded, found.top) == (0, 0, 0, 0, ())
