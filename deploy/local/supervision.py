"""Keeping processes running, by supervisor: its configuration, and talking to it."""

from __future__ import annotations

import configparser
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from citybrain.settings import PROJECT
from deploy.local import LocalError, processes

LOG_BYTES = 10_000_000  # a program's log is turned at this size
LOG_BACKUPS = 3
RETRIES = 1_000_000  # restarts in a row, each a second later than the one before: never give up
START_SECONDS = 1  # a program that runs so long has started
STOP_SECONDS = 60  # a program that has not stopped by then is killed
CHILD_SECONDS = 10.0  # in which what a program has started ends after it
SUPERVISOR_PATIENCE = 10.0  # seconds until supervisor itself answers
LOG_LINES = 15  # of a program's log are shown when it does not start
DEATHS = 3  # a program that ended so often while it starts will not start


@dataclass(frozen=True)
class Program:
    """A process to keep running."""

    name: str
    command: Sequence[str]
    stop_signal: signal.Signals = signal.SIGTERM
    is_server: bool = False  # starts with the supervisor, and stops when the others have
    is_task: bool = False  # may end, and is then not started again unless it failed

    @property
    def group(self) -> str:
        """What it is started and stopped with."""
        return "servers" if self.is_server else "platform"

    @property
    def address(self) -> str:
        """How supervisor names it."""
        return f"{self.group}:{self.name}"


class Supervisor:
    """One supervisor and its programs, below the root of a runtime."""

    def __init__(self, root: Path) -> None:
        self.configuration = root / "supervisord.conf"
        self.socket = root / "run" / "supervisor.sock"
        self.logs = root / "log"
        self._url = f"unix://{self.socket}"

    def start(self, programs: Sequence[Program], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start it, in a session of its own, so that a Ctrl-C in the terminal reaches only us.

        Raises:
            LocalError: it does not answer.
        """
        self.write(programs)
        with (self.logs / "supervisord.out").open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(self.configuration)],
                stdout=out,
                stderr=out,
                env=dict(environment),
                start_new_session=True,
            )
        deadline = time.monotonic() + SUPERVISOR_PATIENCE
        while not self.running():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                output = (self.logs / "supervisord.out").read_text()
                raise LocalError(f"The supervisor did not start. It said:\n{output[-2000:]}")
            time.sleep(0.02)
        return process

    def running(self) -> bool:
        """Whether a supervisor answers here."""
        return self._pid() is not None

    def states(self) -> dict[str, str]:
        """The state of each program (`RUNNING`, `BACKOFF` ...); empty if no supervisor answers."""
        try:
            return {info["name"]: info["statename"] for info in self._call("getAllProcessInfo")}
        except (OSError, Error):
            return {}

    def start_program(self, program: Program) -> None:
        """Start a program; does not wait."""
        self._call("startProcess", program.address, False)

    def wait_until(self, program: Program, ready: Callable[[], bool], patience: float) -> None:
        """Wait until a program that was started does its work.

        Raises:
            LocalError: it keeps ending, or is not ready in time; the text ends with its log.
        """
        deaths = set()
        deadline = time.monotonic() + patience
        while not ready():
            info = self._call("getProcessInfo", program.address)
            if info["statename"] in ("BACKOFF", "EXITED", "FATAL"):
                deaths.add(info["start"])
            if len(deaths) >= DEATHS or time.monotonic() > deadline:
                what = "keeps ending" if deaths else f"is not ready after {patience:.0f} seconds"
                log = self.logs / f"{program.name}.log"
                lines = log.read_text(errors="replace").splitlines() if log.exists() else []
                raise LocalError(
                    f"{program.name} {what}. Mend what its log says, and start again. {log} ends so:\n"
                    + "\n".join(f"  {line}" for line in lines[-LOG_LINES:])
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop all programs in order, then the supervisor; returns when they and what they started have ended."""
        pid = self._pid()
        if pid is None:
            return
        with suppress(OSError, Error):
            self._call("shutdown")
        processes.wait([pid], STOP_SECONDS * 2)
        # It waits for its programs only. The reader of the broker's log reads to the end, a moment after the broker's.
        processes.wait(self._started(), CHILD_SECONDS)

    def clear(self) -> None:
        """End programs whose supervisor was killed."""
        processes.end(self._started(), signal.SIGTERM, CHILD_SECONDS)

    def write(self, programs: Sequence[Program]) -> None:
        """Write supervisor's configuration file."""
        sections: dict[str, dict[str, object]] = {
            "unix_http_server": {"file": self.socket, "chmod": "0700"},
            "rpcinterface:supervisor": {
                "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
            },
            "supervisord": {
                "nodaemon": "true",
                "directory": PROJECT,
                "logfile": self.logs / "supervisord.log",
                "logfile_maxbytes": LOG_BYTES,
                "logfile_backups": LOG_BACKUPS,
                "pidfile": self.socket.with_name("supervisord.pid"),
                # As root it wants to be told so. The servers drop root's rights themselves: their user may
                # not even be able to read this project.
                "user": os.geteuid(),
            },
        }
        for group, priority in (("servers", 1), ("platform", 2)):
            members = ",".join(program.name for program in programs if program.group == group)
            if members:
                sections[f"group:{group}"] = {"programs": members, "priority": priority}
        for program in programs:
            sections[f"program:{program.name}"] = {
                "command": shlex.join(program.command),
                "autostart": str(program.is_server).lower(),
                "autorestart": "unexpected" if program.is_task else "true",
                "startsecs": START_SECONDS,
                "startretries": RETRIES,
                "stopsignal": program.stop_signal.name.removeprefix("SIG"),
                "stopwaitsecs": STOP_SECONDS,
                "redirect_stderr": "true",
                "stdout_logfile": self.logs / f"{program.name}.log",
                "stdout_logfile_maxbytes": LOG_BYTES,
                "stdout_logfile_backups": LOG_BACKUPS,
            }
        file = configparser.RawConfigParser()
        # supervisor reads a percent sign as the start of a name to expand.
        file.read_dict(
            {
                name: {key: str(value).replace("%", "%%") for key, value in section.items()}
                for name, section in sections.items()
            }
        )
        with self.configuration.open("w") as text:
            file.write(text)

    def _started(self) -> list[int]:
        """The programs that run, and what they have started: supervisor marks them with its address."""
        return processes.with_environment("SUPERVISOR_SERVER_URL", self._url)

    def _pid(self) -> int | None:
        try:
            return int(self._call("getPID"))
        except (OSError, Error):
            return None

    def _call(self, method: str, *arguments: object) -> Any:
        with ServerProxy("http://localhost", SupervisorTransport(serverurl=self._url)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)
