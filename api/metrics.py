"""`GET /metrics`: what our processes count, and what the database says; docs/metrics.md lists all of it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

import citybrain.metrics  # noqa: F401  names them all, so that they are exposed even before they count
from citybrain.access.model import Scope
from citybrain.store import boards, pools
from citybrain.store.pools import Reader, Readers

log = structlog.get_logger()

EVERYTHING = Scope()

SCRAPE_S = 3.0  # seconds that the database gets; a scrape has ten by default, and must not fail for it

_LIVE = re.compile(r"gauge_live\w+_(\d+)\.db")


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


async def exposition(readers: Readers, streams: int) -> bytes:
    """All metrics in Prometheus' text format; without those of the database where that is away.

    Args:
        readers: of the database.
        streams: live streams that are open.
    """
    opened = _gauge("citybrain_http_streams", "Live streams that are open.", [], [((), streams)])
    registry = CollectorRegistry()
    registry.register(_Families([opened, *await _database(readers)]))
    return generate_latest(_processes()) + generate_latest(registry)


def _processes() -> CollectorRegistry:
    """What this process counts, or, where PROMETHEUS_MULTIPROC_DIR is set, all processes that share it."""
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not directory:
        return REGISTRY
    # Live gauges are those of processes that live; who is killed can't take its own away.
    for file in Path(directory).glob("gauge_live*.db"):
        match = _LIVE.fullmatch(file.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            file.unlink(missing_ok=True)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]
    ProcessCollector(registry=registry)
    return registry


async def _database(readers: Readers) -> list[Metric]:
    up = GaugeMetricFamily("citybrain_database_up", "1 when the database could be read for this scrape.")
    try:
        async with asyncio.timeout(SCRAPE_S), readers.connection() as reader:
            families = await _read(reader)
    except pools.UNAVAILABLE as error:
        log.warning("database away", path="/metrics", error=" ".join(str(error).split())[:200])
        families = []
    up.add_metric([], float(bool(families)))
    return [up, *families]


async def _read(reader: Reader) -> list[Metric]:
    account = await boards.ledger(reader, EVERYTHING)
    server = await boards.server(reader)
    collectors = await boards.collectors(reader)
    newest = [row for row in await boards.newest(reader, EVERYTHING) if row.age_s is not None]
    completeness = [row for row in await boards.completeness(reader) if row.expected]
    return [
        *await _platform(reader),
        *await _log(reader),
        _gauge(
            "citybrain_ledger_day_readings",
            "Readings in the ledger since the full hour 24 hours ago, by account.",
            ["account"],
            [
                (("received",), account.received),
                (("stored",), account.stored),
                (("duplicate",), account.duplicate),
                (("quarantined",), account.quarantined),
            ],
        ),
        _gauge(
            "citybrain_ledger_day_unbalanced_hours",
            "Device hours of the last 24 hours whose account does not add up; anything but 0 is a loss.",
            [],
            [((), account.unbalanced)],
        ),
        _gauge(
            "citybrain_quarantine_open_entries",
            "Entries that wait in quarantine, by reason.",
            ["reason"],
            [((row.reason,), row.entries) for row in await boards.quarantine(reader)],
        ),
        _gauge(
            "citybrain_devices",
            "Devices, by domain, by whether the catalogue lists them, and by the state they said last.",
            ["domain", "listed", "state"],
            [
                ((row.domain, "verified" if row.verified else "unverified", row.state), row.devices)
                for row in await boards.devices(reader, EVERYTHING)
            ],
        ),
        _gauge(
            "citybrain_collector_heartbeat_age_seconds",
            "Time since the collector of a unit was heard.",
            ["unit"],
            [((row.unit,), row.heard_s) for row in collectors],
        ),
        _gauge(
            "citybrain_collector_connected",
            "1 where the collector of a unit said it is connected to the broker.",
            ["unit"],
            [((row.unit,), float(row.connected)) for row in collectors],
        ),
        _gauge(
            "citybrain_completeness_ratio",
            "Of the readings expected in the last full hour, the share that came.",
            ["domain"],
            [((row.domain,), row.came / row.expected) for row in completeness],
        ),
        _gauge(
            "citybrain_newest_reading_age_seconds",
            "Time since the newest measured reading of a domain.",
            ["domain"],
            [((row.domain,), row.age_s) for row in newest if row.age_s is not None],
        ),
        _gauge("citybrain_database_bytes", "Size of the database.", [], [((), server.bytes)]),
        _gauge("citybrain_database_chunks", "Chunks of all hypertables.", [], [((), server.chunks)]),
        _gauge("citybrain_database_locks", "Locks held or waited for.", [], [((), server.locks)]),
        _gauge(
            "citybrain_database_lock_room",
            "Locks that the server has room for; near it, queries over many chunks fail.",
            [],
            [((), server.lock_room)],
        ),
    ]


async def _platform(reader: Reader) -> list[Metric]:
    """Whether somebody runs the rules, and announces."""
    rules = await boards.rules(reader)
    unattended = await boards.unattended(reader)
    return [
        _gauge("citybrain_rules_in_force", "Rules that are in force.", [], [((), rules.in_force)]),
        _gauge("citybrain_rules_running", "1 while a process runs them.", [], [((), float(rules.running))]),
        _gauge("citybrain_rules_failing", "Rules that fail at present.", [], [((), unattended.failing_rules)]),
        _gauge(
            "citybrain_alerts_untold",
            "Alerts that nobody was told of within a minute.",
            [],
            [((), unattended.untold_alerts)],
        ),
    ]


async def _log(reader: Reader) -> list[Metric]:
    """The database's log of changes: who follows it, for whom it is kept, and how its archive is."""
    standbys = await boards.standbys(reader)
    slots = await boards.slots(reader)
    journal = await boards.log(reader)
    failures = CounterMetricFamily("citybrain_archive_failures", "Times that archiving the database's log failed.")
    written = CounterMetricFamily("citybrain_database_log_bytes", "Bytes written to the database's log in its life.")
    written.add_metric([], journal.bytes)
    if journal.archived:
        failures.add_metric([], journal.failures)
    return [
        _gauge(
            "citybrain_standby_streaming",
            "1 where a standby follows the database's log closely.",
            ["standby"],
            [((row.name,), float(row.streaming)) for row in standbys],
        ),
        _gauge(
            "citybrain_standby_lag_bytes",
            "Bytes of the log that a standby has not replayed yet.",
            ["standby"],
            [((row.name,), row.lag_bytes) for row in standbys],
        ),
        _gauge(
            "citybrain_standby_lag_seconds",
            "Time from a commit to its replay by a standby.",
            ["standby"],
            [((row.name,), row.lag_s) for row in standbys],
        ),
        _gauge(
            "citybrain_slot_bytes",
            "Bytes of its log that the database keeps for a replication slot.",
            ["slot"],
            [((row.name,), row.bytes) for row in slots],
        ),
        _gauge(
            "citybrain_slot_active",
            "1 while somebody reads from the slot.",
            ["slot"],
            [((row.name,), float(row.active)) for row in slots],
        ),
        written,
        failures,
        _gauge(
            "citybrain_archive_failing",
            "1 while the newest try to archive the database's log is one that failed.",
            [],
            [((), float(journal.failing))] if journal.archived else [],
        ),
        _gauge(
            "citybrain_archive_age_seconds",
            "Time since a piece of the database's log was archived.",
            [],
            [((), journal.age_s)] if journal.archived and journal.age_s is not None else [],
        ),
    ]


def _gauge(
    name: str, documentation: str, labels: list[str], samples: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family
