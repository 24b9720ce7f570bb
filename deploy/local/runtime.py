"""Where the private servers live, as whom they run, and how their programs get there."""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import LocalError, Notice, Report, debian, elf

SOCKET_PATH_MAX = 107  # bytes: sun_path of unix(7) without its closing zero
LONGEST_SOCKET = "run/supervisor.sock.4194304"  # supervisor binds a name with its pid, then renames
FETCH_ROOM = 1_500  # MB: the archives, both programs unpacked, and a first database
START_ROOM = 500  # MB: the log of changes of a database that is in use

POSTGRES_PROGRAMS = ("postgres", "initdb", "pg_ctl", "psql", "pg_isready", "pg_dump", "pg_restore")
MOSQUITTO_PROGRAMS = ("mosquitto", "mosquitto_pub", "mosquitto_sub", "mosquitto_passwd", "mosquitto_ctrl")


@dataclass(frozen=True)
class Owner:
    """The user that the servers run as: never root, PostgreSQL refuses that."""

    uid: int
    gid: int
    name: str


@dataclass(frozen=True)
class Place:
    """A directory that is fit for servers: short enough for sockets, and their user can reach it."""

    root: Path
    owner: Owner

    def private(self, name: str) -> Path:
        """A directory in it that only the servers' user enters; made if needed."""
        directory = self.root / name
        directory.mkdir(mode=0o700, exist_ok=True)
        os.chown(directory, self.owner.uid, self.owner.gid)
        return directory


def server_owner() -> Owner:
    """Who the servers run as: the user who starts them, or, for root, `nobody`."""
    entry = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    return Owner(entry.pw_uid, entry.pw_gid, entry.pw_name)


def unfit(directory: Path, owner: Owner) -> str | None:
    """Why servers can't live in a directory, or None if they can."""
    resolved = directory.resolve()
    if re.search(r"\s", str(resolved)):
        return "its path has a space, which Mosquitto can't read"
    length = len(os.fsencode(resolved / LONGEST_SOCKET))
    if length > SOCKET_PATH_MAX:
        return f"a socket's path in it would have {length} bytes, {SOCKET_PATH_MAX} are allowed"
    for folder in (resolved, *resolved.parents):
        entry = folder.stat() if folder.exists() else None
        if entry and owner.uid not in (os.geteuid(), entry.st_uid) and not entry.st_mode & stat.S_IXOTH:
            return f"the user {owner.name}, whom the servers run as, can't pass {folder}"
    return None


def prepare(directory: Path, notice: Notice) -> Place:
    """Make `directory` ready for servers; where it is unfit, it becomes a link to a fresh one that is fit.

    Raises:
        LocalError: it can't be made, or holds data in a place that is unfit.
    """
    owner = server_owner()
    reason = unfit(directory, owner)
    try:
        if reason is not None:
            if directory.is_dir() and any(directory.iterdir()):
                raise LocalError(
                    f"{directory} holds data, but servers can't live there: {reason}. Move it to a better "
                    "place and name that in CITYBRAIN_RUNTIME_DIR."
                )
            if directory.is_dir():
                directory.rmdir()
            substitute = tempfile.mkdtemp(prefix="citybrain-", dir="/var/tmp")
            directory.parent.mkdir(parents=True, exist_ok=True)
            directory.unlink(missing_ok=True)
            directory.symlink_to(substitute)
            # Others may pass through, not look: a server's own folders in it are closed to everybody else.
            Path(substitute).chmod(0o711)
            notice(f"{directory} is a link to {substitute}, because in the place itself {reason}.")
        elif not directory.exists():
            directory.resolve().mkdir(parents=True, exist_ok=True)  # somebody else may begin at the same time
            directory.chmod(0o711)
    except OSError as error:
        raise LocalError(
            f"{directory} can't be used for the private servers: {error.strerror}. Name another place in "
            "CITYBRAIN_RUNTIME_DIR."
        ) from error
    return Place(directory.resolve(), owner)


