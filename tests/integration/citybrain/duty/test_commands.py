"""Crews from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import psycopg
import pytest

COMMAND = [sys.executable, "-c", "from citybrain.cli import main; main()", "crew"]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(database: str) -> Run:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "CITYBRAIN_DATABASE_URL": database, "COLUMNS": "200"}
        return subprocess.run([*COMMAND, *words], env=environment, capture_output=True, text=True, timeout=60)

    return run


def test_crews_come_change_and_retire(database: str, run: Run) -> None:
    name = ("--zh", "抢修一班", "--en", "Repair 1")
    added = run("add", "repair-1", *name, "--region", "150802", "--base", "107.42", "40.75", "--contact", "13800000000")
    assert added.returncode == 0, added.stderr
    again = run("add", "repair-1", *name)
    assert (again.returncode, "already" in again.stderr) == (1, True)
    assert run("change", "repair-1", "--all-regions", "--domain", "water", "--channel", "企业微信").returncode == 0
    assert run("retire", "repair-1").returncode == 0
    listed = run("list").stdout
    assert all(word in listed for word in ("抢修一班 (Repair 1)", "water", "13800000000, 企业微信", "retired"))
    assert run("change", "repair-1", "--active").returncode == 0
    assert run("change", "nobody", "--active").returncode == 1

    with psycopg.connect(database) as connection:
        row = connection.execute("select regions, domains, longitude, latitude, active from crew").fetchone()
        audited = connection.execute("select action, details::text from audit order by id").fetchall()
    assert row == (None, ["water"], 107.42, 40.75, True)
    assert [action for action, _ in audited] == ["crew.add", "crew.change", "crew.change", "crew.change"]
    assert "13800000000" not in str(audited)
