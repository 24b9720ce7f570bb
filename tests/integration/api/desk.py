"""Alerts in two counties, people who may see one of them or both, and the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from citybrain.access.secrets import digest, session_secret
from citybrain.store.connection import connect
from rules.alerts.record import record
from rules.transition import Kind
from tests.integration.api.conftest import grant, serving
from tests.integration.rules.alerts.conftest import BACKGROUND, transition

LINHE, WUYUAN = "150802", "150821"
SITE = "air-linhe-1"
NOW = datetime.now(UTC)


@dataclass
class Desk:
    """An API over alerts, and those who ask it; each keeps one client."""

    url: str
    base_url: str
    clients: list[httpx.Client] = field(default_factory=list)

    def raise_(
        self, subject: str, severity: int = 2, *, region: str | None = LINHE, kind: Kind = "raised", **more: Any
    ) -> int:
        """Record a transition of a pressure; the alert's id."""
        given = {"rule": "water.quality", "site": None, "device": subject.split("/")[-2], "time": NOW, **more}
        with connect(self.url, "writer", "test") as connection, connection.transaction():
            found = transition(kind, severity, subject=subject, region=region, **given)
            record(connection, [found], BACKGROUND, datetime.now(UTC))
            row = connection.execute("select max(id) from alert where subject = %s", (subject,)).fetchone()
        assert row
        return int(row[0])

    def do(self, statement: str, *parameters: object) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def who(
        self, role: str = "operator", regions: list[str] | None = None, domains: list[str] | None = None
    ) -> httpx.Client:
        """A system with a token of that role and scope."""
        token = grant(self.url, role, regions, domains)  # type: ignore[arg-type]
        return self._client(headers={"Authorization": f"Bearer {token}"})

    def person(
        self,
        name: str,
        crew: str | None = None,
        role: str = "operator",
        regions: list[str] | None = None,
        title: str = "",
    ) -> httpx.Client:
        """A person who has signed in, perhaps of a crew."""
        secret = session_secret()
        self.do(
            "with p as (insert into person (name, title, role, regions, crew, created_at, created_by) "
            "values (%s, %s, %s, %s, %s, now(), 'test') returning id) "
            "insert into session (hash, person_id, created_at, expires_at, address, agent) "
            "select %s, id, now(), now() + interval '1 hour', '', '' from p",
            name, title, role, regions, crew, digest(secret),
        )  # fmt: skip
        return self._client(cookies={"citybrain_session": secret})

    def _client(self, **more: Any) -> httpx.Client:
        client = httpx.Client(base_url=self.base_url, trust_env=False, timeout=20, **more)
        self.clients.append(client)
        return client


@contextmanager
def at_desk(database_url: str, **more: Any) -> Iterator[Desk]:
    """A desk at an API of its own; `more`: what that is served with."""
    with serving(database_url, **more) as api:
        desk = Desk(database_url, f"{api.client.base_url}/api/v1/")
        yield desk
        for client in desk.clients:
            client.close()


@pytest.fixture(name="desk")
def opened(database: str) -> Iterator[Desk]:
    with at_desk(database) as desk:
        yield desk


def soon(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()
