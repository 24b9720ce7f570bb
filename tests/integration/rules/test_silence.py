"""Silence: devices, gateways and series that are heard no more, as a runner learns it from the store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ingest.batch import Message
from tests.integration.rules.conftest import REGION, at, us

if TYPE_CHECKING:
    from rules.runner import Turn
    from tests.integration.rules.conftest import Town

MINUTE = timedelta(minutes=1)
LOOK = timedelta(seconds=10)
RULES = """
- rule: platform.device_silent
  silent: device
  after: 5m
  severity: 4
- rule: platform.gateway_silent
  silent: gateway
  after: 10m
  severity: 2
"""
SERIES = """
- rule: platform.series_silent
  silent: series
  after: 5m
  severity: 4
"""


class Listening:
    """A town in which minutes go by: a gateway with two devices, one on its own, and a collector that is there."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.turn: Turn = town.runner()
        self.collects = True
        town.do(
            "insert into device (region_id, domain_id, name, gateway, verified, first_seen) values "
            "('150802', 'water', 'g1', null, true, %(t)s), ('150802', 'water', 'd1', 'g1', true, %(t)s), "
            "('150802', 'water', 'd2', 'g1', true, %(t)s), ('150802', 'water', 'own', null, true, %(t)s)".replace(
                "%(t)s", f"'{at('09:00').isoformat()}'"
            )
        )
        town.restart()

    def pass_by(self, start: str, minutes: int, *devices: str, silent: str = "") -> None:
        """So many minutes in which these devices say something once a minute, and all others nothing."""
        for number in range(minutes):
            moment = at(start) + number * MINUTE
            if devices:
                self.town.store(*(self.town.message(f"water/{name}", moment, {"pressure": 0.3}) for name in devices))
            for look in range(6):
                self.look(moment + look * LOOK + timedelta(seconds=1))

    def look(self, moment: datetime) -> None:
        if self.collects:
            self.town.do(
                "insert into collector (unit, holder, since, heartbeat, connected, queued) "
                "values ('city', 'x', %s, %s, true, 0) on conflict (unit) do update set heartbeat = excluded.heartbeat",
                moment,
                moment,
            )
        self.turn.take(moment)

    def said(self, rule: str) -> list[str]:
        """As in `11:05 d1 raised`; a device silent since 11:00 exactly is so at 11:05."""
        return [f"{one.at} {one.subject.split('/')[2]} {one.kind}" for one in self.town.said(f"platform.{rule}")]


@pytest.fixture
def listening(town: Town) -> Listening:
    town.apply(RULES)
    return Listening(town)


def test_a_silent_device_is_an_alert_until_it_is_heard(listening: Listening) -> None:
    listening.pass_by("10:00", 3, "g1", "d1", "d2", "own")
    listening.pass_by("10:03", 9, "g1", "d1", "own")
    assert listening.said("device_silent") == ["10:07 d2 raised"]
    listening.pass_by("10:12", 1, "g1", "d1", "d2", "own")
    assert listening.said("device_silent") == ["10:07 d2 raised", "10:12 d2 cleared"]
    assert listening.said("gateway_silent") == []
    [(region, device, kind)] = listening.town.ask("select region_id, device, subject_kind from alert")
    assert (region, device, kind) == (REGION, "d2", "device")


def test_a_silent_gateway_is_one_alert_and_then_each_device_has_its_full_time(listening: Listening) -> None:
    listening.pass_by("10:00", 5, "g1", "d1", "d2", "own")
    listening.pass_by("10:05", 30, "own")
    assert listening.said("device_silent") == []
    assert listening.said("gateway_silent") == ["10:14 g1 raised"]
    listening.pass_by("10:35", 3, "g1", "own")
    listening.pass_by("10:38", 5, "g1", "d1", "own")
    assert listening.said("gateway_silent")[1:] == ["10:35 g1 cleared"]
    assert listening.said("device_silent") == ["10:40 d2 raised"]


def test_while_the_collector_is_away_nobody_was_heard_and_nobody_is_silent(listening: Listening) -> None:
    listening.pass_by("10:00", 3, "g1", "d1", "d2", "own")
    listening.collects = False
    listening.pass_by("10:03", 30)
    assert listening.said("device_silent") == listening.said("gateway_silent") == []
    listening.collects = True
    listening.pass_by("10:33", 4)
    assert listening.said("device_silent") == []
    listening.pass_by("10:37", 3)
    # The device that hangs on no gateway had its five minutes; those of the gateway wait for it.
    assert [line.split()[1] for line in listening.said("device_silent")] == ["own"]


def test_a_collector_with_a_queue_has_not_caught_up(listening: Listening) -> None:
    listening.pass_by("10:00", 3, "own")
    for minute in range(3, 15):
        moment = at(f"10:{minute:02}")
        listening.town.do("update collector set heartbeat = %s, queued = 5000", moment)
        listening.turn.take(moment)
    assert listening.said("device_silent") == []


