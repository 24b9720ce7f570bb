"""The hydraulics of sewers and low points, each on its own with its catchment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.model import DAY, Times, Values
from simulators.weather import LOCAL

ROUGHNESS = 0.013  # Manning's n of concrete pipes, s/m^(1/3)
REACH = 600.0  # m of pipe over which a surcharge's head is lost: platform assumption
FULL = 0.82  # of the diameter, at which a circular pipe first carries what it carries when it is full
PIPE_STEP = 0.1  # m, between the diameters that are laid
LEAST_PIPE = 0.3  # m
TRACE = 1e-7  # m3/s, below which a catchment has run dry


@dataclass(slots=True)
class Water:
    """What a node remembers: runoff on its way in m3/s, and what its sewer could not carry in m3."""

    runoff: Values
    stored: Values

    @classmethod
    def none(cls, nodes: int) -> Water:
        """Dry."""
        return cls(np.zeros(nodes), np.zeros(nodes))


@dataclass(frozen=True, slots=True)
class Sewers:
    """One value of each for every node.

    Attributes:
        area: Of the catchment, ha.
        runoff: Share of the rain that runs off, psi.
        concentration: Time constant of the catchment, s.
        diameter: Of the pipe, m.
        slope: Of the pipe, m/m.
        cover: Height of the road above the pipe's sole, m.
        chamber: Area of the surface of what is stored below the road: wells, inlets, pipes upstream, m2.
        sides: Slope of the road around a low point, m/m; 0: water runs away along the street.
        dry: Flow without rain, on average, as a share of what the full pipe carries.
    """

    area: Values
    runoff: Values
    concentration: Values
    diameter: Values
    slope: Values
    cover: Values
    chamber: Values
    sides: Values
    dry: Values

    @property
    def capacity(self) -> Values:
        """What the full pipes carry, m3/s."""
        return full_flow(self.diameter, self.slope)

    @property
    def below(self) -> Values:
        """What can be stored between the full pipe and the road, m3."""
        return self.chamber * (self.cover - FULL * self.diameter)

    def level(self, inflow: Values, stored: Values, capacity: Values) -> Values:
        """Of the water above the sole, m; never above the road."""
        share = inflow / np.maximum(capacity, 1e-9)
        free = filling(np.minimum(share, 1)) * self.diameter
        return np.asarray(
            np.minimum(np.where(stored > 0, FULL * self.diameter + stored / self.chamber, free), self.cover)
        )

    def depth(self, stored: Values) -> Values:
        """Of the water on the road at a low point, m.

        The low point is a cone with these sides: `V = pi h^3 / (3 s^2)` (platform assumption).
        """
        above = np.maximum(stored - self.below, 0)
        return np.asarray(np.cbrt(3 * self.sides**2 * above / np.pi))

    def outflow(self, stored: Values, capacity: Values) -> Values:
        """What leaves a surcharged node, m3/s: its head is added to the pipe's slope over the reach."""
        head = np.minimum(stored, self.below) / self.chamber + self.depth(stored)
        return np.asarray(capacity * np.sqrt(1 + head / (self.slope * REACH)))

    def run(
        self, water: Water, rain: Values, daily: Values, free: Values, seconds: float
    ) -> tuple[Values, Values, Values]:
        """Take `water` through steps of so many seconds.

        The rational method gives the runoff, `Q = psi i A`; a linear reservoir (Chow, Maidment and Mays, "Applied
        hydrology", 1988, section 8.5) delays it; what the pipe can't carry is stored.

        Args:
            water: The state, which is changed.
            rain: mm/h in each step, a row for each node.
            daily: The dry flow in each step, as a share of its average.
            free: Share of the pipe's capacity that is free, shaped as `rain`.
            seconds: Of a step.

        Returns:
            At the end of each step: level in m, flow out in m3/h, and depth on the road in cm.
        """
        capacity = self.capacity[:, None] * free
        dry = (self.dry * self.capacity)[:, None] * daily
        falls = self.runoff[:, None] * rain * self.area[:, None] / 360  # 1 mm/h on 1 ha is 1/360 m3/s
        inflow, stored, outflow = dry.copy(), np.zeros(rain.shape), dry.copy()
        if rain.any() or water.runoff.any() or water.stored.any() or (dry > capacity).any():
            ratio = seconds / self.concentration
            keeps = np.exp(-ratio)
            for step in range(rain.shape[1]):
                excess = water.runoff - falls[:, step]
                inflow[:, step] += falls[:, step] + excess * (1 - keeps) / ratio  # mean of the step
                water.runoff = falls[:, step] + excess * keeps
                water.runoff[water.runoff < TRACE] = 0.0
                carried = self.outflow(water.stored, capacity[:, step])
                rest = np.maximum(water.stored + (inflow[:, step] - carried) * seconds, 0.0)
                outflow[:, step] = inflow[:, step] - (rest - water.stored) / seconds
                water.stored = np.where(self.sides > 0, rest, np.minimum(rest, self.below))
                stored[:, step] = water.stored
        level = self.level(inflow.T, stored.T, capacity.T).T
        return level, outflow * 3600, 100 * self.depth(stored.T).T


def full_flow(diameter: Values, slope: Values) -> Values:
    """What a full circular pipe carries by Manning's formula, m3/s: `Q = A R^(2/3) sqrt(S) / n`."""
    return np.asarray(np.pi * diameter**2 / 4 * (diameter / 4) ** (2 / 3) * np.sqrt(slope) / ROUGHNESS)


def pipe_for(flow: Values, slope: Values) -> Values:
    """The diameter that is laid for a flow in m3/s: the next one above what Manning's formula asks for, m."""
    exact = (flow * ROUGHNESS * 4 ** (5 / 3) / (np.pi * np.sqrt(slope))) ** (3 / 8)
    steps = np.ceil(exact / PIPE_STEP - 1e-9)
    return np.asarray(np.maximum(np.round(steps * PIPE_STEP, 1), LEAST_PIPE))


# Angle of the wetted arc from the empty pipe to the depth that first carries the full flow.
_ANGLES = np.linspace(1e-3, 2 * np.arccos(1 - 2 * FULL), 400)
_AREAS = (_ANGLES - np.sin(_ANGLES)) / (2 * np.pi)
_FLOWS = _AREAS * ((_ANGLES - np.sin(_ANGLES)) / _ANGLES) ** (2 / 3)
_DEPTHS = (1 - np.cos(_ANGLES / 2)) / 2


def filling(share: Values) -> Values:
    """Depth over diameter of a circular pipe that carries such a share of its full flow, by Manning's formula."""
    return np.asarray(np.interp(share, np.concatenate([[0.0], _FLOWS]), np.concatenate([[0.0], _DEPTHS])))


def daily(times: Times) -> Values:
    """Sewage through the day, as a share of its average: most in the morning and evening (platform assumption)."""
    hour = (times + LOCAL) % DAY / DAY * 24
    return np.asarray(1 + 0.35 * np.cos(2 * np.pi * (hour - 14) / 24) + 0.2 * np.cos(4 * np.pi * (hour - 8) / 24))
