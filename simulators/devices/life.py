"""The life of devices: what becomes of their readings on the way to the broker, and when they are cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulators import chance
from simulators.devices import faults, wire
from simulators.devices.behaviour import Behaviour
from simulators.devices.clocks import Clocks
from simulators.devices.episodes import Indices
from simulators.devices.faults import DeviceFault
from simulators.devices.outages import Cut, Outages
from simulators.devices.roster import Roster
from simulators.model import MINUTE, Fault, Happening, Span, Times, Values

AT_ONCE = 1  # us: the period of what is sent as soon as it is measured
MICROSECOND = timedelta(microseconds=1)

# What may happen to a record, in the order in which the shares divide [0, 1).
LOST, TWICE, SPOILT, LATE = range(4)


@dataclass(slots=True)
class Sent:
    """What devices have done with their readings, and what the platform's ledger must say of it.

    Attributes:
        messages: Sent.
        readings: In them.
        stored: Readings that are stored.
        duplicates: Readings that are repetitions.
        quarantined: Entries of the quarantine: one of an unreadable message, one of a record of a wrong year, else one
            of a reading.
        ahead: Readings of a clock that is ahead: stored, or in quarantine where they arrive 10 minutes before their
            time.
        foreign: Messages on others' topics, which the broker refuses.
        lost: Readings that were never sent.
    """

    messages: int = 0
    readings: int = 0
    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0
    ahead: int = 0
    foreign: int = 0
    lost: int = 0


class Life:
    """The devices of a roster, living from span to span; the spans follow each other without a gap.

    What happens depends on the seed, the happenings and the readings alone, not on how time is cut into spans.

    Attributes:
        sent: What has been done so far.
    """

    faults: ClassVar[Sequence[type[Fault]]] = (
        faults.Outage,
        faults.Silent,
        faults.ClockAhead,
        faults.WrongYear,
        faults.Malformed,
        faults.Duplicates,
        faults.Flood,
        faults.ForeignTopic,
    )

    def __init__(self, roster: Roster, behaviour: Behaviour, seed: int) -> None:
        self.sent = Sent()
        self._roster = roster
        self._behaviour = behaviour
        self._wire = wire.Wire(roster)
        self._keys = np.array([chance.key(seed, *key) for key in roster.keys], np.uint64)
        self._outages = Outages(roster, behaviour, self._keys[roster.connections])
        self._clocks = Clocks(roster, behaviour, self._keys[roster.connections])
        self.begin(())

    def subjects(self, fault: DeviceFault) -> frozenset[str]:
        """Ids of the sites of the devices that a fault strikes.

        Raises:
            SimulationError: there is no such place.
        """
        if isinstance(fault, faults.ForeignTopic):
            self._roster.place(fault.victim)
        return frozenset(self._roster.sites[device] for device in self._roster.place(fault.place))

    def begin(self, happenings: Sequence[Happening]) -> None:
        """Forget all that was on its way, and let these faults happen; `happenings` are those of devices.

        Raises:
            SimulationError: one has a place that is not there.
        """
        self._held = pl.DataFrame(schema=wire.ROWS)
        self._pack = timedelta()
        self._outages.begin(happenings)
        self._clocks.begin(happenings)
        self._malformed, malformed = self._roster.struck(happenings, faults.Malformed)
        self._malformed_share = np.array([fault.share for fault in malformed])
        self._repeated, repeated = self._roster.struck(happenings, faults.Duplicates)
        self._repeated_share = np.array([fault.share for fault in repeated])
        self._flood, floods = self._roster.struck(happenings, faults.Flood)
        self._flood_times = np.array([fault.times for fault in floods], np.int64)
        self._foreign, foreign = self._roster.struck(happenings, faults.ForeignTopic)
        self._victims = np.array([self._roster.place(fault.victim)[0] for fault in foreign], np.int64)

    def cuts(self, span: Span) -> list[Cut]:
        """The connections that are cut off at some time of the span."""
        return self._outages.cuts(span)

    def messages(self, frame: pl.DataFrame, span: Span, pack: timedelta = timedelta()) -> pl.DataFrame:
        """The messages that leave in a span, in order: see `wire.Wire.messages` for the columns.

        Args:
            frame: What was measured in the span: `device` and `metric` (their positions in the roster), `time` and
                `due` (i64, us UTC; `due` is when it may be sent), `value` (f64) and `urgent`: devices on batteries,
                too, send it at once.
            span: That span; `due` lies in it.
            pack: How long a device collects what it has measured before it sends it, as is best for history. Where
                it becomes shorter, what was collected leaves.
        """
        if pack < self._pack:
            freed = pl.max_horizontal("due", pl.lit(span.start, pl.Int64))
            self._held = self._held.with_columns(leaves=pl.min_horizontal("leaves", freed))
        self._pack = pack
        rows = pl.concat([self._held, self._rows(frame, span, pack // MICROSECOND)])
        ready = pl.col("leaves") <= span.end
        self._held = rows.filter(~ready)
        return self._send(rows.filter(ready))

    def rest(self, at: int) -> pl.DataFrame:
        """All that is still on its way, as messages that leave at `at` (us UTC)."""
        rows, self._held = self._held, self._held.clear()
        return self._send(rows.with_columns(leaves=pl.lit(at, pl.Int64)))

    def _send(self, rows: pl.DataFrame) -> pl.DataFrame:
        found = self._wire.messages(rows)
        self.sent.messages += found.height
        self.sent.foreign += int(found["foreign"].sum())
        for column in ("readings", "stored", "duplicates", "quarantined", "ahead"):
            setattr(self.sent, column, getattr(self.sent, column) + int(found[column].sum()))
        return found

    def _rows(self, frame: pl.DataFrame, span: Span, pack: int) -> pl.DataFrame:
        """The readings as they go on their way, each as often as it is sent."""
        if frame.is_empty():
            return pl.DataFrame(schema=wire.ROWS)
        device, due = frame["device"].cast(pl.Int64).to_numpy(), frame["due"].to_numpy()
        released, lost = self._outages.released(device, due, span)
        # One number decides all: each share has its part of [0, 1).
        usual = self._behaviour
        shares = np.cumsum([usual.lost, usual.duplicates, usual.malformed, usual.delayed])
        fate = np.searchsorted(shares, self._drawn("fate", device, due), "right")
        kept = (fate != LOST) & ~lost
        self.sent.lost += int(np.count_nonzero(~kept))
        frame, device, due, released, fate = frame.filter(kept), device[kept], due[kept], released[kept], fate[kept]

        late = fate == LATE
        delay = -np.log1p(-self._drawn("delay", device[late], due[late])) * (usual.delay / MICROSECOND)
        released[late] += delay.astype(np.int64)
        written, clock = self._clocks.written(device, frame["time"].to_numpy(), due, span)
        times = self._times(device, due, by_chance=fate == TWICE)
        spoilt = self._spoils(device, due, by_chance=fate == SPOILT)

        row = np.repeat(np.arange(len(due)), times)
        copy = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
        released = released[row] + copy * (MINUTE // times[row])
        rows = pl.DataFrame(
            {
                "leaves": self._leaves(device[row], released, pack, frame["urgent"].to_numpy()[row]),
                "connection": self._roster.connection[device[row]],
                "device": device[row],
                "foreign": np.zeros(len(row), bool),
                "copy": copy,
                "spoilt": spoilt[row],
                "due": released,
                "written": written[row],
                "clock": clock[row],
                "metric": frame["metric"].to_numpy()[row],
                "value": frame["value"].to_numpy()[row],
            },
            schema=wire.ROWS,
        )
        return pl.concat([rows, self._elsewhere(rows, device[row], due[row])])

    def _drawn(self, what: str, device: Indices, at: Times) -> Values:
        """Numbers of [0, 1) that decide something of a device at an instant."""
        return chance.uniform(self._keys[device] ^ chance.key(what), at)

    def _times(self, device: Indices, due: Times, *, by_chance: NDArray[np.bool_]) -> Indices:
        """How often each reading is sent."""
        times = np.where(by_chance, 2, 1)
        repeated = self._repeated.covering(device, due)
        (struck,) = np.nonzero(repeated >= 0)
        twice = self._drawn("twice", device[struck], due[struck]) < self._repeated_share[repeated[struck]]
        times[struck[twice]] = 2
        flood = self._flood.covering(device, due)
        times[flood >= 0] = self._flood_times[flood[flood >= 0]]
        return times

    def _spoils(self, device: Indices, due: Times, *, by_chance: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """How each reading's record is spoilt."""
        malformed = self._malformed.covering(device, due)
        (struck,) = np.nonzero(malformed >= 0)
        spoilt = by_chance.copy()
        spoilt[struck] |= self._drawn("spoilt", device[struck], due[struck]) < self._malformed_share[malformed[struck]]
        found = np.full(len(due), wire.SOUND, np.uint8)
        found[spoilt] = 1 + (self._drawn("how", device[spoilt], due[spoilt]) * wire.SPOILS).astype(np.uint8)
        return found

    def _elsewhere(self, rows: pl.DataFrame, device: Indices, due: Times) -> pl.DataFrame:
        """What is sent on others' topics besides."""
        foreign = self._foreign.covering(device, due)
        victim = pl.Series(self._victims[foreign[foreign >= 0]], dtype=pl.UInt32)
        return rows.filter(foreign >= 0).with_columns(device=victim, foreign=pl.lit(value=True))

    def _leaves(self, device: Indices, released: Times, pack: int, urgent: NDArray[np.bool_]) -> Times:
        """When the message of each reading leaves: at the end of a period in which its device collects them."""
        wake = self._behaviour.wake // MICROSECOND
        waits = self._roster.battery[device] & ~urgent & (pack < wake)
        period = np.where(waits, wake, max(pack, AT_ONCE))
        phase = np.where(waits, (self._keys[device] % np.uint64(wake)).astype(np.int64), 0)
        return (released - phase) // period * period + period + phase
