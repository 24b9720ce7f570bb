"""Ingest against the limits of its parts, measured in the same run on throwaway servers.

    python -m bench.ingest [drain] [batched] [sustained] [latency] [outage]

Broker, database, publisher and collector share the machine. Each part prints what it measured and, where there is a
limit, the ratio to it; nothing here passes or fails.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
import psycopg
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from citybrain.catalogue.load import load
from citybrain.settings import PROJECT, Settings
from citybrain.store.migrate import migrate
from citybrain.store.readings import chunk_span
from citybrain.store.series import SeriesTable
from citybrain.store.state import SeriesState
from deploy.local.servers import Broker, Database, mosquitto, postgres
from ingest.batch import Intake, Message, Policy
from ingest.ownership import claim
from ingest.transaction import commit

from . import load as publisher

HOUR_MS = 3_600_000
RETAIN_SESSION = 0xFFFF_FFFF


@dataclass
class Bench:
    """The servers of a run."""

    database: Database
    broker: Broker
    url: str

    def count(self) -> int:
        """Readings stored."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute("select coalesce(sum(stored), 0) from ledger").fetchone()
            return int(row[0]) if row else 0

    def wait_for(self, readings: int, patience_s: float) -> float:
        """Seconds until so many are stored."""
        begun = time.monotonic()
        with psycopg.connect(self.url, autocommit=True) as connection:
            while time.monotonic() - begun < patience_s:
                row = connection.execute("select coalesce(sum(stored), 0) from ledger").fetchone()
                if row and row[0] >= readings:
                    return time.monotonic() - begun
                time.sleep(0.02)
        raise TimeoutError(f"{self.count()} of {readings} readings were stored in {patience_s} s")

    def load(self, messages: int, rate: float, readings: int, devices: int, start_ms: int) -> subprocess.Popen[str]:
        """Start a publisher."""
        words = [self.broker.port, messages, rate, readings, devices, start_ms]
        return subprocess.Popen(
            [sys.executable, "-m", publisher.__name__, *map(str, words)], stdout=subprocess.PIPE, text=True, cwd=PROJECT
        )


@contextmanager
def servers() -> Iterator[Bench]:
    """Servers with the schema in place."""
    with tempfile.TemporaryDirectory() as name, postgres(Path(name)) as database, mosquitto(Path(name)) as broker:
        migrate(database.url, load(PROJECT))
        yield Bench(database, broker, database.url)


@contextmanager
def collector(bench: Bench) -> Iterator[subprocess.Popen[bytes]]:
    """A collector, from its first connection on."""
    environment = {
        **os.environ,
        "CITYBRAIN_DATABASE_URL": bench.url,
        "CITYBRAIN_MQTT_URL": bench.broker.collector_url,
        "CITYBRAIN_LOG_LEVEL": "warning",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", "from citybrain.cli import main; main()", "collect"], env=environment, cwd=PROJECT
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def register(bench: Bench, devices: int) -> None:
    """Let every device of a load be known, as a city's are."""
    before = bench.count()
    bench.load(devices, 0, 1, devices, time.time_ns() // 1_000_000 - 48 * HOUR_MS).communicate()
    bench.wait_for(before + devices, 60)


def wait_connected(bench: Bench) -> None:
    """Wait until the collector's session is there."""
    with psycopg.connect(bench.url, autocommit=True) as connection:
        while not connection.execute("select 1 from collector where connected").fetchone():
            time.sleep(0.05)


def bare(bench: Bench, messages: int) -> float:
    """Messages a second that paho receives and acknowledges, MQTT 5, QoS 1, from a queue that is full already."""

    def client() -> paho.Client:
        made = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="bench-bare", protocol=paho.MQTTv5)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = RETAIN_SESSION
        properties.ReceiveMaximum = 20_000
        made.connect("127.0.0.1", bench.broker.port, clean_start=False, properties=properties)
        return made

    waiting = client()
    waiting.loop_start()
    waiting.subscribe("city/#", 1)
    time.sleep(0.5)
    waiting.disconnect()
    waiting.loop_stop()
    fill(bench, messages, 1)
    came = 0
    receiving = client()

    def count(*_: object) -> None:
        nonlocal came
        came += 1

    receiving.on_message = count
    begun = time.monotonic()
    while came < messages:
        receiving.loop(1.0)
    rate = messages / (time.monotonic() - begun)
    receiving.disconnect()
    ended = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="bench-bare", protocol=paho.MQTTv5)
    ended.connect("127.0.0.1", bench.broker.port, clean_start=True)
    ended.loop_start()
    time.sleep(0.3)
    ended.disconnect()
    ended.loop_stop()
    return rate


