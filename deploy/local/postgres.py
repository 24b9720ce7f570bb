"""The private PostgreSQL: its data directory, its configuration, and how it is started.

Run as `python -m deploy.local.postgres PROGRAMS DATA`, it clears what a killed server left, drops root's
rights, and becomes the server.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from deploy.local import LocalError, processes
from deploy.local.runtime import Owner

DATABASE = "citybrain"
ZONES = Path("/usr/share/zoneinfo")  # compiled into Debian's PostgreSQL
MB = 1024 * 1024
SEGMENTS = Path("/proc/sysvipc/shm")  # key, number, mode, size, creator, last, attached ...
DETACH_S = 5.0  # seconds that processes which are ending may hold the memory

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",  # a unix socket in a closed directory is the only door
    "unix_socket_permissions": "0700",
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "max_connections": "100",
    "max_locks_per_transaction": "512",  # one lock a chunk; the default of 64 fails at 1,461 chunks
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",  # the disk is an SSD, or the data is in memory
    "jit": "off",  # compiling costs more than it saves in queries as short as ours
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
}


def url(run: Path) -> str:
    """The address of the database whose socket is in `run`, as libpq reads it."""
    return f"postgresql://postgres@/{DATABASE}?host={quote(str(run), safe='')}"


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server with one database, reached through a unix socket in `run`."""

    programs: Path
    data: Path
    run: Path
    owner: Owner
    overrides: Mapping[str, str] = field(default_factory=dict)

    stop_signal = signal.SIGINT  # PostgreSQL's fast shutdown: sessions are ended, nothing is lost

    @property
    def url(self) -> str:
        """The address of the database."""
        return url(self.run)

    @property
    def command(self) -> list[str]:
        """What starts the server (as the user who owns its data)."""
        return [sys.executable, "-m", __name__, str(self.programs), str(self.data)]

    def prepare(self) -> None:
        """Make the data directory and its database if there are none yet, and write the configuration.

        Raises:
            LocalError: the database can't be made here.
        """
        if not self.data.exists():
            self._initialise()
        settings = {**SETTINGS, **_memory(), "unix_socket_directories": str(self.run), **self.overrides}
        lines = (f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items())
        (self.data / "postgresql.conf").write_text("".join(lines))
        (self.data / "pg_hba.conf").write_text("local all all trust\n")

    def ready(self) -> bool:
        """Whether the server answers."""
        probe = [str(self.programs / "pg_isready"), "--quiet", "--host", str(self.run)]
        return subprocess.run(probe, check=False).returncode == 0

    def clear(self) -> None:
        """End what is left of this server."""
        clear(self.programs, self.data)

    def _initialise(self) -> None:
        """Make data directory and database, under another name first: a half-made one is never used."""
        if not ZONES.is_dir():
            raise LocalError(f"PostgreSQL needs the time zones in {ZONES}: install the package tzdata.")
        fresh = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        os.chown(fresh, self.owner.uid, self.owner.gid)
        self._program(
            *("initdb", "--pgdata", str(fresh), "--username", "postgres", "--auth", "trust"),
            *("--data-checksums", "--encoding", "UTF8", "--locale", "C"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        )
        self._program("postgres", "--single", "-D", str(fresh), "postgres", script=f"create database {DATABASE};\n")
        fresh.rename(self.data)

    def _program(self, name: str, *arguments: str, script: str = "") -> None:
        as_root = os.geteuid() == 0
        done = subprocess.run(
            [str(self.programs / name), *arguments],
            input=script,
            capture_output=True,
            text=True,
            cwd=self.programs,
            user=self.owner.uid if as_root else None,
            group=self.owner.gid if as_root else None,
            extra_groups=[] if as_root else None,
            umask=0o077,
        )
        if done.returncode != 0:
            raise LocalError(f"{name} could not make the database in {self.data}:\n{done.stderr.strip()}")


def _memory() -> dict[str, str]:
    """Shared buffers for a small machine: an eighth of its memory, 512 MB at most."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MB
    return {"shared_buffers": f"{min(512, memory // 8)}MB", "effective_cache_size": f"{memory // 2}MB"}


def clear(programs: Path, data: Path) -> None:
    """End what a killed server of this data directory left, and remove its lock file.

    A busy backend outlives its killed server and keeps the shared memory: no new server can start beside it.
    """
    processes.end(processes.of_program(programs / "postgres", data), signal.SIGINT, patience=10)
    # One that is just ending has no name any more, and still holds the memory for a moment.
    lock = data / "postmaster.pid"
    deadline = time.monotonic() + DETACH_S
    while lock.is_file() and _attached(lock.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    # Its number may belong to another process by now, and the server would refuse to start.
    lock.unlink(missing_ok=True)


def _attached(lock: str) -> bool:
    """Whether somebody holds the shared memory that a lock file names: key and number in its seventh line."""
    lines = lock.splitlines()
    number = lines[6].split()[-1] if len(lines) > 6 and lines[6].strip() else None
    segments = SEGMENTS.read_text().splitlines()[1:] if SEGMENTS.is_file() else []
    return any(segment.split()[1] == number and segment.split()[6] != "0" for segment in segments)


def main(programs: Path, data: Path) -> None:
    """Become the server."""
    clear(programs, data)
    processes.become([str(programs / "postgres"), "-D", str(data)], data)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
