"""Clocks: what time devices write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from simulators import chance
from simulators.devices import faults, wire
from simulators.devices.behaviour import Behaviour
from simulators.devices.episodes import Indices
from simulators.devices.roster import Roster
from simulators.model import DAY, SECOND, Happening, Span, Times

MICROSECOND = timedelta(microseconds=1)
MILLISECOND = 1000  # us
YEARS = (1970, 2000)  # in which clocks begin that nobody has set


class Clocks:
    """The clocks of a roster's connections; the devices behind a gateway have its."""

    def __init__(self, roster: Roster, behaviour: Behaviour, keys: chance.Keys) -> None:
        """Clocks whose chance has the seed that is in `keys`, one of each connection."""
        self._roster = roster
        self._behaviour = behaviour
        self._keys = keys
        self._sync = behaviour.clock_sync // MICROSECOND
        swing = 2 * chance.uniform(keys ^ chance.key("drift"), np.zeros(1, np.int64)) - 1
        self._drift = swing * behaviour.clock_drift * SECOND / DAY  # us gained in each us
        self._phase = (keys % np.uint64(self._sync)).astype(np.int64)  # us
        self.begin(())

    def begin(self, happenings: Sequence[Happening]) -> None:
        """Let these faults of clocks happen.

        Raises:
            SimulationError: one has a place that is not there.
        """
        self._reset, resets = self._roster.struck(happenings, faults.WrongYear)
        self._years = np.array([_began(fault.year) for fault in resets], np.int64)
        self._ahead, ahead = self._roster.struck(happenings, faults.ClockAhead)
        self._by = np.array([fault.by // MICROSECOND for fault in ahead], np.int64)

    def written(self, device: Indices, time: Times, due: Times, span: Span) -> tuple[Times, NDArray[np.uint8]]:
        """The time that each reading, due in the span, is given (ms UTC), and which kind of wrong it is (see `wire`).

        What has the beginning of an hour or a day as its time (`time` before `due`) is reckoned by the calendar: a
        clock that drifts a little does not move it.
        """
        connection = self._roster.connection[device]
        gained = self._drift[connection] * ((time - self._phase[connection]) % self._sync)
        found = time + np.where(time == due, gained, 0).astype(np.int64)
        kind = np.full(len(time), wire.RIGHT, np.uint8)

        ahead = self._ahead.covering(device, due)
        found[ahead >= 0] += self._by[ahead[ahead >= 0]]
        kind[ahead >= 0] = wire.AHEAD

        usual = self._behaviour
        resets = self._roster.by_chance(self._keys ^ chance.key("reset"), usual.resets, usual.reset, span)
        years = np.array([_began(year) for year in YEARS])[resets.start % len(YEARS)]
        for episodes, began in ((resets, years), (self._reset, self._years)):
            wrong = (which := episodes.covering(device, due)) >= 0
            found[wrong] = began[which[wrong]] + due[wrong] - episodes.start[which[wrong]]
            kind[wrong] = wire.LONG_AGO
        return found // MILLISECOND, kind


def _began(year: int) -> int:
    """The beginning of a year, in microseconds UTC."""
    return (datetime(year, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND
