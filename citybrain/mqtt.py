"""Reaching an MQTT broker: its address, who we are to it, and clients for what is not a collector's session."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from citybrain.settings import settings

CONNECT_S = 10.0  # seconds that a broker may take to answer
KEEPALIVE_S = 10  # seconds; a broker on another host that died is noticed after 1.5 of them


@dataclass(frozen=True)
class Address:
    """Where a broker is, and who we are to it."""

    host: str
    port: int
    transport: Literal["tcp", "unix"]
    tls: ssl.SSLContext | None
    user: str | None
    password: str | None

    @classmethod
    def of(cls, url: str) -> Address:
        """Read `mqtt://host:port`, `mqtts://user:password@host:port` or `unix:///path/to/socket`."""
        parts = urlsplit(url)
        unix = parts.scheme == "unix"
        secure = parts.scheme == "mqtts"
        return cls(
            host=unquote(parts.path) if unix else parts.hostname or "localhost",
            port=parts.port or (8883 if secure else 1883),
            transport="unix" if unix else "tcp",
            tls=tls_context() if secure else None,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    def identify(self, client: paho.Client, tls: object = None) -> None:
        """Give the client user and password, and its TLS context: ours, or `tls` in its place."""
        if self.user:
            client.username_pw_set(self.user, self.password)
        if tls or self.tls:
            client.tls_set_context(tls or self.tls)  # type: ignore[arg-type]


def tls_context() -> ssl.SSLContext:
    """What checks a broker's certificate and name: by `CITYBRAIN_MQTT_CA`, or else by the system's authorities."""
    context = ssl.create_default_context(cafile=settings().mqtt_ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def plain_client(url: str, client_id: str = "") -> paho.Client:
    """A client with a session as short as its connection, which `loop_start` makes, and makes again when lost."""
    address = Address.of(url)
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5, transport=address.transport
    )
    address.identify(client)
    client.connect_async(address.host, address.port, KEEPALIVE_S, clean_start=True)
    return client


def connected_client(url: str, client_id: str = "") -> paho.Client:
    """A plain client for a short errand, connected and running; `disconnect` and `loop_stop` it when done.

    Raises:
        OSError: the broker can't be reached, or did not answer.
    """
    client = plain_client(url, client_id)
    client.reconnect()
    client.loop_start()
    until = time.monotonic() + CONNECT_S
    while not client.is_connected():
        if time.monotonic() > until:
            client.loop_stop()
            raise OSError(f"The broker did not let us in within {CONNECT_S:g} seconds.")
        time.sleep(0.01)
    return client
