"""`citybrain simulate`: a simulated city that publishes through MQTT, first its history, then live."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from citybrain.catalogue.model import Catalogue
from citybrain.devices.rights import Key
from simulators.fleet import Fleet
from simulators.model import HOUR, MINUTE, SECOND
from simulators.pace import Pace
from simulators.publisher import Address
from simulators.scenario import Incident, Scenario
from simulators.simulation import Part, Simulation

LIVE = MINUTE  # simulated at once when it has caught up with the clock
LEAD = 10 * MINUTE  # told again, with what happens, when a scenario starts live
REBUILDING = 1.5  # times that a city took to build: allowed for building it once more
PACED = 10  # seconds of the clock that are simulated at once at a given speed
FAREWELL_SECONDS = 5.0  # for acknowledgements, when we are told to stop
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated, and when.

    Attributes:
        scenario: What happens.
        catalogue: Of the platform.
        seed: Of all chance.
        devices: How many; None: as the scenario or its city says.
        begin: First instant that is told, us UTC.
        start: When the scenario starts, us UTC; None: when all that was before has been told.
        end: When it is over; None: never.
        speed: Times real time, until it has caught up with the clock; None: as fast as the broker acknowledges.
        offset: Of the city's zone, microseconds east of UTC.
        resumed: What left the devices before `begin` has arrived.
    """

    scenario: Scenario
    catalogue: Catalogue
    seed: int
    devices: int | None
    begin: int
    start: int | None
    end: int | None
    speed: float | None
    offset: int
    resumed: bool = False

    def simulation(self) -> Simulation:
        """The city from `begin` on, with nothing but quiet where `start` is open.

        Raises:
            SimulationError: it can't be; the text says why.
        """
        return Simulation(
            self.scenario,
            self.catalogue,
            seed=self.seed,
            begin=self.begin,
            start=self.start,
            offset=self.offset,
            devices=self.devices,
            resumed=self.resumed,
        )

    def started(self, begin: int, start: int) -> Plan:
        """The same, told from `begin` on, with a scenario that starts at `start`."""
        lasts = self.scenario.file.lasts
        end = start + lasts // MICROSECOND if lasts else None
        return replace(self, begin=begin, start=start, end=end, resumed=False)


@dataclass(slots=True)
class Totals:
    """What was done; `unacknowledged` messages may not have arrived, as we were told to stop."""

    messages: int = 0
    readings: int = 0
    resent: int = 0
    unacknowledged: int = 0
    interrupted: bool = False
    until: int = 0
    """Until when everything was acknowledged, us UTC."""

    def __str__(self) -> str:
        return f"{self.messages:,} messages, {self.readings:,} readings, {self.resent:,} messages resent"


def now() -> int:
    """The clock, in microseconds UTC."""
    return time.time_ns() // 1000


