from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from api.live.selection import Audience, Selection
from api.live.subscription import LATEST_BYTES, PENDING_BYTES, Subscription
from citybrain.access.model import Principal, Scope


@pytest.fixture
def subscription() -> Subscription:
    principal = Principal("token", 1, "test", "test", "viewer", None, Scope(), datetime(2030, 1, 1, tzinfo=UTC))
    return Subscription(principal, "secret", Audience(Selection(frozenset({"alert", "latest"})), Scope()), 0)


def test_what_waits_goes_out_together_and_once(subscription: Subscription) -> None:
    subscription.put(b"a")
    subscription.put_latest(b"c")
    subscription.put(b"b")

    assert subscription.take() == b"abc"
    assert subscription.take() == b""


def test_waiting_ends_with_news_or_with_the_end(subscription: Subscription) -> None:
    async def wakes() -> bool:
        try:
            await asyncio.wait_for(subscription.wait(), 0.01)
        except TimeoutError:
            return False
        return True

    async def course() -> list[bool]:
        woken = [await wakes()]
        subscription.put(b"a")
        woken.append(await wakes())
        subscription.take()
        woken.append(await wakes())
        subscription.end("restart")
        return [*woken, await wakes()]

    assert asyncio.run(course()) == [False, True, False, True]


def test_events_beyond_the_bound_end_it_and_leave_no_gap_before(subscription: Subscription) -> None:
    subscription.put(b"a" * PENDING_BYTES)
    assert subscription.ended is None
    subscription.put(b"b")
    subscription.put(b"c")
    subscription.end("gone")

    assert subscription.ended == "slow"
    assert subscription.take() == b"a" * PENDING_BYTES + b"b"


def test_values_beyond_the_bound_are_told_anew(subscription: Subscription) -> None:
    subscription.put(b"event")
    subscription.put_latest(b"v" * LATEST_BYTES)
    assert not subscription.behind
    subscription.put_latest(b"v")

    assert subscription.behind
    assert subscription.ended is None
    assert subscription.take() == b"event"
