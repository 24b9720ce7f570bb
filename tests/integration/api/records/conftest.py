"""A platform with rules and plans in force, and a pressure gauge in each of two counties."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from citybrain.access import tokens
from citybrain.access.model import Role
from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT
from citybrain.store.connection import connect
from deploy.local.servers import Broker, Database
from rules import sets
from rules.grammar.load import load
from rules.plans.load import indicators
from rules.plans.load import load as load_plans
from tests.integration.conftest import new_database

LINHE, WUYUAN = "150802", "150821"
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
START = NOW - timedelta(hours=6)
DIP = range(60, 80)  # minutes in which the pressure is too low


@dataclass
class Town:
    """The API over a database of its own, and systems that ask it."""

    database_url: str
    address: str
    client: httpx.Client
    broker: Broker
    names: dict[str, str] = field(default_factory=dict)  # of tokens, by secret
    clients: list[httpx.Client] = field(default_factory=list)

    def ask(
        self, role: Role = "viewer", regions: list[str] | None = None, domains: list[str] | None = None
    ) -> httpx.Client:
        """A system with a new token."""
        name, now = f"t-{uuid4().hex[:12]}", datetime.now(UTC)
        with connect(self.database_url, "writer", "test") as connection:
            new = tokens.NewToken(name, role, now + timedelta(hours=1), regions, domains)
            secret = tokens.add(connection, new, "test", now)
        headers = {"Authorization": f"Bearer {secret}"}
        client = httpx.Client(base_url=self.address, trust_env=False, timeout=90, headers=headers)
        self.names[headers["Authorization"]] = name
        self.clients.append(client)
        return client

    def name(self, client: httpx.Client) -> str:
        """What the token of a system is called."""
        return self.names[client.headers["Authorization"]]

    def execute(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def town(
    database_server: Database,
    template: str,
    catalogue: Catalogue,
    broker: Broker,
    serve: Callable[[str, str], AbstractContextManager[Any]],
) -> Iterator[Town]:
    url = new_database(database_server.url, f"test_records_{uuid4().hex}", template)
    plans = load_plans(PROJECT, catalogue)
    checked = load(PROJECT, catalogue, {id: one.unit for id, one in indicators(plans).items()})
    with connect(url, "writer", "test") as connection:
        sets.apply(connection, checked, plans, "test", NOW)
        for region in (LINHE, WUYUAN):
            _gauge(connection, region)
    with serve(url, broker.collector_url) as api:
        api.client.timeout = 90
        town = Town(url, str(api.client.base_url), api.client, broker)
        try:
            yield town
        finally:
            for client in town.clients:
                client.close()


def _gauge(connection: psycopg.Connection[Any], region: str) -> None:
    """A gauge with six hours of pressure, its account, and what it said that could not be understood."""
    site, device = f"end-{region}", f"gauge-{region}"
    connection.execute(
        "insert into site (id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude) "
        "values (%s, %s, 'water', 'network_end', '末梢', 'End', 107, 40)",
        (site, region),
    )
    row = connection.execute(
        "insert into device (region_id, domain_id, name, site_id, verified, first_seen) "
        "values (%s, 'water', %s, %s, true, '2026-01-01Z') returning id",
        (region, device, site),
    ).fetchone()
    assert row is not None
    series = connection.execute(
        "insert into series (device_id, metric_id) select %s, id from metric where domain_id = 'water' "
        "and name = 'pressure' returning id",
        (row[0],),
    ).fetchone()
    assert series is not None
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into reading (time, value, series_id) values (%s, %s, %s)",
            [(START + timedelta(minutes=minute), 0.17 if minute in DIP else 0.3, series[0]) for minute in range(300)],
        )
    connection.execute(
        "insert into series_state (series_id, time, value) values (%s, %s, 0.3)",
        (series[0], START + timedelta(minutes=299)),
    )
    connection.execute(
        "insert into ledger (hour, device_id, received, stored, duplicate, quarantined, revised) "
        "select %s::timestamptz + n * interval '1 hour', %s, 60, 58, 1, 1, 0 from generate_series(0, 4) n",
        (START, row[0]),
    )
    connection.execute(
        "insert into quarantine (received, topic, reason, detail, payload, size, device_id) "
        "values (%s, %s, 'bad_json', 'no JSON', %s, 11, %s)",
        (START, f"city/{region}/water/{device}/reading", b'{"values": ', row[0]),
    )
