"""Gas in wells: what leaks out of pipes, what sludge gives off, and how wells breathe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulators.model import DAY, HOUR, SECOND, Fault, Happening, Times, Values
from simulators.sentinel.covers import OPENINGS, Covers
from simulators.sentinel.faults import H2S, Biogas, GasLeak
from simulators.sentinel.ground import Ground
from simulators.sentinel.places import Measured, Places
from simulators.sentinel.soil import FADES, FADES_FROZEN, FROZEN_AFTER, Leak, front
from simulators.weather import LOCAL, Weather

PERCENT_LEL = 100 / 0.05  # %LEL of pure methane, whose lower explosive limit is 5 %VOL in Chinese practice
AIR_OXYGEN = 20.9  # %VOL

# Platform assumption.
ENTERS = {"gas_well": 0.3, "nearby_well": 0.2, "sewer_well": 0.1}  # share of the gas at a well that gets in

# Air exchange. Coefficients of the basic infiltration model for one storey in a sheltered place (Sherman and
# Grimsrud, 1980; ASHRAE Handbook Fundamentals); that a cover breathes so is a platform assumption.
STACK = 0.000145  # (m3/s)2 / (1000 cm2)2 / K
WIND = 0.000104  # (m3/s)2 / (1000 cm2)2 / (m/s)2
LEAST_CHANGES = 0.03  # 1/h, by the daily course of the air's pressure alone
SEALED_BY_RAIN = 0.3  # of the exchange is left where water stands in the holes of a cover
SEALING_RAIN = 0.5  # mm/h
OPENED = 50.0  # times the exchange of a closed cover
GALLERY_VOLUME = 200.0  # m3, section of a gas cabin that one sensor looks after: platform assumption
GALLERY_CHANGES = 6.0  # 1/h, ventilation of a gas cabin: platform assumption

# Sludge. All platform assumptions.
BACKGROUND = {"gas_well": 0.5, "nearby_well": 1.0, "sewer_well": 1.5}  # %LEL at most, where it is 12 degC
BACKGROUND_H2S = 1.2  # mg/m3 at most, where it is 12 degC
SLUDGE_H2S = 0.2  # mg/m3 that come with each %LEL of biogas
SLUDGE_OXYGEN = 0.06  # %VOL of oxygen that go with each %LEL of biogas: displaced, and consumed
DAILY = 0.12  # share by which biogas swings within a day
STIRRED = 600 * SECOND  # us, time constant of hydrogen sulphide from stirred sewage
CLEARS = 2 * HOUR  # us, time constant of its fading
STIRRED_OXYGEN = 0.02  # %VOL of oxygen that go with each mg/m3 of it

INSIDE = 1.0  # m, within which a leak is inside of the well
REACH = 100.0  # m; no more gas than 8 % comes farther, even in frozen ground
ALARM = 20.0  # %LEL, from which rules see it
CALM = (2.0, 0.5)  # K and m/s, when a well breathes least
IN_TIME = 48.0  # h, within which the gas must arrive for its well to count as one that shows the leak


class Gas:
    """All wells and galleries in which a gas is measured."""

    faults: ClassVar[tuple[type[Fault], ...]] = (GasLeak, Biogas, H2S)

    def __init__(
        self,
        places: Places,
        methane: Measured,
        oxygen: Measured,
        h2s: Measured,
        *,
        covers: Covers,
        weather: Weather,
        ground: Ground,
    ) -> None:
        self._places, self._covers, self._weather, self._ground = places, covers, weather, ground
        self._methane, self._oxygen, self._h2s = methane, oxygen, h2s
        self._gallery = places.kinds == "gallery"
        self._volume = np.where(self._gallery, GALLERY_VOLUME, 2 + 3 * places.chance("volume"))  # m3
        self._holes = 5 + 10 * places.chance("holes")  # cm2, in the cover
        sludge = places.chance("sludge")
        self._background = sludge * [BACKGROUND.get(kind, 0.0) for kind in places.kinds.tolist()]
        self._stale = BACKGROUND_H2S * sludge
        looked = np.isin(np.arange(len(places.ids)), np.concatenate([methane.sites, oxygen.sites]))
        self._enters = looked * [ENTERS.get(kind, 0.0) for kind in places.kinds.tolist()]
        self._happenings: Sequence[Happening] = ()
        self._leaks: list[Leak] = []
        self._touched = np.empty(0, np.int64)
        self._leaked = np.empty(0)
        self._at = 0

    def sites(self, fault: Fault) -> NDArray[np.int64]:
        """Where the gas can reach the limits of rules.

        Raises:
            SimulationError: it can't happen there, or nothing there could see it.
        """
        source = self._source(fault)
        if not isinstance(fault, GasLeak):
            return np.array([source])
        # On the first of January, because gas travels farthest in frozen ground.
        leak = self.leak(Happening("", fault, 0, DAY), fault)
        reached = np.flatnonzero(leak.inflow)
        difference, wind = np.array(CALM)[:, None]
        level = 1 / (1 + self._exchange(reached, difference, wind)[:, 0] / leak.inflow[reached])
        seen = reached[(PERCENT_LEL * level >= ALARM) & (leak.arrival[reached] <= IN_TIME)]
        return np.union1d([source], np.intersect1d(seen, self._methane.sites))

    def sharp(self, happenings: Sequence[Happening]) -> list[int]:
        """None: gas needs its time."""
        return []

    def begin(self, before: Times, happenings: Sequence[Happening]) -> None:
        """Let gas that has leaked come to where it is."""
        self._happenings = happenings
        self._leaks = [self.leak(h, h.fault) for h in happenings if isinstance(h.fault, GasLeak)]
        reached = [np.flatnonzero(leak.inflow) for leak in self._leaks]
        self._touched = np.unique(np.concatenate([np.empty(0, np.int64), *reached]))
        self._leaked = np.zeros(len(self._touched))
        self._at = int(before[0])
        self._advance(before)

    def fill(self, times: Times, values: Values) -> None:
        """Methane in %LEL, oxygen in %VOL, hydrogen sulphide in mg/m3."""
        warmth = _warmth(self._ground.well_temperature(times)) * _daily(times)
        methane, oxygen, h2s = self._methane, self._oxygen, self._h2s
        values[methane.rows] = self._background[methane.sites, None] * warmth
        values[oxygen.rows] = AIR_OXYGEN
        values[h2s.rows] = self._stale[h2s.sites, None] * warmth
        for happening in self._happenings:
            fault = happening.fault
            if isinstance(fault, Biogas):
                site, settles = self._source(fault), fault.settles.total_seconds() * SECOND
                level = fault.level * _risen(happening, times, settles, settles) * _daily(times)
                values[methane.at(site)] += level
                values[oxygen.at(site)] -= SLUDGE_OXYGEN * level
                values[h2s.at(site)] += SLUDGE_H2S * level
            elif isinstance(fault, H2S):
                site, level = self._source(fault), fault.level * _risen(happening, times, STIRRED, CLEARS)
                values[h2s.at(site)] += level
                values[oxygen.at(site)] -= STIRRED_OXYGEN * level
        for site, leaked in zip(self._touched.tolist(), self._advance(times), strict=True):
            values[methane.at(site)] = np.minimum(values[methane.at(site)] + PERCENT_LEL * leaked, PERCENT_LEL)
            values[oxygen.at(site)] = np.maximum(values[oxygen.at(site)] - AIR_OXYGEN * leaked, 0)

    def _source(self, fault: Fault) -> int:
        """The site at which a fault is."""
        if isinstance(fault, H2S):
            able = self._h2s.sites
        else:
            kinds = ("nearby_well", "sewer_well") if isinstance(fault, Biogas) else ("gas_well", "gallery")
            able = self._methane.sites[np.isin(self._places.kinds[self._methane.sites], kinds)]
        return int(self._places.nearest(fault, able)[0])

    def leak(self, happening: Happening, fault: GasLeak) -> Leak:
        """How the gas of a leak comes into wells.

        Raises:
            SimulationError: there is no gas pipe that is watched.
        """
        source = self._source(fault)
        if fault.away < INSIDE or self._gallery[source]:
            inside = np.arange(len(self._enters)) == source
            return Leak(happening, fault.rate * inside, np.zeros(len(inside)))
        metres = self._places.away(source, np.arange(len(self._enters)), fault.away)
        before = np.arange(happening.start - FROZEN_AFTER, happening.start, HOUR)
        fades = FADES_FROZEN if self._weather.temperature(before).mean() < 0 else FADES
        # Half of the gas goes each way; more than all of it can't get into wells, however many there are.
        share = np.where(metres <= REACH, 0.5 * self._enters * np.exp(-metres / fades), 0.0)
        return Leak(happening, fault.rate * share / max(1.0, share.sum()), front(metres, fault.rate, fades))

    def _advance(self, times: Times) -> Values:
        """Shares of leaked methane in the touched sites at ascending times, none before where it was last."""
        if not len(self._touched):
            return np.empty((0, len(times)))
        steps = np.diff(times, prepend=self._at)
        middle = times - steps // 2
        flow = np.sum([leak.flow(middle, self._touched) for leak in self._leaks], axis=0)
        found = mixed(self._leaked, flow, self._breathing(middle), self._volume[self._touched], steps / HOUR)
        self._leaked, self._at = found[:, -1], int(times[-1])
        return found

    def _breathing(self, times: Times) -> Values:
        """Air exchange of the touched sites in the weather and with the covers of these times, m3/h."""
        sites = self._touched
        difference = np.abs(self._ground.well_temperature(times) - self._weather.temperature(times))
        found = self._exchange(sites, difference, self._weather.wind_speed(times))
        rain = self._weather.rain(times, self._places.longitudes[sites], self._places.latitudes[sites])
        found *= np.where((rain > SEALING_RAIN) & ~self._gallery[sites, None], SEALED_BY_RAIN, 1.0)
        for happening in self._happenings:
            if isinstance(happening.fault, OPENINGS):
                opened = np.isin(sites, self._covers.sites(happening.fault))
                found[opened] *= np.where(happening.active(times), OPENED, 1.0)
        return found

    def _exchange(self, sites: NDArray[np.int64], difference: Values, wind: Values) -> Values:
        volume = self._volume[sites, None]
        breathed = exchange(self._holes[sites, None], difference, wind) + LEAST_CHANGES * volume
        return np.where(self._gallery[sites, None], GALLERY_CHANGES * volume, breathed)


def exchange(holes: Values, difference: Values, wind: Values) -> Values:
    """Air that goes through `holes` (cm2) by `difference` (K) and `wind` (m/s), m3/h.

    `Q = A sqrt(STACK dT + WIND u^2)`: the basic infiltration model, see the coefficients.
    """
    return np.asarray(holes / 1000 * np.sqrt(STACK * difference + WIND * wind**2) * 3600)


def mixed(share: Values, flow: Values, air: Values, volume: Values, hours: Values) -> Values:
    """Shares of methane in wells, whose air is well mixed, at the end of each step.

    `V dc/dt = q - (q + E) c`, with the exact answer for flows that do not change within a step.

    Args:
        share: In each well at first.
        flow: Methane that comes in, m3/h, a row for each well, a column for each step.
        air: Air that comes in besides, m3/h, likewise.
        volume: Of each well, m3.
        hours: Of each step.
    """
    goal = flow / (flow + air)
    keeps = np.exp(-(flow + air) / volume[:, None] * hours)
    found = np.empty(flow.shape)
    for step in range(len(hours)):
        share = goal[:, step] + (share - goal[:, step]) * keeps[:, step]
        found[:, step] = share
    return found


def _risen(happening: Happening, times: Times, rises: float, fades: float) -> Values:
    rising = 1 - np.exp(-np.clip(np.minimum(times, happening.end) - happening.start, 0, None) / rises)
    return np.asarray(rising * np.exp(-np.clip(times - happening.end, 0, None) / fades))


def _daily(times: Times) -> Values:
    """The day's course of what sludge gives off: most in the afternoon."""
    return np.asarray(1 + DAILY * np.cos(2 * np.pi * ((times + LOCAL) % DAY / DAY - 16 / 24)))


def _warmth(temperature: Values) -> Values:
    """Bacteria work twice as fast for each 10 K (the usual rule), between bounds: platform assumption."""
    return np.asarray(np.clip(2 ** ((temperature - 12) / 10), 0.3, 1.5))
