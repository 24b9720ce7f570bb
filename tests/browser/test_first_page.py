"""The first page in a real browser: what is published over MQTT is on the screen, in both languages."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import paho.mqtt.publish
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from api.app import COCKPIT, create_app
from citybrain.access import passwords, people, sessions
from citybrain.access.model import Scope
from citybrain.catalogue.load import load
from citybrain.settings import PROJECT, Settings
from citybrain.store.connection import connect
from citybrain.store.migrate import migrate
from deploy.local.servers import Broker, Database, mosquitto, postgres
from ingest.collector import Collector

CITYBRAIN = [sys.executable, "-c", "from citybrain.cli import main; main()"]
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
    """A whole small platform in this process; `/enter` gives a browser the session of its administrator."""

    address: str
    broker: Broker
    database: Database
    profiles: Path

    def publish(self, metric: str, value: float, time: datetime, device: str = "150802/air/air-dongsi") -> None:
        payload = json.dumps({"time": time.isoformat(), "values": {metric: value}})
        topic = f"city/{device}/reading"
        paho.mqtt.publish.single(topic, payload, qos=1, hostname="127.0.0.1", port=self.broker.port)

    def stored(self, number: int) -> bool:
        with connect(self.database.url, "board", "test") as connection:
            row = connection.execute("select coalesce(sum(stored), 0) from board_ledger").fetchone()
            return row is not None and row[0] >= number

    def count(self, rows: str) -> int:
        with connect(self.database.url, "board", "test") as connection:
            row = connection.execute(f"select count(*) from {rows}".encode()).fetchone()
        return int(row[0]) if row else 0

    def show(self, path: str) -> Screen:
        """A page of the cockpit, as an administrator who is signed in sees it."""
        return show(f"{self.address}/enter?to={quote(path)}", self.profiles)

    def show_stranger(self, path: str) -> Screen:
        """The same, signed out."""
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


NAME, PASSWORD = "li.na", "a sentence is easy to remember"


# Does what the address says after #: types a wrong and the right password; then signs out, or loses the session.
PERSON = (
    f"const [NAME, PASSWORD] = {json.dumps([NAME, PASSWORD])};"
    + """
const until = async (found) => { while (!found()) await new Promise((done) => setTimeout(done, 50)); return found(); };
const one = (selector) => document.querySelector(selector);
const type = async (name, password) => {
  await until(() => one("form button:enabled"));
  one("[name=name]").value = name;
  one("[name=password]").value = password;
  one("form button").click();
};
if (!sessionStorage.done) {
  sessionStorage.done = "yes";
  await type(NAME, "wrong");
  console.log("told", await until(() => one("[role=alert]").textContent));
  await type(NAME, PASSWORD);
  console.log("in", (await until(() => one(".who"))).textContent, document.forms.length);
  if (location.hash === "#out") one("[data-act=sign-out]").click();
  if (location.hash === "#lost") await fetch("/api/v1/session", { method: "DELETE" });
}
"""
)


def enter(database: Database) -> Route:
    """A way in for a browser that can't type: it sets the cookie of a session, and leads on."""
    now = datetime.now(UTC)
    with connect(database.url, "writer", "test") as connection:
        new = people.NewPerson(NAME, "administrator", title="Li Na")
        made = people.add(connection, new, passwords.hashed(PASSWORD), Scope(), "test", now)
        client = sessions.Client("127.0.0.1", "test")
        secret = sessions.begin(connection, made.id, client, now, timedelta(hours=1))

    def answer(request: Request) -> Response:
        response = RedirectResponse(request.query_params["to"])
        response.set_cookie("citybrain_session", secret)
        return response

    return Route("/enter", answer)


def scripted(script: str) -> list[Route]:
    """The cockpit, with a script beside it that does what a person would."""
    page = (
        (COCKPIT / "index.html")
        .read_text()
        .replace("</head>", '<script type="module" src="person.js"></script></head>')
    )
    return [
        Route("/scripted", lambda _: HTMLResponse(page)),
        Route("/person.js", lambda _: Response(script, media_type="text/javascript")),
    ]


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
        app = create_app(Settings(), database.url)
        # The browser's virtual time stands still while a stream is open: test_live.py tries it in real time.
        mute = Route("/api/v1/stream", lambda _: Response(status_code=204))
        # Before the cockpit's, which take what is left.
        app.router.routes[:0] = [enter(database), *scripted(PERSON), mute]
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
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


