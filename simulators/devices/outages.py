"""Outages: who is cut off when, and what becomes of what was measured meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from simulators import chance
from simulators.devices import faults
from simulators.devices.behaviour import Behaviour
from simulators.devices.episodes import Episodes, Indices
from simulators.devices.roster import Roster
from simulators.model import Happening, Span, Times

ORDERS = get_args(faults.Order)
OLDEST, NEWEST, MIXED = range(len(ORDERS))
BACKLOG_SHARE = 60  # what a device has buffered in an hour it sends within a minute


class Cut(NamedTuple):
    """A connection that is cut off from `start` until before `end` (us UTC)."""

    connection: int
    start: int
    end: int


class Outages:
    """The outages of a roster's devices: those by chance and those that shall happen.

    Where two of them meet, the one that shall happen hides the other.
    """

    def __init__(self, roster: Roster, behaviour: Behaviour, keys: chance.Keys) -> None:
        """Outages by chance of the seed that is in `keys`, one of each connection."""
        self._roster = roster
        self._behaviour = behaviour
        self._keys = keys
        self.begin(())

    def begin(self, happenings: Sequence[Happening]) -> None:
        """Let these outages happen.

        Raises:
            SimulationError: one has a place that is not there.
        """
        self._dead, _ = self._roster.struck(happenings, faults.Silent)
        self._away, meant = self._roster.struck(happenings, faults.Outage)
        self._orders = np.array([ORDERS.index(fault.order) for fault in meant], np.int64)
        self._resend = np.array([fault.resend for fault in meant], bool)

    def cuts(self, span: Span) -> list[Cut]:
        """The connections that are cut off at some time of the span."""
        own = self._roster.connections
        found: list[Cut] = []
        for episodes in (self._dead, self._away, self._by_chance(span)):
            touching = (episodes.start < span.end) & (episodes.end > span.start) & np.isin(episodes.device, own)
            connection = np.searchsorted(own, episodes.device[touching]).tolist()
            times = episodes.start[touching].tolist(), episodes.end[touching].tolist()
            found += map(Cut, connection, *times)
        return sorted(found)

    def released(self, device: Indices, due: Times, span: Span) -> tuple[Times, NDArray[np.bool_]]:
        """When each reading, due in the span, can be sent; and whether it never can."""
        away = self._away.covering(device, due)
        lost = self._dead.covering(device, due) >= 0
        lost[away >= 0] |= ~self._resend[away[away >= 0]]
        found = self._after(self._away, self._orders, away, device, due)

        usual = self._by_chance(span)
        sender = self._keys[self._roster.connection[usual.device]]
        orders = (chance.uniform(sender ^ chance.key("order"), usual.kind) * len(ORDERS)).astype(np.int64)
        return self._after(usual, orders, usual.covering(device, due), device, found), lost

    def _by_chance(self, span: Span) -> Episodes:
        usual, keys = self._behaviour, self._keys ^ chance.key("outage")
        return self._roster.by_chance(keys, usual.outages, usual.outage, span).without(self._away)

    def _after(self, episodes: Episodes, orders: Indices, which: Indices, device: Indices, due: Times) -> Times:
        """`due`, but where an outage covers it (`which` is its position, or -1) a while after that."""
        found = due.copy()
        (away,) = np.nonzero(which >= 0)
        which, at = which[away], due[away]
        start, end = episodes.start[which], episodes.end[which]
        mixed = chance.uniform(self._keys[self._roster.connection[device[away]]] ^ chance.key("mixed"), at)
        ways = [at - start, end - at, (mixed * (end - start)).astype(np.int64)]
        found[away] = end + np.choose(orders[which], ways) // BACKLOG_SHARE
        return found
