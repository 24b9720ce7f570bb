"""When sensors are read, and what the truth says then: from signals on a source's grid to samples.

A reader looks after sensors that are read in one way. It is given spans that follow each other, and keeps what it must
know of earlier ones, so that its samples don't depend on how time is cut.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from simulators.model import DAY, MINUTE, Signals, Span, Times, Values

Indices = NDArray[np.int64]


class Samples(NamedTuple):
    """What sensors found: equally long arrays, in no order.

    Attributes:
        sensor: Which one; what is counted is up to whoever made the reader.
        time: When it looked, in microseconds UTC; at the end of the interval of a mean or an increase.
        value: What was true.
        urgent: Whether it can't wait for the next message.
    """

    sensor: Indices
    time: Times
    value: Values
    urgent: NDArray[np.bool_]


class Reader(Protocol):
    """Reads some sensors in one way."""

    def read(self, span: Span, signals: Signals) -> Samples:
        """The samples of the next span; `signals` are those of it."""
        ...


def instants(span: Span, interval: int, phases: Times) -> tuple[Indices, Times]:
    """The instants of a span that are a phase after a multiple of the interval.

    Returns:
        The rows of `phases` (ascending), each as often as it has instants, and these, ascending in each row.
    """
    first = phases - (phases - span.start) // interval * interval
    numbers = np.maximum(-((first - span.end) // interval), 0)
    rows = np.repeat(np.arange(len(phases)), numbers)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    return rows, first[rows] + place * interval


def interpolated(signals: Signals, points: Indices, times: Times) -> Values:
    """The signals of points at times, on the straight line between the two instants around each."""
    after = np.searchsorted(signals.times, times, side="right").clip(1, len(signals.times) - 1)
    before = after - 1
    share = (times - signals.times[before]) / (signals.times[after] - signals.times[before])
    return np.asarray(signals.values[points, before] * (1 - share) + signals.values[points, after] * share)


def held(signals: Signals, points: Indices, times: Times) -> Values:
    """The signals of points at times, as they were set last."""
    return np.asarray(signals.values[points, np.searchsorted(signals.times, times, side="right") - 1])


def _calm(times: Times) -> NDArray[np.bool_]:
    """Nothing urgent at these times."""
    return np.zeros(len(times), np.bool_)


class Instant:
    """Reads at an interval what is true at that instant."""

    def __init__(self, sensors: Indices, points: Indices, interval: int, phases: Times, *, steps: bool) -> None:
        """For `sensors` with their rows of the signals; `steps`: the signals are held, not interpolated."""
        self._sensors, self._points = sensors, points
        self._interval, self._phases = interval, phases
        self._at = held if steps else interpolated

    def read(self, span: Span, signals: Signals) -> Samples:
        """The samples of the next span."""
        rows, times = instants(span, self._interval, self._phases)
        return Samples(self._sensors[rows], times, self._at(signals, self._points[rows], times), _calm(times))


class Interval:
    """Reads what an interval that is over had: the mean of the signal, or its increase.

    The first instant begins the first interval, and gives nothing.
    """

    def __init__(self, sensors: Indices, points: Indices, interval: int, phases: Times, *, mean: bool) -> None:
        """For `sensors` with their rows of the signals; else than the mean it is the increase."""
        self._sensors, self._points = sensors, points
        self._interval, self._phases = interval, phases
        self._mean = mean
        self._last = np.full(len(sensors), np.nan)  # Total at the last sample, measured as the next span will.

    def read(self, span: Span, signals: Signals) -> Samples:
        """The samples of the next span."""
        rows, times = instants(span, self._interval, self._phases)
        ends = np.full(len(self._points), span.end)
        if self._mean:
            integral = _Integral(signals, self._points, span.start)
            totals = integral.until(rows, times) / self._interval
            passed = integral.until(np.arange(len(ends)), ends) / self._interval
        else:
            totals = interpolated(signals, self._points[rows], times)
            passed = np.zeros(len(ends))
        leading = np.diff(rows, prepend=-1) > 0
        before = np.where(leading, self._last[rows], np.roll(totals, 1))
        trailing = np.diff(rows, append=len(self._points)) > 0
        self._last[rows[trailing]] = totals[trailing]
        self._last -= passed
        known = ~np.isnan(before)
        times = times[known]
        return Samples(self._sensors[rows][known], times, (totals - before)[known], _calm(times))


class _Integral:
    """Of the signals over time, in their unit times microseconds, from an instant on."""

    def __init__(self, signals: Signals, points: Indices, start: int) -> None:
        self._times, self._values = signals.times, signals.values[points]
        areas = (self._values[:, 1:] + self._values[:, :-1]) / 2 * np.diff(self._times)
        self._areas = np.zeros_like(self._values)
        np.cumsum(areas, axis=1, out=self._areas[:, 1:])
        everywhere = np.arange(len(points))
        self._start = np.zeros(len(points))
        self._start = self.until(everywhere, np.full(len(points), start))

    def until(self, rows: Indices, times: Times) -> Values:
        """The integral from the start to times, each of a row of the points."""
        after = np.searchsorted(self._times, times, side="right").clip(1, len(self._times) - 1)
        before = after - 1
        low, high = self._values[rows, before], self._values[rows, after]
        rest = times - self._times[before]
        share = rest / (self._times[after] - self._times[before])
        return np.asarray(self._areas[rows, before] + rest * (low + (high - low) * share / 2) - self._start[rows])


class Changes:
    """Reads when the value changes, at the very first instant, and once a day, so that silence means something."""

    def __init__(self, sensors: Indices, points: Indices, phases: Times) -> None:
        """For `sensors` with their rows of the signals; `phases` are those of the daily reading."""
        self._sensors, self._points, self._phases = sensors, points, phases
        self._last: Values | None = None

    def read(self, span: Span, signals: Signals) -> Samples:
        """The samples of the next span."""
        rows, times = instants(span, DAY, self._phases)
        if self._last is None:
            everywhere = np.arange(len(self._points))
            rows = np.concatenate([rows, everywhere])
            times = np.concatenate([times, np.full(len(everywhere), span.start)])
            self._last = held(signals, self._points, times[-len(everywhere) :])
        inside = slice(*np.searchsorted(signals.times, [span.start, span.end]))
        values = signals.values[self._points, inside]
        changed, columns = np.nonzero(np.diff(values, axis=1, prepend=self._last[:, None]))
        if values.shape[1]:
            self._last = values[:, -1].copy()
        rows = np.concatenate([changed, rows])
        times = np.concatenate([signals.times[inside][columns], times])
        # A change may fall on the daily reading: the first of the two counts.
        _, single = np.unique(rows * (span.end - span.start) + (times - span.start), return_index=True)
        rows, times = rows[single], times[single]
        return Samples(self._sensors[rows], times, held(signals, self._points[rows], times), single < len(changed))


class Urgent:
    """Reads besides the interval, as soon as a signal has moved far since the last reading; at most once a minute."""

    def __init__(
        self, sensors: Indices, points: Indices, interval: int, phases: Times, moves: Values, *, steps: bool
    ) -> None:
        """For `sensors` with their rows of the signals, that move by `moves`, and are read as `Instant` does."""
        self._sensors, self._points = sensors, points
        self._interval, self._phases, self._moves = interval, phases, moves
        self._at = held if steps else interpolated
        self._read = np.full(len(sensors), np.iinfo(np.int64).min)  # When it was read last,
        self._value = np.full(len(sensors), np.nan)  # what was true then,
        self._sent = np.full(len(sensors), np.iinfo(np.int64).min // 2)  # and when it was urgent last.

    def read(self, span: Span, signals: Signals) -> Samples:
        """The samples of the next span."""
        if np.isnan(self._value).any():
            self._value = self._at(signals, self._points, np.full(len(self._points), span.start))
        inside = slice(*np.searchsorted(signals.times, [span.start, span.end]))
        values = signals.values[self._points, inside]
        rows, times = np.empty(0, np.int64), np.empty(0, np.int64)
        moving = self._moving(values)
        if len(moving):
            for time, now in zip(signals.times[inside], values[moving].T, strict=True):
                self._follow(span, signals, moving, time)
                far = np.abs(now - self._value[moving]) >= self._moves[moving]
                fired = far & (time - self._sent[moving] >= MINUTE)
                hasty = moving[fired]
                self._value[hasty], self._read[hasty], self._sent[hasty] = now[fired], time, time
                rows, times = np.append(rows, hasty), np.append(times, np.full(len(hasty), time))
        self._follow(span, signals, np.arange(len(self._points)), span.end - 1)
        values = self._at(signals, self._points[rows], times)
        return Samples(self._sensors[rows], times, values, np.ones(len(times), np.bool_))

    def _moving(self, values: Values) -> Indices:
        """The rows that may move far enough in a span with these values; mostly they are few."""
        least = np.minimum(values.min(axis=1, initial=np.inf), self._value)
        most = np.maximum(values.max(axis=1, initial=-np.inf), self._value)
        return np.flatnonzero(most - least >= self._moves)

    def _follow(self, span: Span, signals: Signals, rows: Indices, time: int) -> None:
        """Take in what the interval's last reading until `time` found; those before the span are taken in already."""
        phases = self._phases[rows]
        latest = phases + (time - phases) // self._interval * self._interval
        fresh = latest >= np.maximum(self._read[rows] + 1, span.start)
        rows, latest = rows[fresh], latest[fresh]
        self._value[rows] = self._at(signals, self._points[rows], latest)
        self._read[rows] = latest
