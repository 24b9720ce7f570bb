"""A fleet with its own credentials, a real broker, and a real collector that keeps the ledger."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import psycopg
import pytest

from citybrain.catalogue.model import Catalogue, Device, Site, Text
from citybrain.devices import credentials, dynsec
from citybrain.devices.rights import Key
from citybrain.store.connection import connect
from citybrain.store.migrate import migrate
from deploy.local.servers import Broker
from simulators import enrolment
from simulators.devices import faults
from simulators.devices.behaviour import Behaviour
from simulators.devices.life import Life
from simulators.devices.outages import Cut
from simulators.devices.roster import Roster
from simulators.fleet import Fleet
from simulators.gate import PublishError
from simulators.instruments import SCHEMA
from simulators.model import DAY, HOUR, MINUTE, Happening, SimulatedDevice, Span
from simulators.publisher import Address

if TYPE_CHECKING:
    from tests.integration.simulators.conftest import Listener

PATIENCE_S = 60.0
CITYBRAIN = [sys.executable, "-c", "from citybrain.cli import main; main()"]
START = 1_790_812_800_000_000 // DAY * DAY  # a day of 2026, in us
LIVELY = Behaviour.model_validate(
    {
        **dict.fromkeys(("lost", "duplicates", "malformed", "delayed"), 0.02),
        **{"outages": 0.5, "outage": "1h", "resets": 0.3, "reset": "30m", "clock_drift": 5},
    }
)
NAMES = ("methane", "cover_open", "battery")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"after {PATIENCE_S:g} s: not {what}"
        time.sleep(0.1)


@dataclass
class Town:
    """Two gateways with ten devices each and five devices of their own, known to a database and a broker."""

    url: str
    broker: Broker
    roster: Roster
    file: Path

    def enrol(self) -> dict[Key, str]:
        with (
            dynsec.broker(self.broker.collector_url) as control,
            connect(self.url, "writer", "test") as connection,
            connection.transaction(),
        ):
            return enrolment.enrol(connection, control, self.roster, self.file, datetime.now(UTC))

    def fleet(self, passwords: dict[Key, str] | None) -> Fleet:
        return Fleet(Address.parse(self.broker.url), self.roster, passwords)

    def measured(self, span: Span, step: int = 5 * MINUTE) -> pl.DataFrame:
        """What all devices measure in a span."""
        times = np.arange(span.start, span.end, step)
        grid = np.meshgrid(np.arange(len(self.roster)), times, np.arange(len(NAMES)))
        device, at, metric = (one.ravel() for one in grid)
        value = np.choose(metric, [at // step % 7 / 10, at // step % 2, 50 + device / 100])
        calm = np.zeros(len(at), np.bool_)
        return pl.DataFrame(dict(zip(SCHEMA, [device, metric, at, at, value, calm], strict=True)), schema=SCHEMA)

    def history(self, life: Life, days: int) -> pl.DataFrame:
        spans = [Span(START + hour * HOUR, START + (hour + 6) * HOUR) for hour in range(0, days * 24, 6)]
        made = [life.messages(self.measured(span), span, timedelta(hours=1)) for span in spans]
        return pl.concat([*made, life.rest(spans[-1].end)])

    def ledger(self) -> tuple[int, ...]:
        """Stored, duplicate and quarantined."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute("select sum(stored), sum(duplicate), sum(quarantined) from ledger").fetchone()
        assert row is not None
        return tuple(int(count or 0) for count in row)


@pytest.fixture
def town(database: str, mortal_broker: Broker, catalogue: Catalogue, tmp_path: Path) -> Town:
    title = Text("某处", "somewhere")
    gateways = [SimulatedDevice(f"sim-gw-{n}", f"sim-gw-{n}") for n in range(2)]
    behind = [SimulatedDevice(f"sim-w-{n}", f"sim-w-{n}", f"sim-gw-{n % 2}") for n in range(20)]
    direct = [SimulatedDevice(f"sim-d-{n}", f"sim-d-{n}") for n in range(5)]
    devices = [*gateways, *behind, *direct]
    sites = [Site(device.site, title, "150802", "sentinel", "gas_well", 107.4, 40.8) for device in devices]
    metrics = [catalogue.domains["sentinel"].metrics[name] for name in NAMES]
    listed = [Device(device.name, "150802", "sentinel", device.site, device.gateway) for device in devices]
    whole = replace(
        catalogue,
        sites=catalogue.sites | {site.id: site for site in sites},
        devices=catalogue.devices | {(one.region, one.domain, one.name): one for one in listed},
    )
    migrate(database, whole)
    return Town(database, mortal_broker, Roster.of(sites, devices, metrics), tmp_path / "devices.csv")


