"""The API as its own process, and a city with a collector at work and readings published over MQTT."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import paho.mqtt.publish
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from citybrain.settings import PROJECT, Settings
from deploy.local.servers import Broker, Database
from ingest import orphans
from ingest.collector import Collector

SERVE = (
    "import sys; from citybrain.settings import Settings; from api.server import serve; serve(Settings(), sys.argv[1])"
)
PATIENCE_S = 15.0


@dataclass
class Api:
    """A running API process."""

    process: subprocess.Popen[str]
    client: httpx.Client

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM; the exit code, and the seconds until it came."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        return code, time.monotonic() - began


@contextmanager
def serving(database_url: str) -> Iterator[Api]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, database_url],
        cwd=PROJECT,
        env={**os.environ, "CITYBRAIN_HTTP_PORT": str(port)},
        stderr=subprocess.PIPE,
        text=True,
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client:
        api = Api(process, client)
        try:
            eventually(lambda: alive(api))
            yield api
        finally:
            if process.poll() is None:
                api.stop()
            assert process.stderr is not None
            process.stderr.close()


def alive(api: Api) -> bool:
    assert api.process.poll() is None, api.process.stderr and api.process.stderr.read()
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


@pytest.fixture
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

    def publish(self, topic: str, payload: object) -> None:
        text = payload if isinstance(payload, str) else json.dumps(payload)
        paho.mqtt.publish.single(topic, text, qos=1, hostname="127.0.0.1", port=self.broker.port)

    def received(self) -> int:
        return int(self.api.client.get("/api/v1/status").json()["ledger"]["received"])


HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture(scope="module")
def city(database_server: Database, template: str, broker: Broker) -> Iterator[City]:
    """An air station of the catalogue, an unlisted pressure gauge, and what can't be understood."""
    name = f"test_api_{uuid4().hex}"
    with psycopg.connect(database_server.url, autocommit=True) as connection:
        copy = sql.SQL("create database {} template {}")
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    url = f"postgresql://postgres@/{name}?host={conninfo_to_dict(database_server.url)['host']}"
    with psycopg.connect(url) as connection:
        # The broker is shared with tests on other copies of the template: a session of our own.
        connection.execute("update installation set session_secret = 'test-api'")
    collector = Collector(Settings(), url, broker.collector_url)
    thread = threading.Thread(target=collector.run)
    thread.start()
    try:
        with serving(url) as api:
            city = City(url, broker, api)
            eventually(lambda: api.client.get("/health/ready").status_code == 200)
            station, gauge = "city/150802/air/air-dongsi", "city/150821/water/gauge-7"
            city.publish(f"{station}/status", "online")
            city.publish(
                f"{station}/reading",
                [
                    {"time": (HOUR - timedelta(hours=1)).isoformat(), "values": {"pm25": 90}},
                    {"time": HOUR.isoformat(), "values": {"pm25": 112, "co": 2.5, "aqi": 3}},
                ],
            )
            city.publish(
                f"{gauge}/reading",
                [
                    {"time": (HOUR - timedelta(minutes=5 * number)).isoformat(), "values": {"pressure": 0.31}}
                    for number in range(1, 7)
                ],
            )
            city.publish(f"{gauge}/reading", {"values": {"pump_running": True, "pressure": 7.7}})
            city.publish(f"{gauge}/reading", '{"values": ')
            eventually(lambda: city.received() >= 13)
            yield city
    finally:
        collector.stop()
        thread.join()
        # The broker is shared: a session that stays would hear what other tests publish to nobody.
        orphans.forget(url, broker.url, "city")