def fill(bench: Bench, messages: int, readings: int, devices: int = 2000) -> None:
    """Publish, and wait until the broker has taken all."""
    start = time.time_ns() // 1_000_000 - 24 * HOUR_MS
    bench.load(messages, 0, readings, devices, start).communicate()


def drain(bench: Bench, messages: int = 150_000) -> None:
    """One reading a message: how fast a full queue is stored, against paho that only receives it."""
    limit = bare(bench, messages)
    with collector(bench):
        wait_connected(bench)
    fill(bench, messages, 1)
    before = bench.count()
    with collector(bench):
        wait_connected(bench)
        begun = time.monotonic()
        bench.wait_for(before + messages, 120)
        rate = messages / (time.monotonic() - begun)
    print(f"drain: {rate:,.0f} messages/s stored; bare paho {limit:,.0f}/s; ratio {rate / limit:.2f}")


def batched(bench: Bench, messages: int = 20_000, readings: int = 50) -> None:
    """Fifty readings a message: how fast a full queue is stored, against the same transactions fed from memory."""
    with collector(bench):
        wait_connected(bench)
    fill(bench, messages, readings, 500)
    before = bench.count()
    with collector(bench):
        wait_connected(bench)
        begun = time.monotonic()
        bench.wait_for(before + messages * readings, 120)
        rate = messages * readings / (time.monotonic() - begun)
    limit = from_memory(bench, messages // 4, readings)
    print(f"batched: {rate:,.0f} readings/s stored; from memory {limit:,.0f}/s; ratio {rate / limit:.2f}")


def from_memory(bench: Bench, messages: int, readings: int) -> float:
    """Readings a second of the collector's transaction when decoded batches wait in memory."""
    settings = Settings()
    unit = claim(bench.url, "")
    assert unit is not None
    connection = unit.connection
    table, state = SeriesTable.load(connection), SeriesState.load(connection)
    intake = Intake(table, Policy.of(settings, time_of_today(settings)), connection)
    start = time.time_ns() // 1_000_000 - 12 * HOUR_MS
    made = [
        Message(
            f"city/150802/water/bench-{number % 500}/reading",
            publisher.payload(start + (number // 500) * 10_000, readings, number),
            time.time_ns() // 1000 + number,
            1,
        )
        for number in range(messages)
    ]
    size = settings.batch_readings // readings
    batches = [intake.batch(made[at : at + size]) for at in range(0, len(made), size)]
    span = chunk_span(connection)
    begun = time.monotonic()
    for batch in batches:
        commit(connection, span, unit.session_id, table, state, batch)
    took = time.monotonic() - begun
    connection.close()
    return messages * readings / took


def time_of_today(settings: Settings) -> object:
    """The city's date."""
    from datetime import datetime

    return datetime.now(settings.zone).date()


def sustained(bench: Bench, rate: int = 12_500, seconds: int = 60) -> None:
    """One reading a message at a given rate for a minute: nothing lost, and nothing left when the publisher ends."""
    with collector(bench) as collecting:
        wait_connected(bench)
        register(bench, 5000)
        before = bench.count()
        used = processor_seconds(bench, collecting)
        messages = rate * seconds
        process = bench.load(messages, rate, 1, 5000, 0)
        out, _ = process.communicate()
        behind = bench.wait_for(before + messages, 120)
        costs = [
            1e6 * (now - then) / messages for then, now in zip(used, processor_seconds(bench, collecting), strict=True)
        ]
    published = messages / float(out)
    print(f"sustained: {published:,.0f} messages/s for {float(out):.0f} s; all stored {behind:.2f} s after the last")
    print("  processor time a message: collector {:.0f} us, broker {:.0f} us, database {:.0f} us".format(*costs))


def processor_seconds(bench: Bench, collecting: subprocess.Popen[bytes]) -> tuple[float, float, float]:
    """Processor time so far of collector, broker and database with its backends."""
    roots = (collecting, bench.broker.process, bench.database.process)
    return tuple(_tree_seconds(process.pid) if process else 0.0 for process in roots)  # type: ignore[return-value]


def _tree_seconds(pid: int) -> float:
    """Processor time of a process, its children that live and those that ended; 0 if it ended just now."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return 0.0
    seconds = sum(int(fields[at]) for at in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")
    return seconds + sum(_tree_seconds(int(child)) for child in children)


def latency(bench: Bench, rate: int = 2000, seconds: int = 30) -> None:
    """Publish to committed at 2,000 messages a second, from the readings' own times, seen by an outsider."""
    with collector(bench):
        wait_connected(bench)
        register(bench, 2000)
        before = bench.count()
        process = bench.load(rate * seconds, rate, 1, 2000, 0)
        lags: queue.SimpleQueue[float] = queue.SimpleQueue()
        done = threading.Event()
        watcher = threading.Thread(target=_watch, args=(bench, lags, done))
        watcher.start()
        process.communicate()
        bench.wait_for(before + rate * seconds, 60)
        done.set()
        watcher.join()
    values = sorted(lags.get() for _ in range(lags.qsize()))
    p50, p99 = (values[int(len(values) * share)] * 1000 for share in (0.5, 0.99))
    print(f"latency at {rate}/s: p50 {p50:.0f} ms, p99 {p99:.0f} ms of {len(values):,} readings")


def _watch(bench: Bench, lags: queue.SimpleQueue[float], done: threading.Event) -> None:
    """Poll for new rows; the lag of a row is at most the time of the poll that first saw it minus its own."""
    with psycopg.connect(bench.url, autocommit=True) as connection:
        seen = time.time()
        while not done.is_set():
            rows = connection.execute(
                "select series_id, extract(epoch from time)::float8 from series_state where time > to_timestamp(%s)",
                (seen - 2,),
            ).fetchall()
            now = time.time()
            for series, at in rows:
                if _newest.get(series, 0.0) < at:
                    if at > seen - 1.5 and series in _newest:
                        lags.put(now - at)
                    _newest[series] = at
            seen = now
            time.sleep(0.01)


_newest: dict[int, float] = {}


def outage(bench: Bench, rate: int = 2000, away_s: int = 120) -> None:
    """The database away for two minutes under load: the collector's memory, and whether all is stored afterwards."""
    seconds = away_s + 20
    with collector(bench) as process:
        wait_connected(bench)
        before = bench.count()
        load_process = bench.load(rate * seconds, rate, 1, 2000, 0)
        time.sleep(5)
        bench.database.kill()
        peak = 0
        until = time.monotonic() + away_s
        while time.monotonic() < until:
            peak = max(peak, memory_mb(process.pid))
            time.sleep(0.5)
        bench.database.start()
        load_process.communicate()
        behind = bench.wait_for(before + rate * seconds, 300)
        peak = max(peak, memory_mb(process.pid))
    print(f"outage of {away_s} s at {rate}/s: {peak} MB at most; all stored {behind:.1f} s after the last message")


def memory_mb(pid: int) -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    return 0


PARTS: dict[str, Callable[[Bench], None]] = {
    "drain": drain,
    "batched": batched,
    "sustained": sustained,
    "latency": latency,
    "outage": outage,
}


def main() -> None:
    """Run the parts named, or all."""
    for name in sys.argv[1:] or PARTS:
        with servers() as bench:
            PARTS[name](bench)


if __name__ == "__main__":
    main()
