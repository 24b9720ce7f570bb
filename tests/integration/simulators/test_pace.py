"""The pace of a real ledger: history waits for the collector, and says so when nothing moves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from simulators import pace
from simulators.pace import Pace

NOW = datetime.now(UTC)
HOUR = NOW.replace(minute=0, second=0, microsecond=0)


class Account:
    """A ledger that a test writes."""

    def __init__(self, url: str) -> None:
        self.url = url

    def receive(self, readings: int, hour: datetime = HOUR, device: int = 1) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "insert into ledger as l (hour, device_id, received, stored, duplicate, quarantined, revised, heard)"
                " values (%s, %s, %s, %s, 0, 0, 0, now()) on conflict (hour, device_id)"
                " do update set received = l.received + excluded.received, stored = l.stored + excluded.stored",
                (hour, device, readings, readings),
            )


@pytest.fixture
def account(database: str) -> Account:
    return Account(database)


@pytest.fixture
def kept(account: Account) -> Iterator[Pace]:
    account.receive(5_000)
    with closing(Pace(account.url, NOW)) as found:
        yield found


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PERIOD_S", 0.05)
    monkeypatch.setattr(pace, "PATIENCE_S", 0.3)


def test_it_waits_until_enough_was_received_since_it_began(account: Account, kept: Pace) -> None:
    said: list[str] = []

    async def run() -> None:
        await kept.keep(100, said.append, ahead=100)
        waiting = asyncio.create_task(kept.keep(1_000, said.append, ahead=100))
        await asyncio.sleep(0.15)
        account.receive(500, device=2)
        account.receive(500, HOUR - timedelta(hours=30), device=2)  # what came long ago is not counted
        await asyncio.sleep(0.15)
        assert not waiting.done()
        account.receive(400, HOUR + timedelta(hours=1))
        async with asyncio.timeout(5):
            await waiting

    asyncio.run(run())
    assert not said


def test_it_says_that_nothing_is_stored_and_goes_on_waiting(account: Account, kept: Pace) -> None:
    said: list[str] = []

    async def run() -> None:
        waiting = asyncio.create_task(kept.keep(1_000, said.append, ahead=0))
        await asyncio.sleep(1.2)
        assert not waiting.done()
        account.receive(1_000)
        async with asyncio.timeout(5):
            await waiting

    asyncio.run(run())
    assert 2 <= len(said) <= 4
    assert set(said) == {
        "The collector stores nothing: waiting for it, with 1,000 readings published that are not stored."
    }


def test_it_outlives_a_lost_connection(account: Account, kept: Pace) -> None:
    with psycopg.connect(account.url) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'citybrain simulate'"
        )
    account.receive(1_000)
    asyncio.run(asyncio.wait_for(kept.keep(1_000, print, ahead=0), 5))


def test_a_wait_can_be_ended(kept: Pace) -> None:
    async def run() -> None:
        waiting = asyncio.create_task(kept.keep(1_000, print, ahead=0))
        await asyncio.sleep(0.2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    began = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - began < 2


def test_there_is_no_pace_without_a_database() -> None:
    with pytest.raises(psycopg.OperationalError):
        Pace("postgresql://nobody@127.0.0.1:1/none", NOW)
