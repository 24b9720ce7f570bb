"""Dwellings: what their radiators give at a supply temperature, and how warm they are.

Each station has its measured dwellings, and one more cell that stands for all others. A cell is one thermal mass
(lumped RC model), tau dT/dt = loss (outdoor - T) + span (radiators + gains): losses and powers are shares of the design
values, and the span is what lies between the design temperatures indoors and outdoors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators import chance
from simulators.heating.substation import Design
from simulators.model import HOUR, Times, Values
from simulators.weather import LOCAL

# Platform assumptions (S), shares are of the design power.
INERTIA = (50.0, 100.0)  # hours, time constant of a station's buildings
LOSS = (0.93, 1.02)  # of the design loss, by dwelling
CORNER_LOSS = (1.03, 1.07)  # of dwellings at a corner or under the roof
CORNERS = 0.15  # of all dwellings
RADIATORS = (0.99, 1.06)  # of the design surface
GAINS = (0.06, 0.09)  # from people and appliances
SUN = (0.05, 0.20)  # through the windows at noon
NOON = 12.8  # o'clock, UTC+8 at 107 degrees east
DAYLIGHT = 10.0  # hours, in the heating season
ALIKE = 0.3  # how far the mean of many dwellings may lie from the middle, as a share of what a single one may
DRAUGHT = 1.0  # hours that the air of a room takes to follow an open window

SEARCHES = 3  # steps of Newton's method


@dataclass(frozen=True, slots=True)
class Buildings:
    """The cells of all stations: arrays of stations x cells, the first cell of each for all that is not measured."""

    design: Design
    inertia: Values
    """Hours, stations x 1."""
    weight: Values
    """Share of the station's heated area; a row adds up to 1."""
    loss: Values
    """Share of the design loss."""
    radiators: Values
    """Share of the design surface."""
    gains: Values
    """From people and appliances, shares of the design power."""
    sun: Values
    """Through the windows at noon, so, too."""

    @classmethod
    def drawn(cls, design: Design, seed: int, stations: list[str], homes: Values, measured: int) -> Buildings:
        """Cells by chance; `homes` are the dwellings of each station, of which so many are measured."""
        shape = (len(stations), measured + 1)
        cells = np.arange(shape[1], dtype=np.int64)

        def draw(what: str, bounds: tuple[float, float]) -> Values:
            keys = np.array([chance.key(seed, "heating", station, what) for station in stations], np.uint64)
            found = chance.uniform(keys[:, None], cells) * (bounds[1] - bounds[0]) + bounds[0]
            found[:, 0] = sum(bounds) / 2 + ALIKE * (found[:, 0] - sum(bounds) / 2)
            return found

        share = np.broadcast_to(1 / np.maximum(homes, measured + 1)[:, None], shape).copy()
        share[:, 0] = 1 - share[:, 1:].sum(axis=1)
        corner = draw("corner", (0, 1)) < CORNERS
        loss = np.where(corner, draw("loss", CORNER_LOSS), draw("loss", LOSS))
        inertia = draw("inertia", INERTIA)[:, -1:]
        return cls(design, inertia, share, loss, draw("radiators", RADIATORS), draw("gains", GAINS), draw("sun", SUN))

    def drop(self, supply: Values, indoor: Values, guess: Values) -> Values:
        """Kelvin that the water cools by in the radiators of each cell, by Newton's method from `guess` on.

        A radiator gives in proportion to (mean of the water - room)^(1 + B), and what it gives cools the constant
        flow; one that is colder than the room gives nothing.

        Args:
            supply: Of each station, degC.
            indoor: Of each cell, degC.
            guess: Kelvin.
        """
        found = guess
        for _ in range(SEARCHES):
            above = np.maximum(supply[:, None] - found / 2 - indoor, 0.0)
            each = self.design.spread * self.radiators * (above / self.design.excess) ** self.design.exponent
            each /= self.design.excess
            found = found - (found - each * above) / (1 + (1 + self.design.exponent) / 2 * each)
        return np.asarray(found)

    def warmed(self, indoor: Values, drop: Values, outdoor: float, sun: float, hours: float) -> Values:
        """Each cell's temperature after a time in which all else stays: the exact solution, an exponential.

        Args:
            indoor: Before, degC.
            drop: Kelvin that the water cools by in its radiators; 0 where nothing flows.
            outdoor: degC.
            sun: From 0 to 1, see `daylight`.
            hours: The time.
        """
        power = drop / self.design.spread + self.gains + self.sun * sun
        end = outdoor + (self.design.indoor - self.design.outdoor) / self.loss * power
        return np.asarray(end + (indoor - end) * np.exp(-hours * self.loss / self.inertia))


def daylight(times: Times) -> Values:
    """How high the sun stands, from 0 to 1 at noon: a cosine over the daylight of a winter's day."""
    hour = (times + LOCAL) % (24 * HOUR) / HOUR
    return np.asarray(np.maximum(np.cos(np.pi * (hour - NOON) / DAYLIGHT), 0))
