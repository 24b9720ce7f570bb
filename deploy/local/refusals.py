"""What the private broker refuses devices: read from its log, told on their own topics.

Mosquitto says only in its log, and there only at the level `debug`, whose message it refused. That level costs the
broker and whoever reads it 27 us a message, as much as the message itself; so the log is read in samples: at most
LINES in each PERIOD_S, which is everything as long as fewer than 200 messages a second pass.

It passes on what was worth writing without that level, and publishes on `city/REGION/DOMAIN/DEVICE/refused` what was
refused a device.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

PERIOD_S = 10.0
LINES = 10_000  # read at the level debug in a period; a message has five
READ_BYTES = 1 << 16
DEVICES = 1000  # told of in a period at most

LEVEL = "log_type debug"
OFF = f"# {LEVEL}"

# A client's id may look like anything, even like the end of such a line: the last end counts.
CONNECTED = re.compile(r"New client connected from \S+ as (.*) \(p\d, c\d, k\d+(?:, u'(.*)')?\)\.$")
DENIED = re.compile(r"Denied PUBLISH from (.*) \(d\d, q\d, r\d, m\d+, '(.*)', \.\.\. \(\d+ bytes\)\)$")
OVERSIZED = re.compile(r"Client (.*) \[\S+\] disconnected: oversize packet\.$")
ENDED = re.compile(r"Client (.*) \[\S+\] disconnected")
NOISE = re.compile(
    r"Received |Sending |dynsec: |\t|(No w|W)ill message specified|Reloading config|New connection from |"
    r"Drop message clientid |Client .* negotiated TLS"  # the former is a message that was acknowledged
)


@dataclass
class Refused:
    """What was refused a device: `topic` is the first that it tried, None: only messages that are too large."""

    messages: int = 0
    oversized: int = 0
    topic: str | None = None


@dataclass
class Reader:
    """Makes sense of the log, line by line."""

    refused: dict[str, Refused] = field(default_factory=dict)  # by user name
    _names: dict[str, str] = field(default_factory=dict)  # user names of those connected, by client id

    def read(self, line: str) -> str | None:
        """Take note of a line; returns it if it is worth writing."""
        said = line.partition(": ")[2]
        if NOISE.match(said):
            return None
        if match := CONNECTED.match(said):
            if match[2]:
                self._names[match[1]] = match[2]
            return None
        if match := DENIED.match(said):
            refused = self._of(match[1])
            refused.messages += 1
            refused.topic = refused.topic or match[2]
            return None
        if match := OVERSIZED.match(said):
            self._of(match[1]).oversized += 1
            return line
        if match := ENDED.match(said):
            self._names.pop(match[1], None)
            return None
        return line

    def take(self) -> dict[str, Refused]:
        """What was refused since the last time, by user name; empty: those without one."""
        taken, self.refused = self.refused, {}
        return taken

    def _of(self, client_id: str) -> Refused:
        name = self._names.get(client_id, "")
        if name not in self.refused and len(self.refused) >= DEVICES:
            name = ""
        return self.refused.setdefault(name, Refused())


def switch(configuration: Path, *, on: bool, broker: int) -> None:
    """Have the broker log at the level debug, or no longer."""
    text = configuration.read_text()
    wanted = text.replace(OFF, LEVEL) if on else re.sub(rf"^{LEVEL}$", OFF, text, flags=re.MULTILINE)
    fresh = configuration.with_suffix(".new")
    fresh.write_text(wanted)
    fresh.replace(configuration)
    if os.getppid() == broker:
        os.kill(broker, signal.SIGHUP)


def messages(refused: dict[str, Refused]) -> Iterator[tuple[str, str]]:
    """Topic and payload for each device. Clients without a name are nobody's."""
    for name, what in refused.items():
        if name.count("/") == 2:
            told = {"refused": what.messages, "oversized": what.oversized, "topic": what.topic}
            yield f"city/{name}/refused", json.dumps(told, ensure_ascii=False)


def main(configuration: Path, socket: Path, period_s: float) -> None:
    """Read the log from the standard input until the broker, which is our parent, ends; tell once a period."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the broker ends first, and its log with it
    broker = os.getppid()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, transport="unix")
    client.username_pw_set("platform")
    client.reconnect_delay_set(1, 5)
    client.connect_async(str(socket))
    client.loop_start()
    reader, rest = Reader(), b""
    verbose, lines, period = True, 0, time.monotonic()
    ready = selectors.DefaultSelector()
    ready.register(sys.stdin.fileno(), selectors.EVENT_READ)
    while True:
        if ready.select(1.0):
            block = os.read(sys.stdin.fileno(), READ_BYTES)
            if not block:
                return
            *whole, rest = (rest + block).split(b"\n")
            lines += len(whole)
            kept = [line for line in (reader.read(one.decode("utf-8", "replace")) for one in whole) if line]
            if kept:
                os.write(sys.stdout.fileno(), ("\n".join(kept) + "\n").encode())
        if verbose and lines > LINES:
            switch(configuration, on=False, broker=broker)
            verbose = False
        if time.monotonic() - period > period_s:
            for topic, payload in messages(reader.take()):
                client.publish(topic, payload, qos=1)
            if not verbose:
                switch(configuration, on=True, broker=broker)
            verbose, lines, period = True, 0, time.monotonic()
