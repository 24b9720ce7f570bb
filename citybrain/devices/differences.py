"""Where the broker and the database disagree on credentials: after a restore of either, or a change of gateways."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from citybrain.devices import credentials, rights
from citybrain.devices.dynsec import Broker
from citybrain.devices.rights import Command, Key, username
from citybrain.store.connection import Connection
from citybrain.store.sql import query


@dataclass(frozen=True, slots=True)
class Difference:
    """What is wrong with a device's credentials, and what the broker must do about it."""

    device: str
    what: str
    repair: list[Command]


def find(connection: Connection, broker: Broker) -> list[Difference]:
    """Every difference, by device. The database is right, but for passwords, which only the broker has."""
    revoked = {(region, domain, name): out for region, domain, name, out in _rows(connection)}
    return compare(revoked, credentials.reach(connection, revoked), broker.clients(), broker.roles())


def compare(
    revoked: Mapping[Key, bool],
    reach: Mapping[Key, Collection[Key]],
    clients: Mapping[str, Mapping[str, Any]],
    roles: Mapping[str, Collection[Mapping[str, Any]]],
) -> list[Difference]:
    """The differences between who has credentials (and whether they are revoked) and what the broker has."""
    found: list[Difference] = []
    reserved = {acl["topic"] for acl in roles.get(rights.ANONYMOUS, ()) if not acl["allow"]}
    for key, out in revoked.items():
        name = username(key)
        client = clients.get(name)
        wanted = rights.acls(reach[key])
        if client is None and out:
            continue
        if client is None:
            back = [*rights.set_rights(key, reach[key]), _nobody(name)]
            found.append(Difference(name, "the broker does not know it: rotate its password", back))
            continue
        if out and not client.get("disabled", False):
            found.append(Difference(name, "it is revoked, and the broker lets it in", rights.shut_out(key)))
        if not out and client.get("disabled", False):
            enable = {"command": "enableClient", "username": name}
            found.append(Difference(name, "the broker shuts it out, and it is not revoked", [enable]))
        if _set(roles.get(name, ())) != _set(wanted) or [role["rolename"] for role in client["roles"]] != [name]:
            mend = [*rights.set_rights(key, reach[key]), _role(name)]
            found.append(Difference(name, "its rights are not those of its topics", mend))
    if rights.ANONYMOUS in roles:
        open_ = {k for keys in reach.values() for k in keys if f"city/{username(k)}/#" not in reserved}
        found += [Difference(username(k), "it needs no credentials", rights.reserve([k])) for k in sorted(open_)]
    for name, client in clients.items():
        stranger = rights.key_of(name)
        if stranger and stranger not in revoked and not client.get("disabled", False):
            found.append(Difference(name, "only the broker knows it", rights.shut_out(stranger)))
    return sorted(found, key=lambda difference: difference.device)


def _rows(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(query("devices", "credentials")).fetchall()


def _set(acls: Collection[Mapping[str, Any]]) -> set[tuple[str, str, bool]]:
    return {(acl["acltype"], acl["topic"], acl["allow"]) for acl in acls}


def _nobody(name: str) -> Command:
    """A client without a password, as which nobody comes in."""
    return {"command": "createClient", "username": name, "roles": [{"rolename": name}]}


def _role(name: str) -> Command:
    return {"command": "modifyClient", "username": name, "roles": [{"rolename": name}]}
