"""The readings of a span, out of the store in bounded slices and in the order in which they arrived."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import sql

from citybrain.quality import LAG_S, Flag
from citybrain.store.binary import UNIX_TO_POSTGRES_US, Array
from citybrain.store.connection import Connection
from citybrain.store.readings import literal
from citybrain.store.sql import query
from rules.engine.directory import Series
from rules.engine.view import Readings
from rules.model import DAY_US

Column = npt.NDArray[Any]

SLICE = 400_000  # readings that are read at once, about
SHRINK, GROW = 1 / 16, 2  # how much shorter or longer a slice may be than the one before
LONGEST_SLICE_US = 30 * DAY_US  # microseconds
UNKNOWN_INTERVAL_US = 60_000_000  # microseconds between two readings of a series without an expected interval, at least
SECOND_US = 1_000_000  # microseconds
FURTHEST_AHEAD_US = 600 * SECOND_US  # microseconds; ingest takes no reading that is further ahead of its arrival
_ARRAY_HEADER = 20  # bytes
OUT_OF_CHAIN = int(Flag.LATE | Flag.AHEAD)

_STORED = np.dtype([("series", "i4"), ("time", "i8"), ("value", "f8"), ("quality", "i2"), ("lag_s", "i2")])
_FIELDS = _STORED.names or ()
# `arrival` orders the readings; `clock` is what a clock showed when they arrived. Both in us since 1970.
_ARRIVED = np.dtype([*_STORED.descr, ("arrival", "i8"), ("clock", "i8")])


@dataclass(frozen=True)
class Slice:
    """Readings in order of arrival, with what a clock showed then (us, ascending); all before `until_us` is read."""

    readings: Readings
    clock: Column
    until_us: int


class History:
    """The readings of some series.

    The store keeps the arrival of a reading as its lag behind its time, in whole seconds. So arrivals are known but
    for a second, and readings of one device with one time and one arrival count as one message. Within a second, and
    for readings that were revised (the lag is the revision's), the order of each series' own times is kept.

    Args:
        connection: to the store; each slice is a transaction of its own.
        series: those to read; devices come in the order of their first series.
        late: whether late readings take their place in time, as if they had come in order.
    """

    def __init__(self, connection: Connection, series: Iterable[Series], *, late: bool = False) -> None:
        self.connection = connection
        self.series = sorted(series, key=lambda one: one.id)
        self.late = late
        self.ids = np.array([one.id for one in self.series], "i4")
        size = int(self.ids.max(initial=0)) + 1
        devices: dict[str, int] = {}
        numbers = np.array([devices.setdefault(one.subject("device"), len(devices)) for one in self.series], "i4")
        self._device = np.zeros(size, "i4")
        self._device[self.ids] = numbers
        self._place = np.zeros(size, "i4")
        self._place[self.ids[np.lexsort((self.ids, numbers))]] = np.arange(len(self.ids))
        self._newest_arrival = np.full(len(self.ids), np.iinfo("i8").min)  # by place
        self._messages = 0
        self._clock = np.iinfo("i8").min

    def slices(self, since_us: int, until_us: int, holding: Collection[int] = ()) -> Iterator[Slice]:
        """All readings with times in [since, until), whole seconds.

        `holding` are series whose value holds until the next reading: they begin with their last one before `since`.
        """
        waiting = self._arranged(self._last_before(since_us, holding))
        low, longest_us = since_us, self._span_us()
        high = min(low + longest_us, until_us)
        with ThreadPoolExecutor(1) as ahead:  # the next slice is read while this one is judged
            coming = ahead.submit(self._read, low, high)
            while low < until_us:
                rows = coming.result()
                fitting = (high - low) * min(max(SLICE / max(len(rows), 1), SHRINK), GROW)
                low, now = high, high
                high = min(low + _whole_seconds(min(fitting, longest_us)), until_us)
                if low < until_us:
                    coming = ahead.submit(self._read, low, high)
                waiting = np.concatenate([waiting, self._arranged(rows)])
                # What is still to be read arrives after this.
                known_us = now - FURTHEST_AHEAD_US if now < until_us else np.iinfo("i8").max
                ready = waiting["arrival"] < known_us
                yield self._slice(waiting[ready], now)
                waiting = waiting[~ready]

    def _span_us(self) -> int:
        """How long a slice may be by what is expected of the series."""
        intervals = np.array([one.interval_us for one in self.series])
        intervals[~np.isfinite(intervals)] = UNKNOWN_INTERVAL_US
        return _whole_seconds(min(SLICE / max((1 / intervals).sum(), 1e-15), LONGEST_SLICE_US))

    def _read(self, low_us: int, high_us: int) -> Column:
        statement = sql.SQL(query("backtest", "readings")).format(low=literal(low_us), high=literal(high_us))
        result = self.connection.execute(statement, {"series": Array(self.ids)}, binary=True).pgresult
        assert result is not None  # noqa: S101  a query has one
        columns = [result.get_value(0, number) for number in range(len(_FIELDS))]
        if columns[0] is None:
            return np.empty(0, _STORED)
        cells = [_cells(data or b"", _STORED[_FIELDS[number]]) for number, data in enumerate(columns)]
        rows = np.empty(len(cells[0]), _STORED)
        for name, column in zip(_FIELDS, cells, strict=True):
            rows[name] = column
        rows["time"] += UNIX_TO_POSTGRES_US
        return rows

    def _last_before(self, since_us: int, holding: Collection[int]) -> Column:
        statement = sql.SQL(query("backtest", "last_before")).format(low=literal(since_us))
        found = self.connection.execute(statement, {"series": Array(np.array(sorted(holding), "i4"))}).fetchall()
        return np.array([(*row, 0, 0) for row in found], _STORED)

    def _arranged(self, rows: Column) -> Column:
        """Rows with their arrivals, by device, series and time."""
        place = self._place[rows["series"]]
        order = np.lexsort((rows["time"], place))
        rows, place = rows[order], place[order]
        arrived = np.empty(len(rows), _ARRIVED)
        for name in _FIELDS:
            arrived[name] = rows[name]
        time, lag_s = rows["time"], rows["lag_s"]
        late = (rows["quality"] & int(Flag.LATE)) != 0
        arrival = time + np.maximum(lag_s.astype("i8") * SECOND_US, -FURTHEST_AHEAD_US)
        unknown = (rows["quality"] & int(Flag.REVISED)) != 0
        if self.late:
            unknown |= late
            arrived["quality"] &= ~int(Flag.LATE)
        arrival[unknown] = time[unknown]
        chain = np.flatnonzero((arrived["quality"] & OUT_OF_CHAIN) == 0)
        arrival[chain] = self._in_order(place[chain], arrival[chain])
        arrived["arrival"] = arrival
        # A lag beyond what the column holds says only that the reading is old: no clock is known for it.
        arrived["clock"] = np.where(lag_s >= LAG_S, time, arrival)
        return arrived

    def _in_order(self, place: Column, arrival: Column) -> Column:
        """Arrivals, none of them before that of the series' reading before; rows by place and time."""
        if not len(place):
            return arrival
        first = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
        last = np.r_[first[1:], len(place)] - 1
        arrival[first] = np.maximum(arrival[first], self._newest_arrival[place[first]])
        # One running maximum over all series: each is moved above the one before it.
        base = arrival.min()
        offset = place.astype("i8") * (arrival.max() - base + 1)
        in_order: Column = np.maximum.accumulate(arrival - base + offset) - offset + base
        self._newest_arrival[place[last]] = in_order[last]
        return in_order

    def _slice(self, rows: Column, until_us: int) -> Slice:
        # Rows of one time stand by place already, and a stable sort leaves them so.
        rows = rows[np.lexsort((rows["time"], rows["arrival"]))]
        device = self._device[rows["series"]]
        new = np.ones(len(rows), bool)
        new[1:] = (device[1:] != device[:-1]) | (np.diff(rows["time"]) != 0) | (np.diff(rows["arrival"]) != 0)
        message = self._messages + np.cumsum(new)
        clock = np.maximum.accumulate(np.maximum(rows["clock"], self._clock))
        if len(rows):
            self._messages, self._clock = int(message[-1]), int(clock[-1])
        series, time, value, quality = (np.ascontiguousarray(rows[name]) for name in _FIELDS[:4])
        return Slice(Readings(series, time, value, quality, message), clock, until_us)


def extent(connection: Connection, series: Iterable[int]) -> tuple[datetime, datetime] | None:
    """The times of the oldest and the newest reading of some series; None: there is none."""
    ids = Array(np.array(sorted(series), "i4"))
    row = connection.execute(query("backtest", "extent"), {"series": ids}).fetchone()
    return (row[0], row[1]) if row and row[0] is not None else None


def _cells(data: bytes, kind: np.dtype[Any]) -> Column:
    """The values of an array without nulls, as PostgreSQL sends it: a header of five numbers, then length and value."""
    cells = np.dtype([("length", ">i4"), ("value", kind.newbyteorder(">"))])
    values: Column = np.frombuffer(data, cells, offset=_ARRAY_HEADER)["value"]
    return values


def _whole_seconds(us: float) -> int:
    return max(int(us) // SECOND_US, 1) * SECOND_US
