"""The cockpit in a real browser: the API as a process over a database, and Debian's Chromium by Playwright."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from citybrain.catalogue.load import load
from citybrain.settings import PROJECT
from citybrain.store.connection import connect
from citybrain.store.migrate import migrate
from citybrain.store.sql import query
from deploy.local.servers import Database, postgres

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE_S = 30.0


@dataclass
class City:
    """The API over a database."""

    database: Database
    port: int
    password: str = ""
    process: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-c", "from citybrain.cli import main; main()", "api"]
        self.process = subprocess.Popen(command, env=self.environment, cwd=PROJECT)
        eventually(self.answers)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/health/live", timeout=1).is_success
        except httpx.HTTPError:
            return False

    def raise_alert(self, title: str, severity: int = 1) -> int:
        """Raise an alert as a rule would; its number."""
        with connect(self.database.url, "writer", "test") as connection, connection.transaction():
            connection.execute(query("alerts", "lock"))
            row = connection.execute(
                """
                with raised as (
                    insert into alert (rule, subject, subject_kind, region_id, domain_id, mode, version, title_zh,
                        title_en, severity, worst, condition, raised_at, last_time, changed_at, past)
                    values ('test', %(title)s, 'text', '150802', 'water', 'live', 1, %(title)s, %(title)s, %(severity)s,
                        %(severity)s, 'raised', now(), now(), now(), false)
                    returning id
                )
                insert into alert_event (alert_id, at, kind) select id, now(), 'raised' from raised returning alert_id
                """,
                {"title": title, "severity": severity},
            ).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    directory = tmp_path_factory.mktemp("city")
    with postgres(directory, {"fsync": "off"}) as database:
        migrate(database.url, load(PROJECT, PROJECT / "simulators" / "sample" / "sites"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        found = City(database, port)
        found.environment = {
            **os.environ,
            "CITYBRAIN_DATABASE_URL": database.url,
            "CITYBRAIN_HTTP_PORT": str(found.port),
            "CITYBRAIN_RUNTIME_DIR": str(directory),
            "CITYBRAIN_LOG_LEVEL": "warning",
        }
        command = [sys.executable, "-c", "from citybrain.cli import main; main()", "person", "first"]
        said = subprocess.run(command, env=found.environment, cwd=PROJECT, capture_output=True, text=True, check=True)
        match = re.search(r"admin / (\S+)", said.stdout)
        assert match, said.stdout
        found.password = match[1]
        found.start()
        try:
            yield found
        finally:
            found.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of a module only: while it is there, Playwright keeps an event loop running in this thread."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--no-proxy-server"])
        yield found
        found.close()


@dataclass
class Desk:
    """A browser of an operator, and what went wrong in it."""

    context: BrowserContext
    city: City
    wrong: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("pageerror", lambda error: self.wrong.append(f"{path}: {error}"))
        page.on("console", lambda message: self._note(path, message.type, message.text))
        page.on("request", lambda request: self._check(path, request.url))
        page.goto(self.city.address + path)
        return page

    def _note(self, path: str, kind: str, text: str) -> None:
        expected = "Failed to load resource" in text or "ERR_" in text  # an answer that a page may get
        if kind == "error" and not expected:
            self.wrong.append(f"{path}: {text}")

    def _check(self, path: str, url: str) -> None:
        if not url.startswith((self.city.address, "data:", "blob:")):
            self.wrong.append(f"{path} asks {url}")


@pytest.fixture
def desk(browser: Browser, city: City) -> Iterator[Callable[..., Desk]]:
    """Desks whose operators have signed in; `signed_in=False`: not yet."""
    desks: list[Desk] = []

    def made(width: int = 1366, height: int = 768, language: str = "zh", *, signed_in: bool = True) -> Desk:
        context = browser.new_context(viewport={"width": width, "height": height})
        context.add_init_script(
            f"localStorage.getItem('citybrain.language') || localStorage.setItem('citybrain.language', '{language}')"
        )
        found = Desk(context, city)
        desks.append(found)
        if signed_in:
            answer = context.request.post(
                f"{city.address}/api/v1/session",
                data={"name": "admin", "password": city.password},
                headers={"Origin": city.address},
            )
            assert answer.ok, answer.text()
        return found

    yield made
    for one in desks:
        one.context.close()
        assert one.wrong == []


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds, and fail when it does not in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
