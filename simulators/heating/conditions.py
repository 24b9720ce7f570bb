"""What faults and the season do to stations at given times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from simulators.heating import faults
from simulators.heating.substation import CLOSED
from simulators.model import Happening, Times, Values
from simulators.weather import LOCAL

Flags = NDArray[np.bool_]

# Month and day, local: a week of trial before the season of the calendar, 15 October to 15 April. The trial is a
# platform assumption (S); dwellings are to be warm when the season begins.
STARTS, ENDS = (10, 8), (4, 15)


def in_season(times: Times) -> Flags:
    """When the networks are in operation."""
    days = (times + LOCAL).astype("datetime64[us]").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    date = month * 100 + (days - months).astype(np.int64) + 1
    return np.asarray((date >= STARTS[0] * 100 + STARTS[1]) | (date <= ENDS[0] * 100 + ENDS[1]))


def season_start(at: int) -> int:
    """When the operation began that is under way at `at`, or was last, in us UTC."""
    year = (np.int64(at + LOCAL)).astype("datetime64[us]").astype("datetime64[Y]")
    starts = [
        np.datetime64(f"{year - back}-{STARTS[0]:02}-{STARTS[1]:02}", "us").astype(np.int64) - LOCAL for back in (0, 1)
    ]
    return int(next(start for start in starts if start <= at))


@dataclass(frozen=True, slots=True)
class Effect:
    """A happening, and what it acts on: columns of the stations, a network, a dwelling of its station."""

    happening: Happening
    stations: NDArray[np.int64]
    network: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds: a row for each time, a column for each station."""

    season: Flags
    """One for each time."""
    powered: Flags
    running: Flags
    """Circulation pumps."""
    clean: Values
    """Share of the exchanger's conductance that is left."""
    least: Values
    """Opening of the control valve, from 0 to 1."""
    most: Values
    share: Values
    """What a throttled branch lets through."""
    leak: Values
    """m3/h."""
    missing: Values
    """Kelvin that the source's temperature is below what it should be; a column for each network."""


def conditions(times: Times, effects: Sequence[Effect], stations: int, networks: int) -> Conditions:
    """What the season and these faults make of some stations and networks."""
    shape = (len(times), stations)
    season = in_season(times)
    found = Conditions(
        season=season,
        powered=np.ones(shape, np.bool_),
        running=np.repeat(season[:, None], stations, axis=1),
        clean=np.ones(shape),
        least=np.full(shape, CLOSED),
        most=np.ones(shape),
        share=np.ones(shape),
        leak=np.zeros(shape),
        missing=np.zeros((len(times), networks)),
    )
    for effect in effects:
        when = np.flatnonzero(effect.happening.active(times))
        if len(when):
            _apply(effect, found, times[when], np.ix_(when, effect.stations))
    found.least[~found.running] = CLOSED
    found.most[~found.running] = CLOSED
    return found


def _apply(effect: Effect, found: Conditions, times: Times, where: tuple[NDArray[np.int64], ...]) -> None:
    match effect.happening.fault:
        case faults.FouledExchanger(lost=lost, growth=growth):
            grown = (times - effect.happening.start) / (growth / timedelta(microseconds=1))
            found.clean[where] *= 1 - lost * np.minimum(grown, 1)[:, None]
        case faults.PipeLeak(flow=flow):
            found.leak[where] += flow
        case faults.ValveStuck(opening=opening):
            found.least[where] = found.most[where] = max(opening / 100, CLOSED)
        case faults.PumpStopped():
            found.running[where] = False
        case faults.PowerCut():
            found.running[where] = False
            found.powered[where] = False
        case faults.Imbalance(share=share):
            found.share[where] *= share
        case faults.SourceFailure(by=by):
            found.missing[where[0].ravel(), effect.network] += by
