"""Credentials of devices: given, renewed, taken away, and compared with what the broker has.

The broker keeps the passwords; `device_credential` says who has one. They are two systems, so the broker acts first and
the transaction is committed after it: a crash in between leaves a password that nobody was told, or a device shut out
already, and the same command can be given again.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from citybrain.access.model import Clash, Missing, Scope
from citybrain.devices import rights
from citybrain.devices.dynsec import Broker
from citybrain.devices.rights import Command, Key, username
from citybrain.errors import Correctable
from citybrain.store.connection import Connection, awake
from citybrain.store.sql import query

# Letters and digits: no program, spreadsheet or shell takes such a password for something else.
ALPHABET = string.ascii_letters + string.digits
PASSWORD_LENGTH = 32  # characters, of 5.95 bits each

SHOWN = 20  # mistakes that are told at once

EVERYTHING = Scope()


class DeviceError(Correctable):
    """Devices can't be as they shall be; the text names each mistake."""


class HasCredentials(Clash):
    """The device has credentials already."""


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device that shall have credentials; None: `site` and `gateway` stay as they were."""

    region: str
    domain: str
    name: str
    site: str | None = None
    gateway: str | None = None

    @property
    def key(self) -> Key:
        """Its identity."""
        return self.region, self.domain, self.name


@dataclass(frozen=True, slots=True)
class Credential:
    """What a device shows the broker. The password is told here, and never again."""

    key: Key
    password: str

    @property
    def username(self) -> str:
        """Its user name, and client id."""
        return username(self.key)


def add(
    connection: Connection,
    broker: Broker,
    devices: Sequence[NewDevice],
    by: str,
    now: datetime,
    *,
    scope: Scope = EVERYTHING,
    labels: Sequence[str] = (),
) -> list[Credential]:
    """Give devices credentials: all of them or, with one mistake, none. They count as verified from now on.

    Args:
        connection: In a transaction, which the caller commits.
        broker: That the devices publish to.
        devices: Each once.
        by: Who does it.
        now: When.
        scope: What the one who asks may see; there is nothing beyond.
        labels: What mistakes call each device, such as `line 7`; by default its name.

    Raises:
        DeviceError: one of them can't be.
        HasCredentials: the only one has credentials.
        BrokerAway, BrokerRefused: see `dynsec`; nothing was changed but, perhaps, at the broker.
    """
    connection.execute(query("devices", "alone"))
    earlier = _check(connection, devices, scope, labels or [username(device.key) for device in devices])
    added = [Credential(device.key, password()) for device in devices]
    changed = _regrouped(connection, devices, earlier)
    commands = rights.reserve(frozenset().union(*changed.values()))
    for key, keys in changed.items():
        commands += rights.set_rights(key, keys)
    for credential in added:
        commands += rights.set_password(credential.key, credential.password)
    _do(connection, broker, commands)
    connection.execute(query("devices", "add"), {**_columns(devices), "now": now, "by": by})
    connection.execute(query("catalogue", "written"))
    return added


def rotate(connection: Connection, broker: Broker, key: Key, now: datetime) -> Credential:
    """Give a device a new password; see `rotate_all`."""
    [renewed] = rotate_all(connection, broker, [key], now)
    return renewed


def rotate_all(connection: Connection, broker: Broker, keys: Sequence[Key], now: datetime) -> list[Credential]:
    """Give devices new passwords, revoked or not, and end the connections that they have with the old ones.

    Raises:
        Missing: one has no credentials.
        BrokerAway, BrokerRefused: see `dynsec`.
    """
    connection.execute(query("devices", "alone"))
    _require(connection, keys)
    renewed = [Credential(key, password()) for key in keys]
    reached = reach(connection, keys)
    commands = rights.reserve(frozenset().union(*reached.values()))
    for one in renewed:
        commands += rights.set_rights(one.key, reached[one.key]) + rights.set_password(one.key, one.password)
    _do(connection, broker, commands)
    connection.execute(query("devices", "rotated"), {**_arrays(keys), "now": now})
    return renewed


def revoke(connection: Connection, broker: Broker, key: Key, by: str, now: datetime) -> None:
    """Let a device in no longer, and end its connection; its readings stay. `rotate` lets it in again.

    Raises:
        Missing: it has no credentials.
        BrokerAway, BrokerRefused: see `dynsec`.
    """
    connection.execute(query("devices", "alone"))
    _require(connection, [key])
    broker.do(rights.shut_out(key), unless=["Client not found"])
    connection.execute(query("devices", "revoked"), {**_names(key), "by": by, "now": now})


def password() -> str:
    """A new password."""
    return "".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_LENGTH))


def reach(connection: Connection, keys: Iterable[Key]) -> dict[Key, set[Key]]:
    """For whom each of `keys` publishes: itself and, if it is a gateway, the devices behind it."""
    reached = {key: {key} for key in keys}
    for region, domain, gateway, name in connection.execute(query("devices", "behind"), _arrays(reached)):
        if (region, domain, gateway) in reached:
            reached[region, domain, gateway].add((region, domain, name))
    return reached


def _regrouped(
    connection: Connection, devices: Sequence[NewDevice], earlier: Mapping[Key, str | None]
) -> dict[Key, set[Key]]:
    """For whom the new devices publish, and the gateways with credentials that they come to or go from."""
    moved = [device for device in devices if device.gateway and device.gateway != earlier[device.key]]
    before = {d.key: (d.region, d.domain, earlier[d.key] or "") for d in moved}
    after = {d.key: (d.region, d.domain, d.gateway or "") for d in moved}
    having = connection.execute(query("devices", "having"), _arrays({*before.values(), *after.values()})).fetchall()
    reached = reach(connection, {*earlier, *having})
    for key in after:
        reached.get(before[key], set()).discard(key)
        reached.get(after[key], set()).add(key)
    return reached


def _check(
    connection: Connection, devices: Sequence[NewDevice], scope: Scope, labels: Sequence[str]
) -> dict[Key, str | None]:
    """The gateway that each device has had; raises where one of them can't be."""
    for device, label in zip(devices, labels, strict=True):
        if "\0" in device.name:  # PostgreSQL has no such text
            raise DeviceError(f"{label}: a name has printable characters.", f"{label}：名称只能包含可打印字符。")
    rows = connection.execute(query("devices", "asked"), _columns(devices)).fetchall()
    present = {device.key for device in devices}
    earlier: dict[Key, str | None] = {}
    mistakes: list[tuple[str, str]] = []
    for device, row, label in zip(devices, rows, labels, strict=True):
        for en, zh in _faults(device, row, scope, present):
            mistakes.append((f"{label}: {en}", f"{label}：{zh}"))
        if device.key in earlier:
            mistakes.append((f"{label}: the device is there twice", f"{label}：设备重复"))
        earlier[device.key] = row[5]
    if mistakes:
        one = len(devices) == 1 and rows[0][6] and len(mistakes) == 1
        more = len(mistakes) - SHOWN
        en = "; ".join(text for text, _ in mistakes[:SHOWN]) + (f"; and {more} more" if more > 0 else "") + "."
        zh = "；".join(text for _, text in mistakes[:SHOWN]) + (f"；另有 {more} 处" if more > 0 else "") + "。"
        raise (HasCredentials if one else DeviceError)(en, zh)
    return earlier


