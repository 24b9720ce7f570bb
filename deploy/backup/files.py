"""Copy what is not in the database and can't be made again: the broker's credentials and queue, secrets, catalogue.

    python3 files.py FOLDER DAYS PATH ...

Writes FOLDER/citybrain-TIME.tar.gz, which only its owner reads, and removes those older than DAYS. A database of SQLite
(the broker's queue) is copied as of one instant while the broker goes on. Needs Debian's Python and nothing else.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

SQLITE = b"SQLite format 3\0"  # how such a file begins: sqlite.org/fileformat.html
BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside it while it is in use
NAME = "citybrain-%Y%m%dT%H%M%SZ.tar.gz"


def copy(folder: Path, paths: list[Path], now: datetime) -> Path:
    """Copy files and folders with all below them into a new archive.

    Raises:
        FileNotFoundError: one of the paths is not there; nothing is written.
    """
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there, so it can't be copied.")
    archive = folder / now.astimezone(UTC).strftime(NAME)
    fresh = archive.with_suffix(".new")
    private = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(private, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
        for path in paths:
            _add(tar, path)
    fresh.replace(archive)
    return archive


def expire(folder: Path, before: datetime) -> list[Path]:
    """Remove the archives made before an instant; returns them."""
    oldest = before.astimezone(UTC).strftime(NAME)
    old = [archive for archive in folder.glob("citybrain-*.tar.gz") if archive.name < oldest]
    for archive in old:
        archive.unlink()
    return old


def _add(tar: tarfile.TarFile, path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        tar.add(path, recursive=False)
        for below in sorted(path.iterdir()):
            _add(tar, below)
    elif path.is_file() and _is_sqlite(path):
        with tempfile.TemporaryDirectory() as folder:
            still = Path(folder) / path.name
            there = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
            with closing(there), closing(sqlite3.connect(still)) as here:
                there.backup(here)
            entry = tar.gettarinfo(path)  # whose it is, and its name
            entry.size = still.stat().st_size
            with still.open("rb") as content:
                tar.addfile(entry, content)
    elif not _is_beside(path):
        tar.add(path)


def _is_beside(path: Path) -> bool:
    """Whether a file is part of a database that is copied as a whole: put back beside the copy it would spoil it."""
    owners = [path.with_name(path.name.removesuffix(end)) for end in BESIDE if path.name.endswith(end)]
    return any(owner.is_file() and _is_sqlite(owner) for owner in owners)


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def main(folder: Path, days: int, paths: list[Path]) -> None:
    """Copy, then remove what is too old."""
    now = datetime.now(UTC)
    try:
        print(copy(folder, paths, now))
    except FileNotFoundError as error:
        sys.exit(str(error))
    for archive in expire(folder, now - timedelta(days=days)):
        print(f"{archive} removed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [Path(path) for path in sys.argv[3:]])
