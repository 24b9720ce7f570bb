"""What the rules that ship make of the scenarios that ship, each simulated through the full path.

    python -m bench.scenarios [NAME ...]         # the table of docs/simulators.md; without names: all of the past
    python -m bench.scenarios --backfill [DAYS]  # the calm city: how fast its history is taken, and its alerts

Each has fresh servers, a collector and a runner of derived series; `citybrain simulate` publishes it through MQTT, and
the rules are replayed over what was stored. Rules of absence need the clock, so scenarios that have no `starts` are
left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from citybrain.catalogue.load import load as load_catalogue
from citybrain.settings import PROJECT
from citybrain.store.connection import connect
from rules.backtest.alerts import Alert
from rules.backtest.replay import Version
from rules.backtest.run import run
from rules.backtest.score import Incident, read
from rules.grammar.load import load as load_rules
from rules.plans.load import indicators
from rules.plans.load import load as load_plans
from simulators.city import FAULTS
from simulators.scenario import SCENARIOS, Scenario, load

from .ingest import Bench, servers

PATIENCE_S = 1800.0  # for everything to be stored and derived
ZONE = ZoneInfo("Asia/Shanghai")
WEEK = timedelta(days=7)
MINUTE_US = 60_000_000
LIMIT_S = 300.0  # of a backfill of 30 days: what is to be reached


@dataclass(frozen=True)
class Taken:
    """How a simulation was taken: seconds until all was stored and then derived, and readings of either kind."""

    stored_s: float
    derived_s: float
    readings: int
    derived: int


@dataclass(frozen=True)
class Found:
    """What the rules said of a scenario from its start to its end."""

    scenario: Scenario
    incidents: Sequence[Incident]
    alerts: Sequence[Alert]

    def rules_of(self, incident: Incident) -> list[str]:
        """The rules that are meant to see an incident."""
        return next(e.shows_as for e in self.scenario.file.happenings if e.incident == incident.name)

    def false(self) -> list[Alert]:
        """The alerts in which nothing shows that is meant to."""
        meant = [incident for incident in self.incidents if self.rules_of(incident)]
        return [alert for alert in self.alerts if not any(incident.shows_in(alert) for incident in meant)]

    def lines(self) -> Iterator[str]:
        """Of a table: scenario, incident, rule, detected, lead time; and what was raised besides."""
        name = f"`{self.scenario.name}`"
        for incident in self.incidents:
            for rule in self.rules_of(incident) or ["nothing"]:
                showing = [alert for alert in self.alerts if alert.rule == rule and incident.shows_in(alert)]
                lead = min((alert.raised_us for alert in showing), default=None)
                minutes = f"{(lead - incident.start_us) / MINUTE_US:,.0f} min" if lead is not None else ""
                worst = min((alert.worst for alert in showing), default=None)
                seen = f"yes, {worst}" if worst is not None else "**no**" if rule != "nothing" else "-"
                yield f"| {name} | {incident.name} ({incident.kind}) | {rule} | {seen} | {minutes} |"
        weeks = (self.scenario.file.lasts or WEEK) / WEEK
        counted = Counter(alert.rule for alert in self.false())
        false = ", ".join(f"{rule} {number} ({number / weeks:.1f})" for rule, number in sorted(counted.items()))
        yield f"| {name} | false alerts (a week) | {false or 'none'} | | |"


@contextmanager
def platform(bench: Bench, runtime: str) -> Iterator[dict[str, str]]:
    """A collector, the runner of derived series and the rules in force; gives the environment."""
    environment = {
        **os.environ,
        "CITYBRAIN_DATABASE_URL": bench.url,
        "CITYBRAIN_MQTT_URL": bench.broker.collector_url,
        "CITYBRAIN_RUNTIME_DIR": runtime,
        "CITYBRAIN_LOG_LEVEL": "warning",
    }
    command(environment, "rules", "apply", "--by", "bench")
    processes = [subprocess.Popen([*CITYBRAIN, name], env=environment, cwd=PROJECT) for name in ("collect", "derive")]
    try:
        yield environment
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


CITYBRAIN = [sys.executable, "-c", "from citybrain.cli import main; main()"]


def command(environment: dict[str, str], *words: str) -> None:
    done = subprocess.run([*CITYBRAIN, *words], env=environment, cwd=PROJECT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")


def take(bench: Bench, environment: dict[str, str], *words: str) -> Taken:
    """Simulate; wait until all is stored and derived."""
    begun = time.monotonic()
    command(environment, "simulate", "--anonymous", *words)
    stored_s = still(bench, "select coalesce(sum(received), 0) from ledger", 3) - begun
    derived_s = still(bench, "select count(*) from derivation_due where due < now()", 3, until=0) - begun
    with psycopg.connect(bench.url) as connection:
        counts = dict(
            connection.execute(
                "select m.derived, sum(b.n + b.n_doubtful) from board_hour_closed b join series s on s.id = b.series_id"
                " join metric m on m.id = s.metric_id group by 1"
            ).fetchall()
        )
    return Taken(stored_s, derived_s, int(counts.get(False, 0)), int(counts.get(True, 0)))


def still(bench: Bench, question: str, times: int, until: int | None = None) -> float:
    """Since when (monotonic, seconds) a number is the same, or `until`, after so many looks half a second apart."""
    begun = since = time.monotonic()
    last, same = None, 0
    with psycopg.connect(bench.url, autocommit=True) as connection:
        while same < times:
            if time.monotonic() - begun > PATIENCE_S:
                raise TimeoutError(f"{question}: still {last} after {PATIENCE_S} s")
            row = connection.execute(question).fetchone()
            same = same + 1 if row == last and (until is None or row == (until,)) else 0
            last = row
            if not same:
                since = time.monotonic()
            time.sleep(0.5)
    return since


def judge(bench: Bench, begin: datetime, end: datetime) -> tuple[Alert, ...]:
    """The alerts of all rules that ship."""
    catalogue = load_catalogue(PROJECT)
    plans = load_plans(PROJECT, catalogue)
    rules = load_rules(PROJECT, catalogue, {name: found.unit for name, found in indicators(plans).items()}).rules
    chosen = [rule for rule in rules.rules.values() if rule.mode != "off"]
    with connect(bench.url, "writer", "bench") as connection, connect(bench.url, "rules", "bench") as reader:
        version = Version(rules, plans, {})
        return run(connection, reader, version, chosen, begin, end, ZONE, lambda _: lambda _: None).alerts


def scenario(name: str) -> Found:
    """Simulate and judge a scenario."""
    found = load(name, FAULTS, SCENARIOS)
    start = found.file.starts
    if start is None or found.file.lasts is None:
        raise SystemExit(f"{name} has no start or no end: it needs the clock.")
    begin = start.replace(tzinfo=ZONE)
    with tempfile.TemporaryDirectory() as runtime, servers() as bench, platform(bench, runtime) as environment:
        truth = Path(runtime) / "truth.csv"
        taken = take(bench, environment, "--scenario", name, "--truth", str(truth))
        alerts = judge(bench, begin, begin + found.file.lasts)
        print(f"{name}: {taken}, {len(alerts)} alerts", file=sys.stderr)
        return Found(found, read(truth, ZONE), alerts)


def backfill(days: int) -> None:
    """The calm city's history: how fast it is taken, and how many alerts that makes."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    begin = end - timedelta(days=days)
    with tempfile.TemporaryDirectory() as runtime, servers() as bench, platform(bench, runtime) as environment:
        file = Path(runtime) / "calm.yaml"
        local = end.astimezone(ZONE).replace(tzinfo=None)
        head = "title: {zh: 平静, en: Calm}"
        file.write_text(f"{head}\nstarts: {local:%Y-%m-%dT%H:%M}\nhistory: {days}d\nlasts: 1m\n")
        taken = take(bench, environment, "--scenario", str(file))
        print(
            f"{days} days of {taken.readings:,} readings in {taken.stored_s:.0f} s "
            f"({taken.readings / taken.stored_s:,.0f}/s), {taken.derived:,} derived ones after {taken.derived_s:.0f} s;"
            f" to reach: {LIMIT_S * days / 30:.0f} s"
        )
        with psycopg.connect(bench.url) as connection:
            live = connection.execute("select rule, count(*) from alert where mode = 'on' group by 1").fetchall()
        alerts = judge(bench, begin, end)
        print(f"alerts recorded while it came in: {dict(live)}; replayed: {dict(Counter(a.rule for a in alerts))}")
        windows = days * 24 * 6
        print(f"{len(alerts) / windows:.4f} alerts in 10 minutes; to reach: less than 1")


def main() -> None:
    words = sys.argv[1:]
    if words[:1] == ["--backfill"]:
        backfill(int(words[1]) if len(words) > 1 else 30)
        return
    names = words or sorted(path.stem for path in SCENARIOS.glob("*.yaml") if "\nstarts:" in path.read_text())
    print("| scenario | incident | rule | detected, worst severity | after |\n|---|---|---|---|---|")
    for name in names:
        for line in scenario(name).lines():
            print(line, flush=True)


if __name__ == "__main__":
    main()
