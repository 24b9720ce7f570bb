"""A broker of the test's own, which it may kill, and what a subscriber with a lasting session gets from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from deploy.local.servers import Broker, mosquitto

FOREVER = 0xFFFFFFFF  # session expiry


@pytest.fixture
def mortal_broker(tmp_path: Path) -> Iterator[Broker]:
    with mosquitto(tmp_path) as broker:
        yield broker


class Listener:
    """A session on the broker that keeps all below `city/` while it is absent."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.received: list[tuple[str, bytes]] = []  # topic and payload
        self.distinct: set[tuple[str, bytes]] = set()

    def listen(self, enough: Callable[[], bool], seconds: float = 60.0) -> None:
        """Connect and receive until it is enough; then vanish, leaving the session."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, "listener", protocol=mqtt.MQTTv5, transport="unix")
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = FOREVER
        properties.ReceiveMaximum = 20_000
        ready: list[bool] = []
        client.on_subscribe = lambda *_: ready.append(True)
        client.on_message = self._on_message

        def on_connect(_c: mqtt.Client, _d: object, flags: mqtt.ConnectFlags, *_: object) -> None:
            if flags.session_present:  # Subscribing once more would bring what is retained once more.
                ready.append(True)
            else:
                client.subscribe("city/#", qos=1)

        client.on_connect = on_connect
        client.connect(urlsplit(self._broker.collector_url).path, clean_start=False, properties=properties)
        client.loop_start()
        deadline = time.monotonic() + seconds
        while not (ready and enough()) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)  # what is not expected may still come
        client.disconnect()
        client.loop_stop()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.received.append((message.topic, message.payload))
        self.distinct.add((message.topic, message.payload))


@pytest.fixture
def listener(mortal_broker: Broker) -> Listener:
    """A session that exists, with nobody connected to it."""
    listener = Listener(mortal_broker)
    listener.listen(lambda: True)
    return listener


@pytest.fixture
def late_listener(mortal_broker: Broker) -> Listener:
    """A session that comes to exist when it first listens."""
    return Listener(mortal_broker)
