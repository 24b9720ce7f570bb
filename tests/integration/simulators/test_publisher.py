from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.local.servers import Broker
from simulators import packets
from simulators.gate import PublishError
from simulators.publisher import Address, Publisher

if TYPE_CHECKING:
    from tests.integration.simulators.conftest import Listener

TOPIC = "city/150802/air/air-test/reading"
STATUS = "city/150802/air/air-test/status"


def payloads(first: int, end: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, end)]


async def send(publisher: Publisher, messages: list[bytes]) -> None:
    for payload in messages:
        await publisher.publish(TOPIC.encode(), payload)
    await publisher.drain()


def test_every_message_arrives_once_and_in_order(mortal_broker: Broker, listener: Listener) -> None:
    async def run() -> Publisher:
        async with Publisher(Address.parse(mortal_broker.url), window=100) as publisher:
            await send(publisher, payloads(0, 5000))
        return publisher

    publisher = asyncio.run(run())
    listener.listen(lambda: len(listener.received) >= 5000)
    assert [payload for _, payload in listener.received] == payloads(0, 5000)
    assert (publisher.resent, publisher.reconnects) == (0, 0)


def test_through_the_unix_socket(mortal_broker: Broker, listener: Listener) -> None:
    async def run() -> None:
        async with Publisher(Address.parse(mortal_broker.collector_url)) as publisher:
            await send(publisher, payloads(0, 10))

    asyncio.run(run())
    listener.listen(lambda: len(listener.received) >= 10)
    assert len(listener.received) == 10


def test_after_a_kill_exactly_the_last_second_is_sent_again(mortal_broker: Broker, listener: Listener) -> None:
    async def run() -> Publisher:
        async with Publisher(Address.parse(mortal_broker.url)) as publisher:
            await send(publisher, payloads(0, 7))
            await asyncio.sleep(1.3)
            await send(publisher, payloads(7, 12))
            await asyncio.to_thread(mortal_broker.kill)
            for payload in payloads(12, 15):  # while nobody listens
                await publisher.publish(TOPIC.encode(), payload)
            await asyncio.to_thread(mortal_broker.start)
            await publisher.drain()
        return publisher

    publisher = asyncio.run(run())
    assert (publisher.resent, publisher.reconnects) == (5, 1)
    listener.listen(lambda: len(listener.distinct) >= 15)
    counts = Counter(payload for _, payload in listener.received)
    assert set(counts) == set(payloads(0, 15))
    assert all(counts[payload] == 1 for payload in payloads(0, 7) + payloads(12, 15))
    # What the killed broker had written comes twice, what it had not comes once.
    assert all(counts[payload] in (1, 2) for payload in payloads(7, 12))
    assert list(dict.fromkeys(payload for _, payload in listener.received)) == payloads(0, 15)


def test_nothing_is_lost_when_the_broker_is_killed_under_load(mortal_broker: Broker, listener: Listener) -> None:
    count = 16_000

    async def publish(publisher: Publisher) -> None:
        for start in range(0, count, 100):
            for payload in payloads(start, start + 100):
                await publisher.publish(TOPIC.encode(), payload)
            await asyncio.sleep(0.025)  # 4,000 messages a second at most
        await publisher.drain()

    async def run() -> Publisher:
        async with Publisher(Address.parse(mortal_broker.url)) as publisher:
            publishing = asyncio.create_task(publish(publisher))
            for turn in range(3):
                await asyncio.sleep(1.2)
                assert not publishing.done()
                await asyncio.to_thread(mortal_broker.kill)
                await asyncio.to_thread(mortal_broker.start)
                while publisher.reconnects <= turn:
                    await asyncio.sleep(0.05)
            await asyncio.wait_for(publishing, 60)
        return publisher

    publisher = asyncio.run(run())
    listener.listen(lambda: len(listener.distinct) >= count, seconds=120)
    assert publisher.reconnects == 3
    assert publisher.resent > 0
    assert listener.distinct == {(TOPIC, payload) for payload in payloads(0, count)}


