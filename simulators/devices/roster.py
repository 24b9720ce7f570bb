"""All devices of a city as columns: what they are called, where they stand and through whom they send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from citybrain.catalogue.messages import hint
from citybrain.catalogue.model import Metric, Site
from citybrain.devices.rights import Key
from simulators import chance
from simulators.devices.episodes import Episodes, Indices, by_chance, given
from simulators.devices.faults import DeviceFault
from simulators.model import Happening, SimulatedDevice, SimulationError, Span

F = TypeVar("F", bound=DeviceFault)


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
    """Devices and metrics in the order in which frames count them.

    Attributes:
        keys: Region, domain and name of each device.
        sites: The id of its site.
        battery: Whether it lives on a battery.
        connection: The position, among the connections, of the one that it sends through.
        connections: The device of each connection: those without a gateway.
        metrics: What is measured.
    """

    keys: Sequence[Key]
    sites: Sequence[str]
    battery: NDArray[np.bool_]
    connection: Indices
    connections: Indices
    metrics: Sequence[Metric]

    @classmethod
    def of(cls, sites: Sequence[Site], devices: Sequence[SimulatedDevice], metrics: Sequence[Metric]) -> Roster:
        """The roster of these devices.

        Raises:
            SimulationError: a device names a site or a gateway that is not there, or has the name of another.
        """
        places = {site.id: site for site in sites}
        if stray := next((device for device in devices if device.site not in places), None):
            raise SimulationError(f"The device {stray.name} stands at {stray.site}, but there is no such site.")
        keys = [(places[d.site].region, places[d.site].domain, d.name) for d in devices]
        known = {key: position for position, key in enumerate(keys)}
        if len(known) < len(keys):
            twice = next(key for position, key in enumerate(keys) if known[key] != position)
            raise SimulationError(f"There are two devices {'/'.join(twice)}.")
        sender = np.arange(len(keys))
        for position, device in enumerate(devices):
            if device.gateway is not None:
                gateway = known.get((*keys[position][:2], device.gateway))
                if gateway is None or devices[gateway].gateway is not None:
                    raise SimulationError(
                        f"The device {device.name} sends through {device.gateway}, but that is no gateway of "
                        f"{'/'.join(keys[position][:2])}."
                    )
                sender[position] = gateway
        connections, connection = np.unique(sender, return_inverse=True)
        battery = np.array([device.battery for device in devices], bool)
        return cls(keys, [device.site for device in devices], battery, connection, connections, metrics)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def topics(self) -> pl.Series:
        """The topic that each device's readings go to."""
        return pl.Series([f"city/{'/'.join(key)}/reading" for key in self.keys], dtype=pl.String)

    def place(self, name: str) -> Indices:
        """The devices at a place: of this name or at this site, and all that send through them.

        Raises:
            SimulationError: there is no such device, and no such site.
        """
        named = [i for i, (key, site) in enumerate(zip(self.keys, self.sites, strict=True)) if name in (key[2], site)]
        if not named:
            known = {*(key[2] for key in self.keys), *self.sites}
            raise SimulationError(f"There is no device and no site {name!r}{hint(name, known)}.")
        return np.flatnonzero(np.isin(self.connections[self.connection], named) | np.isin(np.arange(len(self)), named))

    def behind(self, connections: Indices) -> tuple[Indices, Indices]:
        """All devices that send through these connections, and for each the position in `connections` of its own."""
        order = np.argsort(self.connection, kind="stable")
        first = np.searchsorted(self.connection[order], np.arange(len(self.connections) + 1))
        sizes = (first[1:] - first[:-1])[connections]
        which = np.repeat(np.arange(len(connections)), sizes)
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return order[first[connections][which] + within], which

    def struck(self, happenings: Sequence[Happening], kind: type[F]) -> tuple[Episodes, list[F]]:
        """The episodes that happenings of this kind are for devices, and the fault of each episode.

        Raises:
            SimulationError: one has a place that is not there.
        """
        meant = {number: one.fault for number, one in enumerate(happenings) if isinstance(one.fault, kind)}
        episodes = given(
            (int(device), happenings[number].start, happenings[number].end, number)
            for number, fault in meant.items()
            for device in self.place(fault.place)
        )
        return episodes, [meant[number] for number in episodes.kind.tolist()]

    def by_chance(self, keys: chance.Keys, rate: float, mean: timedelta, span: Span) -> Episodes:
        """Ordinary episodes, of all devices behind a connection together; `kind` is the day. See `episodes.by_chance`.

        Args:
            keys: One for each connection.
            rate: Episodes a day.
            mean: How long they last on average.
            span: Which they touch.
        """
        found = by_chance(keys, rate, mean / timedelta(microseconds=1), span)
        device, which = self.behind(found.device)
        which = which[order := np.lexsort((found.start[which], device))]
        return Episodes(device[order], found.start[which], found.end[which], found.kind[which])
