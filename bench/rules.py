"""The rule engine against the transaction that carries it: 500 rules over 20,000 series.

    python -m bench.rules [cost] [state] [latency] [flood]

`cost`: what judging adds to a reading's transaction, batches of 5,000 with and without rules in turn. `state`: memory
of 100,000 remembered pairs, and the time until an engine that starts again is ready. `latency`: publish to alert
committed at 2,000 messages a second. `flood`: `cost` while a tenth of the series crosses every limit, so that tens of
thousands of alerts are raised. Nothing passes or fails.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import paho.mqtt.client as paho
import polars as pl
import psycopg

from citybrain.catalogue.load import load as load_catalogue
from citybrain.store.connection import Connection, connect
from citybrain.store.migrate import migrate
from citybrain.store.readings import chunk_span
from citybrain.store.series import SeriesTable
from citybrain.store.state import HOUR_US, SeriesState
from deploy.local.servers import mosquitto, postgres
from ingest.batch import SCHEMA, Batch
from ingest.transaction import commit
from rules import sets
from rules.grammar.load import load as load_rules
from rules.host import Host

from .ingest import Bench, collector, wait_connected

METRICS = 40
DEVICES = 500
SERIES = METRICS * DEVICES
RULES = 500
LADDERS = 204  # rules of two steps: 704 steps in all
SPANS = 50  # rules that look back over a span
WITHS = 20  # rules that read another metric
BATCH = 5000
ROUNDS = 12  # over all series, with rules and without in turn
ZONE = ZoneInfo("Asia/Shanghai")
START_US = 1_790_000_000_000_000
MINUTE_US = 60_000_000
PAIRS = 100_000


def catalogue_files(root: Path) -> None:
    """A city of one domain: 40 metrics, and 500 sites of two kinds with a device each."""
    title = {"zh": "测", "en": "Bench"}
    metric = {"title": title, "unit": "MPa", "low": -1000, "high": 1000, "interval": "1m", "source": "bench (S)"}
    files = {
        "regions/bench.yaml": {"regions": {"1": {"title": title, "level": "city"}}},
        "domains/bench/domain.yaml": {
            "title": title,
            "site_kinds": {"inner": title, "outer": title},
            "metrics": {f"m{number}": metric for number in range(METRICS)},
        },
        "sites/bench.yaml": {
            "sites": {
                f"s{number}": {
                    "title": title,
                    "region": "1",
                    "domain": "bench",
                    "kind": "inner" if number % 5 else "outer",
                    "longitude": 107 + number / 1000,
                    "latitude": 40.7,
                    "devices": {f"d{number}": {}},
                }
                for number in range(DEVICES)
            }
        },
        "domains/bench/rules.yaml": [rule(number) for number in range(RULES)],
    }
    for name, tree in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")


def rule(number: int) -> dict[str, object]:
    """One of the rules: a threshold with hysteresis and a hold, a ladder, a span or another metric."""

    def limit(value: float) -> dict[str, object]:
        return {"value": value, "unit": "MPa", "source": "platform default", "confidence": "S"}

    made: dict[str, object] = {
        "rule": f"bench.r{number}",
        "title": {"zh": "测", "en": "Bench"},
        "metric": f"m{number % METRICS}",
        "raise": "value > limit",
        "clear": "value < limit - 1",
        "for": ["0s", "5m", "2 samples", "3 of 5 samples"][number % 4],
    }
    if number % 3 == 0:
        made["where"] = "site_kind = 'outer'"
    if number < LADDERS:
        made["ladder"] = [{"severity": 3, "limit": limit(80)}, {"severity": 2, "limit": limit(90)}]
        return made
    made |= {"severity": 3, "limit": limit(80)}
    if number < LADDERS + SPANS:
        made["raise"] = f"{['avg', 'max', 'delta'][number % 3]}(value, '{[5, 15, 30][number % 3]}m') > limit"
    elif number < LADDERS + SPANS + WITHS:
        made["with"] = {"other": {"metric": f"m{(number + 1) % METRICS}", "same": "device"}}
        made["raise"] = "value > 0.5 * other + limit"
    return made


@contextmanager
def city() -> Iterator[tuple[Path, Bench]]:
    """Servers with the city and its rules in place."""
    with (
        tempfile.TemporaryDirectory() as name,
        postgres(Path(name)) as database,
        mosquitto(Path(name)) as broker,
    ):
        root = Path(name) / "city"
        catalogue_files(root)
        catalogue = load_catalogue(root)
        migrate(database.url, catalogue)
        with connect(database.url, "writer", "bench") as connection:
            connection.execute(
                "insert into series (device_id, metric_id) select d.id, m.id from device d cross join metric m"
            )
            connection.execute("insert into series_state (series_id) select id from series on conflict do nothing")
            begun = time.perf_counter()
            sets.apply(connection, load_rules(root, catalogue), {}, "bench", datetime.now(UTC))
            print(f"check and apply {RULES} rules: {time.perf_counter() - begun:.1f} s")
        yield root, Bench(database, broker, database.url)


class Judging:
    """A connection with what a collector holds, and an engine."""

    def __init__(self, url: str) -> None:
        self.connection: Connection = connect(url, "writer", "bench")
        self.table, self.state = SeriesTable.load(self.connection), SeriesState.load(self.connection)
        self.span = chunk_span(self.connection)
        self.host = Host("city", ZONE, derived=False)
        begun = time.perf_counter()
        self.host.refresh(self.connection, datetime.now(UTC))
        self.ready_s = time.perf_counter() - begun

    def commit(self, readings: pl.DataFrame, *, with_rules: bool) -> float:
        """Microseconds a reading of one batch's transaction."""
        hour = int(readings["received"][0])
        received = Counter({(hour - hour % HOUR_US, device): 1 for device in readings["device"]})
        rules = self.host if with_rules else None
        begun = time.perf_counter()
        commit(
            self.connection,
            self.span,
            "bench",
            self.table,
            self.state,
            Batch(readings, received=received),
            rules=rules,
        )
        return 1e6 * (time.perf_counter() - begun) / len(readings)


