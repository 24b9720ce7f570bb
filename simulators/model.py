"""What the parts of a simulated city have in common: sensors, signals, faults, and what a source of them is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from citybrain.catalogue.model import Catalogue, Site
from citybrain.errors import Correctable

if TYPE_CHECKING:
    from simulators.weather import Weather

SECOND = 1_000_000  # us
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND

Times = NDArray[np.int64]
"""Instants in microseconds UTC."""

Values = NDArray[np.float64]

Reads = Literal["instant", "held", "mean", "increase"]
"""How a sensor reads its signal: interpolated, the value that was set last, the mean of the interval that is over, or
the increase over that interval of a signal that only adds up."""


class SimulationError(Correctable):
    """A city or a scenario can't be simulated; the text says what is wrong, and where."""


class Span(NamedTuple):
    """The instants `start <= t < end`, in microseconds UTC."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sensor:
    """What measures one metric of one device, at the interval that the catalogue gives the metric.

    Attributes:
        device: The device's name.
        metric: One of its domain's.
        point: The row of the signals that it reads.
        noise: Standard deviation of a reading, in the metric's unit.
        resolution: The step of its display; 0: none.
        reads: How it reads the signal.
        starts: A mean or an increase has the time at which its interval began (as volumes of a day do), not ended.
        urgent: It also reports when the signal has moved by so much since it last did; None: only at its interval.
            A metric that reports on change needs none.
        least, most: Where its display ends.
    """

    device: str
    metric: str
    point: int
    noise: float = 0.0
    resolution: float = 0.0
    reads: Reads = "instant"
    starts: bool = False
    urgent: float | None = None
    least: float = -np.inf
    most: float = np.inf


class Polyline(NamedTuple):
    """Something that maps draw as a line: a pipe, a street."""

    kind: str
    coordinates: list[tuple[float, float]]
    """Degrees east and north, WGS84."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What is true at the points of a source.

    Attributes:
        times: Ascending; the first is not after the start of the span that they were asked for, the last not before
            its end. Steps need not be equal.
        values: A row for each point, a column for each time.
    """

    times: Times
    values: Values


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """A device and how it lives.

    Attributes:
        name: As in its topics; unique in its region and domain.
        site: Id of the site that it stands at.
        gateway: The device, of the same region and domain, through which it sends.
        battery: It lives on a battery, so it sends rarely and several readings together.
    """

    name: str
    site: str
    gateway: str | None = None
    battery: bool = False


class Fault(BaseModel):
    """Something that goes wrong, or only happens; the parameters of each kind are the fields of its class.

    Each says its unit and has bounds. What happens somewhere has a `place` among them: one of its source's `places`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: ClassVar[str]
    """As scenarios call it: `water.burst`."""


@dataclass(frozen=True, slots=True)
class Happening:
    """A fault with its time, and thereby the truth that alerts are measured against.

    Attributes:
        incident: Unique in its scenario.
        fault: What goes wrong.
        start, end: When, in microseconds UTC; before `start` and from `end` on all is well.
        shows_as: Rules that are meant to see it; none: nothing may be raised for it.
    """

    incident: str
    fault: Fault
    start: int
    end: int
    shows_as: tuple[str, ...] = ()

    def active(self, times: Times) -> NDArray[np.bool_]:
        """At which of `times` it is under way."""
        return (times >= self.start) & (times < self.end)


class Source(Protocol):
    """One domain in one part of the city: its sites, what measures there, and the physics behind it.

    Spans come one after the other without a gap, beginning where `begin` said. What comes out depends on the seed, the
    happenings and the instants alone, not on how the time is cut into spans.
    """

    faults: ClassVar[Sequence[type[Fault]]]
    """The kinds of faults that its physics knows."""

    domain: ClassVar[str]
    sites: Sequence[Site]
    devices: Sequence[SimulatedDevice]
    sensors: Sequence[Sensor]
    places: Collection[str]
    """What a fault may name as its `place`: zones, networks, streets, sites."""
    lines: Sequence[Polyline]
    """Its pipes or streets; none: it has nothing of the kind."""

    def subjects(self, fault: Fault) -> frozenset[str]:
        """Ids of the sites where a fault of these kinds, whose place is one of these, can be seen.

        Raises:
            SimulationError: it can't happen there; the text says what could.
        """
        ...

    def begin(self, at: int, happenings: Sequence[Happening]) -> None:
        """Put the physics into the state that it has at `at` (us UTC); `happenings` are those of this source."""
        ...

    def signals(self, span: Span) -> Signals:
        """What is true in the next span."""
        ...


class Block(BaseModel):
    """A part of a city file, from which one source is built."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    def build(self, context: Context) -> Source:
        """The source, with its numbers scaled and its chance seeded.

        Raises:
            SimulationError: it can't be built.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Context:
    """What every source is built with.

    Attributes:
        seed: Of all chance.
        scale: What the numbers of things in a block are multiplied by, so that the city has the devices asked for.
        weather: Over the whole city.
        folder: Of the city's file; paths in it are relative to this.
        catalogue: The domains, regions and their titles.
    """

    seed: int
    scale: float
    weather: Weather
    folder: Path
    catalogue: Catalogue

    def scaled(self, number: int, least: int = 1) -> int:
        """So many things, scaled."""
        return max(least, round(number * self.scale))


@dataclass(frozen=True, slots=True)
class Layout:
    """What a source brings, while it is being built.

    Lists grow together: each `add` is one site with one device.
    """

    sites: list[Site] = field(default_factory=list)
    devices: list[SimulatedDevice] = field(default_factory=list)
    sensors: list[Sensor] = field(default_factory=list)

    def add(
        self, site: Site, *sensors: Sensor, gateway: str | None = None, battery: bool = False, device: str | None = None
    ) -> None:
        """A site with one device (by default of the site's name) that has these sensors."""
        name = device or site.id
        self.sites.append(site)
        self.devices.append(SimulatedDevice(name, site.id, gateway, battery))
        self.sensors.extend(sensors)
