from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulators import chance
from simulators.devices import episodes
from simulators.model import DAY, HOUR, MINUTE, Span

times = st.integers(0, 50)
given_times = st.lists(st.tuples(st.integers(0, 3), times, times.map(lambda n: n + 1), st.integers(0, 9)))


@given(given_times, st.lists(st.tuples(st.integers(0, 3), times), min_size=1))
def test_an_episode_covers_what_lies_in_one(raw: list[tuple[int, int, int, int]], asked: list[tuple[int, int]]) -> None:
    made = [(device, start, start + length, kind) for device, start, length, kind in raw]
    found = episodes.given(made)
    device, at = np.array(asked).T
    covering = found.covering(device, at)
    for (who, when), position in zip(asked, covering, strict=True):
        assert (position >= 0) == any(d == who and s <= when < e for d, s, e, _ in made)
        if position >= 0:
            assert found.device[position] == who
            assert found.start[position] <= when < found.end[position]


@given(given_times, given_times)
def test_what_overlaps_others_is_left_out(
    raw: list[tuple[int, int, int, int]], others: list[tuple[int, int, int, int]]
) -> None:
    some = episodes.given((d, s, s + n, k) for d, s, n, k in raw)
    away = episodes.given((d, s, s + n, k) for d, s, n, k in others)
    left = some.without(away)
    expected = [
        (d, s)
        for d, s, e in zip(some.device, some.start, some.end, strict=True)
        if not any(d == o and s < oe and os < e for o, os, oe in zip(away.device, away.start, away.end, strict=True))
    ]
    assert list(zip(left.device, left.start, strict=True)) == expected


def test_chance_keeps_its_rate_and_its_length() -> None:
    keys = np.array([chance.key("test", number) for number in range(2000)], np.uint64)
    found = episodes.by_chance(keys, 0.25, 10 * MINUTE, Span(100 * DAY, 110 * DAY))
    assert abs(len(found) / 20_000 - 0.25) < 0.01
    assert abs(np.mean(found.end - found.start) / (10 * MINUTE) - 1) < 0.05
    assert ((found.end - 1) // DAY == found.start // DAY).all()
    assert (np.bincount(found.start % DAY // (6 * HOUR)) > 1000).all()


def test_no_rate_no_episodes() -> None:
    assert len(episodes.by_chance(np.array([chance.key("one")]), 0.0, 1.0, Span(0, DAY))) == 0
