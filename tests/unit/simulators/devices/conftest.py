"""A few devices, and what they measure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from citybrain.catalogue.model import Metric, Site, Text
from simulators.devices.roster import Roster
from simulators.instruments import SCHEMA
from simulators.model import MINUTE, SimulatedDevice, Span

NAME = Text("某处", "somewhere")
START = 1_767_225_600_000_000  # 2026-01-01T00:00Z in us
STEP = 5 * MINUTE

METRICS = (
    Metric("sentinel", "methane", NAME, unit="%LEL"),
    Metric("sentinel", "cover_open", NAME, kind="boolean"),
    Metric("sentinel", "phase", NAME, kind="state", states={"off": 0, "on": 1}),
)
DEVICES = (
    SimulatedDevice("gw", "cabinet"),
    SimulatedDevice("a", "well-a", "gw", battery=True),
    SimulatedDevice("b", "well-b", "gw"),
    SimulatedDevice("c", "well-c"),
    SimulatedDevice("d", "well-c"),
)


def make_site(id: str) -> Site:
    return Site(id, NAME, "150802", "sentinel", "gas_well", 107.4, 40.8)


@pytest.fixture(scope="session")
def roster() -> Roster:
    sites = [make_site(id) for id in ("cabinet", "well-a", "well-b", "well-c")]
    return Roster.of(sites, DEVICES, METRICS)


@pytest.fixture(scope="session")
def measured() -> Callable[[Span], pl.DataFrame]:
    """What all devices measure in a span: all metrics at every fifth minute and a second."""

    def measure(span: Span) -> pl.DataFrame:
        first = -(-(span.start - 1_000_000) // STEP)
        times = np.arange(first * STEP + 1_000_000, span.end, STEP)
        device, time, metric = (
            grid.ravel() for grid in np.meshgrid(np.arange(len(DEVICES)), times, np.arange(len(METRICS)))
        )
        value = np.choose(metric, [device + time % 997 / 7, time // STEP % 2, (time // STEP + device) % 2])
        calm = np.zeros(len(time), np.bool_)
        return pl.DataFrame(dict(zip(SCHEMA, [device, metric, time, time, value, calm], strict=True)), schema=SCHEMA)

    return measure
