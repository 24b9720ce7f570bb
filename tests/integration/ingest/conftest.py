"""A city under test: a database and a broker session of its own, collectors as real processes, foreign publishers."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from deploy.local.servers import Broker, Database
from ingest import orphans
from simulators.publisher import Address, Publisher
from tests.integration.conftest import new_database

PATIENCE_S = 30.0  # seconds that anything may take
CITYBRAIN = [sys.executable, "-c", "from citybrain.cli import main; main()"]
MARKER = "city/150802/air/marker/reading"

_names = (f"ingest_{number}" for number in itertools.count())


def wait_until(condition: Callable[[], Any], what: str, patience: float = PATIENCE_S) -> None:
    """Return as soon as `condition` holds; a database that is away does not hold it."""
    deadline = time.monotonic() + patience
    while True:
        with suppress(psycopg.OperationalError):
            if condition():
                return
        assert time.monotonic() < deadline, f"after {patience:g} s: not {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Collector:
    """A collector in a process of its own."""

    def __init__(self, environment: dict[str, str], log: Path, arguments: tuple[str, ...]) -> None:
        self.log = log
        self._metrics_port = free_port()
        environment = {**environment, "CITYBRAIN_METRICS_PORT": str(self._metrics_port)}
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*CITYBRAIN, "collect", *arguments],
                env={**os.environ, **environment},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def says(self, event: str) -> bool:
        return f'"event": "{event}"' in self.log.read_text()

    def wait_for(self, event: str) -> Collector:
        def said() -> bool:
            assert self.process.poll() is None, f"the collector has ended:\n{self.log.read_text()}"
            return self.says(event)

        wait_until(said, f"said {event!r}:\n{self.log.read_text()}")
        return self

    def wait_until_connected(self) -> Collector:
        """Wait until it is connected and subscribed."""
        self.wait_for("connected")
        wait_until(lambda: self.metrics()["citybrain_mqtt_connected"] == 1, "connected")
        return self

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def stop(self, patience: float = PATIENCE_S) -> int:
        self.process.terminate()
        return self.process.wait(patience)

    def metrics(self) -> dict[str, float]:
        """What it serves to Prometheus."""
        with urlopen(f"http://127.0.0.1:{self._metrics_port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    @property
    def memory(self) -> int:
        """Bytes it holds in memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


class Stream(threading.Thread):
    """Publishes one reading a message until it is stopped, as our publishers do: what may be lost is sent again."""

    DEVICES = 20

    def __init__(self, url: str, rate: int, region: str, topic: str) -> None:
        super().__init__(name="stream", daemon=True)
        self.sent = 0
        self._url = url
        self._rate = rate
        self._where = f"city/{region}/air/{topic}"
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            asyncio.run(self._publish())
        except BaseException as error:
            self._failure = error

    async def _publish(self) -> None:
        start_ms = time.time_ns() // 1_000_000 - 3_600_000
        began = time.monotonic()
        async with Publisher(Address.parse(self._url)) as publisher:
            while not self._stopping.is_set():
                while self.sent < (time.monotonic() - began) * self._rate:
                    topic = f"{self._where}-{self.sent % self.DEVICES}/reading"
                    payload = f'{{"time": {start_ms + self.sent}, "values": {{"rain": {self.sent % 100}}}}}'
                    await publisher.publish(topic.encode(), payload.encode())
                    self.sent += 1
                await asyncio.sleep(0.01)
            await publisher.drain()

    def stop(self) -> int:
        """Stop when everything is acknowledged; how many messages were published."""
        self._stopping.set()
        self.join(PATIENCE_S)
        assert not self.is_alive(), "the broker has not acknowledged everything"
        assert self._failure is None, self._failure
        return self.sent