def batch(round_: int, part: int, above: float) -> pl.DataFrame:
    """The batch that comes next: a quarter of the series, some of them above every limit."""
    series = np.arange(part * BATCH + 1, (part + 1) * BATCH + 1)
    random = np.random.default_rng(round_ * 4 + part)
    value = random.normal(20, 5, BATCH)
    # The same series stay above: an alert lasts.
    value[(series * 7919) % 10_000 < above * 10_000] = 120
    at = START_US + round_ * MINUTE_US
    return pl.DataFrame(
        {
            "series": series,
            "device": (series - 1) // METRICS + 1,
            "time": at,
            "value": value,
            "received": at + 1_000_000 + np.arange(BATCH) // METRICS,
            "quality": 0,
        },
        schema=SCHEMA,
    )


def cost(bench: Bench, above: float = 0.0005, name: str = "cost") -> None:
    """What judging adds to the transaction, by batches with rules and without in turn."""
    judging = Judging(bench.url)
    times: dict[bool, list[float]] = {True: [], False: []}
    first = int(time.monotonic()) % 1000 * 100  # later rounds of a second part come after those of the first
    for round_ in range(ROUNDS):
        with_rules = round_ % 2 == 1
        for part in range(SERIES // BATCH):
            took = judging.commit(batch(first + round_, part, above), with_rules=with_rules)
            if round_ > 1:  # the first round of each kind warms up
                times[with_rules].append(took)
    without, judged = (statistics.median(times[kind]) for kind in (False, True))
    print(
        f"{name}: {without:.1f} us a reading without rules, {judged:.1f} with; "
        f"added {100 * (judged - without) / without:.0f} % ({RULES} rules, {SERIES:,} series, {100 * above:g} % above)"
    )
    judging.connection.close()


def flood(bench: Bench) -> None:
    """The same while a tenth of the series is above every limit."""
    cost(bench, 0.1, "flood")


def state(bench: Bench) -> None:
    """Memory of 100,000 remembered pairs, and the time until an engine that starts again is ready."""
    with connect(bench.url, "writer", "bench") as connection:
        connection.execute("delete from rule_state")
        connection.execute(
            "insert into rule_state (rule, severity, series_id, code, since, last, run, bits, bits_at) "
            "select v.rule, 3, s.id, 1, %(start)s, %(start)s, 1, 0, 0 "
            "from rule_version v join metric m on m.name = v.definition ->> 'metric' "
            "join series s on s.metric_id = m.id where not v.definition ? 'where' limit %(pairs)s",
            {"start": START_US, "pairs": PAIRS},
        )
        row = connection.execute("select count(*) from rule_state").fetchone()
    program = (
        "import resource, sys, time; from bench.rules import Judging\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "judging = Judging(sys.argv[1])\n"
        "used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "print(round(judging.ready_s, 1), round(used / 1024), int(judging.host.busy))"
    )
    done = subprocess.run([sys.executable, "-c", program, bench.url], capture_output=True, text=True, check=True)
    ready_s, megabytes, busy = done.stdout.splitlines()[-1].split()
    print(f"state: {row[0] if row else 0:,} pairs stored, {busy} taken up; ready in {ready_s} s, {megabytes} MB")
    with connect(bench.url, "writer", "bench") as connection:
        connection.execute("delete from rule_state")


def latency(bench: Bench, rate: int = 2000, seconds: int = 30, probes: int = 120) -> None:
    """Publish to alert committed, while 2,000 messages a second pass that raise nothing."""
    environment_load = [sys.executable, "-m", "bench.rules", "load", str(bench.broker.port), str(rate), str(seconds)]
    with collector(bench):
        wait_connected(bench)
        time.sleep(3)
        loading = subprocess.Popen(environment_load)
        sent: dict[str, float] = {}
        seen: dict[str, float] = {}
        done = threading.Event()
        watcher = threading.Thread(target=_watch, args=(bench, seen, done))
        watcher.start()
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.connect("127.0.0.1", bench.broker.port)
        client.loop_start()
        time.sleep(3)
        for probe in range(probes):
            device = f"d{probe * 4 + 1}"
            sent[f"1/bench/{device}/m0"] = time.time()
            payload = json.dumps({"time": time.time_ns() // 1_000_000, "values": {"m0": 150}})
            client.publish(f"city/1/bench/{device}/reading", payload, 1)
            time.sleep((seconds - 6) / probes)
        time.sleep(2)
        loading.wait()
        done.set()
        watcher.join()
        client.disconnect()
        client.loop_stop()
    lags = sorted(1000 * (seen[subject] - at) for subject, at in sent.items() if subject in seen)
    if lags:
        p50, p99 = (lags[min(len(lags) - 1, int(len(lags) * share))] for share in (0.5, 0.99))
        print(
            f"latency: publish to alert committed at {rate}/s with {RULES} rules: p50 {p50:.0f} ms, p99 {p99:.0f} ms "
            f"({len(lags)} of {probes} alerts, seen by an outsider who looks every 5 ms)"
        )


def _watch(bench: Bench, seen: dict[str, float], done: threading.Event) -> None:
    with psycopg.connect(bench.url, autocommit=True) as connection:
        while not done.is_set():
            for (subject,) in connection.execute("select subject from alert").fetchall():
                seen.setdefault(subject, time.time())
            time.sleep(0.005)


def load(port: int, rate: float, seconds: float) -> None:
    """Publish so many messages a second of one reading that raises nothing."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", port)
    client.loop_start()
    begun = time.monotonic()
    number = 0
    while (now := time.monotonic() - begun) < seconds:
        while number < rate * now:
            device, metric = number % DEVICES, 1 + number // DEVICES % (METRICS - 1)
            payload = b'{"time":%d,"values":{"m%d":%d}}' % (time.time_ns() // 1_000_000, metric, 20 + number % 7)
            client.publish(f"city/1/bench/d{device}/reading", payload, 1)
            number += 1
        time.sleep(0.005)
    client.disconnect()


PARTS = {"cost": cost, "state": state, "latency": latency, "flood": flood}


def main() -> None:
    """Measure what is asked for, or all."""
    words = sys.argv[1:]
    if words[:1] == ["load"]:
        load(int(words[1]), float(words[2]), float(words[3]))
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    with city() as (_, bench):
        for word in words or list(PARTS):
            PARTS[word](bench)


if __name__ == "__main__":
    main()
