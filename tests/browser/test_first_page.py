"""The first page in a real browser: what is published over MQTT is on the screen, in both languages."""

from __future__ import annotations

import html
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.publish
import pytest
import uvicorn

from api.app import create_app
from citybrain.catalogue.load import load
from citybrain.settings import PROJECT, Settings
from citybrain.store.connection import connect
from citybrain.store.migrate import migrate
from deploy.local.servers import Broker, Database, mosquitto, postgres
from ingest.collector import Collector

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
    "--enable-logging=stderr",
    "--window-size=1366,768",
    "--virtual-time-budget=5000",
]
PATIENCE_S = 20.0

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")


@dataclass
class Screen:
    """What the browser made of an address: its text, its document, and what it wrote to the console."""

    text: str
    document: str
    console: list[str]


@dataclass
class City:
    """A whole small platform in this process."""

    address: str
    broker: Broker
    database: Database
    profiles: Path

    def publish(self, metric: str, value: float, time: datetime) -> None:
        payload = json.dumps({"time": time.isoformat(), "values": {metric: value}})
        topic = "city/150802/air/air-dongsi/reading"
        paho.mqtt.publish.single(topic, payload, qos=1, hostname="127.0.0.1", port=self.broker.port)

    def stored(self, number: int) -> bool:
        with connect(self.database.url, "board", "test") as connection:
            row = connection.execute("select coalesce(sum(stored), 0) from board_ledger").fetchone()
            return row is not None and row[0] >= number

    def show(self, path: str) -> Screen:
        return show(self.address + path, self.profiles)


def show(address: str, profiles: Path) -> Screen:
    """Let the browser open an address and live on for some seconds."""
    assert CHROMIUM is not None
    profile = f"--user-data-dir={profiles / str(time.monotonic_ns())}"
    command = [CHROMIUM, *FLAGS, profile, "--dump-dom", address]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    body = re.sub(r"<noscript>.*?</noscript>", "", run.stdout.partition("<body>")[2])
    text = html.unescape(re.sub(r"<[^>]+>", " ", body))
    return Screen(" ".join(text.split()), run.stdout, re.findall(r"CONSOLE.*", run.stderr))


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    directory = tmp_path_factory.mktemp("city")
    with (
        postgres(directory, {"fsync": "off"}) as database,
        mosquitto(directory) as broker,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        migrate(database.url, load(PROJECT))
        collector = Collector(Settings(), database.url, broker.collector_url)
        server = uvicorn.Server(uvicorn.Config(create_app(Settings(), database.url), log_config=None))
        threads = [
            threading.Thread(target=collector.run),
            threading.Thread(target=server.run, args=([listener],)),
        ]
        for thread in threads:
            thread.start()
        try:
            eventually(lambda: server.started)
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            yield City(address, broker, database, directory)
        finally:
            collector.stop()
            server.should_exit = True
            for thread in threads:
                thread.join()


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds, and fail when it does not in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def test_before_and_after_the_first_reading(city: City) -> None:
    eventually(lambda: "采集" not in city.show("/").text.partition("采集器")[0])
    before = city.show("/")
    assert "平台就绪，等待第一条读数" in before.text
    assert "已登记，尚未上报" in before.text
    assert before.console == []

    city.publish("pm25", 137, datetime.now(UTC))
    eventually(lambda: city.stored(1))

    after = city.show("/")
    assert "城市运行平稳 1/3 个站点按时上报" in after.text
    assert re.search(r"北京东四实测数据.*\b137\b", after.text)
    assert "账目平衡" in after.text
    assert after.console == []


def test_english_by_address(city: City) -> None:
    city.publish("pm10", 246, datetime.now(UTC) - timedelta(seconds=5))
    eventually(lambda: city.stored(1))

    screen = city.show("/?lang=en")

    assert 'lang="en"' in screen.document
    assert "recorded at Dongsi in Beijing" in screen.text
    assert "Adds up" in screen.text
    assert not re.findall(r"[\u3400-\u9fff]+", screen.text.replace("中", "", 1)), "but for the switch to Chinese"
    assert screen.console == []


def test_the_console_is_heard(tmp_path: Path) -> None:
    screen = show("data:text/html,<script>throw new Error('heard')</script>", tmp_path)

    assert "heard" in screen.console[0], "else an empty console would say nothing"


def test_nothing_on_the_page_looks_like_a_machine_s_nothing(city: City) -> None:
    for path in ("/", "/?lang=en"):
        assert not re.search(r"\b(NaN|null|undefined|Infinity)\b|\{\w+\}", city.show(path).text)
