"""What the API answers with on a full store, asked over HTTP with a token.

    python -m bench.query [MILLIONS]

20,000 series of 10 regions, 50 million readings at 5 minutes (or so many as are named), 30 days of hourly rollups, and
a real API process; one request after the other. Each line gives p50 and p95 of the whole answer in milliseconds, the
p50 of the limit of the same run, and the ratio of the two p50. The limit of an answer is its statement alone, without
the API, asked in turn with it.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import psycopg

from api.views import history
from api.views.history import Part
from api.views.resolution import HOUR, RAW
from api.views.rows import tuples
from citybrain.access import tokens
from citybrain.access.model import Scope
from citybrain.settings import PROJECT
from citybrain.store import pools, retention
from citybrain.store.connection import connect
from citybrain.store.migrate import migrate
from citybrain.store.pools import Reader
from deploy.local.servers import postgres

REGIONS, DEVICES, METRICS = 10, 400, 5  # devices of a region, metrics of a device
SERIES = REGIONS * DEVICES * METRICS
INTERVAL_S = 300
DAYS = 30  # of rollups; readings go back as far as there are
ROUNDS = 60
PATIENCE_S = 60.0

SERVE = """
import sys
from api.server import serve
from citybrain.settings import Settings
serve(Settings(), sys.argv[1])
"""

SEED = f"""
insert into region (id, level, title_zh, title_en) values ('1', 'city', '1', '1');
insert into region (id, level, parent_id, title_zh, title_en)
    select (100 + r)::text, 'county', '1', r, r from generate_series(1, {REGIONS}) r;
insert into domain (id, title_zh, title_en) values ('water', '1', '1');
insert into metric (domain_id, name, title_zh, title_en, kind, unit, expected_interval)
    select 'water', 'm' || m, '1', '1', 'number', 'MPa', interval '5 minutes' from generate_series(1, {METRICS}) m;
insert into device (region_id, domain_id, name, verified, first_seen)
    select (100 + r)::text, 'water', 'd' || d, true, now()
    from generate_series(1, {REGIONS}) r, generate_series(1, {DEVICES}) d order by r, d;
insert into series (device_id, metric_id) select d.id, m.id from device d, metric m order by d.id, m.id;
"""

# As the collector's transactions leave it: every series in turn at each step.
READINGS = f"""
insert into reading (time, value, series_id, lag_s)
select at, (series * 7919 + extract(epoch from at)::int8 / {INTERVAL_S} * 104729) %% 1000 / 10.0, series, 1
from generate_series(%s::timestamptz, %s, interval '{INTERVAL_S} seconds') at, generate_series(1, {SERIES}) series
"""

# Hours whose readings retention has dropped.
OLD_HOURS = f"""
insert into rollup (series_id, bucket, n, s, mn, mx)
select series, hour, 12, 12 * ((series * 31 + extract(epoch from hour)::int8 / 3600 * 17) %% 1000 / 10.0), 0, 99.9
from generate_series(%s::timestamptz, %s::timestamptz - interval '1 second', interval '1 hour') hour,
     generate_series(1, {SERIES}) series
"""

HOURS = """
insert into rollup (series_id, bucket, n, s, mn, mx)
select series_id, date_trunc('hour', time) as hour, count(*), sum(value), min(value), max(value)
from reading where time >= %s and time < %s group by 2, 1 order by 2, 1
"""

STATE = """
insert into series_state (series_id, time, value, before, same_since, good_time, good_value, bucket, n, s, mn, mx)
select series_id, max(time), last(value, time), 0, max(time), max(time), last(value, time),
       date_trunc('hour', max(time)), count(*), sum(value), min(value), max(value)
from reading where time >= %s group by series_id
"""

REGION_HOURS = """
insert into region_hour (metric_id, region_id, bucket, n, n_doubtful, s)
select metric_id, region_id, bucket, sum(n), sum(n_doubtful), sum(s)
from rollup join series on series.id = series_id join device on device.id = device_id
group by 1, 2, 3 order by 3, 1, 2
"""

# Readings of closed hours that are not in the rollups, or are there more than once.
UNBALANCED = """
select (select count(*) from reading where time >= %(since)s)
     - (select sum(n) from rollup where bucket >= %(since)s) - (select sum(n) from series_state)
