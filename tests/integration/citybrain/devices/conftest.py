"""A broker and a database of the test's own, and devices that try their luck."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from citybrain.devices import certificates, credentials, dynsec
from citybrain.devices.credentials import Credential, NewDevice
from citybrain.store.connection import Connection, connect
from deploy.local.servers import Broker, mosquitto

PATIENCE_S = 10.0


@dataclass
class Device:
    """An MQTT 5 client, and what the broker answered."""

    client: paho.Client
    connected: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    published: dict[int, str] = field(default_factory=dict)
    subscribed: list[str] = field(default_factory=list)
    heard: list[tuple[str, bytes]] = field(default_factory=list)

    def publish(self, topic: str, payload: str = "{}", *, qos: int = 1, retain: bool = False) -> str:
        """The broker's answer."""
        sent = self.client.publish(topic, payload, qos=qos, retain=retain)
        wait(lambda: sent.mid in self.published)
        return self.published[sent.mid]

    def subscribe(self, topic_filter: str) -> str:
        """The broker's answer."""
        self.subscribed.clear()
        self.client.subscribe(topic_filter, qos=1)
        wait(lambda: bool(self.subscribed))
        return self.subscribed[0]

    def kill(self) -> None:
        """Cut the connection, so that the broker publishes the last will."""
        connection = self.client.socket()
        self.client.loop_stop()
        assert connection is not None
        connection.close()


@contextmanager
def device(
    broker: Broker,
    credential: Credential | None = None,
    *,
    password: str | None = None,
    client_id: str = "",
    will: str | None = None,
    ca: Path | None = None,
    host: str = "127.0.0.1",
) -> Iterator[Device]:
    """A device that has tried to connect, over TLS where it is given an authority to trust."""
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5, reconnect_on_failure=False
    )
    made = Device(client)

    def connected(c: paho.Client, u: object, flags: object, reason: ReasonCode, p: Properties | None) -> None:
        made.connected.append(str(reason))

    def ended(c: paho.Client, u: object, flags: object, reason: ReasonCode, p: Properties | None) -> None:
        made.ended.append(str(reason))

    def published(c: paho.Client, u: object, mid: int, reason: ReasonCode, p: Properties) -> None:
        made.published[mid] = str(reason)

    def subscribed(c: paho.Client, u: object, mid: int, reasons: list[ReasonCode], p: object) -> None:
        made.subscribed.extend(map(str, reasons))

    client.on_connect, client.on_disconnect = connected, ended
    client.on_publish, client.on_subscribe = published, subscribed
    client.on_message = lambda c, u, message: made.heard.append((message.topic, message.payload))
    if credential:
        client.username_pw_set(credential.username, password or credential.password)
    if will:
        client.will_set(will, "offline", qos=1, retain=True)
    if ca:
        client.tls_set(str(ca))
    port = broker.port
    if ca:
        assert broker.server.encrypted is not None
        port = broker.server.encrypted.port
    client.connect(host, port, keepalive=5)
    client.loop_start()
    try:
        wait(lambda: bool(made.connected))
        yield made
    finally:
        client.disconnect()
        client.loop_stop()


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


@pytest.fixture
def connecting() -> Callable[..., object]:
    return device


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    return wait


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> certificates.Files:
    """A certificate for this machine by an authority of its own, `ca.crt` beside it."""
    return certificates.make(tmp_path_factory.mktemp("tls"), ["127.0.0.1", "localhost"], datetime.now(UTC))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, authority: certificates.Files) -> Iterator[Broker]:
    """A broker that tests may kill, with TLS beside the plain port."""
    with mosquitto(tmp_path_factory.mktemp("guarded"), tls=authority) as server:
        yield server


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connect(database, "writer", "test") as opened:
        yield opened


@dataclass
class Registry:
    """Credentials in the test's database and at its broker."""

    connection: Connection
    broker: Broker

    def add(self, *devices: NewDevice) -> list[Credential]:
        with dynsec.broker(self.broker.collector_url) as control, self.connection.transaction():
            return credentials.add(self.connection, control, devices, "test", datetime.now(UTC))

    def rotate(self, credential: Credential) -> Credential:
        with dynsec.broker(self.broker.collector_url) as control, self.connection.transaction():
            return credentials.rotate(self.connection, control, credential.key, datetime.now(UTC))

    def revoke(self, credential: Credential) -> None:
        with dynsec.broker(self.broker.collector_url) as control, self.connection.transaction():
            credentials.revoke(self.connection, control, credential.key, "test", datetime.now(UTC))


@pytest.fixture
def registry(connection: Connection, guarded: Broker) -> Registry:
    return Registry(connection, guarded)