def test_a_restart_of_the_runner_neither_clears_nor_doubles(listening: Listening) -> None:
    listening.pass_by("10:00", 3, "g1", "d1", "own")
    listening.pass_by("10:03", 10, "g1", "d1")
    before = listening.said("device_silent")
    assert "10:07 own raised" in before
    for minute in range(13, 18):
        listening.turn = listening.town.runner()
        listening.pass_by(f"10:{minute}", 1, "g1", "d1")
    assert listening.said("device_silent") == before
    listening.turn = listening.town.runner()
    listening.pass_by("10:18", 1, "g1", "d1", "own")
    assert listening.said("device_silent")[len(before) :] == ["10:18 own cleared"]


def test_whatever_a_device_says_it_is_heard(listening: Listening) -> None:
    town = listening.town
    listening.pass_by("10:00", 2, "own")
    topics = {"quarantined": ("reading", b"?"), "status": ("status", b"online")}
    for minute in range(2, 20):
        leaf, payload = topics["status" if minute % 2 else "quarantined"]
        moment = at(f"10:{minute:02}")
        town.store(Message(f"city/{REGION}/water/own/{leaf}", payload, us(moment), 1000 + minute))
        listening.look(moment + timedelta(seconds=1))
    # A time stamp of last week is no silence either.
    for minute in range(20, 30):
        moment = at(f"10:{minute}")
        town.store(town.message("water/own", moment - timedelta(days=7), {"pressure": 0.3}, moment))
        listening.look(moment + timedelta(seconds=1))
    assert [line for line in listening.said("device_silent") if " own " in line] == []


def test_a_device_that_the_catalogue_lists_no_more_is_not_silent(listening: Listening) -> None:
    listening.pass_by("10:00", 3, "g1", "d1", "d2", "own")
    listening.pass_by("10:03", 7, "g1", "d1", "own")
    assert listening.said("device_silent") == ["10:07 d2 raised"]
    listening.town.do("update device set verified = false where name = 'd2'")
    listening.look(at("10:10:01"))
    assert [one.reason for one in listening.town.said("platform.device_silent")] == [None, "subject left"]


def test_a_device_that_the_rule_is_for_no_more_is_not_silent_and_a_collector_away_changes_nothing(
    listening: Listening,
) -> None:
    listening.pass_by("10:00", 3, "g1", "d1", "d2", "own")
    listening.pass_by("10:03", 7, "g1", "d1", "own")
    listening.collects = False
    listening.pass_by("10:10", 2)
    assert listening.said("device_silent") == ["10:07 d2 raised"]
    listening.collects = True
    listening.town.apply(RULES.replace("after: 5m", "after: 5m\n  where: \"device_kind = 'gateway'\""))
    listening.look(at("10:12:01"))
    assert [one.reason for one in listening.town.said("platform.device_silent")] == [None, "subject left"]


def test_a_rule_that_is_gone_clears_what_it_raised(listening: Listening) -> None:
    listening.pass_by("10:00", 3, "g1", "own")
    listening.pass_by("10:03", 7, "g1")
    assert "10:07 own raised" in listening.said("device_silent")
    of_devices, _ = RULES.split("- rule: platform.gateway_silent")
    listening.town.apply(of_devices.replace("after: 5m", "after: 5m\n  mode: 'off'"))
    listening.look(at("10:10"))
    raised = listening.town.ask("select subject from alert where condition = 'raised'")
    assert raised == []
    assert {one.reason for one in listening.town.said("platform.device_silent")} == {None, "rule removed"}


def test_one_series_of_a_device_that_is_heard(town: Town) -> None:
    town.apply(SERIES)
    listening = Listening(town)
    for minute in range(12):
        values = {"pressure": 0.3, "flow": 3} if minute < 3 or minute > 10 else {"flow": 3}
        moment = at(f"10:{minute:02}")
        town.store(town.message("water/own", moment, values))
        for look in range(6):
            listening.look(moment + look * LOOK + timedelta(seconds=1))
    assert [(one.at, one.subject, one.kind) for one in town.said("platform.series_silent")] == [
        ("10:07", f"{REGION}/water/own/pressure", "raised"),
        ("10:11", f"{REGION}/water/own/pressure", "cleared"),
    ]
    assert town.ask("select series_id is not null from alert") == [(True,)]


def test_a_series_with_a_wrong_clock_is_heard(town: Town) -> None:
    """Heard means that something came, whatever its time stamps."""
    town.apply(SERIES)
    listening = Listening(town)
    for minute in range(20):
        moment = at(f"10:{minute:02}")
        # An hour behind at first, then two minutes ahead.
        wrong = moment - timedelta(hours=1) if minute < 10 else moment + timedelta(minutes=2)
        town.store(town.message("water/own", wrong, {"pressure": 0.3 + minute / 100}, moment))
        for look in range(6):
            listening.look(moment + look * LOOK + timedelta(seconds=1))
    assert town.said("platform.series_silent") == []


def test_a_mistake_of_ours_about_silence_stops_nobody_else(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    listening.town.apply(
        "- rule: water.constant\n  every: 1h\n  query: SELECT 'a' AS subject, 1 AS v\n  subject: text\n"
        "  columns: {v: number}\n  raise: v > 0\n  severity: 4\n" + RULES
    )
    monkeypatch.setattr("rules.absence.judge", broken)
    listening.look(at("10:00:01"))
    listening.look(at("10:00:12"))
    assert listening.town.brief("water.constant") == ["10:00 raised 4"]
    assert listening.town.ask("select kind from announcement") == [("raised",)]
