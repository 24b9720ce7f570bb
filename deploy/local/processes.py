"""Processes that a killed supervisor or server left behind: found by exact marks in /proc, and ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn


def of_program(program: Path, directory: Path) -> list[int]:
    """The processes that run exactly this program in exactly this working directory."""
    return [
        pid
        for pid in _pids()
        # A program that was replaced on disk shows as "/path/program (deleted)".
        if _link(pid, "exe").removesuffix(" (deleted)") == str(program) and _link(pid, "cwd") == str(directory)
    ]


def with_environment(name: str, value: str) -> list[int]:
    """The processes that were started with exactly this variable in their environment."""
    mark = os.fsencode(f"{name}={value}")
    found = []
    for pid in _pids():
        with suppress(OSError):
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def wait(pids: list[int], patience: float) -> list[int]:
    """Wait until processes have ended; returns those that have not after `patience` seconds."""
    deadline = time.monotonic() + patience
    while (pids := [pid for pid in pids if _alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return pids


def end(pids: list[int], first: signal.Signals, patience: float) -> None:
    """Ask processes to end with a signal; kill those that are still there after `patience` seconds."""
    for number in (first, signal.SIGKILL):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        pids = wait(pids, patience)


def become(command: list[str], directory: Path) -> NoReturn:
    """Turn this process into another program, which works in a directory and has its owner's rights only."""
    settle(directory)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def settle(directory: Path) -> None:
    """Work in a directory from now on, with its owner's rights only."""
    os.chdir(directory)
    if os.geteuid() == 0:
        owner = directory.stat()
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)
    os.umask(0o077)


def _pids() -> Iterator[int]:
    return (int(entry) for entry in os.listdir("/proc") if entry.isdigit())  # noqa: PTH208 - names are enough


def _link(pid: int, name: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/{name}")  # noqa: PTH115 - not a path to follow
    except OSError:  # it ended meanwhile, or is another user's
        return ""


def _alive(pid: int) -> bool:
    """Whether a process still runs (one that waits to be collected by its parent does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
