"""The codec against paho-mqtt's, which knows MQTT 5 independently, and against itself cut at any place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers

from simulators import packets

bodies = st.binary(max_size=300)


def packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + VariableByteIntegers.encode(len(body)) + body


@pytest.mark.parametrize("size", [0, 1, 100, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])
def test_a_publish_of_any_length(size: int) -> None:
    frame = packets.publish(b"city/x", b"p" * size, 4660)
    [(first, body)] = packets.Reader().feed(frame)
    assert first == 0x32
    assert body == b"\x00\x06city/x" + b"\x12\x34" + b"\x00" + b"p" * size
    length, used = VariableByteIntegers.decode(frame[1:5])
    assert length == len(body) == len(frame) - 1 - used


def test_retained_is_a_flag() -> None:
    assert packets.publish(b"t", b"", 1, retain=True)[0] == 0x33


def test_a_connect_with_everything() -> None:
    frame = packets.connect("me", 30, "user", "wort\u00e9", (b"t", b"offline"))
    assert frame[0] == 0x10
    assert frame[2:] == (
        b"\x00\x04MQTT\x05" + b"\xee" + b"\x00\x1e" + b"\x00"
        + b"\x00\x02me" + b"\x00" + b"\x00\x01t" + b"\x00\x07offline" + b"\x00\x04user" + b"\x00\x06wort\xc3\xa9"
    )  # fmt: skip
    assert frame[1] == len(frame) - 2


def test_a_connect_with_nothing() -> None:
    assert packets.connect("", 30) == b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x1e\x00\x00\x00"


@given(st.lists(st.tuples(st.sampled_from([0x20, 0x40, 0xD0, 0xE0]), bodies), max_size=8), st.data())
def test_packets_are_found_however_the_stream_is_cut(sent: list[tuple[int, bytes]], data: st.DataObject) -> None:
    stream = b"".join(packet(first, body) for first, body in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    reader = packets.Reader()
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += reader.feed(stream[start:end])
    assert found == sent


def test_what_is_no_mqtt_is_an_error() -> None:
    with pytest.raises(packets.PacketError, match="more than four bytes"):
        packets.Reader().feed(b"\x40\xff\xff\xff\xff\x01")


@given(
    receive=st.none() | st.integers(1, 65_535),
    largest=st.none() | st.integers(1, 268_435_455),
    keep_alive=st.none() | st.integers(0, 65_535),
    text=st.none() | st.text(max_size=200).filter(lambda t: "\x00" not in t and t.isprintable()),
    reason=st.sampled_from([0, 0x86, 0x9F]),
)
def test_a_greeting_as_paho_writes_it(
    receive: int | None, largest: int | None, keep_alive: int | None, text: str | None, reason: int
) -> None:
    properties = Properties(PacketTypes.CONNACK)
    properties.TopicAliasMaximum = 10
    properties.RetainAvailable = 1
    if receive is not None:
        properties.ReceiveMaximum = receive
    if largest is not None:
        properties.MaximumPacketSize = largest
    if keep_alive is not None:
        properties.ServerKeepAlive = keep_alive
    if text is not None:
        properties.ReasonString = text
        properties.UserProperty = ("key", text)
    assert packets.greeting(bytes([0, reason]) + properties.pack()) == packets.Greeting(
        reason, receive or packets.LARGEST_RECEIVE_MAXIMUM, largest or packets.LARGEST_PACKET, keep_alive
    )


@pytest.mark.parametrize(
    "body", [b"", b"\x00", b"\x00\x00\x05\x21", b"\x00\x00\x05\x12\x00\x10ab", b"\x00\x00\x01\x77"]
)
def test_a_greeting_that_is_cut_short_or_unknown(body: bytes) -> None:
    with pytest.raises(packets.PacketError):
        packets.greeting(body)


def test_acknowledgements_and_farewells_may_leave_out_their_reason() -> None:
    assert packets.puback(b"\x12\x34") == (4660, 0)
    assert packets.puback(b"\x12\x34\x10") == (4660, packets.NO_SUBSCRIBERS)
    assert packets.puback(b"\x12\x34\x87\x00") == (4660, 0x87)
    assert packets.disconnected(b"") == 0
    assert packets.disconnected(b"\x8e\x00") == 0x8E
