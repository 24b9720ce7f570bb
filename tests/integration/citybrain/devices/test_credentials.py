"""Credentials given, renewed and taken away at a real broker, which may be killed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from citybrain.access.model import Clash, Missing, Scope
from citybrain.devices import credentials, differences, dynsec
from citybrain.devices.credentials import Credential, DeviceError, NewDevice
from citybrain.devices.rights import username
from citybrain.mqtt import connected_client
from citybrain.store.connection import Connection
from deploy.local.servers import Broker

DENIED = "Not authorized"


def new(name: str, **more: str) -> NewDevice:
    return NewDevice("150802", "water", name, **more)


def test_a_new_password_ends_the_connection_with_the_old_one(
    guarded: Broker, registry: Any, connecting: Callable[..., Any], eventually: Any
) -> None:
    (old,) = registry.add(new("rotated"))
    with connecting(guarded, old) as device:
        renewed = registry.rotate(old)
        eventually(lambda: bool(device.ended))
    with connecting(guarded, old) as device:
        assert device.connected == [DENIED]
    with connecting(guarded, renewed) as device:
        assert device.connected == ["Success"]


def test_a_revoked_device_is_out_at_once_and_back_with_a_new_password(
    guarded: Broker, registry: Any, connecting: Callable[..., Any], eventually: Any, connection: Connection
) -> None:
    (made,) = registry.add(new("revoked"))
    with connecting(guarded, made) as device:
        registry.revoke(made)
        eventually(lambda: bool(device.ended))
    for times in range(2):
        with connecting(guarded, made) as device, connecting(guarded) as nobody:
            assert device.connected == [DENIED]
            assert nobody.publish(f"city/{made.username}/reading") == DENIED, "its topics stay its own"
        if not times:
            registry.revoke(made)  # once more changes nothing
    (by, at), *_ = connection.execute("select revoked_by, revoked_at from device_credential").fetchall()
    assert by == "test"
    assert at is not None
    with connecting(guarded, registry.rotate(made)) as device:
        assert device.connected == ["Success"]
    assert connection.execute("select revoked_at from device_credential").fetchall() == [(None,)]


def test_a_broker_that_is_killed_knows_who_was_added(
    guarded: Broker, registry: Any, connecting: Callable[..., Any]
) -> None:
    kept, gone = registry.add(new("before-kill"), new("gone-before-kill"))
    registry.revoke(gone)
    guarded.kill()
    guarded.start()
    with connecting(guarded, kept) as device, connecting(guarded) as nobody:
        assert device.connected == ["Success"]
        assert nobody.publish(f"city/{kept.username}/reading") == DENIED
    with connecting(guarded, gone) as device:
        assert device.connected == [DENIED]


def test_adding_a_device_leaves_our_own_processes_alone(registry: Any, guarded: Broker) -> None:
    client = connected_client(guarded.collector_url)
    ended: list[object] = []
    client.on_disconnect = lambda *arguments: ended.append(arguments)
    registry.add(new("quiet"))
    time.sleep(2)  # the broker ends connections in its own time, within a second
    assert not ended
    client.disconnect()
    client.loop_stop()


def test_what_a_crash_left_at_the_broker_is_overwritten(
    guarded: Broker, registry: Any, connecting: Callable[..., Any], connection: Connection
) -> None:
    with dynsec.broker(guarded.collector_url) as control, connection.transaction(force_rollback=True):
        (lost,) = credentials.add(connection, control, [new("crashed")], "test", datetime.now(UTC))
    assert connection.execute("select count(*) from device_credential").fetchone() == (0,)
    (made,) = registry.add(new("crashed"))
    for credential, answer in ((lost, DENIED), (made, "Success")):
        with connecting(guarded, credential) as device:
            assert device.connected == [answer]


def test_a_thousand_devices_in_seconds(
    guarded: Broker, registry: Any, connecting: Callable[..., Any], connection: Connection
) -> None:
    began = time.monotonic()
    made = registry.add(*(NewDevice("150823", "water", f"many-{number}") for number in range(1000)))
    assert time.monotonic() - began < 30
    assert len({credential.password for credential in made}) == 1000
    with connecting(guarded, made[-1]) as device:
        assert device.connected == ["Success"]
    assert connection.execute("select count(*) from device where verified and name like 'many-%'").fetchone() == (1000,)


def test_with_one_mistake_nothing_is_added(registry: Any, connection: Connection) -> None:
    wrong = [
        (new("a/b"), "no /, + or #"),
        (new("plus+"), "no /, + or #"),
        (new("hash#"), "no /, + or #"),
        (new("%c"), "no %c or %u"),
        (new("at%u"), "no %c or %u"),
        (new("=SUM(A1)"), "does not begin with"),
        (new("@name"), "does not begin with"),
        (new("zero\0"), "printable"),
        (new("line\nbreak"), "printable"),
        (new("right\u202eleft"), "printable"),
        (new(" space"), "no space around"),
        (new("x" * 129), "1 to 128"),
        (new("d", site="nowhere"), "no site 'nowhere'"),
        (new("d", gateway="nobody"), "no gateway 'nobody'"),
        (new("d", gateway="d"), "not its own gateway"),
        (NewDevice("999999", "water", "d"), "no region '999999'"),
        (NewDevice("150802", "magic", "d"), "no domain 'magic'"),
        (NewDevice("150802", "water", "d", site="air-dongsi"), "no site 'air-dongsi'"),
        (new("fine"), "there twice"),
    ]
    for device, expected in wrong:
        with pytest.raises(DeviceError, match=re.escape(expected)):
            registry.add(new("fine"), device)
    assert connection.execute("select count(*) from device_credential").fetchone() == (0,)


def test_what_is_outside_the_scope_is_not_there(guarded: Broker, connection: Connection) -> None:
    scope = Scope(regions=frozenset({"150821"}), domains=frozenset({"water"}))
    with dynsec.broker(guarded.collector_url) as control:
        for device in (new("d"), NewDevice("150821", "air", "d")):
            with pytest.raises(DeviceError, match="there is no"):
                credentials.add(connection, control, [device], "test", datetime.now(UTC), scope=scope)


def test_a_device_has_credentials_once(registry: Any) -> None:
    (made,) = registry.add(new("once"))
    with pytest.raises(Clash, match="rotate"):
        registry.add(new("once"))
    with pytest.raises(Missing):
        registry.rotate(Credential(("150802", "water", "never"), ""))
    with pytest.raises(Missing):
        registry.revoke(Credential(("150802", "water", "never"), ""))
    assert made.username == "150802/water/once"


def test_differences_are_found_and_repaired(
    guarded: Broker, registry: Any, connecting: Callable[..., Any], connection: Connection
) -> None:
    gateway, revoked, lost, closed, narrow = registry.add(
        *(new(f"differ-{what}") for what in ("gateway", "revoked", "lost", "closed", "narrow"))
    )
    registry.revoke(revoked)
    stranger = ("150802", "water", "differ-stranger")
    with dynsec.broker(guarded.collector_url) as control:
        # The module's other tests had databases of their own.
        control.do([c for d in differences.find(connection, control) for c in d.repair])
        assert differences.find(connection, control) == []
        control.do(
            [
                {"command": "enableClient", "username": revoked.username},
                {"command": "deleteClient", "username": lost.username},
                {"command": "disableClient", "username": closed.username},
                {"command": "modifyRole", "rolename": narrow.username, "acls": []},
                {"command": "createClient", "username": username(stranger), "password": "known"},
            ]
        )
        connection.execute(
            "insert into device (region_id, domain_id, name, gateway, verified, first_seen)"
            " values ('150802', 'water', 'differ-behind', 'differ-gateway', true, now())"
        )
        found = {difference.device: difference.what for difference in differences.find(connection, control)}
        assert found == {
            gateway.username: "its rights are not those of its topics",
            "150802/water/differ-behind": "it needs no credentials",
            revoked.username: "it is revoked, and the broker lets it in",
            lost.username: "the broker does not know it: rotate its password",
            closed.username: "the broker shuts it out, and it is not revoked",
            narrow.username: "its rights are not those of its topics",
            username(stranger): "only the broker knows it",
        }
        control.do([c for d in differences.find(connection, control) for c in d.repair])
        assert differences.find(connection, control) == []
    for credential, answer in (
        (revoked, DENIED),
        (lost, DENIED),
        (Credential(stranger, "known"), DENIED),
        (closed, "Success"),
        (narrow, "Success"),
        (registry.rotate(lost), "Success"),
    ):
        with connecting(guarded, credential) as device:
            assert device.connected == [answer], credential.username


def test_a_broker_that_is_away_is_told_in_a_sentence() -> None:
    with pytest.raises(dynsec.BrokerAway, match="can't be reached"), dynsec.broker("mqtt://127.0.0.1:1"):
        pass


def test_who_may_not_change_credentials_is_told_so(guarded: Broker) -> None:
    with pytest.raises(dynsec.BrokerRefused, match="CITYBRAIN_MQTT_ADMIN_URL"), dynsec.broker(guarded.url):
        pass
