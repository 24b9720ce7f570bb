"""The private Mosquitto: its configuration, and how it is started.

Devices come in over TCP, with credentials that its dynamic-security plugin keeps; `citybrain.devices` writes them.
Our own processes come in through a unix socket that only they can open, and may do everything: the private PostgreSQL
trusts its socket likewise.

Run as `python -m deploy.local.mosquitto PROGRAM DATA SOCKET REFUSALS_S`, it raises the limit of open files, drops
root's rights, and becomes the broker.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from citybrain.devices import certificates
from citybrain.devices.rights import EMPTY_BROKER
from citybrain.settings import Settings
from deploy.local import LocalError, processes, refusals
from deploy.local.runtime import Owner

CONFIGURATION = "mosquitto.conf"
CREDENTIALS = "dynamic-security.json"
SOCKET = "mqtt.sock"
# A change of what clients without a name may do ends all their connections: our own processes have one.
PLATFORM = "platform"

# Queues have no limit: with one, Mosquitto drops messages that it has acknowledged to the device. Sessions
# have no expiry (`persistent_client_expiration` stays unset): with one, a restart can forget the collector's.
SETTINGS: Mapping[str, str] = {
    "max_queued_messages": "0",
    "max_queued_bytes": "0",
    "max_inflight_messages": "65000",  # 20, the default, caps every receive maximum; 65535 warns a lot
    "max_packet_size": "4194304",  # bytes: payloads too large for us must still reach quarantine
    "sys_interval": "5",  # seconds
    "log_dest": "stdout",
    "log_timestamp_format": "%Y-%m-%dT%H:%M:%S",
    "connection_messages": "true",  # they name who is behind a client id; `refusals` reads them and keeps them out
}

# MQTT 3.1.1 CONNECT: clean session, keep-alive 10 s, no client id.
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00"
CONNACK_ACCEPTED = b"\x20\x02\x00\x00"


def device_url(port: int) -> str:
    """The address for devices of a broker on this machine."""
    return f"mqtt://127.0.0.1:{port}"


def collector_url(run: Path) -> str:
    """The address for collectors of the broker whose socket is in `run`."""
    return f"unix://{PLATFORM}@{run / SOCKET}"


@dataclass(frozen=True)
class Encrypted:
    """A listener with TLS, for devices elsewhere; `files` are what it shows them, PEM."""

    host: str
    port: int
    files: certificates.Files

    @classmethod
    def of(cls, settings: Settings) -> Encrypted | None:
        """What the settings ask for.

        Raises:
            LocalError: its certificate or key is not there.
        """
        if not settings.mqtt_tls_port:
            return None
        files = certificates.served(settings)
        for file in (files.certificate, files.key):
            if not file.is_file():
                raise LocalError(
                    f"The broker can't serve TLS, there is no {file}: make one with `citybrain tls make --host NAME`, "
                    "or name yours in CITYBRAIN_TLS_CERTIFICATE and CITYBRAIN_TLS_KEY."
                )
        return cls(settings.mqtt_tls_host, settings.mqtt_tls_port, files)


@dataclass(frozen=True)
class Mosquitto:
    """A broker that listens to devices on a port of the loopback, to our own processes on a unix socket in `run`.

    On the loopback, and nowhere else, `anonymous` devices may come in: they publish for any device that has no
    credentials. All others come in over `encrypted`.
    """

    programs: Path
    data: Path
    run: Path
    port: int
    owner: Owner
    anonymous: bool = True
    encrypted: Encrypted | None = None
    refusals_s: float = refusals.PERIOD_S  # between two times that devices are told what was refused them

    stop_signal = signal.SIGTERM

    @property
    def url(self) -> str:
        """The address for devices."""
        return device_url(self.port)

    @property
    def collector_url(self) -> str:
        """The address for collectors, and all other processes of ours."""
        return collector_url(self.run)

    @property
    def command(self) -> list[str]:
        """What starts the broker (as the user who owns its data)."""
        program = str(self.programs / "sbin/mosquitto")
        place = str(self.data), str(self.run / SOCKET)
        return [sys.executable, "-m", __name__, program, *place, str(self.refusals_s)]

    @property
    def durable(self) -> bool:
        """Whether this Mosquitto keeps its queues when it is killed: 2.1 and later, by a plugin."""
        return bool(self._plugins())

    def prepare(self) -> None:
        """Write the configuration; what is known of credentials stays.

        Raises:
            LocalError: TLS is asked for, and this Mosquitto is too old to keep credentials.
        """
        lines = [f"{name} {value}" for name, value in SETTINGS.items()]
        lines += [f"log_type {level}" for level in ("error", "warning", "notice", "information")]
        lines += [refusals.LEVEL]
        lines += self._guarded() if self.durable else self._open()
        lines += [f"listener 0 {self.run / SOCKET}", "listener_allow_anonymous true"]
        (self.data / CONFIGURATION).write_text("\n".join(lines) + "\n")

    def _guarded(self) -> list[str]:
        """Lasting queues, and devices that have to show who they are."""
        folder = self._plugins()[0].parent
        lines = [
            f"global_plugin {folder / 'mosquitto_persist_sqlite.so'}",
            f"plugin_opt_db_file {self.data / 'mosquitto.sqlite3'}",
            "plugin_opt_flush_period 0",  # commit in each round of the broker's loop
            f"plugin_load credentials {folder / 'mosquitto_dynamic_security.so'}",
            f"plugin_opt_config_file {self.data / CREDENTIALS}",
            f"listener {self.port} 127.0.0.1",
            *self._door(self.anonymous),
        ]
        if not (self.data / CREDENTIALS).exists():
            self._keep(CREDENTIALS, json.dumps(EMPTY_BROKER))
        if self.encrypted:
            certificate, key = self.encrypted.files.certificate, self.encrypted.files.key
            lines += [
                f"listener {self.encrypted.port} {self.encrypted.host}",
                f"certfile {self._keep('server.crt', certificate.read_text())}",
                f"keyfile {self._keep('server.key', key.read_text())}",
                "tls_version tlsv1.2",  # or later
                *self._door(anonymous=False),
            ]
        return lines

    def _open(self) -> list[str]:
        """Mosquitto 2.0, which can neither keep its queues nor guard one listener and not another."""
        if self.encrypted or not self.anonymous:
            raise LocalError(
                "Mosquitto 2.0 can't tell devices apart here: remove prefix/ of CITYBRAIN_RUNTIME_DIR to fetch 2.1."
            )
        return [
            "per_listener_settings true",
            "persistence true",
            f"persistence_location {self.data}/",
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
        ]

    def _door(self, anonymous: bool) -> list[str]:
        """Who comes in through a listener: without a name only where that is allowed, else as its name's own client.

        A client that takes another's id takes its connection, and its session.
        """
        return [
            "plugin_use credentials",
            f"listener_allow_anonymous {str(anonymous).lower()}",
            *([] if anonymous else ["use_username_as_clientid true"]),
        ]

    def _keep(self, name: str, text: str) -> Path:
        """A file in the data that the broker, and nobody else, can read."""
        path = self.data / name
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        shutil.chown(path, self.owner.uid, self.owner.gid)
        return path

    def ready(self) -> bool:
        """Whether the broker accepts a client."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1.0)
                client.connect(str(self.run / SOCKET))
                client.sendall(CONNECT)
                return client.recv(4) == CONNACK_ACCEPTED
        except OSError:
            return False

    def clear(self) -> None:
        """End what is left of this broker."""
        processes.end(processes.of_program(self.programs / "sbin/mosquitto", self.data), self.stop_signal, patience=10)

    def _plugins(self) -> list[Path]:
        return sorted(self.programs.glob("lib/*/mosquitto/mosquitto_persist_sqlite.so"))


def main(program: Path, data: Path, socket: Path, refusals_s: float) -> None:
    """Become the broker, with a child that reads its log."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # one file a device
    log, written = os.pipe()
    if os.fork() == 0:
        # No program is started: the owner of the data may not be able to read ours.
        os.dup2(log, sys.stdin.fileno())
        os.closerange(3, written + 1)
        processes.settle(data)
        refusals.main(data / CONFIGURATION, socket, refusals_s)
        return
    for stream in (sys.stdout, sys.stderr):
        os.dup2(written, stream.fileno())
    os.closerange(3, written + 1)
    processes.become([str(program), "-c", str(data / CONFIGURATION)], data)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))
