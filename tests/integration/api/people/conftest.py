"""A platform with people who sign in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from citybrain.access import passwords, people
from citybrain.access.model import Role, Scope
from citybrain.store.connection import connect
from deploy.local.servers import Database
from tests.integration.conftest import new_database

PASSWORD = "a sentence is easy to remember"


@cache
def password_hash() -> str:
    return passwords.hashed(PASSWORD)


@dataclass
class Town:
    """The API over a database of its own, and browsers that visit it."""

    database_url: str
    address: str
    administrator: httpx.Client
    browsers: list[httpx.Client] = field(default_factory=list)

    def person(self, role: Role = "viewer", **scope: Any) -> str:
        """A new person who has `PASSWORD`; the name."""
        name = f"p-{uuid4().hex[:12]}"
        with connect(self.database_url, "writer", "test") as connection:
            new = people.NewPerson(name, role, **scope)
            people.add(connection, new, password_hash(), Scope(), "test", datetime.now(UTC))
        return name

    def browser(self, **headers: str) -> httpx.Client:
        """A browser, not signed in."""
        client = httpx.Client(base_url=self.address, trust_env=False, timeout=30, headers=headers)
        self.browsers.append(client)
        return client

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Client:
        """A browser in which that person is signed in."""
        browser = self.browser()
        answer = browser.post("/api/v1/session", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        return browser

    def execute(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the owner of the database finds or does."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def town(
    database_server: Database, template: str, serve: Callable[[str], AbstractContextManager[Any]]
) -> Iterator[Town]:
    url = new_database(database_server.url, f"test_people_{uuid4().hex}", template)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CITYBRAIN_RATE_SIGN_INS", "1000000")
        with serve(url) as api:
            town = Town(url, str(api.client.base_url), api.client)
            yield town
            for browser in town.browsers:
                browser.close()