"""


class Question(NamedTuple):
    """What is asked: the path of a round, its limit, and how long p95 may be, in ms; None: no figure is set."""

    name: str
    path: Callable[[int], str]
    limit: Callable[[Reader, int], Awaitable[object]]
    reach_ms: int | None


def fill(url: str, millions: int, end: datetime, seed: str = SEED) -> None:
    """Readings that end at `end`, with all that goes with them, of the series 1 to 20,000 that `seed` makes."""
    open_hour = end.replace(minute=0)
    first = end - timedelta(seconds=INTERVAL_S * (millions * 1_000_000 // SERIES - 1))
    whole = first.replace(minute=0) + timedelta(hours=1)  # from there on, hours are made of readings
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(seed)  # type: ignore[call-overload]
        for at in _days(first, end + timedelta(seconds=1)):
            until = min(at + timedelta(days=1), end + timedelta(seconds=1)) - timedelta(seconds=1)
            connection.execute(READINGS, (at, until))  # type: ignore[call-overload]
        for at in _days(open_hour - timedelta(days=DAYS), whole):
            connection.execute(OLD_HOURS, (at, min(at + timedelta(days=1), whole)))  # type: ignore[call-overload]
        for at in _days(whole, open_hour):
            connection.execute(HOURS, (at, min(at + timedelta(days=1), open_hour)))
        connection.execute(REGION_HOURS)
        connection.execute(STATE, (open_hour,))
        # As autovacuum does while a store grows in its own time.
        connection.execute("vacuum analyze")
    with connect(url, "owner", "bench") as connection:
        retention.tighten(connection)  # as the daily `citybrain db maintain` does
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(UNBALANCED, {"since": whole}).fetchone()
    assert row == (0,), f"rollups and readings differ by {row}"


def _days(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += timedelta(days=1)


@contextmanager
def api(url: str) -> Iterator[http.client.HTTPConnection]:
    """A connection to an API process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    own = {"CITYBRAIN_HTTP_PORT": str(port), "CITYBRAIN_RATE_READS": "1000000"}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, url], env={**os.environ, **own}, cwd=PROJECT, stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        yield http.client.HTTPConnection("127.0.0.1", port)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def questions(end: datetime) -> list[Question]:
    """What the figures are of."""

    def span(days: int, until: datetime) -> dict[str, str]:
        return {"from": (until - timedelta(days=days)).isoformat(), "to": until.isoformat()}

    hour_end = end.replace(minute=0) + timedelta(hours=1)
    month = Part(hour_end - timedelta(days=DAYS), hour_end, HOUR)
    day = Part(end - timedelta(days=1), end, RAW)
    averaged = {"domain": "water", "aggregate": "mean", "resolution": "hour", **span(DAYS, hour_end)}

    async def latest(reader: Reader, round_: int) -> object:
        every = dict.fromkeys(("domain", "metric", "site", "device"))
        wanted = {**Scope().parameters(), **every, "within": [_region(round_)], "now": end, "after": 0, "limit": 5001}
        return await tuples(reader, "api_series", "latest", **wanted)

    async def region_mean(reader: Reader, round_: int) -> object:
        return await history.region_mean(
            reader, [_region(round_)], "water", f"m{_metric(round_)}", month, "good", "UTC", 1500
        )

    async def mean(reader: Reader, round_: int) -> object:
        return await history.mean(reader, _of_region(round_), month, "good", "UTC", 1500)

    return [
        Question("latest of a region's 2,000 series", lambda n: f"latest?region={_region(n)}", latest, 60),
        Question(
            "24 h of one series, raw",
            lambda n: f"series/{_series(n)}/readings?{urlencode({'resolution': 'raw', **span(1, end)})}",
            lambda reader, n: history.tell(reader, [_series(n)], day, "good", "UTC", 1500),
            40,
        ),
        Question(
            "30 days of one series, hourly",
            lambda n: f"series/{_series(n)}/readings?{urlencode({'resolution': 'hour', **span(DAYS, hour_end)})}",
            lambda reader, n: history.tell(reader, [_series(n)], month, "good", "UTC", 1500),
            30,
        ),
        Question(
            "30 days of a region's hourly mean (400 series)",
            lambda n: f"readings?{urlencode({'region': _region(n), 'metric': f'm{_metric(n)}', **averaged})}",
            region_mean,
            100,
        ),
        Question(
            "30 days of the hourly mean of 400 named series",
            lambda n: (
                "readings?" + urlencode({"series": _of_region(n), "metric": f"m{_metric(n)}", **averaged}, doseq=True)
            ),
            mean,
            None,
        ),
    ]


def _region(round_: int) -> str:
    return str(101 + round_ % REGIONS)


def _metric(round_: int) -> int:
    return 1 + round_ // REGIONS % METRICS


def _of_region(round_: int) -> list[int]:
    """The series of the round's region and metric."""
    first = (int(_region(round_)) - 101) * DEVICES * METRICS + _metric(round_)
    return list(range(first, first + DEVICES * METRICS, METRICS))


def _series(round_: int) -> int:
    return 1 + round_ * 997 % SERIES


async def measure(url: str, connection: http.client.HTTPConnection, token: str, end: datetime) -> None:
    """Ask each question, through the API and of the store alone in turn."""
    headers = {"Authorization": f"Bearer {token}"}
    async with pools.readers(url, "bench", "board", 1) as pool, pool.connection() as reader:
        for question in questions(end):
            answers, limits = [], []
            for round_ in range(ROUNDS):
                began = time.perf_counter()
                connection.request("GET", f"/api/v1/{question.path(round_)}", headers=headers)
                response = connection.getresponse()
                body = response.read()
                answers.append(1000 * (time.perf_counter() - began))
                assert response.status == 200, body
                began = time.perf_counter()
                # The rounds of the limit are others, so that neither warms the caches for the other.
                await question.limit(reader, round_ + ROUNDS // 2)
                limits.append(1000 * (time.perf_counter() - began))
            p50, limit = statistics.median(answers), statistics.median(limits)
            p95 = sorted(answers)[int(0.95 * ROUNDS)]
            reach = f" (to reach: {question.reach_ms})" if question.reach_ms else ""
            print(
                f"{question.name}: p50 {p50:.1f} ms, p95 {p95:.1f} ms{reach}; the statement "
                f"alone {limit:.1f} ms; ratio {p50 / limit:.2f}",
                flush=True,
            )


def main() -> None:
    """Fill, measure and print."""
    millions = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    end = now - timedelta(minutes=now.minute % 5)
    with tempfile.TemporaryDirectory() as name, postgres(Path(name)) as server:
        migrate(server.url, chunk_hours=24)
        began = time.monotonic()
        fill(server.url, millions, end)
        print(f"{millions} million readings of {SERIES:,} series in {time.monotonic() - began:.0f} s")
        with connect(server.url, "writer", "bench") as connection:
            new = tokens.NewToken("bench", "viewer", now + timedelta(hours=2))
            token = tokens.add(connection, new, "bench", now)
        with api(server.url) as client:
            asyncio.run(measure(server.url, client, token, end))


if __name__ == "__main__":
    main()
