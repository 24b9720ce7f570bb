"""The API as its own process, and a city with a collector at work and readings published over MQTT."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import httpx
import paho.mqtt.publish
import psycopg
import pytest

from api.views.documents import DeviceCounts
from api.views.handovers import HandoverContent, LedgerPart
from citybrain.access import tokens
from citybrain.access.model import Role
from citybrain.settings import Settings
from citybrain.store.connection import connect
from deploy.local.servers import Broker, Database
from ingest import orphans
from ingest.collector import Collector
from tests.integration.api.process import run
from tests.integration.conftest import new_database

PATIENCE_S = 15.0


@dataclass
class Api:
    """A running API process."""

    process: BaseProcess
    client: httpx.Client

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM; the exit code, and the seconds until it came."""
        began = time.monotonic()
        self.process.terminate()
        self.process.join(PATIENCE_S)
        assert self.process.exitcode is not None, "the API did not stop in time"
        return self.process.exitcode, time.monotonic() - began


def grant(
    database_url: str, role: Role = "administrator", regions: list[str] | None = None, domains: list[str] | None = None
) -> str:
    """A token of that role and scope, for `Authorization: Bearer`."""
    now = datetime.now(UTC)
    new = tokens.NewToken(f"test-{uuid4().hex[:12]}", role, now + timedelta(hours=1), regions, domains)
    with connect(database_url, "writer", "test") as connection:
        return tokens.add(connection, new, "test", now)


@pytest.fixture(name="grant", scope="session")
def granting() -> Callable[..., str]:
    return grant


@contextmanager
def serving(
    database_url: str,
    mqtt_url: str = "mqtt://127.0.0.1:1",
    *,
    migrated: bool = True,
    method: str = "forkserver",
    constants: Mapping[str, float] = MappingProxyType({}),
) -> Iterator[Api]:
    """The API; its client is an administrator of all, as far as the database can know one.

    Its process is forked from one that has imported everything, which saves three seconds; one that is spawned
    reads the environment from the beginning. `constants` of modules, by their full names, have other values there:
    spans of time that nobody shall wait for.
    """
    headers = {"Authorization": f"Bearer {grant(database_url) if migrated else 'cbt_unknown'}"}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "CITYBRAIN_HTTP_PORT": str(port),
        "CITYBRAIN_MQTT_URL": mqtt_url,
        "CITYBRAIN_RATE_READS": "1000000",
        "CITYBRAIN_RATE_CHANGES": "1000000",
    }
    context = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(["tests.integration.api.process"])
    process = context.Process(target=run, args=(environment, database_url, dict(constants)), daemon=True)  # type: ignore[attr-defined]
    process.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10, headers=headers) as client:
        api = Api(process, client)
        try:
            eventually(lambda: alive(api))
            yield api
        finally:
            if process.is_alive():
                api.stop()


def alive(api: Api) -> bool:
    assert api.process.is_alive(), "the API has ended; what it said stands above"
    try:
        return api.client.get("/health/live").status_code == 200
    except httpx.TransportError:
        return False


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds, and fail when it does not in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def serve() -> Callable[[str], object]:
    return serving


@pytest.fixture
def wait() -> Callable[[Callable[[], bool]], None]:
    return eventually


@dataclass
class City:
    """A database, a collector at work, and the API over it."""

    database_url: str
    broker: Broker
    api: Api
    hour: datetime  # in which was published; another may begin while tests run

    def publish(self, topic: str, payload: object) -> None:
        text = payload if isinstance(payload, str) else json.dumps(payload)
        paho.mqtt.publish.single(topic, text, qos=1, hostname="127.0.0.1", port=self.broker.port)

    def received(self) -> int:
        return int(self.api.client.get("/api/v1/status").json()["ledger"]["received"])


@pytest.fixture(scope="module")
def city(database_server: Database, template: str, broker: Broker) -> Iterator[City]:
    """An air station of the catalogue, an unlisted pressure gauge, and what can't be understood."""
    url = new_database(database_server.url, f"test_api_{uuid4().hex}", template)
    with psycopg.connect(url) as connection:
        # The broker is shared with tests on other copies of the template: a session of our own.
        connection.execute("update installation set session_secret = 'test-api'")
    collector = Collector(Settings(), url, broker.collector_url)
    thread = threading.Thread(target=collector.run)
    thread.start()
    try:
        with serving(url, broker.collector_url) as api:
            now = datetime.now(UTC)
            hour = now.replace(minute=0, second=0, microsecond=0)
            city = City(url, broker, api, hour)
            eventually(lambda: api.client.get("/health/ready").status_code == 200)
            station, gauge = "city/150802/air/air-dongsi", "city/150821/water/gauge-7"
            city.publish(f"{station}/status", "online")
            city.publish(
                f"{station}/reading",
                [
                    {"time": (hour - timedelta(hours=1)).isoformat(), "values": {"pm25": 90}},
                    {"time": hour.isoformat(), "values": {"pm25": 112, "co": 2.5, "aqi": 3}},
                ],
            )
            # Six pressures in the hour before and, with the doubtful one, six in this: whichever is the last full one.
            before = [hour - timedelta(minutes=5 * number) for number in range(1, 7)]
            since = [hour + timedelta(microseconds=number) for number in range(5)]
            pressures = [{"time": time.isoformat(), "values": {"pressure": 0.31}} for time in before + since]
            city.publish(f"{gauge}/reading", pressures)
            doubtful = {"time": now.isoformat(), "values": {"pump_running": True, "pressure": 7.7}}
            city.publish(f"{gauge}/reading", doubtful)
            city.publish(f"{gauge}/reading", '{"values": ')
            eventually(lambda: city.received() >= 18)
            yield city
    finally:
        collector.stop()
        thread.join()
        # The broker is shared: a session that stays would hear what other tests publish to nobody.
        orphans.forget(url, broker.url, "city")


