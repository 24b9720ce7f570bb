"""The servers of compose.yaml without an engine: its Mosquitto's own configuration, and a PostgreSQL with passwords."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT, settings
from citybrain.store.migrate import migrate
from deploy.compose import credentials
from deploy.local import runtime
from deploy.local.servers import Throwaway, postgres

COMPOSE = PROJECT / "deploy" / "compose"
DEVICE = "150802/water/compose-1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def quiet(*_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class ComposeBroker:
    """A Mosquitto with compose/mosquitto.conf, whose paths and ports are others."""

    place: runtime.Place
    programs: Path
    secrets: Path
    ports: dict[str, int]

    stop_signal = signal.SIGTERM

    @property
    def command(self) -> list[str]:
        return [str(self.programs / "sbin/mosquitto"), "-c", str(self.place.root / "mosquitto.conf")]

    def prepare(self) -> None:
        data = self.place.private("data")
        text = (COMPOSE / "mosquitto.conf").read_text()
        (plugins,) = self.programs.glob("lib/*/mosquitto")
        text = text.replace("/usr/lib/", f"{plugins}/").replace("/mosquitto/data", str(data))
        text = text.replace("/run/secrets", str(self.secrets))
        text = re.sub(
            r"^listener (\d+).*$", lambda m: f"listener {self.ports[m[1]]} 127.0.0.1", text, flags=re.MULTILINE
        )
        (self.place.root / "mosquitto.conf").write_text(text)

    def ready(self) -> bool:
        """As the health check of compose.yaml."""
        probe = [self.programs / "bin/mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.ports["1880"]), "-t", "health"]
        return subprocess.run([*map(str, probe), "-n"], capture_output=True, timeout=10).returncode == 0

    def clear(self) -> None:
        """It leaves nothing."""


@dataclass(frozen=True)
class City:
    """What runs, and the secrets of `deploy.compose.credentials` as containers see them."""

    secrets: Path
    database_url: str
    broker: Throwaway[ComposeBroker]

    @property
    def ca(self) -> Path:
        return self.secrets / "tls" / "ca.crt"

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text()

    def url(self, login: str, password: str) -> str:
        return self.database_url.replace("postgres@", f"{login}:{password}@", 1)

    def run(self, *command: str, database_url: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command with the secrets of an administrator, or with another login of the database."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CITYBRAIN_")}
        environment["CREDENTIALS_DIRECTORY"] = str(self.secrets)
        if database_url:
            environment["CITYBRAIN_DATABASE_URL"] = database_url
        return subprocess.run(
            [sys.executable, *command], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
        )

    def citybrain(self, *command: str, database_url: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run `citybrain` likewise."""
        return self.run("-c", "from citybrain.cli import main; main()", *command, database_url=database_url)


@pytest.fixture(scope="package")
def city(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Iterator[City]:
    """A database and a broker that nobody has been let in to."""
    directory = tmp_path_factory.mktemp("city")
    place = runtime.prepare(directory / "mosquitto", quiet)
    secrets = place.root / "secrets"
    credentials.make(secrets, ["localhost", "127.0.0.1"], datetime.now(UTC))
    secrets.chmod(0o755)  # the engine mounts each file by itself
    (secrets / "tls").chmod(0o755)
    for name, file in (("server_certificate", "server.crt"), ("server_key", "server.key")):
        shutil.copy(secrets / "tls" / file, secrets / name)
    programs = runtime.mosquitto(runtime.prepare(settings().runtime_dir, quiet), quiet, quiet)
    ports = {name: free_port() for name in ("8883", "1883", "1880")}
    broker = Throwaway(ComposeBroker(place, programs, secrets, ports), directory / "mosquitto.log")
    with postgres(directory, {"fsync": "off"}) as database:
        migrate(database.url, catalogue)
        password_for_logins(database.server.data, database.url)
        at = f"@127.0.0.1:{ports['1883']}"
        (secrets / "citybrain_database_url").write_text(database.url)
        for role in ("", "_admin"):
            url = (secrets / f"mqtt{role}_url").read_text().replace("@mosquitto:1883", at)
            (secrets / f"citybrain_mqtt{role}_url").write_text(url)
        try:
            broker.start()
            yield City(secrets, database.url, broker)
        finally:
            broker.stop()
            shutil.rmtree(place.root)


@pytest.fixture(scope="package")
def let_in(city: City) -> City:
    """The same after the service `accounts`."""
    run = city.run("-m", "deploy.compose.accounts")
    assert run.returncode == 0, run.stderr
    return city


@pytest.fixture(scope="package")
def device(let_in: City) -> str:
    """The password of a device that was added as docs/containers.md says."""
    run = let_in.citybrain("device", "add", DEVICE)
    assert run.returncode == 0, run.stderr
    (password,) = re.findall(r"\b[A-Za-z0-9]{32}\b", run.stdout)
    return str(password)


def password_for_logins(data: Path, url: str) -> None:
    """Have everybody but the superuser show a password, as the image of compose.yaml does."""
    (data / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select pg_reload_conf()")
