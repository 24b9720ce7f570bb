"""Files of devices: CSV with the columns region, domain and name, and perhaps site and gateway."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from citybrain.devices.credentials import SHOWN, Credential, DeviceError, NewDevice

REQUIRED = ("region", "domain", "name")
OPTIONAL = ("site", "gateway")
ROWS = 10_000  # devices in a file at most
FILE_BYTES = 8 * 1024 * 1024


def read(path: Path) -> tuple[list[NewDevice], list[str]]:
    """The devices of a file in UTF-8, and what mistakes in each are called: `line 7`.

    Raises:
        DeviceError: it can't be read as such a file; the text names each line that is wrong.
    """
    try:
        if path.stat().st_size > FILE_BYTES:
            raise DeviceError(f"{path} has more than {FILE_BYTES} bytes: import it in parts.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DeviceError(f"{path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DeviceError(f"{path} is not UTF-8: save it as CSV in UTF-8.") from error
    return parse(text, str(path))


def parse(text: str, source: str) -> tuple[list[NewDevice], list[str]]:
    """The devices in the text of such a file; likewise."""
    if "\0" in text:
        raise DeviceError(f"{source} is not a text: it holds a NUL.")
    rows = csv.DictReader(StringIO(text, newline=""), strict=True)
    mistakes: list[str] = []
    devices: list[NewDevice] = []
    labels: list[str] = []
    try:
        _check_header(rows.fieldnames or (), source)
        for row in rows:
            label = f"line {rows.line_num}"
            if None in row or None in row.values():
                mistakes.append(f"{label}: it has not as many cells as the first line")
            elif missing := [name for name in REQUIRED if not row[name].strip()]:
                mistakes.append(f"{label}: {' and '.join(missing)} missing")
            else:
                site, gateway = ((row.get(name) or "").strip() or None for name in OPTIONAL)
                region, domain, name = (row[column].strip() for column in REQUIRED)
                devices.append(NewDevice(region, domain, name, site, gateway))
                labels.append(label)
    except csv.Error as error:
        mistakes.append(f"line {rows.reader.line_num}: {error}")
    if len(devices) > ROWS:
        mistakes.append(f"it has {len(devices)} devices, {ROWS} are the most: import it in parts")
    if mistakes:
        more = f"\nand {len(mistakes) - SHOWN} more" if len(mistakes) > SHOWN else ""
        raise DeviceError(f"{source} was not imported:\n" + "\n".join(mistakes[:SHOWN]) + more)
    if not devices:
        raise DeviceError(f"{source} has no devices.")
    return devices, labels


def write(path: Path, credentials: Iterable[Credential]) -> None:
    """Put credentials into a new file that nobody else can read.

    Raises:
        FileExistsError: there is such a file; it is left as it is.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*REQUIRED, "username", "password"])
        rows.writerows([*credential.key, credential.username, credential.password] for credential in credentials)


def _check_header(names: Iterable[str], source: str) -> None:
    given = list(names)
    allowed = {*REQUIRED, *OPTIONAL}
    if not {*REQUIRED} <= {*given} <= allowed or len(given) != len({*given}):
        raise DeviceError(
            f"{source} was not imported: its first line must name the columns region,domain,name and may name "
            f"site,gateway; it is {','.join(given)[:100]!r}."
        )
