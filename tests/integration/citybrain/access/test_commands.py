"""People and tokens from the command line; passwords come from standard input and are never an argument."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from citybrain.access import passwords

COMMAND = [sys.executable, "-c", "from citybrain.cli import main; main()"]
PASSWORD = "a sentence is easy to remember"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(database: str) -> Run:
    def run(*words: str, told: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "CITYBRAIN_DATABASE_URL": database, "COLUMNS": "200"}
        return subprocess.run(
            [*COMMAND, *words], input=told, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def person(database: str, name: str) -> tuple[Any, ...]:
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "select role, regions, domains, crew, active, password_hash from person where name = %s", (name,)
        ).fetchone()
    assert row is not None
    return row


def audit(database: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute("select actor, action, target, details::text from audit order by id").fetchall()


def test_the_first_administrator_is_made_once(database: str, run: Run) -> None:
    first, again = run("person", "first"), run("person", "first")

    said = re.match(r"sign in as admin / (\S+)   \(shown only now", first.stdout)
    assert said
    assert again.stdout == ""
    role, regions, domains, _, active, kept = person(database, "admin")
    assert (role, regions, domains, active) == ("administrator", None, None, True)
    assert passwords.matches(kept, said[1])
    assert said[1] not in str(audit(database)) + first.stderr


def test_people_come_change_and_go(database: str, run: Run) -> None:
    words = ["--role", "operator", "--region", "150802", "--domain", "water", "--crew", "crew-1", "--title", "李娜"]

    added = run("person", "add", "li.na", *words, told=f"{PASSWORD}\n")

    assert added.returncode == 0, added.stderr
    assert person(database, "li.na")[:5] == ("operator", ["150802"], ["water"], "crew-1", True)
    assert passwords.matches(person(database, "li.na")[5], PASSWORD)
    assert "li.na (李娜)" in run("person", "list").stdout
    run("person", "change", "li.na", "--role", "engineer", "--all-regions", "--crew", "")
    assert person(database, "li.na")[:5] == ("engineer", None, ["water"], None, True)
    run("person", "deactivate", "li.na")
    assert person(database, "li.na")[4] is False
    run("person", "change", "li.na", "--active")
    assert person(database, "li.na")[4] is True
    made = run("person", "password", "li.na", "--random")
    assert passwords.matches(person(database, "li.na")[5], made.stdout.strip())
    entries = audit(database)
    assert [action for _, action, _, _ in entries] == [
        "person.add",
        "person.change",
        "person.change",
        "person.change",
        "person.password",
    ]
    assert all(actor.startswith("command:") and target == "person li.na" for actor, _, target, _ in entries)
    assert not [secret for secret in (PASSWORD, made.stdout.strip()) if secret in str(entries)]
    assert "person.password" in run("audit", "list", "--action", "person.").stdout


@pytest.mark.parametrize(
    ("words", "told", "said"),
    [
        (["Li Na", "--role", "viewer"], PASSWORD, "can't be a name"),
        (["li.na", "--role", "viewer"], "short", "too short"),
        (["li.na", "--role", "viewer"], "", "too short"),
        (["li.na", "--role", "viewer"], "passwordpassword", "first that anybody"),
        (["li.na", "--role", "viewer", "--region", "atlantis"], PASSWORD, "no atlantis"),
        (["li.na", "--role", "viewer", "--random", "--single-sign-on"], "", "Choose one"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_can_not_be_is_said_in_a_sentence(run: Run, words: list[str], told: str, said: str) -> None:
    done = run("person", "add", *words, told=told)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_last_administrator_stays(run: Run) -> None:
    run("person", "first")

    done = run("person", "deactivate", "admin")

    assert done.returncode == 1
    assert "last administrator" in done.stderr


def test_a_token_comes_and_goes(run: Run) -> None:
    made = run("token", "add", "grid", "--role", "viewer", "--region", "150802", "--days", "30")

    assert re.fullmatch(r"cbt_[\w-]{43}\n", made.stdout)
    assert made.stdout.strip() not in run("token", "list").stdout
    assert "until" in run("token", "list").stdout
    assert run("token", "revoke", "grid").returncode == 0
    assert "revoked" in run("token", "list").stdout
    assert "There is no token other" in run("token", "revoke", "other").stderr
