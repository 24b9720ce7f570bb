"""The copy of what is not in the database: whole, private, and of one instant where the broker goes on writing."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.backup import files

NOW = datetime(2026, 11, 22, 2, 40, tzinfo=UTC)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "mosquitto"
    (source / "certs").mkdir(parents=True)
    (source / "dynamic-security.json").write_text(json.dumps({"clients": ["a"]}))
    (source / "certs" / "server.key").write_text("secret")
    return source


def test_everything_below_a_folder_is_in_the_copy(source: Path, tmp_path: Path) -> None:
    archive = files.copy(tmp_path, [source], NOW)
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "back", filter="data")
    back = tmp_path / "back" / source.relative_to("/")
    assert (back / "certs" / "server.key").read_text() == "secret"
    assert json.loads((back / "dynamic-security.json").read_text()) == {"clients": ["a"]}


def test_only_its_owner_reads_the_copy(source: Path, tmp_path: Path) -> None:
    assert files.copy(tmp_path, [source], NOW).stat().st_mode & 0o777 == 0o600


def test_a_database_is_copied_whole_while_somebody_writes_to_it(source: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(source / "queue.sqlite3")) as queue:
        queue.execute("pragma journal_mode = wal")
        queue.execute("create table message (id integer)")
        queue.executemany("insert into message values (?)", [(number,) for number in range(1000)])
        queue.commit()  # into the log beside the file, where it stays: the connection is open
        queue.execute("insert into message values (-1)")
        archive = files.copy(tmp_path, [source], NOW)
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "back", filter="data")
    back = tmp_path / "back" / source.relative_to("/")
    assert [file.name for file in back.glob("queue*")] == ["queue.sqlite3"], "the log of another instant spoils it"
    with closing(sqlite3.connect(back / "queue.sqlite3")) as copy:
        assert copy.execute("select count(*), min(id) from message").fetchone() == (1000, 0)


def test_a_path_that_is_not_there_is_named_and_nothing_is_written(source: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-folder is not there"):
        files.copy(tmp_path, [source, tmp_path / "no-such-folder"], NOW)
    assert not list(tmp_path.glob("citybrain-*"))


def test_copies_older_than_asked_for_go(source: Path, tmp_path: Path) -> None:
    old, young = (files.copy(tmp_path, [source], NOW - timedelta(days=days)) for days in (31, 29))
    assert files.expire(tmp_path, NOW - timedelta(days=30)) == [old]
    assert list(tmp_path.glob("citybrain-*")) == [young]