def existing(directory: Path) -> Place | None:
    """The place that was made ready earlier, or None if there is none."""
    return Place(directory.resolve(), server_owner()) if directory.is_dir() else None


def postgresql(place: Place, report: Report) -> Path:
    """PostgreSQL with TimescaleDB, fetched if need be; returns the folder of its programs."""
    prefix = place.root / "prefix" / "postgresql"
    with locked(place, "fetch"):
        _fetch(prefix, ["postgresql-17-timescaledb"], debian.STABLE, report)
        (programs,) = prefix.glob("usr/lib/postgresql/*/bin")
        _bind([programs / name for name in POSTGRES_PROGRAMS], prefix)
    return programs


def mosquitto(place: Place, report: Report, notice: Notice) -> Path:
    """Mosquitto and its clients, fetched if need be; returns the `usr` folder that holds it.

    Where Debian testing can't be had it is Mosquitto 2.0, see `Mosquitto.durable`.
    """
    prefix = place.root / "prefix" / "mosquitto"
    packages = ["mosquitto", "mosquitto-clients"]
    with locked(place, "fetch"):
        try:
            _fetch(prefix, packages, debian.TESTING, report)
        except LocalError as error:
            _fetch(prefix, packages, debian.STABLE, report)
            notice(f"Mosquitto 2.0 is taken, because 2.1 could not be had: {error}")
        found = (prefix / "usr" / folder / name for name in MOSQUITTO_PROGRAMS for folder in ("bin", "sbin"))
        _bind([program for program in found if program.exists()], prefix)
    return prefix / "usr"


def tool(place: Place, package: str, programs: Sequence[str], report: Report) -> Path:
    """A package of Debian stable, fetched if need be; returns the `usr` folder that holds it.

    Args:
        place: where it lies, beside the servers.
        package: what it is called, with all that it depends on.
        programs: those of it that are run, by their paths in `usr` (`bin/promtool`).
        report: is told how far it is.

    Raises:
        LocalError: no apt, no network, no room, no such package.
    """
    prefix = place.root / "prefix" / package
    with locked(place, "fetch"):
        _fetch(prefix, [package], debian.STABLE, report)
        _bind([prefix / "usr" / program for program in programs], prefix)
    return prefix / "usr"


def require_room(directory: Path, megabytes: int, what: str) -> None:
    """Check the room on the disk that holds a directory.

    Raises:
        LocalError: there is too little.
    """
    free = shutil.disk_usage(directory).free // 1_000_000
    if free < megabytes:
        raise LocalError(
            f"{what} needs {megabytes} MB, but the disk of {directory} has {free} MB free: make room, "
            "or name a place on another disk in CITYBRAIN_RUNTIME_DIR."
        )


@contextmanager
def locked(place: Place, what: str) -> Iterator[None]:
    """Be the only process that does this in a place; another one waits until it is done."""
    with (place.root / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(prefix: Path, packages: Sequence[str], suite: str, report: Report) -> None:
    """Unpack packages once; the stamp beside the prefix says that it is whole."""
    stamp = prefix.with_name(prefix.name + ".unpacked")
    if stamp.exists():
        return
    prefix.parent.mkdir(exist_ok=True)
    prefix.parent.chmod(0o755)  # whatever the umask: the servers' user reads it
    require_room(prefix.parent, FETCH_ROOM, "fetching the private servers")
    debian.unpack(packages, suite, prefix, prefix.with_name(f"{prefix.name}.{suite}.work"), report)
    elf.link_libraries(elf.libraries(prefix))
    stamp.write_text(f"{suite}\n")


def _bind(programs: Sequence[Path], prefix: Path) -> None:
    """Bind the programs to the place they lie in, and again after they were moved."""
    stamp = prefix.with_name(prefix.name + ".bound")
    if stamp.exists() and stamp.read_text() == str(prefix):
        return
    elf.bind(programs, prefix)
    stamp.write_text(str(prefix))
