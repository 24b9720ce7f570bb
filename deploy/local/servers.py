"""Throwaway servers for tests and benchmarks: real PostgreSQL with TimescaleDB, real Mosquitto.

    with postgres(tmp_path) as server, mosquitto(tmp_path) as broker:
        server.url                # postgresql://postgres@/citybrain?host=...
        broker.url, broker.port   # for devices: mqtt://127.0.0.1:PORT
        broker.collector_url      # for collectors, and whoever may do everything: unix://platform@/.../mqtt.sock
        server.kill()             # SIGKILL, as a crash; a busy backend may outlive it
        server.start()            # the same data, the same address
        broker.stop()             # in order

The programs come from the runtime directory of the settings; they are fetched there on first use, so that
this may take a minute once. Servers and all that they wrote end with the `with` block; their logs are
`postgres.log` and `mosquitto.log` in the directory.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar

from citybrain.devices.certificates import Files
from citybrain.settings import PROJECT, settings
from deploy.local import LocalError, refusals, runtime
from deploy.local.mosquitto import Encrypted, Mosquitto
from deploy.local.postgres import Postgres

START_PATIENCE = 60.0  # seconds: replaying the log of a killed database takes its time
STOP_PATIENCE = 30.0  # seconds
NO_OVERRIDES: Mapping[str, str] = MappingProxyType({})


class Server(Protocol):
    """What can be started: a private server, ready to run."""

    @property
    def command(self) -> list[str]:
        """What starts it."""

    @property
    def stop_signal(self) -> signal.Signals:
        """What stops it in order."""

    def prepare(self) -> None:
        """Make its data and its configuration."""

    def ready(self) -> bool:
        """Whether it answers."""

    def clear(self) -> None:
        """End what is left of it after it was killed."""


S = TypeVar("S", bound=Server)


class Throwaway(Generic[S]):
    """One running server, which can be stopped, killed and started again on the same data and address."""

    def __init__(self, server: S, log: Path) -> None:
        self.server = server
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            LocalError: it ended, or did not answer in time; the text ends with its log.
        """
        self.server.prepare()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.server.command, cwd=PROJECT, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_PATIENCE
        while not self.server.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise LocalError(f"A server did not start; its log ends so:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server in order, if it runs."""
        self._end(self.server.stop_signal)

    def kill(self) -> None:
        """Kill the server, as a crash does."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(STOP_PATIENCE)
            self.process = None


class Database(Throwaway[Postgres]):
    """A running PostgreSQL with TimescaleDB and an empty database."""

    @property
    def url(self) -> str:
        """The address of the database."""
        return self.server.url


class Broker(Throwaway[Mosquitto]):
    """A running Mosquitto."""

    @property
    def port(self) -> int:
        """The port for devices, on the loopback."""
        return self.server.port

    @property
    def url(self) -> str:
        """The address for devices."""
        return self.server.url

    @property
    def collector_url(self) -> str:
        """The address for collectors, and all other processes of ours."""
        return self.server.collector_url


@contextmanager
def postgres(directory: Path, settings_overrides: Mapping[str, str] = NO_OVERRIDES) -> Iterator[Database]:
    """A database server that lives in a directory, with PostgreSQL's settings as given where they differ."""
    programs = runtime.postgresql(runtime.prepare(settings().runtime_dir, _quiet), _quiet)
    with _throwaway_place(directory / "postgres") as place:
        server = Postgres(programs, place.root / "data", place.private("run"), place.owner, settings_overrides)
        with _running(Database(server, directory / "postgres.log")) as database:
            yield database


@contextmanager
def mosquitto(
    directory: Path, *, anonymous: bool = True, tls: Files | None = None, refusals_s: float = refusals.PERIOD_S
) -> Iterator[Broker]:
    """A broker that lives in a directory, on a port that was free, and with `tls` on another on the loopback."""
    programs = runtime.mosquitto(runtime.prepare(settings().runtime_dir, _quiet), _quiet, _quiet)
    with _throwaway_place(directory / "mosquitto") as place:
        encrypted = Encrypted("127.0.0.1", _free_port(), tls) if tls else None
        data, run = place.private("data"), place.private("run")
        server = Mosquitto(programs, data, run, _free_port(), place.owner, anonymous, encrypted, refusals_s)
        with _running(Broker(server, directory / "mosquitto.log")) as broker:
            yield broker


T = TypeVar("T", Database, Broker)


@contextmanager
def _running(server: T) -> Iterator[T]:
    try:
        server.start()
        yield server
    finally:
        server.stop()
        server.server.clear()


@contextmanager
def _throwaway_place(directory: Path) -> Iterator[runtime.Place]:
    place = runtime.prepare(directory, _quiet)
    try:
        yield place
    finally:
        shutil.rmtree(place.root)
        directory.unlink(missing_ok=True)  # a link, where the directory itself was unfit


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _quiet(what: str, share: float = 0.0) -> None:
    """Tell nobody."""
