"""Rings against plain lists: any batches, some of them rolled back, rings that grow and rings that go round."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine.windows import LARGEST, SMALLEST_RING, Windows

SECOND_US = 1_000_000
KEEP_US = 60 * SECOND_US

Entry = tuple[int, float]

gaps = st.integers(1, 40).map(lambda seconds: seconds * SECOND_US)
values = st.floats(-1000, 1000).map(lambda value: round(value, 6))
entries = st.lists(st.tuples(st.integers(1, 3), gaps, values), max_size=60)


@dataclass
class Model:
    """What the rings must say."""

    kept: dict[int, list[Entry]] = field(default_factory=lambda: {1: [], 2: [], 3: []})

    def last(self, series: int) -> int:
        return self.kept[series][-1][0] if self.kept[series] else 0

    def window(self, series: int, span_us: int) -> list[Entry]:
        end = self.last(series)
        return [entry for entry in self.kept[series] if end - span_us < entry[0] <= end]


def rows_of(model: Model, batch: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """A batch as series, time and value, by series; times go on from where the series stands."""
    now = {series: model.last(series) for series in model.kept}
    found = []
    for series, gap, value in batch:
        now[series] += gap
        found.append((series, now[series], value))
    return sorted(found, key=lambda row: row[0])


def write(windows: Windows, rows: list[tuple[int, int, float]]) -> object:
    series, time, value = (np.array(column) for column in zip(*rows, strict=True))
    return windows.write(series.astype("i4"), time.astype("i8"), value.astype("f8"))


def read(windows: Windows, series: int, span_us: int, end: int) -> tuple[int, list[float], float, float]:
    """Count, values, sum and greatest of a window that ends with the newest entry."""
    rings = windows.of(np.array([series]))
    low = rings.search(rings.floor, rings.head, np.array([end - span_us]))
    count = int(rings.head[0] - low[0])
    found = [float(rings.values(low + place)[0]) for place in range(count)]
    if not count:
        return 0, [], 0.0, 0.0
    return count, found, float(rings.sums(low, rings.head)[0]), float(rings.extremes("max", low, rings.head)[0])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(entries, st.booleans()), max_size=8), st.integers(1, 60))
def test_rings_say_what_lists_say(batches: list[tuple[list[tuple[int, int, float]], bool]], span_s: int) -> None:
    windows, model = Windows(np.array([0, KEEP_US, KEEP_US, KEEP_US])), Model()
    for batch, committed in batches:
        rows = rows_of(model, batch)
        if not rows:
            continue
        fresh = write(windows, rows)
        if committed:
            windows.advance(fresh)  # type: ignore[arg-type]
            for series, time, value in rows:
                model.kept[series].append((time, value))
        for series in model.kept:
            if not model.kept[series]:
                continue
            expected = [value for _, value in model.window(series, span_s * SECOND_US)]
            count, found, total, greatest = read(windows, series, span_s * SECOND_US, model.last(series))
            assert (count, found) == (len(expected), expected)
            assert total == pytest.approx(sum(round(value * 1e6) for value in expected) / 1e6, abs=1e-9)
            assert greatest == max(expected)


def test_a_guess_changes_nothing() -> None:
    windows = Windows(np.array([0, KEEP_US]))
    times = np.cumsum([10, 10, 10, 3, 17, 10, 10]) * SECOND_US
    windows.advance(windows.write(np.ones(7, "i4"), times, np.arange(7.0)))
    rings = windows.of(np.ones(80, "i4"))
    at = np.arange(80) * SECOND_US
    plain = rings.search(rings.floor, rings.head, at)
    assert plain.tolist() == [int((times <= moment).sum()) for moment in at]
    for guess in range(-2, 10):
        assert rings.search(rings.floor, rings.head, at, np.full(80, guess)).tolist() == plain.tolist()


def test_a_ring_keeps_no_more_than_windows_may_need() -> None:
    windows = Windows(np.array([0, KEEP_US]))
    for second in range(0, 4000, 20):
        time = np.array([second * SECOND_US])
        windows.advance(windows.write(np.ones(1, "i4"), time, np.zeros(1)))
    rings = windows.of(np.ones(1, "i4"))
    assert rings.head[0] - rings.floor[0] <= SMALLEST_RING


def test_what_is_beyond_all_measure_is_cut_rather_than_wrong_everywhere() -> None:
    windows = Windows(np.array([0, KEEP_US]))
    windows.advance(windows.write(np.ones(3, "i4"), np.array([1, 2, 3]) * SECOND_US, np.array([1e300, 5.0, 6.0])))
    rings = windows.of(np.ones(1, "i4"))
    assert rings.sums(np.array([0]), np.array([3]))[0] == LARGEST + 11
    assert rings.sums(np.array([1]), np.array([3]))[0] == 11


def test_series_without_a_ring_are_told() -> None:
    windows = Windows(np.array([0, KEEP_US, 0]))
    assert windows.kept(np.array([0, 1, 2])).tolist() == [False, True, False]


def test_a_corrected_value_counts_in_every_window_that_has_it() -> None:
    windows = Windows(np.array([0, KEEP_US]))
    windows.advance(windows.write(np.ones(4, "i4"), np.array([1, 2, 3, 4]) * SECOND_US, np.array([1.0, 2.0, 3.0, 4.0])))
    windows.correct(1, 2 * SECOND_US, 20.5)
    windows.correct(1, 2 * SECOND_US + 1, 99.0)  # there is none of that time
    rings = windows.of(np.ones(1, "i4"))
    for low, high, expected in ((0, 4, 28.5), (1, 3, 23.5), (0, 2, 21.5), (2, 4, 7.0)):
        assert rings.sums(np.array([low]), np.array([high]))[0] == expected
    windows.advance(windows.write(np.ones(1, "i4"), np.array([5 * SECOND_US]), np.array([5.0])))
    assert windows.of(np.ones(1, "i4")).sums(np.array([0]), np.array([5]))[0] == 33.5
