"""The cockpit in a real browser, over a city of 20,000 sites with 500 open alerts.

    python -m bench.cockpit [opening] [arriving] [desks] [shift]

`opening`: the overview with an empty cache: first content, all of it, when the page answers, what was transferred.
The limit of the same run is an empty page of the same server in the same browser.
`arriving`: an alert committed in the database until it is painted. The limit: until a bare client has it from the
stream.
`desks`: what 50 open overviews cost the server, by the requests that a real one was seen to make. The limit: the
server with nobody there.
`shift`: 3,600 alerts raised and closed in an open overview, as many as eight busy hours have: heap and nodes at the
first minute and at the end.
Without a name, all four. Needs Chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psycopg
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from citybrain.catalogue.load import load
from citybrain.settings import PROJECT
from citybrain.store.connection import connect
from citybrain.store.migrate import migrate
from citybrain.store.sql import query
from deploy.local.servers import postgres

SITES, ALERTS = 20_000, 500
HOURS = 24 * 8  # of the courses and usual bands that cards have
OPENINGS = 9
ARRIVALS = 60
ARRIVAL_S = 0.5  # seconds between two of them
DESKS = 50
DESKS_S = 70.0  # seconds that they are watched: two rounds of what a page asks each 30 s
SHIFT = 3_600
SHIFT_RATE = 20  # alerts a second
SETTLED = 600  # alerts after which the first figure is taken
PATIENCE_MS = 30_000
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SIZE = {"width": 1366, "height": 641}

# County seats, degrees, WGS84: nine tenths of the sites lie in them.
SITES_SQL = """
with town (region, longitude, latitude, turn) as (values
    ('150802', 107.39, 40.76, 0), ('150821', 108.27, 41.09, 1), ('150822', 107.01, 40.33, 2),
    ('150823', 108.65, 40.74, 3), ('150824', 108.51, 41.57, 4),
    ('150825', 107.07, 41.09, 5), ('150826', 107.15, 40.89, 6))
insert into site (id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude, attributes)
select 'bench-' || n, region, domain, kind, '第' || n || '号站点', 'Site ' || n,
       longitude + spread * cos(n), latitude + spread * sin(n), '{}'
from (
    select n, t.region, t.longitude, t.latitude,
           case when n %% 10 = 0 then 0.25 else 0.03 * sqrt((n * 0.618034) %% 1) end as spread,
           case when n %% 100 = 4 then 'air'
                else (array['water', 'heating', 'sentinel', 'sentinel', 'sentinel'])[n %% 5 + 1] end as domain
    from generate_series(1, %(sites)s) n join town t on t.turn = n %% 7
) of
cross join lateral (
    select case domain when 'water' then 'pressure_point' when 'heating' then 'station'
                       when 'air' then 'micro_station' else 'gas_well' end as kind
) k
"""
SERIES_SQL = """
with made as (
    insert into device (region_id, domain_id, name, site_id, verified, first_seen, online, status_at)
    select region_id, domain_id, id, id, true, now() - interval '1 year', true, now() from site where id like 'bench-%'
    returning id, domain_id
)
insert into series (device_id, metric_id)
select d.id, m.id from made d join metric m on m.domain_id = d.domain_id
where m.name in ('pressure', 'zone_inflow', 'supply_temp', 'return_temp', 'aqi', 'pm25', 'methane', 'oxygen');
insert into series_state (series_id, time, value, before, same_since, good_time, good_value, bucket, n, s, mn, mx)
select id, now(), id % 7 + 20, 0, now(), now(), id % 7 + 20, date_trunc('hour', now()), 12, 12 * (id % 7 + 20.0), 20, 27
from series;
"""
HOURS_SQL = """
insert into region_hour (metric_id, region_id, bucket, n, n_doubtful, s)
select m.id, r.id, at, 100, 0, 100 * (20 + extract(epoch from at)::int8 / 3600 %% 24)
from metric m cross join region r
cross join generate_series(date_trunc('hour', now()) - make_interval(hours => %(hours)s),
                           date_trunc('hour', now()) - interval '1 hour', interval '1 hour') at
where m.name in ('zone_inflow', 'supply_temp') and r.level = 'county';
"""
ALERTS_SQL = """
insert into alert (rule, subject, subject_kind, region_id, domain_id, site_id, device, mode, version, title_zh,
    title_en, severity, worst, condition, raised_at, last_time, changed_at, past, handling, due_step, due_at, told_at,
    values, limits)
