"""The short way of a plain message gives what paho's own way gives."""

from __future__ import annotations

import select
import time

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from citybrain.mqtt import connected_client
from deploy.local.servers import Broker
from ingest.session import Session, delete, plain_publish

BYTES = 64 * 1024 * 1024


def received(
    broker: Broker, session_id: str, *, short: bool, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[object, ...]]:
    """What a session hears of messages of every kind: topic, payload, whether there is a packet id, retained."""
    if not short:
        monkeypatch.setattr("ingest.session.plain_publish", lambda *_: None)
    session = Session(broker.collector_url, session_id, ["city/#"], 1000)
    session.connect()
    turn(session, lambda: session.connected)
    publisher = connected_client(broker.url)
    kept = f"city/{session_id}/kept"
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = "application/json"
    sent = [
        publisher.publish(f"city/{session_id}/城市", b"plain", 1),
        publisher.publish(f"city/{session_id}/a", b"", 1),
        publisher.publish(f"city/{session_id}/b", b"\0" * 70_000, 1),
        publisher.publish(f"city/{session_id}/c", b"qos 0", 0),
        publisher.publish(f"city/{session_id}/d", b"qos 2", 2),
        publisher.publish(f"city/{session_id}/e", b"properties", 1, properties=properties),
        publisher.publish(kept, b"kept", 1, retain=True),
    ]
    for one in sent:
        one.wait_for_publish(10)
    own = lambda: [m for m in session.inbox if session_id in m.topic]  # noqa: E731
    turn(session, lambda: len(own()) >= len(sent))
    publisher.publish(kept, b"", 1, retain=True).wait_for_publish(10)
    publisher.disconnect()
    publisher.loop_stop()
    heard = [(m.topic.split("/", 2)[2], m.payload, m.packet_id > 0, m.retained) for m in own()][: len(sent)]
    session.acknowledge(session.generation, session.inbox)
    session.close()
    delete(broker.url, session_id)
    return heard


def turn(session: Session, enough: object) -> None:
    until = time.monotonic() + 10
    while not enough() and time.monotonic() < until:  # type: ignore[operator]
        connection = session.socket
        assert connection is not None
        if connection.read_ahead or select.select([connection], [], [], 0.02)[0]:
            session.read(BYTES)
        session.write()


def test_both_ways_give_the_same(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    short = received(broker, "short-way", short=True, monkeypatch=monkeypatch)
    long = received(broker, "long-way", short=False, monkeypatch=monkeypatch)
    assert short == long
    assert len(short) == 7


@given(
    topic=st.text(max_size=40), payload=st.binary(max_size=200), packet=st.integers(1, 65_535), retained=st.booleans()
)
def test_a_plain_packet_is_taken_apart(topic: str, payload: bytes, packet: int, retained: bool) -> None:
    name = topic.encode("utf-8", "ignore")
    body = len(name).to_bytes(2, "big") + name + packet.to_bytes(2, "big") + b"\0" + payload
    expected = (name.decode(), payload, packet, retained)
    assert plain_publish(0x32 | retained, body) == expected
    assert plain_publish(0x30 | retained, body) is None  # QoS 0
    assert plain_publish(0x34 | retained, body) is None  # QoS 2


@given(command=st.integers(0, 255), body=st.binary(max_size=30))
def test_no_packet_makes_it_stumble(command: int, body: bytes) -> None:
    taken = plain_publish(command, body)
    assert taken is None or isinstance(taken[0], str)


assert paho.Client._handle_publish  # the private name that the short way leans on
