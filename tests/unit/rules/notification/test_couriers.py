"""Couriers: a channel that fails, hangs or breaks delays no other, and what came of each errand is told once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Event

import pytest

from citybrain.catalogue.model import Text
from rules.notification.announcement import Announcement
from rules.notification.couriers import Couriers
from rules.notification.outbox import Outcome

PATIENCE_S = 5.0


def news(number: int) -> Announcement:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    words = Text(zh="x", en="x")
    return Announcement(id=number, at=now, kind="raised", severity=1, region="1", domain="air", text=words)


class Stub:
    """A channel that answers as it is told to, once it is released."""

    def __init__(self, *errors: str | None, at_once: int = 1, hangs: bool = False) -> None:
        self.at_once = at_once
        self.errors = errors
        self.release = Event()
        self.sent: list[int] = []
        if not hangs:
            self.release.set()

    def send(self, announcements: Sequence[Announcement]) -> list[str | None]:
        self.release.wait(PATIENCE_S)
        self.sent += [one.id for one in announcements]
        return [*self.errors] or [None] * len(announcements)


class Broken:
    at_once = 2

    def send(self, announcements: Sequence[Announcement]) -> list[str | None]:
        raise RuntimeError("https://secret@host/ is wrong")


def collected(couriers: Couriers, number: int) -> list[Outcome]:
    """So many outcomes, in the order they came."""
    found: list[Outcome] = []
    until = time.monotonic() + PATIENCE_S
    while len(found) < number and time.monotonic() < until:
        found += couriers.returned(0.02)
    return found


def test_each_announcement_has_its_own_outcome() -> None:
    couriers = Couriers({"a": Stub(None, "no", at_once=2)})
    couriers.send("a", [news(1), news(2)])
    assert collected(couriers, 2) == [(1, "a", None), (2, "a", "no")]
    assert couriers.room == {"a": 2}
    assert not couriers.away


def test_a_channel_that_hangs_delays_no_other() -> None:
    hanging = Stub(hangs=True)
    couriers = Couriers({"hangs": hanging, "works": Stub()})
    couriers.send("hangs", [news(1)])
    couriers.send("works", [news(1)])
    assert collected(couriers, 1) == [(1, "works", None)]
    assert couriers.room == {"works": 1}
    hanging.release.set()
    assert collected(couriers, 1) == [(1, "hangs", None)]


def test_no_answer_is_a_failure_and_a_late_yes_is_news() -> None:
    hanging = Stub(hangs=True)
    couriers = Couriers({"a": hanging}, answer_s=0.05)
    couriers.send("a", [news(1)])
    assert collected(couriers, 1) == [(1, "a", "The channel did not answer within 0.05 seconds.")]
    assert couriers.room == {}, "nothing more is given to a channel that hangs"
    hanging.release.set()
    assert collected(couriers, 1) == [(1, "a", None)]
    assert couriers.room == {"a": 1}


def test_a_late_no_has_been_told_already() -> None:
    hanging = Stub("no", hangs=True)
    couriers = Couriers({"a": hanging}, answer_s=0.05)
    couriers.send("a", [news(1)])
    collected(couriers, 1)
    hanging.release.set()
    assert couriers.returned(0.2) == []
    assert couriers.room == {"a": 1}


def test_a_courier_who_never_returns_is_replaced() -> None:
    hanging = Stub(hangs=True)
    couriers = Couriers({"a": hanging}, answer_s=0.02, lost_s=0.1)
    couriers.send("a", [news(1)])
    time.sleep(0.1)
    couriers.returned(0)
    assert couriers.room == {"a": 1}
    couriers.send("a", [news(2)])
    hanging.release.set()
    assert sorted(collected(couriers, 2)) == [(1, "a", None), (2, "a", None)]


def test_a_broken_channel_fails_without_telling_secrets() -> None:
    couriers = Couriers({"a": Broken()})
    couriers.send("a", [news(1), news(2)])
    error = "The channel failed (RuntimeError)."
    assert collected(couriers, 2) == [(1, "a", error), (2, "a", error)]


def test_returned_waits_no_longer_than_it_must() -> None:
    couriers = Couriers({"a": Stub()})
    begun = time.monotonic()
    couriers.send("a", [news(1)])
    assert couriers.returned(PATIENCE_S) == [(1, "a", None)]
    assert time.monotonic() - begun < 1
    begun = time.monotonic()
    assert couriers.returned(0.1) == []
    assert time.monotonic() - begun == pytest.approx(0.1, abs=0.09)