def test_messages_that_nobody_subscribed_to_wait_for_somebody(mortal_broker: Broker, late_listener: Listener) -> None:
    async def run() -> None:
        async with Publisher(Address.parse(mortal_broker.url)) as publisher:
            for payload in payloads(0, 3):
                await publisher.publish(TOPIC.encode(), payload)
            async with asyncio.timeout(10):
                while publisher.unheard < 3:
                    await asyncio.sleep(0.01)
            listening = asyncio.create_task(
                asyncio.to_thread(late_listener.listen, lambda: len(late_listener.received) >= 3)
            )
            await publisher.drain()
            await listening

    asyncio.run(run())
    assert [payload for _, payload in late_listener.received] == payloads(0, 3)


def test_a_device_says_whether_it_is_there(mortal_broker: Broker, listener: Listener) -> None:
    async def run() -> None:
        publisher = Publisher(Address.parse(mortal_broker.url), client="air-test", status=STATUS)
        async with publisher:
            await send(publisher, payloads(0, 1))
            publisher._transport.abort()  # as if the network broke: the broker publishes the will
            await asyncio.sleep(0.05)
            await send(publisher, payloads(1, 2))

    asyncio.run(run())
    listener.listen(lambda: len(listener.received) >= 6)
    said = [payload for topic, payload in listener.received if topic == STATUS]
    assert said == [b"online", b"offline", b"online", b"offline"]


def test_a_message_too_large_for_the_broker_is_an_error(mortal_broker: Broker) -> None:
    async def run() -> None:
        async with Publisher(Address.parse(mortal_broker.url)) as publisher:
            await send(publisher, [b"x" * 5_000_000])

    with pytest.raises(PublishError, match=f"A message on {TOPIC} has 5000042 bytes, but the broker takes 4194304"):
        asyncio.run(run())


def test_nobody_answers(tmp_path: Path) -> None:
    async def run() -> None:
        async with Publisher(Address(path=str(tmp_path / "no.sock")), patience=0.5):
            pass

    with pytest.raises(
        PublishError, match=r"No MQTT broker answers at .*no\.sock .*No such file.* set CITYBRAIN_MQTT_URL"
    ):
        asyncio.run(run())


async def scripted(answers: list[bytes], path: Path) -> asyncio.Server:
    """A peer that sends the next of `answers` at each read, as brokers do that no configuration of ours makes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            if await reader.read(65_536):
                writer.write(answer)
        await reader.read()
        writer.close()

    return await asyncio.start_unix_server(serve, path)


ACCEPTED = b"\x20\x03\x00\x00\x00"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([b"\x20\x03\x00\x86\x00"], r"refuses the connection: bad user name or password \(0x86\)"),
        ([ACCEPTED, b"\x40\x03\x00\x01\x87"], rf"refuses a message on {TOPIC}: not authorized \(0x87\)"),
        ([ACCEPTED, b"\xe0\x01\x8e"], r"ends the connection: session taken over \(0x8e\)"),
        ([b"\x20\xff\xff\xff\xff\xff"], "is not MQTT"),
    ],
)
def test_a_lasting_refusal_is_an_error(tmp_path: Path, answers: list[bytes], message: str) -> None:
    async def run() -> None:
        server = await scripted(answers, tmp_path / "peer.sock")
        async with server, Publisher(Address(path=str(tmp_path / "peer.sock"))) as publisher:
            await send(publisher, payloads(0, 1))

    with pytest.raises(PublishError, match=message):
        asyncio.run(asyncio.wait_for(run(), 10))


def test_no_more_is_in_flight_than_the_broker_wants(tmp_path: Path) -> None:
    seen: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cutter = packets.Reader()
        assert cutter.feed(await reader.read(1000))[0][0] == 0x10
        writer.write(b"\x20\x06\x00\x00\x03\x21\x00\x05")  # receive maximum 5
        while data := await reader.read(65_536):
            came = cutter.feed(data)
            arrived = [body for first, body in came if first == 0x32]
            if (0xC0, b"") in came:
                writer.write(b"\xd0\x00")
            seen.append(len(arrived))
            for body in arrived:
                start = 2 + int.from_bytes(body[:2], "big")
                writer.write(b"\x40\x02" + body[start : start + 2])

    async def run() -> None:
        path = tmp_path / "peer.sock"
        async with await asyncio.start_unix_server(serve, path), Publisher(Address(path=str(path))) as publisher:
            await send(publisher, payloads(0, 23))

    asyncio.run(asyncio.wait_for(run(), 10))
    assert sum(seen) == 23
    assert max(seen) == 5
