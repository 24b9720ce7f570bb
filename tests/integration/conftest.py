"""Real servers for all integration tests: one database server and one broker a session, a database a test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from citybrain.catalogue.load import load
from citybrain.catalogue.model import Catalogue
from citybrain.devices import dynsec
from citybrain.settings import PROJECT
from citybrain.store.migrate import migrate
from deploy.local.servers import Broker, Database, mosquitto, postgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The catalogue that ships."""
    return load(PROJECT, PROJECT / "simulators" / "sample" / "sites")


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A PostgreSQL server with TimescaleDB."""
    # fsync: these tests kill processes, never the machine.
    with postgres(tmp_path_factory.mktemp("db"), {"fsync": "off"}) as server:
        yield server


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A Mosquitto broker."""
    with mosquitto(tmp_path_factory.mktemp("mqtt")) as server:
        yield server


@pytest.fixture(scope="session")
def tcp_collector_url(broker: Broker) -> str:
    """The broker as a collector on another machine reaches it: over TCP, with credentials."""
    acl = {"priority": 0, "allow": True}
    acls = [
        {"acltype": "publishClientSend", "topic": "city/#", **acl},
        {"acltype": "subscribePattern", "topic": "city/#", **acl},
        {"acltype": "subscribePattern", "topic": "$SYS/#", **acl},
    ]
    with dynsec.broker(broker.collector_url) as control:
        control.do(
            [
                {"command": "createRole", "rolename": "collector", "acls": acls},
                {
                    "command": "createClient",
                    "username": "collector",
                    "password": "secret",
                    "roles": [{"rolename": "collector"}],
                },
            ]
        )
    return f"mqtt://collector:secret@127.0.0.1:{broker.port}"


@pytest.fixture(scope="session")
def template(database_server: Database, catalogue: Catalogue) -> str:
    """The name of a migrated database with the shipped catalogue, to copy from."""
    url = new_database(database_server.url, "citybrain_template")
    migrate(url, catalogue)
    # A database can only be copied while nobody is in it, and TimescaleDB's scheduler looks into every one.
    with psycopg.connect(database_server.url, autocommit=True) as connection:
        connection.execute("alter database citybrain_template with allow_connections false")
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'citybrain_template'"
        )
    return "citybrain_template"


@pytest.fixture
def database(database_server: Database, template: str) -> str:
    """The URL of a migrated database of the test's own, with MQTT sessions of its own."""
    url = new_database(database_server.url, f"test_{next(_numbers)}", template)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update installation set session_secret = gen_random_uuid()::text")
    return url


def new_database(server_url: str, name: str, template: str = "template0") -> str:
    """Make a database; its URL."""
    # Copying files takes a quarter of the time of writing all to the log.
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    host = conninfo_to_dict(server_url)["host"]
    return f"postgresql://postgres@/{name}?host={Path(str(host))}"
