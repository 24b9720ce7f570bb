"""A grid of streets, slightly irregular, and where along them things are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from citybrain.catalogue.model import Text
from simulators import chance
from simulators.model import Values
from simulators.sentinel import names
from simulators.sentinel.places import moved

QUARTERS_IN_ROW = 8  # where a city is scaled up and gets more quarters
SHIFT = 0.15  # of the distance between two streets, that one may be off
TURN = 0.03  # rad, that a street may be off its direction
LOOSE = 0.3  # of the distance between two things on a street, that one may be off


@dataclass(frozen=True, slots=True)
class Street:
    """A street.

    Attributes:
        id: Short and unique.
        title: Its name.
        longitude, latitude: Of its middle, degrees.
        heading: Radians from east to north.
        length: Metres.
        school: Next to its middle, if there is one.
        key: Of its chance.
    """

    id: str
    title: Text
    longitude: float
    latitude: float
    heading: float
    length: float
    school: Text | None
    key: np.uint64

    def place(self, along: float, aside: float) -> tuple[float, float]:
        """Longitude and latitude of what is so many metres from the middle and to the left of the axis."""
        cosine, sine = np.cos(self.heading), np.sin(self.heading)
        return moved(self.longitude, self.latitude, along * cosine - aside * sine, along * sine + aside * cosine)

    @property
    def ends(self) -> list[tuple[float, float]]:
        """Longitude and latitude of both."""
        return [self.place(along * self.length, 0.0) for along in (-0.5, 0.5)]

    def spread(self, number: int, what: str) -> Values:
        """Metres from the middle of so many things, ascending."""
        loose = LOOSE * (2 * self.chance(number, what) - 1)
        return np.asarray(((np.arange(number) + 0.5 + loose) / max(number, 1) - 0.5) * self.length)

    def chance(self, number: int, what: str) -> Values:
        """So many numbers of [0, 1)."""
        return chance.uniform(np.array([self.key ^ chance.key(what)]), np.arange(number, dtype=np.int64))


def streets(
    number: int, in_quarter: int, schools: int, *, name: str, longitude: float, latitude: float, span: float, seed: int
) -> list[Street]:
    """So many streets, in quarters of `span` metres; those of a smaller number are the first of a larger one."""
    found = []
    spacing = span / ((in_quarter + 1) // 2)
    for index in range(number):
        quarter, place = divmod(index, in_quarter)
        short, title = names.street(index)
        key = chance.key(seed, "street", name, short)
        shift, turn = 2 * chance.uniform(np.array([key]), np.arange(2, dtype=np.int64)) - 1
        off = (place // 2 + 0.5 + SHIFT * shift) * spacing - span / 2
        east, north = (0.0, off) if place % 2 == 0 else (off, 0.0)
        row, column = divmod(quarter, QUARTERS_IN_ROW)
        middle = moved(longitude, latitude, east + column * span, north + row * span)
        heading = (0.0 if place % 2 == 0 else np.pi / 2) + TURN * turn
        school = names.school(quarter * schools + place + 1) if place < schools else None
        found.append(Street(f"{name}-{short}", title, *middle, heading, span, school, key))
    return found