select 'bench.' || n %% 12, id, 'site', region_id, domain_id, id, id, 'live', 1, '管网末梢压力过低',
       'Low pressure at the end of the network', level, level, 'raised', at, at, at, false,
       case when n %% 3 = 0 then 'new' else 'dispatched' end, case when n %% 3 = 0 then 'judge' else 'accept' end,
       at + interval '3 hours', at, '{"value": 0.12, "limit": 0.14}',
       '{"limit": {"value": 0.14, "unit": "MPa", "source": "CJJ 58", "confidence": "B"}}'
from (
    select s.*, row_number() over (order by s.id) as n from site s
    where s.id like 'bench-%%' order by s.id limit %(alerts)s
) a
cross join lateral (
    select now() - n * interval '170 seconds' as at,
           case when n %% 100 = 0 then 1 when n %% 20 = 0 then 2 when n %% 4 = 0 then 3 else 4 end as level
) b
"""
RAISE_SQL = """
with raised as (
    insert into alert (rule, subject, subject_kind, region_id, domain_id, site_id, mode, version, title_zh,
        title_en, severity, worst, condition, raised_at, last_time, changed_at, past, due_step, due_at, told_at)
    values ('bench.rule', %(title)s, 'site', '150802', 'water', 'bench-7', 'live', 1, %(title)s, %(title)s, 2, 2,
        'raised', now(), now(), now(), false, 'judge', now() + interval '5 minutes', now())
    returning id
)
insert into alert_event (alert_id, at, kind, event_time, severity, version)
select id, now(), 'raised', now(), 2, 1 from raised returning alert_id
"""
CLOSE_SQL = """
with gone as (
    update alert set condition = 'cleared', cleared_at = now(), handling = 'closed', changed_at = now(), due_at = null,
        due_step = null, revision = revision + 1
    where id = %(id)s returning id
)
insert into alert_event (alert_id, at, kind, actor) select id, now(), 'closed', 'bench' from gone
"""

# Read in the page: when there was something to read, when all of the overview stood, and when it answers, in ms.
WATCH = """
window.seen = {};
const painted = (then) => requestAnimationFrame(() => requestAnimationFrame(then));
const note = (name) => { if (!(name in seen)) painted(() => { seen[name] ??= performance.now(); }); };
window.busy = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) busy = task.startTime + task.duration;
}).observe({ type: "longtask", buffered: true });
new MutationObserver(() => {
  const stands = (...parts) => parts.every((part) => document.querySelector(part));
  if (stands(".overview .queue .row")) note("content");
  if (stands(".overview .queue .row", ".city-map canvas", ".overview .card")) note("whole");
}).observe(document, { childList: true, subtree: true });
"""
ARRIVED = """
(title) => new Promise((resolve) => {
  const found = () => [...document.querySelectorAll(".queue .row")].some((row) => row.textContent.includes(title));
  const painted = () => requestAnimationFrame(() => setTimeout(() => resolve(Date.now()), 0));
  if (found()) return painted();
  const watch = new MutationObserver(() => { if (found()) { watch.disconnect(); painted(); } });
  watch.observe(document.querySelector(".queue"), { childList: true, subtree: true, characterData: true });
})
"""


class Api(NamedTuple):
    """A running API."""

    address: str
    password: str
    database: str
    process: subprocess.Popen[bytes]

    def spent_s(self) -> float:
        """Seconds of processor time so far."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident memory, MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024


@contextmanager
def served() -> Iterator[Api]:
    """An API over the city."""
    with tempfile.TemporaryDirectory(prefix="citybrain-cockpit-", dir="/var/tmp") as directory:
        Path(directory).chmod(0o755)
        with postgres(Path(directory), {"fsync": "off", "shared_buffers": "256MB"}) as database:
            migrate(database.url, load(PROJECT))
            with psycopg.connect(database.url, autocommit=True) as connection:
                connection.execute(SITES_SQL, {"sites": SITES})
                connection.execute(SERIES_SQL)
                connection.execute(HOURS_SQL, {"hours": HOURS})
                connection.execute(ALERTS_SQL, {"alerts": ALERTS})
                connection.execute("vacuum analyze")
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            environment = {
                **os.environ,
                "CITYBRAIN_DATABASE_URL": database.url,
                "CITYBRAIN_HTTP_PORT": str(port),
                "CITYBRAIN_RUNTIME_DIR": directory,
                "CITYBRAIN_LOG_LEVEL": "warning",
                "CITYBRAIN_RATE_READS": "1000000",
            }
            command = [sys.executable, "-c", "from citybrain.cli import main; main()"]
            said = subprocess.run(
                [*command, "person", "first"], env=environment, cwd=PROJECT, capture_output=True, text=True, check=True
            )
            password = re.search(r"admin / (\S+)", said.stdout)
            assert password, said.stdout
            process = subprocess.Popen([*command, "api"], env=environment, cwd=PROJECT)
            address = f"http://127.0.0.1:{port}"
            try:
                _eventually(lambda: httpx.get(f"{address}/health/live", timeout=1).is_success)
                yield Api(address, password[1], database.url, process)
            finally:
                process.terminate()
                process.wait(10)


