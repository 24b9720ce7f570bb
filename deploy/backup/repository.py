"""A pgBackRest repository beside a private database, set as the shipped files say, and its commands."""

from __future__ import annotations

import configparser
import json
import os
import re
import secrets
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

import psycopg
from psycopg import sql

from deploy.local import LocalError, runtime, tools
from deploy.local.postgres import Postgres

PROGRAM = "bin/pgbackrest"
STANZA = "citybrain"
FILES = Path(__file__).parent
SEGMENT_LETTERS = 24  # of the name of a file of the log; what follows is its checksum


def settings_of_database() -> dict[str, str]:
    """What deploy/backup/postgresql.conf sets, but the command that hands the log over: that needs a place first."""
    found = re.findall(r"^(\w+) = '?([^'\n]*)'?$", (FILES / "postgresql.conf").read_text(), re.MULTILINE)
    return dict(found) | {"archive_command": ""}


@dataclass(frozen=True)
class Repository:
    """The backups of one database, and the log of its changes; all below `root`."""

    program: Path
    root: Path
    owner: runtime.Owner

    @classmethod
    def beside(cls, server: Postgres) -> Self:
        """Make the repository of a database that runs with `settings_of_database`, and have its log handed over.

        Raises:
            LocalError: pgBackRest can't be had, or refuses; the text says why.
        """
        place = runtime.Place(server.data.parent, server.owner)
        made = cls(tools.usr("pgbackrest", PROGRAM) / PROGRAM, place.private("backup"), server.owner)
        configuration = configparser.RawConfigParser()
        configuration.read(FILES / "pgbackrest.conf")
        configuration["global"].update({f"{name}-path": str(made.root / name) for name in ("repo1", "spool", "lock")})
        configuration["global"].update({"repo1-cipher-pass": secrets.token_urlsafe(), "log-level-file": "off"})
        own = {"pg1-path": server.data, "pg1-socket-path": server.run, "pg1-user": "postgres"}
        configuration[STANZA].update({name: str(path) for name, path in own.items()})
        with made._configuration.open("w") as file:
            configuration.write(file, space_around_delimiters=False)
        os.chown(made._configuration, made.owner.uid, made.owner.gid)
        with psycopg.connect(server.url, autocommit=True) as connection:
            command = f"{made.program} --config={made._configuration} --stanza={STANZA} archive-push %p"
            connection.execute(sql.SQL("alter system set archive_command = {}").format(sql.Literal(command)))
            connection.execute("select pg_reload_conf()")
        made._run("stanza-create")
        made._run("check")
        return made

    def backup(self, kind: Literal["full", "diff"]) -> None:
        """Take a backup of the running database.

        Raises:
            LocalError: pgBackRest failed; the text says why.
        """
        self._run("backup", f"--type={kind}")

    def restore(self, instant: datetime) -> None:
        """Fill the data directory, so that the server brings it to `instant` when it starts.

        Raises:
            LocalError: the directory is not empty, or pgBackRest failed; the text says why.
        """
        self._run("restore", "--type=time", f"--target={instant.isoformat(sep=' ')}", "--target-action=promote")

    def has(self, segment: str) -> bool:
        """Whether the log is here up to a segment (00000001000000000000002A, for one)."""
        newest = self._info()["archive"][-1]["max"] or ""
        return str(newest)[:SEGMENT_LETTERS] >= segment

    def bytes(self) -> int:
        """What backups and log take."""
        return sum(file.stat().st_size for file in (self.root / "repo1").rglob("*") if file.is_file())

    def _info(self) -> Any:
        (stanza,) = json.loads(self._run("info", "--output=json"))
        return stanza

    @property
    def _configuration(self) -> Path:
        return self.root / "pgbackrest.conf"

    def _run(self, *arguments: str) -> str:
        """Run pgBackRest as the user whose database it is."""
        as_root = os.geteuid() == 0
        done = subprocess.run(
            [str(self.program), f"--config={self._configuration}", f"--stanza={STANZA}", *arguments],
            capture_output=True,
            text=True,
            cwd=self.root,
            user=self.owner.uid if as_root else None,
            group=self.owner.gid if as_root else None,
            extra_groups=[] if as_root else None,
            umask=0o077,
        )
        if done.returncode != 0:
            raise LocalError(f"pgbackrest {arguments[0]} failed:\n{(done.stdout + done.stderr).strip()}")
        return done.stdout
