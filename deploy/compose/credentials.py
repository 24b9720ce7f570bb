"""The files of `deploy/compose/secrets`: `python -m deploy.compose.credentials --host broker.example.org`.

Passwords are random, and stay once they are there; the addresses that hold them are written anew each time. To change a
password remove its file and run it again. The folder is its owner's only. The files in it are everybody's, for an
engine mounts each by itself, with its own mode, into containers whose users differ.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from citybrain.access.secrets import token_secret
from citybrain.devices import certificates
from citybrain.errors import Correctable

FOLDER = Path(__file__).parent / "secrets"
PASSWORD_BYTES = 24  # of randomness; in hexadecimal, of which an address has to escape nothing
PASSWORDS = (
    "postgres_password",
    "database_password",
    "grafana_admin_password",
    "grafana_database_password",
    "mosquitto_admin_password",
    "mosquitto_password",
)
TOKENS = ("prometheus_token",)


class CredentialsError(Correctable):
    """The files can't be made; the text says why."""


def addresses(passwords: Mapping[str, str]) -> dict[str, str]:
    """Where compose.yaml's services reach each other, with the passwords: text by name of the file."""
    return {
        "database_admin_url": f"postgresql://postgres:{passwords['postgres_password']}@timescaledb:5432/citybrain",
        "database_url": f"postgresql://citybrain:{passwords['database_password']}@timescaledb:5432/citybrain",
        "mqtt_admin_url": f"mqtt://admin:{passwords['mosquitto_admin_password']}@mosquitto:1883",
        "mqtt_url": f"mqtt://platform:{passwords['mosquitto_password']}@mosquitto:1883",
    }


def make(folder: Path, hosts: list[str], now: datetime) -> list[str]:
    """Make what is missing; the names of the passwords and tokens that are new.

    Args:
        folder: that holds them all, and `tls/`.
        hosts: names and addresses that devices and browsers use, for a new certificate; none: there is one.
        now: when it begins.

    Raises:
        CredentialsError: there is no certificate, and no host to make one for.
        citybrain.devices.certificates.CertificateError: a host can't be one, or the authority can't be used.
    """
    tls = folder / "tls"
    if not hosts and not (tls / "server.crt").exists():
        raise CredentialsError(f"There is no certificate in {tls}: give --host for each name that devices use.")
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    if hosts:
        certificates.make(tls, hosts, now)
    for file in (tls / "server.crt", tls / "server.key"):
        file.chmod(0o444)
    new = [name for name in (*PASSWORDS, *TOKENS) if not (folder / name).exists()]
    for name in new:
        _write(folder / name, token_secret() if name in TOKENS else secrets.token_hex(PASSWORD_BYTES))
    for name, text in addresses({name: (folder / name).read_text().strip() for name in PASSWORDS}).items():
        _write(folder / name, text)
    return new


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(text)  # without a newline, which some of those who read it would take for a part of it
    path.chmod(0o444)


def main(
    host: Annotated[
        list[str] | None, typer.Option(help="Name or address that devices and browsers use; again for another one.")
    ] = None,
) -> None:
    """Make passwords, tokens and addresses that are missing, and with --host a certificate."""
    try:
        new = make(FOLDER, host or [], datetime.now(UTC))
    except (Correctable, OSError) as error:
        sys.exit(str(error))
    print(f"{FOLDER}: {', '.join(new) or 'nothing'} made" + (", and a certificate" if host else "") + ".")


if __name__ == "__main__":
    typer.run(main)
