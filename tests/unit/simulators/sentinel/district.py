"""A small district for the tests: six streets, all kinds of things."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from citybrain.catalogue.load import load
from citybrain.catalogue.model import Catalogue
from simulators.model import MINUTE, Context, Fault, Happening, Signals, Span, Times, Values
from simulators.sentinel.source import Sentinels
from simulators.sentinel.streets import Streets
from simulators.weather import Climate, Weather

ROOT = Path(__file__).parents[4]
LONGITUDE, LATITUDE = 107.40, 40.76


@cache
def catalogue() -> Catalogue:
    return load(ROOT)


def streets(**fields: object) -> Streets:
    given = {
        "region": "150802",
        "name": "linhe",
        "title": {"zh": "临河城区", "en": "Linhe"},
        "longitude": LONGITUDE,
        "latitude": LATITUDE,
        "span": 3000,
        "streets": 6,
        "water_wells": 4,
        "drain_wells": 4,
    }
    return Streets.model_validate(given | fields)


@cache
def district(*, weather: Weather | None = None, scale: float = 1.0, seed: int = 1, **fields: object) -> Sentinels:
    """One for all tests that ask for the same: `begin` forgets what was."""
    context = Context(seed, scale, weather or Weather(Climate()), Path(), catalogue())
    return streets(**fields).build(context)


def instant(text: str) -> int:
    return int(np.datetime64(text, "us").astype(np.int64))


def happening(fault: Fault, start: int, end: int) -> Happening:
    return Happening("incident", fault, start, end)


def row(source: Sentinels, site: str, metric: str) -> int:
    (point,) = (s.point for s in source.sensors if s.device == site and s.metric == metric)
    return point


def read(signals: Signals, point: int, times: Times) -> Values:
    assert signals.times[0] <= times.min()
    assert times.max() <= signals.times[-1]
    return np.interp(times, signals.times, signals.values[point])


def run(source: Sentinels, span: Span, happenings: list[Happening], cut: int | None = None) -> Signals:
    """All of a span, in one or cut into parts of so many minutes."""
    source.begin(span.start, happenings)
    step = cut * MINUTE if cut else span.end - span.start
    parts = [source.signals(Span(at, min(at + step, span.end))) for at in range(span.start, span.end, step)]
    times, first = np.unique(np.concatenate([part.times for part in parts]), return_index=True)
    return Signals(times, np.concatenate([part.values for part in parts], axis=1)[:, first])