class Show:
    """A plan on its way to a broker."""

    def __init__(self, plan: Plan, console: Console, tell: Callable[[list[Incident]], None]) -> None:
        """A show; its city is made, so that what is wrong with it is said before anything is published.

        Args:
            plan: What is shown.
            console: Where progress is shown.
            tell: Is told the truth when the scenario starts.

        Raises:
            SimulationError: the city can't be made.
        """
        begun = time.monotonic()
        self.totals = Totals(until=plan.begin)
        self._plan = plan
        self._console = console
        self._tell = tell
        self._begun = now()
        self._told = plan.begin  # All that left the devices until then was published.
        self.simulation = plan.simulation()
        self._building = int((time.monotonic() - begun) * REBUILDING * SECOND)  # us that are allowed for it

    async def run(
        self, address: Address, credentials: Mapping[Key, str | None] | None, pace: Pace | None = None
    ) -> None:
        """Publish all of it; SIGTERM and SIGINT end it in order (if this is the main thread).

        Args:
            address: The broker.
            credentials: See `Fleet`.
            pace: That history keeps; None: as fast as the broker takes it.

        Raises:
            PublishError: nobody answers, or the broker refuses us; nothing was published then.
        """
        self._pace = pace
        playing = asyncio.create_task(self._play(address, credentials))
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, playing.cancel)
        try:
            await playing
        except asyncio.CancelledError:
            self.totals.interrupted = True

    async def _play(self, address: Address, credentials: Mapping[Key, str | None] | None) -> None:
        async with Fleet(address, self.simulation.roster, credentials) as fleet:
            self._begun = now()
            try:
                if self._plan.start is None:
                    await self._tell_history(fleet)
                    await self._start_now()
                self._tell(self.simulation.incidents)
                await self._publish(fleet, self._next)
                await fleet.publish(self.simulation.rest(), self._when)
                await fleet.drain()
                self.totals.until = self.simulation.now
            except asyncio.CancelledError:
                stopped = min(self._told, now())  # The next message may be due much later.
                with suppress(TimeoutError):
                    async with asyncio.timeout(FAREWELL_SECONDS):
                        await fleet.drain()
                        self.totals.until = stopped
                raise
            finally:
                self.totals.messages, self.totals.readings = fleet.messages, fleet.readings
                self.totals.resent, self.totals.unacknowledged = fleet.resent, fleet.outstanding

    async def _tell_history(self, fleet: Fleet) -> None:
        """What was before the scenario: quiet days, until shortly before the first thing that happens in it."""
        begun, lead = time.monotonic(), self._plan.scenario.lead // MICROSECOND + LEAD
        await self._publish(fleet, lambda at: _quiet(at, now() - lead, self.simulation.slice))
        await fleet.publish(self.simulation.rest())
        await fleet.drain()
        if self._pace:
            await self._pace.keep(fleet.countable, self._console.print, ahead=0)
        took = time.monotonic() - begun
        self._told = self.simulation.now
        if fleet.readings:
            self._console.print(
                f"History: {fleet.readings:,} readings in {took:.0f} s, {fleet.readings / took:,.0f}/s.", soft_wrap=True
            )

    async def _start_now(self) -> None:
        """Make the city once more, with what happens in it from now on."""
        self._plan = self._plan.started(self.simulation.now, now() + self._building)
        del self.simulation  # Two large cities at a time would not fit into memory.
        self.simulation = await asyncio.to_thread(self._plan.simulation)

    async def _publish(self, fleet: Fleet, following: Callable[[int], tuple[int, timedelta] | None]) -> None:
        """Publish one part after the other; the next is being made meanwhile.

        Args:
            fleet: The connections.
            following: From until when it has come, until when the next part is, and how devices pack it; None: that
                was all.
        """
        with self._progress() as progress:
            task = progress.add_task("Simulating", total=max(1, now() - self.simulation.now), rate="")
            first, begun = self.simulation.now, time.monotonic()
            making = self._make(following)
            try:
                while making:
                    part = await making
                    making = self._make(following)
                    self._told = part.span.start
                    if self._pace and part.span.end <= now():
                        progress.update(task, description="Waiting for the collector")
                        await self._pace.keep(fleet.countable, self._console.print)
                        progress.update(task, description="Simulating")
                    fleet.cut([cut for cut in part.cuts if cut.end > now()], self._when)
                    await fleet.publish(part.messages, self._when if part.packed else self._telling)
                    rate = f"{fleet.readings / (time.monotonic() - begun):,.0f} readings/s"
                    progress.update(task, completed=part.span.end - first, rate=rate)
            finally:
                if making:
                    making.cancel()

    def _make(self, following: Callable[[int], tuple[int, timedelta] | None]) -> asyncio.Task[Part] | None:
        step = following(self.simulation.now)
        return asyncio.create_task(asyncio.to_thread(self.simulation.advance, *step)) if step else None

    def _next(self, at: int) -> tuple[int, timedelta] | None:
        """The next part of the scenario: history as fast as it goes, then a minute after the other.

        From the first happening on, each message leaves by itself, as rules that look at two devices depend on the
        order between these.
        """
        end, longest = self._plan.end, self.simulation.slice
        if end is not None and at >= end:
            return None
        quiet = (self._plan.start or 0) - self._plan.scenario.lead // MICROSECOND
        if self._plan.speed is not None:
            found = at + max(LIVE, min(longest, int(self._plan.speed * PACED * SECOND))), timedelta()
        else:
            found = _quiet(at, min(quiet, now()), longest) or (_past(at, now(), longest) or at + LIVE, timedelta())
        return (min(found[0], end), found[1]) if end is not None else found

    def _when(self, due: int) -> float:
        """When what is due (us UTC) is published, in seconds of the clock; never before it is due."""
        speed = self._plan.speed
        return max(due, self._begun + (due - self._plan.begin) / speed if speed else due) / SECOND

    def _telling(self, due: int) -> float:
        """The same, of messages that hold but one instant: when one is about to go, all before it have gone."""
        self._told = due - 1
        return self._when(due)

    def _progress(self) -> Progress:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        quiet = self._console.quiet or not self._console.is_terminal
        return Progress(*columns, console=self._console, disable=quiet)


def _quiet(at: int, until: int, longest: int) -> tuple[int, timedelta] | None:
    """The end of the next part of quiet days, and how long devices collect for a message: its length, to its end.

    None: it has caught up with `until`, but for less than a minute.
    """
    for length in (longest, HOUR, MINUTE):
        if at < until // length * length:
            return (at // length + 1) * length, timedelta(microseconds=length)
    return None


def _past(at: int, until: int, longest: int) -> int | None:
    """The end of the next part of the past: whole hours if these are not too long, then minutes.

    None: it has caught up with `until`, but for less than a minute.
    """
    for length, most in ((min(HOUR, longest), longest), (MINUTE, HOUR)):
        end = until // length * length
        if at < end:
            return min((at + most) // length * length, end)
    return None
