"""Pages of alerts over HTTP, 200,000 alerts stored: p95 of 100 alerts with filters.

    python -m bench.alerts_page

Two stores in turn: one alert in twenty is open, and all are. The limit in the same run is `/health/live`, which asks
the database for nothing: the ratio is what pages cost beyond HTTP. Nothing passes or fails.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.conninfo import conninfo_to_dict

from citybrain.access import tokens
from citybrain.catalogue.load import load
from citybrain.settings import PROJECT
from citybrain.store.connection import connect
from citybrain.store.migrate import migrate
from deploy.local.servers import postgres

ALERTS = 200_000
ASKED = 100  # requests of each kind
REACH_MS = 50.0
REGIONS = ["150802", "150821", "150822", "150823", "150824", "150825", "150826"]
SERVE = (
    "import sys; from citybrain.settings import Settings; from api.server import serve; serve(Settings(), sys.argv[1])"
)
KINDS: dict[str, dict[str, Any]] = {
    "by attention": {},
    "a county's water": {"region": "150802", "domain": "water"},
    "severity and handling": {"severity": [1, 2], "handling": ["new", "confirmed"]},
    "a rule's, newest first": {"rule": "air.*", "sort": "-raised_at"},
    "overdue": {"overdue": True, "region": "150821"},
    "by deadline": {"sort": "due_at", "domain": "heating"},
    "changed last": {"sort": "-changed_at", "region": "150800"},
    "text": {"text": "subject-77", "region": "150802"},
}


def fill(url: str, one_open_in: int) -> None:
    """Alerts of 90 days over seven counties and three domains; each has three events."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """
            insert into alert (rule, subject, subject_kind, region_id, domain_id, mode, version, title_zh, title_en,
                severity, worst, condition, raised_at, cleared_at, last_time, changed_at, past, step, values, limits,
                handling, revision, due_step, due_at, missed, missed_step, told_at)
            select d || '.rule' || n %% 20, 'subject-' || n, 'text', (%(regions)s::text[])[n %% 7 + 1], d, 'live', 1,
                   '末梢压力过低', 'Low pressure', n %% 4 + 1, n %% 4 + 1,
                   case when is_open and n %% 3 > 0 then 'raised' else 'cleared' end,
                   at, at + interval '1 hour', at, at, false, n %% 4 + 1, '{"value": 0.12, "limit": 0.14}',
                   '{"limit": {"value": 0.14, "unit": "MPa", "source": "CJJ 58", "confidence": "B"}}',
                   case when is_open then (array['new', 'confirmed', 'dispatched'])[n %% 3 + 1] else 'closed' end,
                   0, case when is_open then 'judge' end, case when is_open and n %% 2 = 0 then at + interval '1 h' end,
                   n %% 5 / 4, case when n %% 5 = 4 then 'judge' end, at
            from generate_series(1, %(alerts)s) n
            cross join lateral (
                select (array['water', 'air', 'heating'])[n %% 3 + 1] as d, n %% %(each)s = 0 as is_open,
                       now() - n * interval '39 seconds' as at
            ) of
            """,
            {"regions": REGIONS, "alerts": ALERTS, "each": one_open_in},
        )
        connection.execute(
            "insert into shelf (rule, subject, until, reason, by, at) "
            "select 'water.rule' || n, 'subject-1*', now() + interval '1 hour', 'x', 'x', now() "
            "from generate_series(1, 5) n"
        )
        connection.execute("vacuum analyze alert")


@contextmanager
def serving(url: str) -> Iterator[httpx.Client]:
    """The API as its own process; its client sees all of the city."""
    with connect(url, "writer", "bench") as connection:
        now = datetime.now(UTC)
        token = tokens.add(connection, tokens.NewToken("bench", "viewer", now + timedelta(hours=1)), "bench", now)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "CITYBRAIN_HTTP_PORT": str(port), "CITYBRAIN_RATE_READS": "1000000"}
    environment["CITYBRAIN_LOG_LEVEL"] = "warning"  # a line for each request would be measured, too
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, url], cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL
    )
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30, headers=headers) as client:
            while not is_up(client):
                time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        process.wait()


def is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/health/live").status_code == 200
    except httpx.TransportError:
        return False


def p95_ms(client: httpx.Client, path: str, parameters: dict[str, Any]) -> float:
    """The time that 95 of 100 requests are answered in."""
    took = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        client.get(path, params=parameters).raise_for_status()
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.quantiles(took, n=100)[94]


def main() -> None:
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as folder,
        postgres(Path(folder), {"shared_buffers": "512MB"}) as server,
    ):
        for one_open_in in (20, 1):
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute(f"create database open_{one_open_in}")
            url = f"postgresql://postgres@/open_{one_open_in}?host={conninfo_to_dict(server.url)['host']}"
            migrate(url, load(PROJECT))
            fill(url, one_open_in)
            with serving(url) as client:
                limit = p95_ms(client, "/health/live", {})
                print(f"{ALERTS // one_open_in:,} of {ALERTS:,} open; /health/live {limit:.1f} ms")
                for name, filters in KINDS.items():
                    for _ in range(10):
                        page = client.get("/api/v1/alerts", params={"limit": 100, **filters}).json()
                    took = p95_ms(client, "/api/v1/alerts", {"limit": 100, **filters})
                    mark = "" if took <= REACH_MS else f"  > {REACH_MS:g} ms"
                    print(
                        f"  {name:<24} p95 {took:6.1f} ms, ratio {took / limit:5.1f}, {len(page['items'])} alerts{mark}"
                    )


if __name__ == "__main__":
    main()