@contextmanager
def running_rules(city: City) -> Iterator[None]:
    """The rules that ship, in force, and the process that runs them."""
    environment = {
        **os.environ,
        "CITYBRAIN_DATABASE_URL": city.database.url,
        "CITYBRAIN_MQTT_URL": city.broker.collector_url,
    }
    subprocess.run([*CITYBRAIN, "rules", "apply", "--by", "test"], env=environment, check=True, timeout=60)
    runner = subprocess.Popen([*CITYBRAIN, "rules", "run"], env=environment, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        runner.terminate()
        runner.wait(PATIENCE_S)


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


def test_a_stranger_sees_how_to_sign_in_and_no_data(city: City) -> None:
    chinese, english = city.show_stranger("/"), city.show_stranger("/?lang=en&sign_on=unknown")

    assert chinese.text == "城市运行 EN 登录 用户名 密码 登录"
    assert "may not come in here: ask an administrator to add you" in english.text
    for attribute in ('autocomplete="username"', 'autocomplete="current-password"', 'type="password"', 'role="alert"'):
        assert attribute in chinese.document
    assert [line for line in chinese.console + english.console if "401" not in line] == []


@pytest.mark.parametrize("way", ["#stay", "#out", "#lost"])
def test_a_person_signs_in_and_out(city: City, way: str) -> None:
    screen = city.show_stranger(f"/scripted{way}")

    assert any('"told 用户名或密码不正确' in line for line in screen.console)
    assert any('"in Li Na退出 0"' in line for line in screen.console)
    signed_in = "Li Na" in screen.text
    assert signed_in is (way == "#stay")
    assert ("密码" in screen.text) is not signed_in, "the form is there again, and nothing of the city"
    assert ("账目" in screen.text) is signed_in


def test_the_console_is_heard(tmp_path: Path) -> None:
    screen = show("data:text/html,<script>throw new Error('heard')</script>", tmp_path)

    assert "heard" in screen.console[0], "else an empty console would say nothing"


def test_nothing_on_the_page_looks_like_a_machine_s_nothing(city: City) -> None:
    for path in ("/", "/?lang=en"):
        assert not re.search(r"\b(NaN|null|undefined|Infinity)\b|\{\w+\}", city.show(path).text)


def test_alerts_are_shown_with_what_was_measured_and_what_is_due(city: City) -> None:
    assert "没有未关闭的告警" in city.show("/").text
    with running_rules(city):

        def announced() -> bool:
            # Again and again: the collector takes the rules up within a second or two.
            city.publish("methane", 120, datetime.now(UTC), "150802/sentinel/manhole-1")
            return city.count("board_alert where due_at is not null") == 1

        eventually(announced)
        chinese, english = city.show("/"), city.show("/?lang=en")

    assert "1 条红色告警待研判 井室甲烷浓度超限：150802/sentinel/manhole-1" in chinese.text
    assert re.search(r"未关闭的告警 红 1 红 井室甲烷浓度超限.*甲烷浓度 120 %LEL ≥ 100 %LEL 平台默认, S", chinese.text)
    assert re.search(r"自 \d\d:\d\d 持续 \d+ [秒分] 待研判 研判截止 \d\d:\d\d 建议 不得开盖", chinese.text)
    assert "Red alerts to be judged: 1" in english.text
    assert "Methane 120 %LEL ≥ 100 %LEL platform default, S" in english.text
    assert "Advice Do not open the cover" in english.text
    assert chinese.console == english.console == []


def test_names_from_strangers_are_text(city: City) -> None:
    name = "<img src=x onerror=console.error('run')>"
    with connect(city.database.url, "owner", "test") as connection:
        connection.execute(
            """
            insert into alert (rule, subject, subject_kind, domain_id, mode, version, title_zh, title_en, advice_en,
                advice_zh, severity, worst, condition, raised_at, last_time, changed_at, past, crew, values)
            values ('x', %(name)s, 'text', 'water', 'live', 1, %(name)s, %(name)s, %(name)s, %(name)s, 1, 1, 'raised',
                now(), now(), now(), false, %(name)s, jsonb_build_object(%(name)s::text, %(name)s::text))
            """,
            {"name": name},
        )
    try:
        screen = city.show("/?lang=en")
    finally:
        with connect(city.database.url, "owner", "test") as connection:
            connection.execute("delete from alert where rule = 'x'")

    assert screen.text.count("<img") >= 6
    assert "<img" not in screen.document
    assert screen.console == []


def test_rules_that_nobody_runs_are_said(city: City) -> None:
    with running_rules(city):
        pass

    eventually(lambda: "规则没有运行" in city.show("/").text)


MORPH = """
import { h, morph } from "./dom.js";
const list = (...keys) => h("ol", {}, keys.map((key) =>
  h("li", { "data-key": key }, h("details", {}, h("summary", {}, key), `text of ${key}`))));
const live = list("a", "b", "c");
document.body.append(live);
const details = live.children[1].firstChild;
details.open = true;
details.firstChild.focus();
const words = () => live.innerText.split(/\\s+/).join(" ");
const say = (what) => console.log(what, words(), details.open, document.activeElement.innerText);
morph(live, list("b", "c"));
say("gone");
morph(live, list("new", "b", "c"));
say("come");
morph(live, list("c", "b"));
say("turned");
document.body.append(`children ${live.children.length} same ${live.children[1].firstChild === details}`);
"""


def test_what_a_person_has_opened_stays_open_and_in_focus(tmp_path: Path) -> None:
    shutil.copy(COCKPIT / "dom.js", tmp_path)
    (tmp_path / "test.js").write_text(MORPH)
    (tmp_path / "index.html").write_text("<body><script type=module src=test.js></script>")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            screen = show(f"http://127.0.0.1:{server.server_port}/", tmp_path)
        finally:
            server.shutdown()
            thread.join()

    said = [re.findall(r'"(.*?)"', line)[0] for line in screen.console if "favicon" not in line]
    assert said == [
        "gone b text of b c true b",
        "come new b text of b c true b",
        "turned c b text of b true b",
    ]
    assert "children 2 same true" in screen.text
