"""What devices with and without credentials may do at a real broker."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from paho.mqtt.client import MQTTMessage

from citybrain.devices.credentials import Credential, NewDevice
from deploy.local.servers import Broker

DENIED = "Not authorized"
TAKEN = ("Success", "No matching subscribers")

FOREIGN = [
    "city/150802/water/other/reading",
    "city/150802/heating/{name}/reading",
    "city/150821/water/{name}/reading",
    "city/150802/water/alert",
    "city/150802/water/{name}",
    "city/150802/water/{name}/deep/er",
    "city/150802/water/{name}x/reading",
    "$CONTROL/dynamic-security/v1",
    "$SYS/broker/version",
    "elsewhere",
]
_numbers = itertools.count()


@pytest.fixture
def own(registry: Any) -> Credential:
    """A device with credentials, new in each test: the broker is the module's."""
    (made,) = registry.add(NewDevice("150802", "water", f"gauge {next(_numbers)} 泵"))
    return made


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("retain", [False, True])
def test_a_device_publishes_below_its_own_topic_only(
    guarded: Broker, connecting: Callable[..., Any], own: Credential, eventually: Any, qos: int, retain: bool
) -> None:
    with connecting(guarded, own) as device, hearing(connecting, guarded) as heard:
        for pattern in FOREIGN:
            answer = device.publish(pattern.format(name=own.key[2]), qos=qos, retain=retain)
            assert qos != 1 or answer == DENIED, pattern  # of QoS 0 and 2 only what is heard tells
        mine = f"city/{own.username}/reading"
        assert device.publish(mine, qos=qos, retain=False) in TAKEN
        eventually(lambda: bool(heard))
        assert [topic for topic, _ in heard] == [mine]


def test_a_device_reads_nothing(guarded: Broker, connecting: Callable[..., Any], own: Credential) -> None:
    with connecting(guarded, own) as device:
        filters = ["#", "city/#", "$SYS/#", "$CONTROL/#", f"city/{own.username}/#", "city/+/+/alert", "+/+/+/+/+"]
        for topic_filter in [*filters, "$share/all/city/#"]:
            assert device.subscribe(topic_filter) == DENIED, topic_filter


def test_a_will_on_a_foreign_topic_is_not_published(
    guarded: Broker, connecting: Callable[..., Any], own: Credential, eventually: Any
) -> None:
    foreign, mine = "city/150802/water/other/status", f"city/{own.username}/status"
    with hearing(connecting, guarded) as heard:
        for will in (foreign, mine):
            with connecting(guarded, own, will=will) as device:
                device.kill()
        eventually(lambda: bool(heard))
        assert heard == [(mine, b"offline")]


def test_without_credentials_one_publishes_for_devices_that_have_none(
    guarded: Broker, connecting: Callable[..., Any], own: Credential
) -> None:
    with connecting(guarded) as device:
        assert device.publish("city/150802/water/example-1/reading") in TAKEN
        assert device.publish("city/150802/water") in TAKEN, "a wrong topic reaches quarantine"
        for topic in (f"city/{own.username}/reading", f"city/{own.username}/status", f"city/{own.username}"):
            assert device.publish(topic) == DENIED, topic
        for topic in ("city/150802/water/alert", "$CONTROL/dynamic-security/v1", "$SYS/x", "elsewhere"):
            assert device.publish(topic) == DENIED, topic
        assert device.subscribe("city/#") == DENIED
        assert device.subscribe("city/+/+/alert") == "Granted QoS 1"


def test_a_wrong_password_or_name_is_refused(guarded: Broker, connecting: Callable[..., Any], own: Credential) -> None:
    for credential in (own, Credential(("150802", "water", "nobody"), own.password)):
        with connecting(guarded, credential, password="wrong") as device:
            assert device.connected == [DENIED]


def test_a_gateway_publishes_for_the_devices_behind_it(
    guarded: Broker, connecting: Callable[..., Any], registry: Any
) -> None:
    number = next(_numbers)
    names = [f"{kind}-{number}" for kind in ("gw", "behind", "later", "gw2")]
    gateway, behind, later, other = (NewDevice("150821", "water", name) for name in names)
    (first, _) = registry.add(gateway, NewDevice(*behind.key, gateway=gateway.name))
    registry.add(NewDevice(*later.key, gateway=gateway.name))
    with connecting(guarded, first) as device, connecting(guarded) as nobody:
        for one in (gateway, behind, later):
            topic = f"city/{'/'.join(one.key)}/reading"
            assert device.publish(topic) in TAKEN, topic
            assert nobody.publish(topic) == DENIED, topic
        assert device.publish(f"city/{'/'.join(other.key)}/reading") == DENIED


def hearing(connecting: Callable[..., Any], broker: Broker) -> Any:
    """What a process of the platform hears of all of city/, without what remains or is told of earlier tests."""
    from contextlib import contextmanager

    from citybrain.mqtt import connected_client

    @contextmanager
    def listening() -> Any:
        heard: list[tuple[str, bytes]] = []
        ready: list[bool] = []
        client = connected_client(broker.collector_url)
        client.on_subscribe = lambda *_: ready.append(True)

        def on_message(client: object, userdata: object, message: MQTTMessage) -> None:
            if not message.retain and not message.topic.endswith("/refused"):
                heard.append((message.topic, message.payload))

        client.on_message = on_message
        client.subscribe("#", qos=2)
        while not ready:
            pass
        try:
            yield heard
        finally:
            client.disconnect()
            client.loop_stop()

    return listening()
