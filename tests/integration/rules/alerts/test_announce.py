"""What is announced, what is not, and why; times are seconds after NOW."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from citybrain.store.connection import connect
from rules.alerts.case import act
from rules.alerts.deadlines import load
from rules.alerts.handling import Actor, Request
from rules.alerts.model import AlertError
from rules.alerts.record import mark_current
from rules.alerts.silence import Window, close_window, open_window, shelve, unshelve
from rules.model import Inhibition

from .conftest import BURST, NOW, RULES, Desk, transition

ALONE = "water.quality"  # a rule that nothing inhibits
SUBJECT = "150802/water/P-7/pressure"


def at(seconds: float) -> Any:
    return NOW + timedelta(seconds=seconds)


def withheld(desk: Desk) -> list[str | None]:
    return [reason for (reason,) in desk.alerts("withheld")]


def test_a_life_is_announced_once_at_each_turn(desk: Desk) -> None:
    steps = [("raised", 3), ("escalated", 2), ("downgraded", 4), ("cleared", 4)]
    for number, (kind, severity) in enumerate(steps):
        desk.record(transition(kind, severity, rule=ALONE), now=at(number))  # type: ignore[arg-type]
        assert desk.announce(number) == [(kind, severity)]
        assert desk.announce(number) == []
    assert desk.rows("select text_zh, text_en, region_id, domain_id from announcement where kind = 'escalated'") == [
        (
            f"升级：橙 water.quality 告警，{SUBJECT}",
            f"Escalated: Orange Alert water.quality, {SUBJECT}",
            "150802",
            "water",
        )
    ]


def test_an_announcement_names_the_event_that_it_tells_of(desk: Desk) -> None:
    desk.record(transition("raised", 3, rule=ALONE), transition("escalated", 2, rule=ALONE))
    assert desk.announce() == [("raised", 2)]
    assert desk.rows("select e.kind from announcement n join alert_event e on e.id = n.event_id") == [("escalated",)]


def test_what_comes_and_goes_is_told_again_after_ten_minutes_but_red_at_once(desk: Desk) -> None:
    told: dict[int, list[tuple[str, int]]] = {}
    for severity in (1, 3):
        subject = f"S{severity}"
        given: dict[str, Any] = {"rule": ALONE, "subject": subject}
        desk.record(transition("raised", severity, **given))
        desk.announce(0)
        desk.record(transition("cleared", severity, **given), transition("raised", severity, **given), now=at(30))
        desk.record(transition("cleared", severity, **given), now=at(31))
        desk.announce(31)
        desk.record(transition("raised", severity, **given), now=at(60))
        told[severity] = desk.announce(60)
    assert told == {1: [("reopened", 1)], 3: []}
    assert withheld(desk)[1] == "repeat"
    assert desk.announce(630) == []
    assert desk.announce(632) == [("reopened", 3)]


def test_old_news_waits_for_a_current_reading(desk: Desk) -> None:
    desk.record(transition("raised", 2, rule=ALONE, past=True))
    assert desk.announce() == []
    assert desk.announce(86_400) == []
    assert withheld(desk) == ["past"]
    mark_current(desk.connection, [(ALONE, SUBJECT)], at(90_000))
    assert desk.announce(90_000) == [("raised", 2)]


def test_old_news_that_is_over_is_never_told(desk: Desk) -> None:
    desk.record(transition("raised", 2, rule=ALONE, past=True), transition("cleared", 2, rule=ALONE, past=True))
    mark_current(desk.connection, [(ALONE, SUBJECT)], NOW)
    assert desk.announce() == []
    assert withheld(desk) == ["past"]
    assert desk.connection.execute("select handling from alert").fetchall() == [("closed",)]


def test_a_shelf_ends_by_itself_or_early(desk: Desk) -> None:
    shelve(desk.connection, "water.*", "*/P-7/*", at(3600), "换表", "李雪梅", NOW)
    early = shelve(desk.connection, ALONE, "S_8", at(3600), "换表", "李雪梅", NOW)
    desk.record(*(transition("raised", 3, rule=ALONE, subject=subject) for subject in (SUBJECT, "S_8", "Sx8")))
    assert desk.announce() == [("raised", 3)]  # Sx8: an underscore is an underscore
    assert withheld(desk) == ["shelved", "shelved", None]
    unshelve(desk.connection, early, "李雪梅", at(60))
    assert desk.announce(60) == [("raised", 3)]
    assert desk.announce(3599) == []
    assert desk.announce(3600) == [("raised", 3)]
    assert desk.events("kind", "alert_id", "reason")[4:] == [
        ("withheld", 1, "shelved"), ("withheld", 2, "shelved"), ("unshelved", 2, None), ("announced", 2, None),
        ("announced", 1, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "reason", "by"), [(25, "换表", "李雪梅"), (-1, "换表", "李雪梅"), (1, " ", "李雪梅"), (1, "换表", "")]
)
def test_a_shelf_is_short_and_has_a_reason_and_a_name(desk: Desk, hours: int, reason: str, by: str) -> None:
    with pytest.raises(AlertError):
        shelve(desk.connection, "*", "*", NOW + timedelta(hours=hours), reason, by, NOW)


@pytest.mark.parametrize(
    ("where", "silent"),
    [
        ({"region": "150802"}, True),
        ({"region": "150800"}, True),
        ({"region": "150821"}, False),
        ({"domain": "water"}, True),
        ({"domain": "air"}, False),
        ({"site": "S7"}, True),
        ({"region": "150800", "site": "S8"}, False),
        ({"device": "150802/water/P-7"}, True),
        ({"device": "150802/water/P-8"}, False),
    ],
)
def test_maintenance_silences_what_lies_in_it(desk: Desk, where: dict[str, str], *, silent: bool) -> None:
    number = open_window(desk.connection, Window(at(-60), at(600), **where), "检修", "王强", NOW)
    desk.record(transition("raised", 3, rule=ALONE))
    assert desk.announce(1) == ([] if silent else [("raised", 3)])
    close_window(desk.connection, number, at(2))
    assert desk.announce(2) == ([("raised", 3)] if silent else [])


def test_maintenance_ends_by_itself(desk: Desk) -> None:
    open_window(desk.connection, Window(at(10), at(600), region="150800"), "检修", "王强", NOW)
    desk.record(transition("raised", 3, rule=ALONE), now=at(20))
    desk.record(transition("raised", 4, rule=ALONE, subject="S8"), now=at(20))
    assert desk.announce(20) == []
    desk.record(transition("cleared", 4, rule=ALONE, subject="S8"), now=at(30))
    assert [desk.announce(30), desk.announce(599), desk.announce(600)] == [[], [], [("raised", 3)]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"region": "999999"}, "There is no region 999999"),
        ({"region": None}, "name at least one"),
        ({"end": at(-1)}, "in the future"),
        ({"start": at(700)}, "ends after it begins"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(desk: Desk, changes: dict[str, Any], message: str) -> None:
    window = replace(Window(NOW, at(600), region="150802"), **changes)
    with pytest.raises(AlertError, match=message):
        open_window(desk.connection, window, "检修", "王强", NOW)


def test_what_may_be_inhibited_is_held_for_a_while(desk: Desk) -> None:
    desk.record(transition("raised", 3))
    assert desk.announce(0) == []
    assert withheld(desk) == ["hold"]
    assert desk.announce(29.9) == []
    assert desk.announce(30) == [("raised", 3)]
    assert "withheld" not in desk.events()


def test_an_inhibitor_silences_what_hangs_on_the_same_thing_until_it_is_released(desk: Desk) -> None:
    desk.record(transition("raised", 3), transition("raised", 3, subject="elsewhere", site="S8"))
    desk.record(transition("raised", 1, rule="water.burst"), now=at(5))
    assert desk.announce(5) == [("raised", 1)]
    assert desk.announce(40) == [("raised", 3)]  # the one at S8
    assert withheld(desk) == ["inhibited 3", None, None]
    desk.record(transition("cleared", 1, rule="water.burst"), now=at(1000))
    assert desk.announce(1000) == [("cleared", 1)]
    assert desk.announce(1006) == []
    assert withheld(desk)[0] == "release 3"
    assert desk.announce(1599) == []
    assert desk.announce(1600) == [("raised", 3)]
    assert ("withheld", 1, "inhibited 3") in desk.events("kind", "alert_id", "reason")


def test_what_cleared_while_it_was_inhibited_is_never_told(desk: Desk) -> None:
    desk.record(transition("raised", 1, rule="water.burst"), transition("raised", 3))
    desk.announce()
    desk.record(transition("cleared", 3), now=at(60))
    assert desk.announce(2000) == []
    assert withheld(desk)[1] == "brief"


def test_an_inhibitor_that_was_judged_false_or_is_on_trial_silences_nobody(desk: Desk) -> None:
    desk.record(transition("raised", 1, rule="water.trial_burst"), transition("raised", 1, rule="water.burst"))
    desk.record(transition("raised", 3))
    act(desk.connection, 2, Request("refute", Actor("李雪梅"), note="误报"), load(), at(1))
    assert desk.announce(599) == []
    assert withheld(desk)[2] == "release 2"
    assert desk.announce(601) == [("raised", 3)]


@pytest.mark.parametrize("same", ["device", "gateway", "site", "region", "site_zone"])
def test_inhibition_by_what_both_hang_on(desk: Desk, database: str, same: str) -> None:
    import psycopg

    with psycopg.connect(database) as owner:
        owner.execute(
            "insert into site values ('S1', '150802', 'water', 'pump', 'z', 'e', 107, 40, '{\"zone\": \"Z1\"}'),"
            " ('S2', '150802', 'water', 'pump', 'z', 'e', 107, 40, '{\"zone\": \"Z2\"}'),"
            " ('S3', '150821', 'water', 'pump', 'z', 'e', 107, 40, '{\"zone\": \"Z1\"}')"
        )
        owner.execute(
            "insert into device (region_id, domain_id, name, gateway, verified, first_seen) values"
            " ('150802', 'water', 'A', 'G', true, now()), ('150802', 'water', 'B', 'G', true, now())"
        )
    places = {
        "A": {"site": "S1", "device": "A"},
        "B": {"site": "S2", "device": "B"},  # gateway and region of A
        "C": {"site": "S3", "device": "C", "region": "150821"},  # zone of A
        "D": {"site": "S1", "device": "D"},  # site, zone and region of A
        "E": {"site": "S2", "device": "A"},  # device, gateway and region of A
    }
    rules = RULES | {"water.burst": replace(BURST, inhibits=Inhibition(("water.end_*",), same=same))}
    desk.record(transition("raised", 1, rule="water.burst", subject="A", **places["A"]))  # type: ignore[arg-type]
    desk.record(*(transition("raised", 3, subject=name, **place) for name, place in places.items()))  # type: ignore[arg-type]
    desk.announce(30, rules)
    silent = {subject for subject, reason in desk.alerts("subject, withheld")[1:] if reason}
    assert (
        silent
        == {
            "device": {"A", "E"},
            "gateway": {"A", "B", "E"},
            "site": {"A", "D"},
            "region": {"A", "B", "D", "E"},
            "site_zone": {"A", "C", "D"},
        }[same]
    )


def test_a_flood_is_folded_into_a_digest_a_minute_but_for_what_is_red(desk: Desk) -> None:
    def raise_(number: int, severity: int, seconds: float, region: str = "150802") -> None:
        desk.record(transition("raised", severity, rule=ALONE, subject=f"S{number}", region=region), now=at(seconds))

    for number in range(10):
        raise_(number, 3, number)
        assert desk.announce(number) == [("raised", 3)]
    raise_(10, 2, 10)
    raise_(11, 3, 10)
    raise_(12, 1, 10)
    raise_(13, 4, 10, region="150821")
    assert desk.announce(10) == [("raised", 1), ("raised", 4), ("flood", 2)]
    assert desk.rows("select alert_id, text_zh from announcement where kind = 'flood'") == [
        (None, "告警洪峰：2 条（橙 1，黄 1）：water.quality 告警 2")
    ]
    raise_(14, 3, 20)
    assert desk.announce(20) == []
    assert withheld(desk)[14] == "flood"
    assert desk.announce(69) == []
    assert desk.announce(70) == [("flood", 3)]
    assert desk.rows("select region_id, ended_at from board_flood") == [("150802", None)]
    raise_(15, 3, 600)  # those of the first ten seconds are 10 minutes away: 4 of second 10 and later, and this one
    assert desk.announce(600) == [("flood", 3)]
    raise_(16, 3, 800)
    assert desk.announce(800) == [("raised", 3)]
    assert desk.rows("select ended_at from board_flood") == [(at(800),)]


def test_a_flood_ends_without_news(desk: Desk) -> None:
    desk.record(*(transition("raised", 3, rule=ALONE, subject=f"S{n}") for n in range(11)))
    assert desk.announce() == [("flood", 3)]
    assert desk.announce(601) == []
    assert desk.rows("select ended_at from board_flood") == [(at(601),)]


def test_boards_see_alerts_and_their_silences(desk: Desk, database: str) -> None:
    shelve(desk.connection, "water.*", "*", datetime.now(UTC) + timedelta(hours=1), "换表", "李雪梅", datetime.now(UTC))
    open_window(desk.connection, Window(at(-60), at(10**9), region="150800"), "检修", "王强", NOW)
    desk.record(transition("raised", 3))
    with connect(database, "board", "test") as board:
        (row,) = board.execute(
            "select shelved_until, maintained_until from board_alert where lies_in(region_id, '150000')"
        )
        assert None not in row
        views = "select viewname from pg_views where viewname ~ '^board_(alert|announcement|shelf|maintenance|flood)'"
        for (view,) in board.execute(views).fetchall():
            board.execute(f"select * from {view}".encode())
