"""All that is sensed beneath the streets of one district, as one source."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from citybrain.catalogue.model import Site
from simulators.model import (
    DAY,
    Fault,
    Happening,
    Layout,
    Polyline,
    Sensor,
    Signals,
    SimulatedDevice,
    Span,
    Times,
    Values,
)
from simulators.sentinel.covers import Covers
from simulators.sentinel.drainage import Drainage
from simulators.sentinel.gas import Gas
from simulators.sentinel.heatpipe import HeatWells
from simulators.sentinel.instants import REST, Instants
from simulators.sentinel.places import Places
from simulators.weather import Weather

WARM_UP = 4 * DAY  # us, many times what a well needs to exchange its air, and a sewer to run empty


class Part(Protocol):
    """A part of the physics, with rows of the signals that are its own."""

    def sharp(self, happenings: Sequence[Happening]) -> list[int]:
        """The instants at which its signals leap, us, besides the start and end of what happens."""
        ...

    def begin(self, before: Times, happenings: Sequence[Happening]) -> None:
        """Come to the state at the last of the instants `before`, which has had `WARM_UP` to settle."""
        ...

    def fill(self, times: Times, values: Values) -> None:
        """Write its rows at ascending times, none before those of the last call; the last is a multiple of `REST`."""
        ...


class Sentinels:
    """The source that `Streets` builds."""

    faults: ClassVar[Sequence[type[Fault]]] = (*Gas.faults, *Drainage.faults, *HeatWells.faults, *Covers.faults)
    domain: ClassVar[str] = "sentinel"

    def __init__(
        self,
        layout: Layout,
        places: Places,
        parts: Sequence[Part],
        *,
        weather: Weather,
        points: int,
        lines: Sequence[Polyline],
    ) -> None:
        self.sites: Sequence[Site] = layout.sites
        self.devices: Sequence[SimulatedDevice] = layout.devices
        self.sensors: Sequence[Sensor] = layout.sensors
        self.places: Collection[str] = places.named.keys()
        self.lines: Sequence[Polyline] = lines
        self._places, self._parts, self._weather, self._points = places, parts, weather, points
        self._instants = Instants(weather, np.empty(0), np.empty(0), (), ())
        self._nothing = Signals(np.empty(0, np.int64), np.empty((points, 0)))
        self._known = self._nothing

    def subjects(self, fault: Fault) -> frozenset[str]:
        """Ids of the sites whose alerts would be of this fault; a cloudburst's are those that it floods in an hour.

        Raises:
            SimulationError: it can't happen there; the text says what could.
        """
        found: list[NDArray[np.int64]] = [
            part.sites(fault)
            for part in self._parts
            if isinstance(part, Gas | Drainage | HeatWells | Covers) and isinstance(fault, part.faults)
        ]
        return frozenset(self._places.ids[index] for sites in found for index in sites)

    def begin(self, at: int, happenings: Sequence[Happening]) -> None:
        """Put the physics into the state that it has at `at` (us UTC)."""
        first = at // REST * REST
        sharp = [instant for part in self._parts for instant in part.sharp(happenings)]
        wet = np.isin(self._places.kinds, ("sewer_well", "ponding_point", "rain_gauge"))
        self._instants = Instants(
            self._weather, self._places.longitudes[wet], self._places.latitudes[wet], happenings, sharp
        )
        before = np.append(first - WARM_UP, self._instants.between(first - WARM_UP, first))
        for part in self._parts:
            part.begin(before, happenings)
        self._known = self._at(before[-1:], self._nothing)

    def signals(self, span: Span) -> Signals:
        """What is true in the next span; what was looked at once is kept until spans are past it."""
        known = self._known
        until = -(-span.end // REST) * REST
        if until > known.times[-1]:
            kept = max(0, int(np.searchsorted(known.times, span.start, "right")) - 1)
            fresh = self._instants.between(int(known.times[-1]), until)
            # A copy, so that a long span is not kept alive by its last columns.
            self._known = Signals(known.times[kept:], known.values[:, kept:].copy())
            known = self._known = self._at(fresh, self._known)
        first = int(np.searchsorted(known.times, span.start, "right")) - 1
        last = int(np.searchsorted(known.times, span.end, "left"))
        return Signals(known.times[first : last + 1], known.values[:, first : last + 1])

    def _at(self, times: Times, before: Signals) -> Signals:
        """What is true at these times, after what was."""
        values = np.empty((self._points, len(before.times) + len(times)))
        values[:, : len(before.times)] = before.values
        for part in self._parts:
            part.fill(times, values[:, len(before.times) :])
        return Signals(np.concatenate([before.times, times]), values)