# One of everything that lies in a region lies in 150821, and bears this name or number.
ONE_OF_EVERYTHING = """
with site as (
    insert into site values ('abroad7-site', '150821', 'water', 'pump_house', 'abroad7', 'abroad7', 107, 41)
    returning id
), device as (
    insert into device (region_id, domain_id, name, site_id, verified, first_seen, online)
    select '150821', 'water', 'abroad7', id, true, %(now)s, true from site returning id
), series as (
    insert into series (device_id, metric_id)
    select d.id, m.id from device d, metric m where m.domain_id = 'water' and m.name = 'pressure' returning id
), reading as (
    insert into reading select %(now)s, 0.7654321, id from series
), newest as (
    insert into series_state (series_id, time, value) select id, %(now)s, 0.7654321 from series
), account as (
    insert into ledger select date_trunc('hour', %(now)s), id, 7654321, 7654321, 0, 0, 0 from device
), quarantined as (
    insert into quarantine (received, topic, reason, detail, payload, size, device_id)
    select %(now)s, 'city/150821/water/abroad7/reading', 'malformed', 'abroad7', 'x', 1, id from device
), alert as (
    insert into alert (rule, subject, subject_kind, region_id, domain_id, site_id, device, mode, version, title_zh,
        title_en, severity, worst, condition, raised_at, last_time, changed_at, past, series_id)
    select 'water.test', '150821/water/abroad7', 'device', '150821', 'water', 'abroad7-site', 'abroad7', 'live', 1,
           'abroad7', 'abroad7', 1, 1, 'raised', %(now)s, %(now)s, %(now)s, false, id from series returning id
), event as (
    insert into alert_event (alert_id, at, kind, note) select id, %(now)s, 'raised', 'abroad7' from alert
), shelf as (
    insert into shelf (rule, subject, until, reason, by, at, regions)
    values ('*', 'abroad7', %(later)s, 'abroad7', 'x', %(now)s, array['150821']) returning id
), maintenance as (
    insert into maintenance_window (region_id, start_at, end_at, reason, by, at)
    values ('150821', %(now)s, %(later)s, 'abroad7', 'x', %(now)s) returning id
), person as (
    insert into person (name, title, role, regions, created_at, created_by)
    values ('abroad7', 'abroad7', 'viewer', array['150821'], %(now)s, 'x') returning id
), token as (
    insert into token (name, hash, role, regions, created_at, created_by, expires_at)
    values ('abroad7', 'x', 'viewer', array['150821'], %(now)s, 'x', %(later)s) returning id
), granted as (
    insert into dataset_grant (domain_id, metric, region_id, person_id, reason, granted_at, granted_by, expires_at)
    select 'water', 'flow', '150821', id, 'abroad7', %(now)s, 'x', %(later)s from person returning id
), credential as (
    insert into device_credential (device_id, username, created_at, created_by)
    select id, 'abroad7', %(now)s, 'x' from device
), crew as (
    insert into crew (id, title_zh, title_en, regions, created_at, created_by)
    values ('abroad7', 'abroad7', 'abroad7', array['150821'], %(now)s, 'x')
), duty as (
    insert into duty (person_id, begun_at) select id, %(now)s from person
), handover as (
    insert into handover (regions, made_at, made_by, content, digest)
    values (array['150821'], %(now)s, 'abroad7', %(handover)s, 'x') returning id
), audited as (
    insert into audit (at, actor, action, target) values (%(now)s, 'abroad7', 'x', 'abroad7')
)
select series.id, alert.id, shelf.id, maintenance.id, token.id, granted.id, handover.id
from series, alert, shelf, maintenance, token, granted, handover
"""


def furnish(connection: psycopg.Connection[Any]) -> dict[str, dict[str, str]]:
    """Put one of everything abroad; what their paths are filled with, by the first part of the path."""
    now = datetime.now(UTC).replace(microsecond=0)
    content = HandoverContent(
        begin_at=now, end_at=now, shift=None, regions=None, domains=None, made_by="abroad7", made_by_title="abroad7",
        note="abroad7", people=[], counts=[], open=[], happened=[], shelves=[], maintenance=[], ready=True, checks={},
        devices=DeviceCounts(total=0, unverified=0, online=0, offline=0, unknown=0),
        ledger=LedgerPart(received=0, stored=0, duplicate=0, quarantined=0, revised=0, unbalanced=0),
    )  # fmt: skip
    values = {"now": now, "later": now + timedelta(days=1), "handover": content.model_dump_json()}
    row = connection.execute(ONE_OF_EVERYTHING, values).fetchone()
    assert row is not None
    series, alert, shelf, window, token, number, handover = map(str, row)
    return {
        "regions": {"id": "150821"},
        "sites": {"id": "abroad7-site"},
        "series": {"id": series},
        "devices": {"region": "150821", "domain": "water", "name": "abroad7"},
        "people": {"name": "abroad7"},
        "tokens": {"id": token},
        "sessions": {"id": "0123456789abcdef"},
        "alerts": {"id": alert},
        "crews": {"id": "abroad7"},
        "handovers": {"id": handover},
        "shelves": {"id": shelf},
        "maintenance-windows": {"id": window},
        "datasets": {"id": "water.flow", "number": number},
        "domains": {"id": "water", "panel": "vitals"},
    }


@pytest.fixture(name="furnish", scope="session")
def furnishing() -> Callable[[psycopg.Connection[Any]], dict[str, dict[str, str]]]:
    return furnish
