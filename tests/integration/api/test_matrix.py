"""Every endpoint, tried with every role, and with the scope of another county.

Both matrices are made from the OpenAPI document: a new endpoint is in them without anybody thinking of it, and one
whose path names a new kind of thing fails until there is one abroad.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from api.reference import document
from api.v1 import ROLE
from citybrain.access.model import ROLES
from deploy.local.servers import Database
from tests.integration.conftest import new_database

DOCUMENT = document()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    if path.startswith("/api/v1/")
    for method, operation in methods.items()
}
READING = [name for name in OPERATIONS if name.startswith("GET ")]
CHANGING = [name for name in OPERATIONS if not name.startswith("GET ")]

# To sign in, and how one does.
OPEN = {
    "POST /api/v1/session",
    "GET /api/v1/session/options",
    "GET /api/v1/session/sign-on",
    "GET /api/v1/session/sign-on/callback",
}
# What belongs to no region: whoever is in may read it.
COMMON = re.compile(r"/api/v1/(domains|metrics|rules|regions|session|sessions|plans|indicators|datasets)(/|$)")

HOME, ABROAD = "150802", "150821"
MARK = "abroad7"  # in the name of everything that lies abroad
NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass
class Town:
    """The API of a city all of whose things lie abroad; tokens of each role, of everywhere and of the home county."""

    client: httpx.Client
    database_url: str
    everywhere: dict[str, str]
    home: dict[str, str]
    things: dict[str, dict[str, str]]

    def ask(self, name: str, token: str | None, body: object = None, /, **values: str) -> httpx.Response:
        """Ask for an endpoint with `values` for its path, in the name of a token or of nobody."""
        method, path = name.split()
        for key in re.findall(r"\{(\w+)\}", path):
            path = path.replace(f"{{{key}}}", values.get(key, "1"))
        headers = {"Authorization": f"Bearer {token}" if token else ""}
        if path.endswith("/stream"):  # its answer does not end
            with self.client.stream(method, path, headers=headers) as response:
                if not response.is_success:
                    response.read()
                return response
        return self.client.request(method, path, headers=headers, json=body if method != "GET" else None)

    def abroad(self, name: str) -> dict[str, str]:
        """For the path of an endpoint: something that lies abroad."""
        return self.things.get(name.split("/")[3], {})


@pytest.fixture(scope="module")
def town(
    database_server: Database,
    template: str,
    serve: Callable[[str], AbstractContextManager[Any]],
    grant: Callable[..., str],
    furnish: Callable[[psycopg.Connection[Any]], dict[str, dict[str, str]]],
) -> Iterator[Town]:
    url = new_database(database_server.url, f"test_matrix_{uuid4().hex}", template)
    with psycopg.connect(url) as connection:
        things = furnish(connection)
    home = {role: grant(url, role, [HOME]) for role in ROLES}
    with serve(url) as api:
        yield Town(api.client, url, {role: grant(url, role) for role in ROLES}, home, things)


# ── roles ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", OPERATIONS)
def test_nobody_gets_in_without_a_token(town: Town, name: str) -> None:
    answer = town.ask(name, None, {})

    if name in OPEN:
        assert answer.status_code != 403
    else:
        assert answer.status_code == 401
        assert answer.json()["type"] == "urn:citybrain:problem:access"


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in OPEN])
def test_every_endpoint_asks_for_a_role(name: str) -> None:
    assert OPERATIONS[name][ROLE] in ROLES


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in OPEN])
def test_a_role_that_is_too_low_is_refused_and_no_other(town: Town, name: str, role: str) -> None:
    least = OPERATIONS[name][ROLE]
    # Those of the home county can change nothing here; some reading is for those only who see everything.
    tokens = town.everywhere if name in READING else town.home
    answer = town.ask(name, tokens[role], {})

    is_refused = answer.status_code == 403 and answer.json()["type"] == "urn:citybrain:problem:role"
    assert is_refused == (ROLES.index(role) < ROLES.index(least))
    assert answer.status_code < 500 or answer.status_code == 503, "no broker runs here"


# ── scopes ──────────────────────────────────────────────────────────────────────────────────────────────


def seen(answer: httpx.Response) -> str:
    """All that an answer says, cursors unpacked."""
    text = answer.text
    for cursor in re.findall(r'"next": ?"([\w-]+)"', text):
        text += base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("utf-8", "replace")
    return text


LISTS = [name for name in READING if "{" not in name and name not in OPEN and not name.endswith("/stream")]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", LISTS)
def test_a_list_leaves_out_what_lies_abroad(town: Town, name: str, role: str) -> None:
    answer = town.ask(name, town.home[role])

    assert answer.status_code in (200, 403, 422)
    assert MARK not in seen(answer)
    assert "7654321" not in seen(answer)


def test_the_lists_would_show_it(town: Town) -> None:
    """What the test above could not find is there for those who may see it."""
    shown = {
        name.split("/")[3]
        for name in LISTS
        if MARK in (text := seen(town.ask(name, town.everywhere["administrator"]))) or "7654321" in text
    }

    private = (
        "status overview sites map series latest devices alerts crews duty handovers shelves maintenance-windows "
        "people tokens audit quarantine ledger"
    )
    assert shown >= set(private.split())


@pytest.mark.parametrize("name", [name for name in READING if "{" in name])
def test_a_thing_abroad_does_not_exist(town: Town, name: str) -> None:
    values = town.abroad(name)
    there = town.ask(name, town.everywhere["administrator"], **values)
    here = town.ask(name, town.home["administrator"], **values)

    if COMMON.match(name.split()[1]):
        assert here.status_code in (200, 404)
        assert MARK not in seen(here)
    else:
        assert there.status_code == 200, "the town has such a thing"
        assert here.status_code == 404
        assert not any(word in here.json()["detail"] for word in ("permission", "role", "scope"))


LATER = (NOW + timedelta(hours=2)).isoformat()
BODIES: dict[str, object] = {
    "dispatch": {"crew": "x", "note": "x"},
    "reassign": {"crew": "x", "note": "x"},
    "assign": {"operator": "x"},
    "grants": {"token": MARK, "region": ABROAD, "until": LATER, "reason": "x"},
    "people": {"title": "x"},
    "crews": {"active": False},
}


TABLES = [
    "alert",
    "alert_event",
    "alert_watch",
    "shelf",
    "maintenance_window",
    "person",
    "token",
    "dataset_grant",
    "device_credential",
    "crew",
    "duty",
    "handover",
    "handover_taken",
    "audit",
]


def changes(connection: psycopg.Connection[Any]) -> list[Any]:
    """All that a change abroad would change."""
    rows = sql.SQL("select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from {} t")
    return [connection.execute(rows.format(sql.Identifier(table))).fetchone() for table in TABLES]


@pytest.mark.parametrize("name", [name for name in CHANGING if "{" in name and "indicators" not in name])
def test_nothing_abroad_is_changed(town: Town, name: str) -> None:
    body = BODIES.get(name.rsplit("/", 1)[1], BODIES.get(name.split("/")[3], {"note": "x"}))
    with psycopg.connect(town.database_url, autocommit=True) as connection:
        before = changes(connection)
        answer = town.ask(name, town.home["administrator"], body, **town.abroad(name))

        assert answer.status_code in ((403, 404, 422) if re.search("datasets|sessions", name) else (404,))
        assert changes(connection) == before


def silences(connection: psycopg.Connection[Any], alert: str) -> Any:
    """Until when something silences an alert."""
    statement = "select shelved_until, maintained_until from board_alert where id = %(id)s"
    return connection.execute(statement, {"id": alert}).fetchone()


def test_no_shelf_reaches_abroad(town: Town) -> None:
    body = {"rule": "*", "until": LATER, "reason": "x"}
    with psycopg.connect(town.database_url, autocommit=True) as connection:
        connection.execute("update maintenance_window set region_id = '150800'")  # not in the way
        before = silences(connection, town.things["alerts"]["id"])
        answer = town.ask("POST /api/v1/shelves", town.home["operator"], body)

        assert answer.status_code == 201, "it is about what matches at home"
        assert silences(connection, town.things["alerts"]["id"]) == before


@pytest.mark.parametrize("beyond", [{"region": ABROAD}, {"domain": "water"}, {"region": "150800"}])
def test_no_maintenance_reaches_abroad(town: Town, beyond: dict[str, str]) -> None:
    body = {**beyond, "end_at": LATER, "reason": "x"}
    answer = town.ask("POST /api/v1/maintenance-windows", town.home["engineer"], body)

    assert answer.status_code in (403, 404, 422)


def test_a_bulk_action_tells_nothing_of_what_lies_abroad(town: Town) -> None:
    ids = [int(town.things["alerts"]["id"]), 987654]
    answer = town.ask("POST /api/v1/bulk/alerts", town.home["operator"], {"ids": ids, "action": "confirm"})

    assert answer.status_code == 200
    abroad, nowhere = (str(item).replace(str(id), "N") for id, item in zip(ids, answer.json()["items"], strict=True))
    assert abroad == nowhere
