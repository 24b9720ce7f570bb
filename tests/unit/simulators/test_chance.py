from __future__ import annotations

import numpy as np
import pytest

from simulators import chance
from simulators.model import MINUTE

TIMES = np.arange(100_000, dtype=np.int64) * 5 * MINUTE + 1_768_000_000_000_000


def test_normal_numbers_have_mean_0_and_deviation_1_and_end_at_6() -> None:
    found = chance.normal(np.array(chance.key(1, "a")), TIMES)
    # Four standard errors of the mean and of the deviation of so many numbers.
    assert abs(found.mean()) < 4 / np.sqrt(len(found))
    assert abs(found.std() - 1) < 4 / np.sqrt(2 * len(found))
    assert np.abs(found).max() <= 6
    assert np.mean(np.abs(found) < 1) == pytest.approx(0.683, abs=0.01)


def test_uniform_numbers_fill_their_interval_evenly() -> None:
    found = chance.uniform(np.array(chance.key(1, "a")), TIMES)
    assert found.min() >= 0
    assert found.max() < 1
    counts, _ = np.histogram(found, 10, (0, 1))
    assert np.all(np.abs(counts - 10_000) < 4 * np.sqrt(10_000))


@pytest.mark.parametrize("draw", [chance.uniform, chance.normal])
def test_numbers_of_other_keys_and_of_neighbouring_instants_are_independent(draw: object) -> None:
    assert callable(draw)
    first, second = (draw(np.array(chance.key(1, name)), TIMES) for name in "ab")
    limit = 4 / np.sqrt(len(TIMES))
    assert abs(np.corrcoef(first, second)[0, 1]) < limit
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < limit


@pytest.mark.parametrize("draw", [chance.uniform, chance.normal])
def test_numbers_do_not_depend_on_how_they_are_asked_for(draw: object) -> None:
    assert callable(draw)
    keys = np.array([chance.key(7, n) for n in range(5)])
    times = TIMES[:200]
    whole = draw(keys[:, None], times)
    pieces = np.hstack([draw(keys[:, None], part) for part in np.split(times, [1, 50, 51])])
    assert np.array_equal(whole, pieces)
    assert whole[3, 17] == draw(keys[3:4], times[17:18])[0]


def test_a_key_is_of_names_that_are_kept_apart() -> None:
    assert chance.key(1, "ab", "c") == chance.key(1, "ab", "c")
    assert (
        len({chance.key(1, "ab", "c"), chance.key(1, "a", "bc"), chance.key(1, "abc"), chance.key(2, "ab", "c")}) == 4
    )
