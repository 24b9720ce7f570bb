"""A device that tries what it may not is told of on its own topic, as the platform hears it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from citybrain.devices.credentials import NewDevice
from citybrain.mqtt import connected_client
from deploy.local.refusals import LINES
from deploy.local.servers import Broker, mosquitto

REFUSALS_S = 3.0  # instead of 10: nobody shall wait so long to be told
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that tests may kill, quick to tell."""
    with mosquitto(tmp_path_factory.mktemp("guarded"), refusals_s=REFUSALS_S) as server:
        yield server


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def told(broker: Broker, name: str, act: Callable[[], None]) -> dict[str, object]:
    """What is said of a device in answer to what it does."""
    heard: list[bytes] = []
    client = connected_client(broker.collector_url)
    client.on_message = lambda c, u, message: heard.append(message.payload)
    client.subscribe(f"city/{name}/refused", qos=1)
    time.sleep(0.2)
    act()
    deadline = time.monotonic() + PATIENCE_S
    while not heard and time.monotonic() < deadline:
        time.sleep(0.1)
    client.disconnect()
    client.loop_stop()
    assert heard, "nobody was told"
    said: dict[str, object] = json.loads(heard[0])
    return said


def test_foreign_topics_and_large_messages_are_told_also_after_a_flood(
    guarded: Broker, registry: Any, connecting: Callable[..., Any]
) -> None:
    (quiet, loud) = registry.add(NewDevice("150802", "water", "foreigner"), NewDevice("150802", "water", "loud"))

    def trespass() -> None:
        with connecting(guarded, quiet) as device:
            for _ in range(3):
                device.publish("city/150802/water/other/reading")
            device.client.publish(f"city/{quiet.username}/reading", b"x" * 4_500_000, qos=1)
            time.sleep(1)

    said = told(guarded, quiet.username, trespass)
    assert said == {"refused": 3, "oversized": 1, "topic": "city/150802/water/other/reading"}

    def flood() -> None:
        with connecting(guarded, loud) as device:
            for _ in range(LINES):
                device.client.publish(f"city/{loud.username}/reading", b"{}", qos=0)
            device.publish(f"city/{loud.username}/reading")
            until = time.monotonic() + 2.5 * REFUSALS_S
            while time.monotonic() < until:
                device.publish("city/150802/water/other/reading")
                time.sleep(0.2)

    assert told(guarded, loud.username, flood)["topic"] == "city/150802/water/other/reading"
    log = guarded.log.read_text()
    assert not any(noise in log for noise in ("Received PUBLISH", "Drop message", "New client"))
    assert "oversize packet" in log


def test_the_broker_goes_on_without_its_reader(
    guarded: Broker, registry: Any, connecting: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    assert guarded.process is not None
    (reader,) = children(guarded.process.pid)
    os.kill(reader, signal.SIGKILL)
    (made,) = registry.add(NewDevice("150802", "water", "unread"))
    with connecting(guarded, made) as device:
        for _ in range(2000):  # more than a pipe holds
            device.client.publish(f"city/{made.username}/reading", b"{}", qos=1)
        eventually(lambda: len(device.published) == 2000)
        assert "Not authorized" not in device.published.values()
    guarded.stop()
    guarded.start()


def test_the_reader_ends_with_its_broker(guarded: Broker) -> None:
    assert guarded.process is not None
    (reader,) = children(guarded.process.pid)
    guarded.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{reader}").exists() and "\nState:\tZ" not in Path(f"/proc/{reader}/status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    guarded.start()