def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while True:
        try:
            if condition():
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.1)


def desk(browser: Browser, api: Api) -> BrowserContext:
    """A browser with an empty cache whose operator has signed in."""
    context = browser.new_context(viewport=SIZE)
    answer = context.request.post(
        f"{api.address}/api/v1/session",
        data={"name": "admin", "password": api.password},
        headers={"Origin": api.address},
    )
    assert answer.ok, answer.text()
    return context


def opening(browser: Browser, api: Api) -> None:
    """The overview, each time in a browser that has seen nothing."""
    kinds: dict[str, list[float]] = {"empty": [], "content": [], "whole": [], "answers": [], "kB": [], "requests": []}
    for _ in range(OPENINGS):
        context = desk(browser, api)
        page = context.new_page()
        page.goto(f"{api.address}/health/live")
        kinds["empty"].append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
        page.close()
        page = context.new_page()
        sizes: list[float] = []
        page.context.new_cdp_session(page)
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", lambda event, sizes=sizes: sizes.append(event["encodedDataLength"]))
        page.add_init_script(WATCH)
        page.goto(api.address)
        _eventually(lambda page=page: bool(page.evaluate("window.seen.whole")))  # CSP forbids wait_for_function
        page.wait_for_timeout(1500)
        seen = page.evaluate("({...seen, busy})")
        kinds["content"].append(seen["content"])
        kinds["whole"].append(seen["whole"])
        kinds["answers"].append(max(seen["whole"], seen["busy"] if seen["busy"] < seen["whole"] + 1500 else 0))
        kinds["kB"].append(sum(sizes) / 1000)
        kinds["requests"].append(len(sizes))
        context.close()
    limit = statistics.median(kinds["empty"])
    print(f"opening the overview, {SITES} sites, {ALERTS} alerts, {OPENINGS} times: median (worst)")
    for name, values in kinds.items():
        ratio = f", {statistics.median(values) / limit:.1f} of an empty page" if name in ("content", "whole") else ""
        print(f"  {name:10} {statistics.median(values):8.0f} ({max(values):.0f}){ratio}")


def arriving(browser: Browser, api: Api) -> None:
    """Alerts that are committed while the overview is open."""
    context = desk(browser, api)
    page = _overview(context, api)
    page.goto(f"{api.address}/?list=new")
    page.wait_for_selector(".queue .row")
    page.wait_for_timeout(1500)
    heard: dict[str, float] = {}
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in context.cookies())
    threading.Thread(target=_listen, args=(api, cookie, heard), daemon=True).start()
    time.sleep(1)
    painted, bare = [], []
    with connect(api.database, "writer", "bench") as connection:
        for turn in range(ARRIVALS):
            title = f"bench arrival {turn:04d}"
            page.evaluate(f"(title) => {{ window.waiting = ({ARRIVED})(title); }}", title)
            with connection.transaction():
                connection.execute(query("alerts", "lock"))
                raised = connection.execute(RAISE_SQL, {"title": title}).fetchone()
            committed = time.time() * 1000
            painted.append(page.evaluate("() => window.waiting") - committed)
            _eventually(lambda title=title: title in heard)
            bare.append(heard[title] - committed)
            assert raised
            with connection.transaction():  # the queue shows sixty at most
                connection.execute(query("alerts", "lock"))
                connection.execute(CLOSE_SQL, {"id": raised[0]})
            time.sleep(ARRIVAL_S)
    context.close()
    print(f"an alert, committed until painted, {ARRIVALS} of them, ms: p50 (p95)")
    for name, values in (("painted", painted), ("a bare client", bare)):
        p50, p95 = statistics.median(values), statistics.quantiles(values, n=20)[18]
        print(f"  {name:14} {p50:6.0f} ({p95:.0f})")
    print(f"  ratio {statistics.median(painted) / statistics.median(bare):.2f}")


def _listen(api: Api, cookie: str, heard: dict[str, float]) -> None:
    with httpx.stream("GET", f"{api.address}/api/v1/stream", headers={"Cookie": cookie}, timeout=None) as answer:
        for line in answer.iter_lines():
            for title in re.findall(r"bench arrival \d{4}", line):
                heard.setdefault(title, time.time() * 1000)


