"""A backtest of one rule over 10 million readings, against a bare COPY of the same rows.

    python -m bench.backtest [MILLIONS]

A throwaway database with 20,000 series at 5 minutes in chunks of a day. Prints seconds, the ratio to the COPY and the
most memory that the process had; ends by itself.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import yaml

from bench.growth import FILL, INTERVAL_S, SEED, SERIES, START
from citybrain.catalogue.model import Domain, Metric, Region, Text
from citybrain.store.connection import connect
from citybrain.store.migrate import migrate
from deploy.local.servers import postgres
from rules.backtest.replay import Version
from rules.backtest.run import run
from rules.grammar.load import build
from rules.model import Vocabulary

LIMIT_S = 20  # seconds for 10 million readings
LIMIT_MB = 1000
ZONE = ZoneInfo("Asia/Shanghai")
TITLE = Text("1", "1")

# Uniform values between 0 and 1: one reading in 2,000 is beyond the limit.
RULE = """
- rule: water.high
  title: {zh: 高, en: High}
  metric: pressure
  raise: value > limit
  clear: value < 0.9 * limit
  limit: {value: 0.9995, unit: MPa, source: platform default, confidence: S}
  severity: 3
"""


def version() -> Version:
    """The rule, over a catalogue of one metric."""
    metric = Metric("water", "pressure", TITLE, unit="MPa", low=0, high=1, interval=timedelta(seconds=INTERVAL_S))
    words = Vocabulary(
        {"1": Region("1", TITLE, "city", None)}, {"water": Domain("water", TITLE, {"pressure": metric})}, {}
    )
    return Version(build(yaml.load(RULE, yaml.BaseLoader), {}, words), {}, {})


def fill(url: str, readings: int) -> int:
    """Store so many readings; how many steps of the clock they take."""
    steps = readings // SERIES
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SEED.format(series=SERIES))
        connection.execute(
            "update metric set unit = 'MPa', expected_interval = make_interval(secs => %s)", (INTERVAL_S,)
        )
        for first in range(0, steps, 144):
            last = min(steps, first + 144) - 1
            connection.execute(FILL.format(start=START, first=first, last=last, series=SERIES))
        connection.execute("vacuum analyze")
    return steps


def bare_copy(url: str) -> float:
    """Seconds to read all rows by COPY and do nothing with them."""
    began = time.perf_counter()
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        statement = "copy (select series_id, time, value, quality, lag_s from reading) to stdout (format binary)"
        with cursor.copy(statement) as copy:
            for _ in copy:
                pass
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    millions = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as name, postgres(Path(name)) as server:
        migrate(server.url, chunk_hours=24)
        steps = fill(server.url, millions * 1_000_000)
        copied_s = bare_copy(server.url)
        since = datetime.fromtimestamp(START, UTC)
        until = since + timedelta(seconds=INTERVAL_S * steps)
        rules = version()
        chosen = list(rules.rules.rules.values())
        with connect(server.url, "writer", "bench") as connection, connect(server.url, "rules", "bench") as reader:
            began, cpu = time.perf_counter(), time.process_time()
            found = run(connection, reader, rules, chosen, since, until, ZONE, lambda _: lambda _: None)
            took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"backtest: {found.readings:,} readings in {took_s:.1f} s (own CPU {cpu_s:.1f} s; limit "
        f"{LIMIT_S * millions / 10:g} s), {took_s / copied_s:.2f} of a bare COPY ({copied_s:.1f} s); "
        f"at most {most_mb:.0f} MB (limit {LIMIT_MB} MB); {len(found.alerts):,} alerts"
    )


if __name__ == "__main__":
    main()