def _faults(device: NewDevice, row: tuple[object, ...], scope: Scope, present: set[Key]) -> Iterable[tuple[str, str]]:
    region, domain, site_region, site_domain, gateway, _, has, revoked = row
    seen = scope.sees(device.region, device.domain)
    if not (region and seen):
        yield f"there is no region {device.region!r}", f"没有行政区划 {device.region!r}"
    if not (domain and seen):
        yield f"there is no domain {device.domain!r}", f"没有领域 {device.domain!r}"
    if fault := rights.name_fault(device.name):
        yield fault
    if device.site is not None and (site_region, site_domain) != (device.region, device.domain):
        yield f"there is no site {device.site!r} of that region and domain", f"该区划和领域没有站点 {device.site!r}"
    if device.gateway is not None and device.gateway == device.name:
        yield "a device is not its own gateway", "设备不能以自身为网关"
    elif device.gateway is not None and not (gateway or (device.region, device.domain, device.gateway) in present):
        yield f"there is no gateway {device.gateway!r} there", f"那里没有网关 {device.gateway!r}"
    if seen and has:
        state = ("revoked credentials", "已吊销的凭据") if revoked else ("credentials", "凭据")
        yield f"it has {state[0]} already, give it new ones with rotate", f"它已有{state[1]}，请用 rotate 更换"


def _require(connection: Connection, keys: Sequence[Key]) -> None:
    having = set(connection.execute(query("devices", "having"), _arrays(keys)).fetchall())
    if without := next((key for key in keys if key not in having), None):
        raise Missing(
            f"{username(without)} has no credentials: give it some with `citybrain device add`.",
            f"{username(without)} 没有凭据：请用 `citybrain device add` 添加。",
        )


def _do(connection: Connection, broker: Broker, commands: Sequence[Command]) -> None:
    """Have the broker do it, while the transaction waits. One that knows no anonymous clients needs no reserve."""
    awake(connection, partial(broker.do, commands, unless=["Role not found"]))


def _columns(devices: Sequence[NewDevice]) -> dict[str, list[str | None]]:
    sites, gateways = [device.site for device in devices], [device.gateway for device in devices]
    return {**_arrays(device.key for device in devices), "sites": sites, "gateways": gateways}


def _arrays(keys: Iterable[Key]) -> dict[str, list[str | None]]:
    listed = list(keys)
    return {name: [key[at] for key in listed] for at, name in enumerate(("regions", "domains", "names"))}


def _names(key: Key) -> dict[str, str]:
    return {"region": key[0], "domain": key[1], "name": key[2]}