def desks(browser: Browser, api: Api) -> None:
    """Fifty overviews, each asking what a real one was seen to ask, at its times."""
    context = desk(browser, api)
    page = context.new_page()
    asked: list[tuple[float, str]] = []
    begun = time.monotonic()
    page.on("request", lambda request: asked.append((time.monotonic() - begun, request.url)))
    page.goto(api.address)
    page.wait_for_selector(".queue .row")
    page.wait_for_timeout(DESKS_S * 1000)
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in context.cookies())
    context.close()
    streams = [url for _, url in asked if "/stream" in url] or [f"{api.address}/api/v1/stream"]
    plain = [(at, url) for at, url in asked if "/stream" not in url and at < DESKS_S]
    time.sleep(2)
    idle_at, idle = time.monotonic(), api.spent_s()
    time.sleep(5)
    idle_share = (api.spent_s() - idle) / (time.monotonic() - idle_at)
    before = api.memory_mb()
    stop = threading.Event()
    threads = [threading.Thread(target=_live, args=(streams[0], cookie, stop), daemon=True) for _ in range(DESKS)]
    threads += [threading.Thread(target=_ask, args=(plain, cookie, n * 0.4), daemon=True) for n in range(DESKS)]
    at, spent = time.monotonic(), api.spent_s()
    for thread in threads:
        thread.start()
    raised = 0
    with connect(api.database, "writer", "bench") as connection:
        while time.monotonic() - at < DESKS_S + DESKS * 0.4:
            with connection.transaction():
                connection.execute(query("alerts", "lock"))
                connection.execute(RAISE_SQL, {"title": f"bench desk {raised}"})
            raised += 1
            time.sleep(1)
    share = (api.spent_s() - spent) / (time.monotonic() - at)
    memory = api.memory_mb()
    stop.set()
    print(f"{DESKS} overviews open, {len(plain)} requests each in {DESKS_S:.0f} s, an alert a second")
    print(f"  the API takes {share:.2f} of a core, with nobody there {idle_share:.3f}")
    print(f"  it holds {memory:.0f} MB, before {before:.0f}")


def _live(url: str, cookie: str, stop: threading.Event) -> None:
    try:
        with httpx.stream("GET", url, headers={"Cookie": cookie}, timeout=None) as answer:
            for _ in answer.iter_raw():
                if stop.is_set():
                    return
    except httpx.HTTPError:
        return


def _ask(requests: list[tuple[float, str]], cookie: str, later_s: float) -> None:
    begun = time.monotonic() + later_s
    with httpx.Client(headers={"Cookie": cookie, "Accept-Encoding": "gzip"}, timeout=30) as client:
        for at, url in requests:
            time.sleep(max(0.0, begun + at - time.monotonic()))
            client.get(url)


def shift(browser: Browser, api: Api) -> None:
    """Alerts come and go in a page that stays open."""
    context = desk(browser, api)
    page = _overview(context, api)
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    session.send("HeapProfiler.enable")
    first = None
    begun = time.monotonic()
    with connect(api.database, "writer", "bench") as connection:
        for turn in range(SHIFT):
            with connection.transaction():
                connection.execute(query("alerts", "lock"))
                row = connection.execute(RAISE_SQL, {"title": f"bench shift {turn}"}).fetchone()
            assert row
            with connection.transaction():
                connection.execute(query("alerts", "lock"))
                connection.execute(CLOSE_SQL, {"id": row[0]})
            if turn == SETTLED:
                first = _held(page, session)
            time.sleep(max(0.0, begun + turn / SHIFT_RATE - time.monotonic()))
    last = _held(page, session)
    context.close()
    assert first
    print(f"{SHIFT} alerts raised and closed in an open overview, after {SETTLED} of them and at the end")
    for name, then, now in zip(("heap, MB", "nodes", "listeners"), first, last, strict=True):
        print(f"  {name:10} {then:10.1f} -> {now:.1f}")


def _held(page: Page, session: Any) -> tuple[float, int, int]:
    page.wait_for_timeout(2500)
    session.send("HeapProfiler.collectGarbage")
    found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return found["JSHeapUsedSize"] / 1e6, int(found["Nodes"]), int(found["JSEventListeners"])


def _overview(context: BrowserContext, api: Api) -> Page:
    page = context.new_page()
    page.goto(api.address)
    page.wait_for_selector(".queue .row", timeout=PATIENCE_MS)
    page.wait_for_timeout(1500)
    return page


PARTS = {"opening": opening, "arriving": arriving, "desks": desks, "shift": shift}


def main() -> None:
    """Measure what was named, or all."""
    names = sys.argv[1:] or list(PARTS)
    print(f"{datetime.now(UTC):%Y-%m-%d}")
    with served() as api, sync_playwright() as playwright:
        for name in names:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--no-proxy-server", "--enable-precise-memory-info"]
            )
            PARTS[name](browser, api)
            browser.close()


if __name__ == "__main__":
    main()