@pytest.fixture
def collector(town: Town, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    settings = {"CITYBRAIN_DATABASE_URL": town.url, "CITYBRAIN_MQTT_URL": town.broker.collector_url}
    log = tmp_path / "collector.log"
    with log.open("wb") as file:
        process = subprocess.Popen([*CITYBRAIN, "collect"], env=os.environ | settings, stdout=file, stderr=file)
    wait_until(lambda: '"event": "connected"' in log.read_text(), "connected")
    yield process
    process.terminate()
    process.wait(PATIENCE_S)


async def publish(fleet: Fleet, messages: pl.DataFrame) -> None:
    async with fleet:
        await fleet.publish(messages)
        await fleet.drain()


@pytest.mark.usefixtures("collector")
def test_the_ledger_is_the_account(town: Town) -> None:
    life = Life(town.roster, LIVELY, 5)
    foreign = faults.ForeignTopic(place="sim-d-0", victim="sim-d-1")
    flood = faults.Flood(place="sim-w-3", times=10)
    times = START + 2 * HOUR, START + 4 * HOUR
    life.begin([Happening("foreign", foreign, *times), Happening("flood", flood, *times)])
    messages = town.history(life, 1)
    fleet = town.fleet(town.enrol())
    asyncio.run(publish(fleet, messages))
    sent = life.sent
    assert (fleet.messages, fleet.readings) == (sent.messages, sent.readings)
    assert fleet.refused == sent.foreign > 0
    expected = sent.stored, sent.duplicates, sent.quarantined
    assert all(expected)
    wait_until(lambda: sum(town.ledger()) >= sum(expected), "all in the ledger")
    assert town.ledger() == expected


@pytest.mark.usefixtures("collector")
def test_nothing_is_lost_when_the_broker_is_killed_in_the_middle_of_history(town: Town) -> None:
    life = Life(town.roster, Behaviour.calm(), 5)
    messages = town.history(life, 2)
    fleet = town.fleet(town.enrol())

    async def run() -> None:
        async with fleet:
            half = messages.height // 2
            await fleet.publish(messages[:half])
            await asyncio.to_thread(town.broker.kill)
            await asyncio.to_thread(town.broker.start)
            await fleet.publish(messages[half:])
            await fleet.drain()

    asyncio.run(run())
    wait_until(lambda: town.ledger()[0] >= life.sent.stored, "all in the ledger")
    stored, duplicates, quarantined = town.ledger()
    assert (stored, quarantined) == (life.sent.stored, 0)
    assert fleet.resent > 0
    assert duplicates >= 0


def test_a_gateway_that_is_cut_off_leaves_its_will(town: Town, listener: Listener) -> None:
    passwords = town.enrol()
    began = time.time()

    async def run() -> None:
        fleet = town.fleet(passwords)
        async with fleet:
            fleet.cut([Cut(0, 0, 1_000_000), Cut(0, 0, 1_000_000)], lambda due: began + 3 + due / 1e6)
            await asyncio.sleep(max(0.0, began + 5 - time.time()))

    asyncio.run(run())
    listener.listen(lambda: len(listener.received) >= 2 * 7 + 2)
    said = [payload for topic, payload in listener.received if topic == "city/150802/sentinel/sim-gw-0/status"]
    assert said == [b"online", b"offline", b"online", b"offline"]
    others = [payload for topic, payload in listener.received if topic == "city/150802/sentinel/sim-gw-1/status"]
    assert others == [b"online", b"offline"]


def test_messages_go_when_they_are_due(town: Town, listener: Listener) -> None:
    span = Span(START, START + 20 * MINUTE)
    messages = Life(town.roster, Behaviour.calm(), 1).messages(town.measured(span), span)

    async def run() -> float:
        fleet = town.fleet(None)
        async with fleet:
            began = time.time()
            await fleet.publish(messages, lambda due: began + (due - START) / (5 * MINUTE))
            took = time.time() - began
            await fleet.drain()
            return took

    assert 3 <= asyncio.run(run()) < 6
    listener.listen(lambda: len(listener.received) >= messages.height)
    assert len(listener.received) == messages.height


def test_who_is_refused_is_told_before_anything_is_published(town: Town, listener: Listener) -> None:
    passwords = town.enrol()
    key = town.roster.keys[town.roster.connections[-1]]
    fleet = town.fleet(passwords | {key: "wrong"})
    with pytest.raises(PublishError, match=f"{'/'.join(key)}: The broker refuses the connection: not authorized"):
        asyncio.run(publish(fleet, town.history(Life(town.roster, Behaviour.calm(), 1), 1)))
    listener.listen(lambda: False, 1)
    assert not [topic for topic, _ in listener.received if topic.endswith("reading")]
    with pytest.raises(PublishError, match="1 of 7 devices that connect have no credentials"):
        town.fleet({other: password for other, password in passwords.items() if other != key})


def test_a_device_that_is_revoked_does_not_stop_the_others(town: Town, listener: Listener) -> None:
    passwords = town.enrol()
    key = town.roster.keys[town.roster.connections[-1]]
    span = Span(START, START + HOUR)
    life = Life(town.roster, Behaviour.calm(), 1)
    before = life.messages(town.measured(span), span)
    after = life.messages(town.measured(span), span)

    def revoke() -> None:
        with dynsec.broker(town.broker.collector_url) as control, connect(town.url, "writer", "test") as connection:
            credentials.revoke(connection, control, key, "test", datetime.now(UTC))

    async def run() -> Fleet:
        async with town.fleet(passwords) as fleet:
            await fleet.publish(before)
            await fleet.drain()
            await asyncio.to_thread(revoke)
            async with asyncio.timeout(10):
                while not fleet._publishers[len(town.roster.connections) - 1].shut_out:
                    await asyncio.sleep(0.1)
            await fleet.publish(after)
            await fleet.drain()
        return fleet

    fleet = asyncio.run(run())
    own = after.filter(pl.col("connection") == len(town.roster.connections) - 1)
    assert fleet.dropped >= own["readings"].sum() > 0  # what had just been acknowledged it would have sent again, too
    assert fleet.countable == fleet.readings - fleet.dropped
    taken = before.height + after.height - own.height

    def arrived() -> int:
        return sum(topic.endswith("reading") for topic, _ in listener.received)

    listener.listen(lambda: arrived() >= taken)
    assert arrived() == taken


def test_nobody_is_there(town: Town) -> None:
    passwords = town.enrol()
    fleet = Fleet(Address("127.0.0.1", 1), town.roster, passwords)
    for publisher in fleet._publishers.values():
        publisher._patience = 0.5
    with pytest.raises(PublishError, match="No MQTT broker answers"):
        asyncio.run(publish(fleet, pl.DataFrame()))


def connects(town: Town, passwords: dict[Key, str]) -> bool:
    async def run() -> None:
        async with town.fleet(passwords):
            pass

    try:
        asyncio.run(run())
    except PublishError:
        return False
    return True


def test_credentials_are_kept_and_renewed_where_they_are_lost(town: Town) -> None:
    first = town.enrol()
    assert town.file.stat().st_mode & 0o777 == 0o600
    assert enrolment.read_credentials(town.file) == first
    assert town.enrol() == first
    town.file.unlink()
    second = town.enrol()
    assert first.keys() == second.keys()
    assert not any(first[key] == second[key] for key in first)
    assert connects(town, second)
    assert not connects(town, first)
    one = town.roster.connections[0]
    with dynsec.broker(town.broker.collector_url) as control:
        control.do([{"command": "deleteClient", "username": "/".join(town.roster.keys[one])}])
    third = town.enrol()
    assert {key for key in third if third[key] != second[key]} == {town.roster.keys[one]}
    assert connects(town, third)


def test_who_was_revoked_stays_shut_out_and_is_left_out(town: Town, listener: Listener) -> None:
    passwords = town.enrol()
    key = town.roster.keys[town.roster.connections[0]]
    with dynsec.broker(town.broker.collector_url) as control, connect(town.url, "writer", "test") as connection:
        credentials.revoke(connection, control, key, "test", datetime.now(UTC))

    again = town.enrol()

    assert again == {**passwords, key: None}
    span = Span(START, START + HOUR)
    messages = Life(town.roster, Behaviour.calm(), 1).messages(town.measured(span), span)
    others = messages.filter(pl.col("connection") != 0)
    fleet = town.fleet(again)
    asyncio.run(publish(fleet, messages))
    assert (fleet.messages, fleet.countable) == (others.height, others["stored"].sum())
    listener.listen(lambda: len(listener.received) >= others.height + 2 * 6)
    assert {topic for topic, _ in listener.received if topic.endswith("reading")} == set(others["topic"])


def test_a_gateway_may_publish_for_a_device_that_came_later(town: Town, listener: Listener) -> None:
    town.enrol()
    with psycopg.connect(town.url) as connection:
        connection.execute(
            "insert into device (region_id, domain_id, name, gateway, verified, first_seen)"
            " values ('150802', 'sentinel', 'sim-late', 'sim-gw-0', true, now())"
        )
    late = SimulatedDevice("sim-late", "sim-late", "sim-gw-0")
    title = Text("某处", "somewhere")
    sites: list[Any] = [Site("sim-late", title, "150802", "sentinel", "gas_well", 107.4, 40.8)]
    sites.append(replace(sites[0], id="sim-gw-0"))
    town.roster = Roster.of(sites, [SimulatedDevice("sim-gw-0", "sim-gw-0"), late], town.roster.metrics)
    span = Span(START, START + HOUR)
    messages = Life(town.roster, Behaviour.calm(), 1).messages(town.measured(span), span)
    asyncio.run(publish(town.fleet(town.enrol()), messages))
    listener.listen(lambda: len(listener.received) >= messages.height)
    assert {topic.split("/")[3] for topic, _ in listener.received} == {"sim-gw-0", "sim-late"}
