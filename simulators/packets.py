"""The packets of MQTT 5 that a publisher sends and receives, as bytes (OASIS MQTT Version 5.0, chapter 3)."""

from __future__ import annotations

from dataclasses import dataclass

CONNACK, PUBACK, DISCONNECTED = 0x20, 0x40, 0xE0  # First byte of what a broker sends.

PING = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
DISCONNECT_WITH_WILL = b"\xe0\x01\x04"

NO_SUBSCRIBERS = 0x10  # PUBACK: accepted, but nobody will receive it.
FAILURE = 0x80  # From here on a reason code is a refusal.

REASONS = {
    0x80: "unspecified error",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x83: "implementation specific error",
    0x84: "unsupported protocol version",
    0x85: "client identifier not valid",
    0x86: "bad user name or password",
    0x87: "not authorized",
    0x88: "server unavailable",
    0x89: "server busy",
    0x8A: "banned",
    0x8B: "server shutting down",
    0x8D: "keep alive timeout",
    0x8E: "session taken over",
    0x90: "topic name invalid",
    0x93: "receive maximum exceeded",
    0x95: "packet too large",
    0x96: "message rate too high",
    0x97: "quota exceeded",
    0x98: "administrative action",
    0x99: "payload format invalid",
    0x9F: "connection rate exceeded",
}

# Properties of a CONNACK by the bytes of their value (section 3.2.2.3); the others are texts.
_NUMBERS = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
_TEXTS = {0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F}
_TEXT_PAIR = 0x26

_KEEP_ALIVE, _RECEIVE_MAXIMUM, _PACKET_MAXIMUM = 0x13, 0x21, 0x27

LARGEST_RECEIVE_MAXIMUM = 65_535  # messages
LARGEST_PACKET = 268_435_460  # bytes


class PacketError(Exception):
    """What came is not MQTT 5."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a CONNACK says."""

    reason: int
    receive_maximum: int = LARGEST_RECEIVE_MAXIMUM
    packet_maximum: int = LARGEST_PACKET  # bytes
    keep_alive: int | None = None  # seconds; None: as asked for


def connect(
    client: str,
    keep_alive: int,
    user: str | None = None,
    password: str | None = None,
    will: tuple[bytes, bytes] | None = None,
) -> bytes:
    """A CONNECT with clean start; an empty `client` lets the broker choose the id.

    Args:
        client: The client id.
        keep_alive: Seconds within which the broker hears from us.
        user: The user name, if any.
        password: The password, if any.
        will: Topic and payload which the broker publishes, retained and with QoS 1, should we vanish.
    """
    flags, payload = 0x02, [_text(client.encode())]
    if will is not None:
        flags |= 0x04 | 0x08 | 0x20
        payload += [b"\x00", _text(will[0]), _text(will[1])]
    if user is not None:
        flags |= 0x80
        payload.append(_text(user.encode()))
    if password is not None:
        flags |= 0x40
        payload.append(_text(password.encode()))
    head = b"\x00\x04MQTT\x05" + bytes([flags]) + keep_alive.to_bytes(2, "big") + b"\x00"
    return _packet(0x10, head, *payload)


def publish(topic: bytes, payload: bytes, packet: int, *, retain: bool = False) -> bytes:
    """A PUBLISH with QoS 1 under the identifier `packet` (1 to 65,535)."""
    return _packet(0x33 if retain else 0x32, _text(topic), packet.to_bytes(2, "big"), b"\x00", payload)


def puback(body: bytes) -> tuple[int, int]:
    """Packet identifier and reason code of a PUBACK."""
    return int.from_bytes(body[:2], "big"), body[2] if len(body) > 2 else 0


def disconnected(body: bytes) -> int:
    """The reason code of a broker's DISCONNECT."""
    return body[0] if body else 0


def greeting(body: bytes) -> Greeting:
    """What a CONNACK says.

    Raises:
        PacketError: it is cut short, or has a property that MQTT 5 does not know.
    """
    try:
        numbers = _numbers(body)
        return Greeting(
            reason=body[1],
            receive_maximum=numbers.get(_RECEIVE_MAXIMUM, LARGEST_RECEIVE_MAXIMUM),
            packet_maximum=numbers.get(_PACKET_MAXIMUM, LARGEST_PACKET),
            keep_alive=numbers.get(_KEEP_ALIVE),
        )
    except IndexError as error:
        raise PacketError(f"The broker's CONNACK is cut short: {body.hex()}.") from error


class Reader:
    """Cuts a stream of bytes into packets."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """First byte and body of each packet that `data` completes.

        Raises:
            PacketError: what came can't be MQTT.
        """
        data = self._rest + data
        packets = []
        start = 0
        while start < len(data):
            head = _length(data, start + 1)
            if head is None or sum(head) > len(data):
                break
            size, body = head
            packets.append((data[start], data[body : body + size]))
            start = body + size
        self._rest = data[start:]
        return packets


def _packet(first: int, *parts: bytes) -> bytes:
    size = sum(map(len, parts))
    length = bytearray([first])
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return b"".join((length, *parts))


def _length(data: bytes, start: int) -> tuple[int, int] | None:
    """The variable byte integer at `start`, and where it ends; None if it is not complete."""
    size = 0
    for place, byte in enumerate(data[start : start + 4]):
        size |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return size, start + place + 1
    if len(data) >= start + 4:
        raise PacketError(f"A length of more than four bytes is not MQTT: {data[start : start + 5].hex()}.")
    return None


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text


def _numbers(body: bytes) -> dict[int, int]:
    """The numeric properties of a CONNACK."""
    numbers = {}
    size, at = _length(body, 2) or (0, len(body))
    end = at + size
    body = body[:end]
    while at < end:
        key, at = body[at], at + 1
        if width := _NUMBERS.get(key):
            numbers[key] = int.from_bytes(body[at : at + width], "big")
            at += width
        elif key in _TEXTS or key == _TEXT_PAIR:
            for _ in range(2 if key == _TEXT_PAIR else 1):
                at += 2 + (body[at] << 8 | body[at + 1])
        else:
            raise PacketError(f"The broker's CONNACK has an unknown property {key:#x}: {body.hex()}.")
    if at > len(body):
        raise IndexError
    return numbers
