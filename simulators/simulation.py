"""A running simulation: a city, what happens in it, and the messages of one span after the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import polars as pl

from citybrain.catalogue import messages
from citybrain.catalogue.model import Catalogue
from simulators import city as cities
from simulators import instruments
from simulators.devices.behaviour import Behaviour
from simulators.devices.faults import DeviceFault
from simulators.devices.life import Life, Sent
from simulators.devices.outages import Cut
from simulators.devices.roster import Roster
from simulators.faults import InstrumentFault
from simulators.instruments import SCHEMA, Instruments
from simulators.model import DAY, HOUR, MINUTE, Fault, Happening, SimulationError, Source, Span
from simulators.scenario import Incident, Scenario
from simulators.weather import Weather

LONGEST, SHORTEST = 6 * HOUR, 15 * MINUTE  # that is simulated at once
AT_ONCE = 60_000  # hours of a device, so that the readings of a large city fit into memory


class Part(NamedTuple):
    """What leaves the devices in a span.

    Attributes:
        span: That.
        messages: In order; see `devices.wire`.
        cuts: Connections that are cut.
        packed: Whether each message holds what was measured in a while.
    """

    span: Span
    messages: pl.DataFrame
    cuts: list[Cut]
    packed: bool


class Simulation:
    """A city from one instant on.

    Physics and instruments begin at the city's midnight before `begin`, so that totals of that day are whole; what was
    to be sent before `begin` is not.

    Attributes:
        city: With its sources.
        roster: Its devices.
        incidents: The truth: what happens that can be seen somewhere. With `start` None what would if it were `begin`.
        now: Until when it has come, us UTC.
        slice: How long a span may be, us: whole hours, or less than one in a large city.
    """

    def __init__(
        self,
        scenario: Scenario,
        catalogue: Catalogue,
        *,
        seed: int,
        begin: int,
        start: int | None,
        offset: int,
        devices: int | None = None,
        resumed: bool = False,
    ) -> None:
        """Build the city and put everything in its place.

        Args:
            scenario: What happens.
            catalogue: The platform's domains and regions.
            seed: Of all chance.
            begin: First instant that is told, us UTC.
            start: When the scenario starts, us UTC; None: nothing happens.
            offset: Of the city's zone, microseconds east of UTC.
            devices: How many; None: as the scenario or its city says.
            resumed: What left the devices before `begin` has arrived, and what they held back then is to follow.

        Raises:
            SimulationError: something can't be, such as a place that isn't there.
        """
        # Checked even where nothing happens yet, so that a mistake is told before days of history are published.
        promised = scenario.happenings(begin if start is None else start)
        happenings = promised if start is not None else []
        file = cities.read_city(scenario.city)
        self.city = cities.build(
            file,
            scenario.city.parent,
            catalogue,
            seed=seed,
            happenings=happenings,
            devices=devices or scenario.file.devices,
            domains=scenario.file.domains,
        )
        sources = self.city.sources
        self._instruments = Instruments(sources, catalogue, seed=seed, happenings=happenings, offset=offset)
        self.roster = Roster.of(self.city.sites, self._instruments.devices, self._instruments.metrics)
        behaviour = Behaviour.calm() if scenario.file.calm_devices else file.behaviour
        self._life = Life(self.roster, behaviour, seed)
        self.incidents = [
            incident
            for number, happening in enumerate(promised)
            if (incident := _incident(scenario, number, happening, sources, self._life))
        ]
        self._life.begin([h for h in happenings if isinstance(h.fault, DeviceFault)])
        self.now = begin
        midnight = (begin + offset) // DAY * DAY - offset
        for source in sources:
            source.begin(midnight, [h for h in happenings if _concerns(h.fault, source)])
        self.slice = min(LONGEST, AT_ONCE // max(1, len(self.roster)) * HOUR) or SHORTEST
        self._before = self._caught_up(midnight, resumed=resumed)

    @property
    def sent(self) -> Sent:
        """What the devices have done so far."""
        return self._life.sent

    def advance(self, end: int, pack: timedelta = timedelta()) -> Part:
        """What leaves the devices until `end` (us UTC); `pack`: how long each collects before it sends."""
        span = Span(self.now, end)
        self.now = end
        read = pl.concat([self._before, self._read(span)])
        self._before = self._before.clear()
        messages = self._life.messages(read, span, pack)
        return Part(span, messages, self._life.cuts(span), bool(pack))

    def rest(self) -> pl.DataFrame:
        """The messages that the devices still hold back."""
        return self._life.rest(self.now)

    def _read(self, span: Span) -> pl.DataFrame:
        if span.start == span.end:
            return pl.DataFrame(schema=SCHEMA)
        read = self._instruments.read
        return pl.concat([read(number, span, source.signals(span)) for number, source in enumerate(self.city.sources)])

    def _caught_up(self, midnight: int, *, resumed: bool) -> pl.DataFrame:
        """Live through what was before the telling begins.

        Returns:
            What reports only changes, as it is then: as a device tells it that was just switched on.
        """
        changing = [number for number, metric in enumerate(self.roster.metrics) if metric.reports == "change"]
        states = pl.DataFrame(schema=SCHEMA)
        for start in range(midnight, self.now, self.slice):
            span = Span(start, min(start + self.slice, self.now))
            read = self._read(span)
            if resumed:
                self._life.messages(read, span)
            told = pl.concat([states, read.filter(pl.col("metric").is_in(changing)).select(*SCHEMA)])
            states = told.sort("time").unique(["device", "metric"], keep="last", maintain_order=True)
        self._life.sent = Sent()
        at = pl.lit(self.now, pl.Int64)
        return states.with_columns(time=at, due=at, urgent=pl.lit(value=False)).select(*SCHEMA)


def _incident(
    scenario: Scenario, number: int, happening: Happening, sources: Sequence[Source], life: Life
) -> Incident | None:
    """The truth of a happening; None: the weather alone, which nobody has to judge."""
    fault = happening.fault
    try:
        if isinstance(fault, InstrumentFault):
            subjects = instruments.subjects(fault, sources)
        elif isinstance(fault, DeviceFault):
            subjects = life.subjects(fault)
        else:
            subjects = _seen(fault, sources)
    except SimulationError as error:
        raise scenario.mistake(number, str(error)) from error
    if not subjects and type(fault) in Weather.faults:
        return None
    return Incident(
        happening.incident, fault.name, happening.start, happening.end, tuple(sorted(subjects)), happening.shows_as
    )


def _seen(fault: Fault, sources: Sequence[Source]) -> frozenset[str]:
    """The sites where a fault of the physics can be seen."""
    there = [source for source in sources if _concerns(fault, source)]
    if not there and (place := _place(fault)) is not None:
        known = sorted({name for source in sources if type(fault) in source.faults for name in source.places})
        hint = messages.hint(place, known) or f"; known are {', '.join(known[:20])}" if known else ""
        raise SimulationError(f"there is no place {place!r} for {fault.name} in this city{hint}")
    return frozenset().union(*(source.subjects(fault) for source in there))


def _concerns(fault: Fault, source: Source) -> bool:
    """Whether a source's physics knows the fault, and its place, if it has one, is there."""
    place = _place(fault)
    return type(fault) in source.faults and (place is None or place in source.places)


def _place(fault: Fault) -> str | None:
    found = getattr(fault, "place", None)
    return found if isinstance(found, str) else None
