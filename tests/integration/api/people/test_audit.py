"""The audit keeps what was done; nobody changes it, and not everybody reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx
import psycopg
import pytest

from citybrain.store.connection import connect

PASSWORD = "a sentence is easy to remember"
AUDIT = "/api/v1/audit"


class Town(Protocol):
    database_url: str
    administrator: httpx.Client

    def person(self, role: str = "viewer", **scope: Any) -> str: ...
    def browser(self, **headers: str) -> httpx.Client: ...
    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Client: ...


def entries(client: httpx.Client, **parameters: Any) -> list[dict[str, Any]]:
    answer = client.get(AUDIT, params=parameters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_it_says_who_did_what_from_where(town: Town) -> None:
    name = town.person("administrator")
    browser = town.sign_in(name)
    other = town.person()
    answer = browser.patch(f"/api/v1/people/{other}", json={"role": "operator"})

    newest, before = entries(town.administrator, actor=name)

    assert {**newest, "id": 0, "at": ""} == {
        "id": 0,
        "at": "",
        "actor": name,
        "action": "person.change",
        "target": f"person {other}",
        "details": {"role": "operator"},
        "address": "127.0.0.1",
        "request_id": answer.headers["x-request-id"],
    }
    assert before["action"] == "session.begin"


def test_it_is_read_page_by_page_and_filtered(town: Town) -> None:
    name = town.person()
    for _ in range(3):
        town.sign_in(name)
    began = datetime.now(UTC)
    town.sign_in(name).delete("/api/v1/session")
    target = f"person {name}"

    first = town.administrator.get(AUDIT, params={"target": target, "limit": 3}).json()
    rest = town.administrator.get(AUDIT, params={"target": target, "cursor": first["next"]}).json()

    ids = [entry["id"] for entry in first["items"] + rest["items"]]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)
    assert rest["next"] is None
    assert [e["action"] for e in entries(town.administrator, target=target, action="session.e")] == ["session.end"]
    later = began + timedelta(hours=1)
    since = entries(town.administrator, target=target, **{"from": began.isoformat(), "to": later.isoformat()})
    assert [e["action"] for e in since] == ["session.end", "session.begin"]
    assert entries(town.administrator, target=target, to=(began - timedelta(hours=1)).isoformat()) == []


def test_only_administrators_of_everything_read_it(town: Town) -> None:
    for scope in ({"regions": ["150800"]}, {"domains": ["water"]}):
        browser = town.sign_in(town.person("administrator", **scope))
        assert browser.get(AUDIT).status_code == 403
    assert town.sign_in(town.person("engineer")).get(AUDIT).status_code == 403
    assert town.browser().get(AUDIT).status_code == 401
    assert town.sign_in(town.person("administrator")).get(AUDIT).status_code == 200


@pytest.mark.parametrize(
    "parameters",
    [{"from": "2026-01-01T00:00:00"}, {"to": "yesterday"}, {"actor": "a\0b"}, {"limit": 0}, {"limit": 1001}],
    ids=str,
)
def test_what_can_not_be_asked_is_refused(town: Town, parameters: dict[str, Any]) -> None:
    assert town.administrator.get(AUDIT, params=parameters).status_code == 422


@pytest.mark.parametrize(
    "cursor", ["x", "WyJhIl0", "W10", "WzFlMzBd", "WzEsMl0", "....", "WzkyMjMzNzIwMzY4NTQ3NzU4MDhd"]
)
def test_a_cursor_of_somebody_else_is_refused(town: Town, cursor: str) -> None:
    assert town.administrator.get(AUDIT, params={"cursor": cursor}).status_code in (400, 422)


@pytest.mark.parametrize("statement", ["update audit set actor = 'x'", "delete from audit", "truncate audit"])
def test_nobody_changes_it(town: Town, statement: str) -> None:
    for role in ("writer", "owner"):
        with (
            connect(town.database_url, role, "test") as connection,
            pytest.raises(psycopg.Error),
        ):
            connection.execute(statement.encode())