class City:
    """A database, and whoever collects for it; everything ends with it."""

    wait_until = staticmethod(wait_until)

    def __init__(self, url: str, broker: Broker, directory: Path) -> None:
        self.url = url
        self.broker = broker
        self.directory = directory
        self.collectors: list[Collector] = []
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._publisher: paho.Client | None = None
        self._markers = 0
        self._millisecond = time.time_ns() // 1_000_000

    def collect(self, *arguments: str, mqtt: str = "", **settings: object) -> Collector:
        """Start a collector."""
        environment = {f"CITYBRAIN_{name.upper()}": str(value) for name, value in settings.items()}
        environment["CITYBRAIN_DATABASE_URL"] = self.url
        environment["CITYBRAIN_MQTT_URL"] = mqtt or self.broker.collector_url
        log = self.directory / f"collector_{len(self.collectors)}.log"
        self.collectors.append(Collector(environment, log, arguments))
        return self.collectors[-1]

    def run(self, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
        """Run a command of citybrain to its end."""
        environment = {f"CITYBRAIN_{name.upper()}": str(value) for name, value in settings.items()}
        environment |= {
            "CITYBRAIN_DATABASE_URL": self.url,
            "CITYBRAIN_MQTT_URL": self.broker.collector_url,
            "COLUMNS": "200",
        }
        return subprocess.run(
            [*CITYBRAIN, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )

    def ask(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a query, by a superuser."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.url, autocommit=True)
        try:
            cursor = self._connection.execute(statement.encode(), parameters)
        except psycopg.OperationalError:  # the database was killed meanwhile; once more may do
            self._connection.close()
            self._connection = psycopg.connect(self.url, autocommit=True)
            cursor = self._connection.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def count(self, statement: str, *parameters: object) -> int:
        return int(self.ask(statement, *parameters)[0][0])

    def readings(self, device: str, metric: str | None = None) -> list[tuple[Any, ...]]:
        """Metric, time, value and quality of a device's readings, in order of time."""
        return self.ask(
            "select metric, time, value, quality from board_reading join board_series using (series_id)"
            " where device = %s and metric = coalesce(%s, metric) order by time, metric",
            device,
            metric,
        )

    def quarantined(self, topic: str) -> list[tuple[str, bytes, str]]:
        """Reason, payload and detail of what is quarantined of a topic."""
        return self.ask("select reason, payload, detail from quarantine where topic = %s order by id", topic)

    def now_ms(self) -> int:
        """A time, another one with each call."""
        self._millisecond = max(self._millisecond + 1, time.time_ns() // 1_000_000)
        return self._millisecond

    @property
    def publisher(self) -> paho.Client:
        """A device of another make: MQTT 3.1.1, one publish after another."""
        if self._publisher is None:
            self._publisher = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
            self._publisher.connect("127.0.0.1", self.broker.port)
            self._publisher.loop_start()
        return self._publisher

    def publish(self, topic: str, payload: bytes | str, *, qos: int = 1, retain: bool = False) -> None:
        """Publish, and wait for the broker's acknowledgement."""
        self.publisher.publish(topic, payload, qos=qos, retain=retain).wait_for_publish(PATIENCE_S)

    def stream(self, rate: int, region: str = "150802", name: str = "stream") -> Stream:
        """Publish in the background, so many messages a second."""
        return Stream(self.broker.url, rate, region, name)

    def stored(self, devices: str = "stream-%") -> int:
        """How many readings are stored of devices like that."""
        return self.count(
            "select count(*) from board_reading join board_series using (series_id) where device like %s", devices
        )

    def committed(self, devices: str = "stream-%") -> int:
        """The same by the ledger, which takes no time to ask."""
        return self.count("select coalesce(sum(stored), 0) from board_ledger where device like %s", devices)

    def duplicates(self) -> int:
        """How many duplicates the ledger counts."""
        return self.count("select coalesce(sum(duplicate), 0) from ledger")

    def settle(self) -> None:
        """Wait until everything published so far is committed: what comes in order behind it is."""
        self.publish(MARKER, f'{{"time": {self.now_ms()}, "values": {{"rain": 0}}}}')
        self._markers += 1
        wait_until(lambda: len(self.readings("marker")) == self._markers, "all committed")

    def check_ledger(self) -> None:
        """Everything received is accounted for, and the tables agree."""
        done = self.run("ledger", "--verify")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "The tables agree." in done.stdout

    def close(self) -> None:
        """End everything, and have the broker forget the sessions: it would queue for them what others publish."""
        for collector in self.collectors:
            with suppress(ProcessLookupError):
                collector.signal(signal.SIGCONT)
            collector.kill()
        if self._publisher is not None:
            self._publisher.disconnect()
            self._publisher.loop_stop()
        for (unit,) in self.ask("select unit from collector"):
            self.forget(unit)

        if self._connection is not None:
            self._connection.close()

    def forget(self, unit: str) -> None:
        """Have the broker forget a session, as soon as the database has seen that nobody collects it."""

        def forgotten() -> bool:
            with suppress(orphans.StillCollected):
                orphans.forget(self.url, self.broker.url, unit)
                return True
            return False

        wait_until(forgotten, f"forgotten {unit}")


@pytest.fixture(scope="module")
def new_city(
    database_server: Database, template: str, broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], City]]:
    """Makes cities, each with a migrated database and MQTT sessions that no other has."""
    cities: list[City] = []

    def make() -> City:
        name = next(_names)
        # TimescaleDB's background processes visit the template now and then; nobody can copy it meanwhile.
        wait_until(lambda: new_database(database_server.url, name, template), f"copied {template}")
        city = City(database_server.url.replace("/citybrain?", f"/{name}?"), broker, tmp_path_factory.mktemp(name))
        # The copy would share the session of the template.
        city.ask("update installation set session_secret = %s", uuid.uuid4().hex)
        cities.append(city)
        return city

    yield make
    for city in cities:
        city.close()


@pytest.fixture
def city(new_city: Callable[[], City]) -> Iterator[City]:
    """A city for one test."""
    city = new_city()
    yield city
    city.close()
