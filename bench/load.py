"""A publisher for benchmarks: prepared frames on plain sockets, QoS 1, paced or flat out, in a process of its own.

    python -m bench.load PORT MESSAGES RATE READINGS DEVICES START_MS

publishes MESSAGES messages of READINGS readings each, RATE a second (0: flat out), over DEVICES devices, their first
reading at START_MS; it ends when all are acknowledged, and prints the seconds that took.
"""

from __future__ import annotations

import select
import socket
import struct
import sys
import time

WINDOW = 2000  # messages under way
METRICS = ("pressure", "flow", "zone_inflow", "level", "turbidity")


def frame(packet_id: int, topic: bytes, payload: bytes) -> bytes:
    """A PUBLISH packet of QoS 1, MQTT 3.1.1."""
    body = struct.pack(">H", len(topic)) + topic + struct.pack(">H", packet_id) + payload
    length = bytearray()
    rest = len(body)
    while True:
        rest, digit = divmod(rest, 128)
        length.append(digit | (0x80 if rest else 0))
        if not rest:
            return b"\x32" + bytes(length) + body


def payload(time_ms: int, readings: int, number: int) -> bytes:
    """One or more readings; several of them are five metrics a second apart."""
    value = 0.2 + (number % 100) / 1000
    if readings == 1:
        return b'{"time":%d,"values":{"pressure":%.3f}}' % (time_ms, value)
    objects = [
        b'{"time":%d,"values":{%s}}'
        % (time_ms + 1000 * second, b",".join(b'"%s":%.3f' % (metric.encode(), value) for metric in METRICS))
        for second in range(readings // len(METRICS))
    ]
    return b"[" + b",".join(objects) + b"]"


def publish(port: int, messages: int, rate: float, readings: int, devices: int, start_ms: int) -> float:
    """Publish; seconds until the last acknowledgement. With a rate, times of readings are the time of sending."""
    connection = socket.create_connection(("127.0.0.1", port))
    name = b"bench-%d" % (time.time_ns() % 1_000_000_000)
    hello = b"\x00\x04MQTT\x04\x02\x00\x3c" + struct.pack(">H", len(name)) + name
    connection.sendall(b"\x10" + bytes([len(hello)]) + hello)
    if connection.recv(4) != b"\x20\x02\x00\x00":
        raise ConnectionRefusedError("The broker refused the publisher.")
    topics = [b"city/150802/water/bench-%d/reading" % device for device in range(devices)]
    step_ms = 1000 * max(1, readings // len(METRICS))
    sent = acknowledged = heard = 0
    out = bytearray()
    begun = time.monotonic()
    connection.setblocking(False)
    while acknowledged < messages:
        due = messages if not rate else min(messages, int((time.monotonic() - begun) * rate) + 1)
        while sent < due and sent - acknowledged < WINDOW and len(out) < 262_144:
            device, turn = sent % devices, sent // devices
            at = time.time_ns() // 1_000_000 if rate and readings == 1 else start_ms + turn * step_ms
            out += frame(sent % 60_000 + 1, topics[device], payload(at, readings, sent))
            sent += 1
        wanted = [connection] if out else []
        readable, writable, _ = select.select([connection], wanted, [], 0.001)
        if writable:
            del out[: connection.send(out)]
        if readable:
            heard += len(connection.recv(262_144))
            acknowledged = heard // 4  # a PUBACK has four bytes
    took = time.monotonic() - begun
    connection.close()
    return took


if __name__ == "__main__":
    port, messages, rate, readings, devices, start_ms = (float(word) for word in sys.argv[1:])
    print(publish(int(port), int(messages), rate, int(readings), int(devices), int(start_ms)))
