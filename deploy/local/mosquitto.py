"""The private Mosquitto: its configuration, and how it is started.

Run as `python -m deploy.local.mosquitto PROGRAM DATA`, it raises the limit of open files, drops root's
rights, and becomes the broker.
"""

from __future__ import annotations

import resource
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import processes
from deploy.local.runtime import Owner

CONFIGURATION = "mosquitto.conf"
SOCKET = "mqtt.sock"

# Queues have no limit: with one, Mosquitto drops messages that it has acknowledged to the device. Sessions
# have no expiry (`persistent_client_expiration` stays unset): with one, a restart can forget the collector's.
SETTINGS: Mapping[str, str] = {
    "allow_anonymous": "true",  # both listeners are this machine's only
    "max_queued_messages": "0",
    "max_queued_bytes": "0",
    "max_inflight_messages": "65000",  # 20, the default, caps every receive maximum; 65535 warns a lot
    "max_packet_size": "4194304",  # bytes: payloads too large for us must still reach quarantine
    "sys_interval": "5",  # seconds
    "log_dest": "stdout",
    "log_timestamp_format": "%Y-%m-%dT%H:%M:%S",
    "connection_messages": "false",
}

# MQTT 3.1.1 CONNECT: clean session, keep-alive 10 s, no client id.
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00"
CONNACK_ACCEPTED = b"\x20\x02\x00\x00"


def device_url(port: int) -> str:
    """The address for devices of a broker on this machine."""
    return f"mqtt://127.0.0.1:{port}"


def collector_url(run: Path) -> str:
    """The address for collectors of the broker whose socket is in `run`."""
    return f"unix://{run / SOCKET}"


@dataclass(frozen=True)
class Mosquitto:
    """A broker that listens to devices on a port of the loopback, to collectors on a unix socket in `run`."""

    programs: Path
    data: Path
    run: Path
    port: int
    owner: Owner

    stop_signal = signal.SIGTERM

    @property
    def url(self) -> str:
        """The address for devices."""
        return device_url(self.port)

    @property
    def collector_url(self) -> str:
        """The address for collectors."""
        return collector_url(self.run)

    @property
    def command(self) -> list[str]:
        """What starts the broker (as the user who owns its data)."""
        return [sys.executable, "-m", __name__, str(self.programs / "sbin/mosquitto"), str(self.data)]

    @property
    def durable(self) -> bool:
        """Whether this Mosquitto keeps its queues when it is killed: 2.1 and later, by a plugin."""
        return bool(self._plugins())

    def prepare(self) -> None:
        """Write the configuration."""
        lines = [f"{name} {value}" for name, value in SETTINGS.items()]
        lines += [f"listener {self.port} 127.0.0.1", f"listener 0 {self.run / SOCKET}"]
        if self.durable:
            lines += [
                f"global_plugin {self._plugins()[0]}",
                f"plugin_opt_db_file {self.data / 'mosquitto.sqlite3'}",
                "plugin_opt_flush_period 0",  # commit in each round of the broker's loop
            ]
        else:
            lines += ["persistence true", f"persistence_location {self.data}/"]
        (self.data / CONFIGURATION).write_text("\n".join(lines) + "\n")

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


def main(program: Path, data: Path) -> None:
    """Become the broker."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # one file a device
    processes.become([str(program), "-c", str(data / CONFIGURATION)], data)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
