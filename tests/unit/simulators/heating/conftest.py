from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from citybrain.catalogue.load import load
from simulators.heating.district import District
from simulators.heating.network import HeatNetwork
from simulators.model import HOUR, Context, Fault, Happening, Signals, Span, Times, Values
from simulators.weather import Climate, Weather

ROOT = Path(__file__).parents[4]
BLOCK = {
    "region": "150802",
    "name": "east",
    "title": {"zh": "东网", "en": "East"},
    "stations": "6",
    "dwellings": "4",
    "longitude": "107.42",
    "latitude": "40.76",
}
AT = int(np.datetime64("2027-01-10T00:00", "us").astype(np.int64)) - 8 * HOUR  # us UTC, midnight in the city

Make = Callable[..., District]


@pytest.fixture(scope="session")
def make() -> Make:
    """Builds a block of a city that has the given keys besides the usual ones."""
    catalogue = load(ROOT)

    def made(scale: float = 1, folder: Path = ROOT, seed: int = 7, **keys: object) -> District:
        context = Context(seed, scale, Weather(Climate()), folder, catalogue)
        return HeatNetwork.model_validate(BLOCK | keys).build(context)

    return made


class Course:
    """What the points of a network showed over some hours from `AT` on."""

    def __init__(self, district: District, signals: Signals) -> None:
        self.district = district
        self.times: Times = signals.times
        self.hours: Values = (signals.times - AT) / HOUR
        self.values: Values = signals.values

    def station(self, metric: str, station: int = 1) -> Values:
        """A metric of a station, from 1."""
        return self.values[self.district.points.station(metric, station - 1)]

    def stations(self, metric: str) -> Values:
        """A metric of all stations."""
        first = self.district.points.station(metric, 0)
        return self.values[first : first + len(self.district.plant.power)]

    def source(self, metric: str) -> Values:
        """A metric of the first network's source."""
        return self.values[self.district.points.source(metric, 0)]

    def dwelling(self, station: int, dwelling: int) -> Values:
        """A dwelling's temperature, both from 1."""
        return self.values[self.district.points.dwelling(station - 1, dwelling - 1)]

    def between(self, start: float, end: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which columns lie in these hours."""
        return (self.hours >= start) & (self.hours <= end)


def run(district: District, hours: float = 24, happenings: Sequence[Happening] = ()) -> Course:
    """From `AT` on."""
    district.begin(AT, happenings)
    return Course(district, district.signals(Span(AT, AT + int(hours * HOUR))))


def happening(fault: Fault, start: float, end: float) -> Happening:
    """A fault between two hours after `AT`."""
    return Happening("incident", fault, AT + int(start * HOUR), AT + int(end * HOUR))
