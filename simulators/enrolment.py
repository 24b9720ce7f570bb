"""Making the devices of a simulated city known to the platform, and giving them credentials."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from io import StringIO
from pathlib import Path

from citybrain.catalogue.model import Site
from citybrain.devices import credentials, differences, importing
from citybrain.devices.credentials import NewDevice
from citybrain.devices.dynsec import Broker
from citybrain.devices.rights import Key, username
from citybrain.store.connection import Connection, awake
from citybrain.store.sql import query
from simulators.devices.roster import Roster
from simulators.model import SimulatedDevice, SimulationError, Source

BY = "simulate"  # who gives credentials, as the database says
COLUMNS = (*importing.REQUIRED, "username", "password")


def write_sites(path: Path, sites: Sequence[Site], devices: Iterable[SimulatedDevice]) -> None:
    """Write a file of `sites/`: these sites with their devices, a line each. It is replaced as a whole."""
    at: dict[str, dict[str, dict[str, str]]] = {}
    for device in devices:
        at.setdefault(device.site, {})[device.name] = {"gateway": device.gateway} if device.gateway else {}

    def lines() -> Iterator[str]:
        yield "# The sites of the simulated city; written anew with each simulation.\nsites:\n"
        for site in sites:
            entry = asdict(site)
            name = entry.pop("id")
            entry["devices"] = at.get(name, {})
            # A JSON object in UTF-8 is YAML, too; libyaml would take ten times as long to write the same.
            yield f"  {name}: {json.dumps(entry, ensure_ascii=False)}\n"

    _write(path, lines())


def write_networks(path: Path, sources: Iterable[Source]) -> None:
    """Write a file of `networks/`: the lines of these sources, those of a kind together. It is replaced as a whole."""
    features = []
    for source in sources:
        of_kind: dict[str, list[list[tuple[float, float]]]] = {}
        for line in source.lines:
            of_kind.setdefault(line.kind, []).append(line.coordinates)
        for kind, lines in of_kind.items():
            # All that a source has lies in one region.
            properties = {"domain": source.domain, "region": source.sites[0].region, "kind": kind}
            geometry = {"type": "MultiLineString", "coordinates": lines}
            features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    _write(path, [json.dumps({"type": "FeatureCollection", "features": features})])


def enrol(connection: Connection, broker: Broker, roster: Roster, file: Path, now: datetime) -> dict[Key, str | None]:
    """The passwords of the devices that connect, by device; those that have none that we know get new ones.

    A device whose credentials somebody has revoked stays shut out: it has None.

    The platform must know the devices already (`write_sites`, then the catalogue migrated): a gateway's rights cover
    the devices behind it that the database has.

    Args:
        connection: In a transaction, which the caller commits.
        broker: That the devices publish to.
        roster: The devices.
        file: Where the passwords are kept from one simulation to the next, for its owner alone.
        now: When.

    Raises:
        DeviceError: the platform does not know one of them.
        SimulationError: the file can't be read.
        BrokerAway, BrokerRefused: see `citybrain.devices.dynsec`.
    """
    connection.execute(query("devices", "alone"))
    wanted = [roster.keys[device] for device in roster.connections]
    kept = read_credentials(file) if file.exists() else {}
    rows = connection.execute(query("devices", "credentials")).fetchall()
    revoked = {(region, domain, name): out for region, domain, name, out in rows}
    clients = awake(connection, broker.clients)
    out = [key for key in wanted if revoked.get(key)]
    good = {key for key in wanted if key in kept and not revoked.get(key, True) and username(key) in clients}
    new = [NewDevice(*key) for key in wanted if key not in revoked]
    lost = [key for key in wanted if key in revoked and key not in good and key not in out]
    made = credentials.add(connection, broker, new, BY, now) if new else []
    made += credentials.rotate_all(connection, broker, lost, now) if lost else []
    found = {one.key: one.password for one in made} | {key: kept[key] for key in good}
    _mend(connection, broker, {username(key) for key in roster.keys})
    # The file comes before the commit: passwords that nobody knows would be of no use.
    _write(file, [_table({**kept, **found})], secret=True)
    return {**found, **dict.fromkeys(out)}


def read_credentials(file: Path) -> dict[Key, str]:
    """The passwords in a file such as `citybrain device import` writes, by device.

    Raises:
        SimulationError: it can't be read, or is no such file.
    """
    try:
        rows = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines(), strict=True))
    except OSError as error:
        raise SimulationError(f"{file} can't be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SimulationError(f"{file} is no CSV in UTF-8: {error}.") from error
    if not rows or rows[0] != [*COLUMNS]:
        raise SimulationError(
            f"{file} holds no credentials: its first line must be {','.join(COLUMNS)}, as `citybrain device import` "
            "writes it."
        )
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(COLUMNS) or not all(row):
            raise SimulationError(f"{file}, line {line}: expected {len(COLUMNS)} cells that are not empty.")
    return {(region, domain, name): password for region, domain, name, _, password in rows[1:]}


def _mend(connection: Connection, broker: Broker, names: Collection[str]) -> None:
    """Have the broker follow the database: a gateway may have got more devices since its credentials were made."""
    found = [one for one in differences.find(connection, broker) if one.device in names]
    awake(connection, partial(broker.do, [command for one in found for command in one.repair]))


def _table(passwords: Mapping[Key, str]) -> str:
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows((*key, username(key), password) for key, password in passwords.items())
    return text.getvalue()


def _write(path: Path, lines: Iterable[str], *, secret: bool = False) -> None:
    """Write a file whole or not at all; a secret one is its owner's only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.writelines(lines)
    fresh.replace(path)
