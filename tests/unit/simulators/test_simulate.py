"""How the past is cut into parts."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from simulators.model import DAY, HOUR, MINUTE, SECOND
from simulators.simulate import _past, _quiet

START = 1_767_225_600_000_000  # 2026-01-01T00:00Z in us


@pytest.mark.parametrize("longest", [HOUR, 5 * HOUR, 6 * HOUR])
@pytest.mark.parametrize("begin", [START, START + 17 * MINUTE, START + 8 * HOUR + 5 * SECOND])
def test_quiet_days_go_in_whole_messages_up_to_the_last_minute(begin: int, longest: int) -> None:
    until = START + 2 * DAY + 3 * HOUR + 7 * MINUTE + 30 * SECOND
    parts, at = [], begin
    while step := _quiet(at, until, longest):
        assert at < step[0] <= until
        # Each device's period is over with the part, so that nothing is kept back but what is late.
        assert step[0] % (step[1] // timedelta(microseconds=1)) == 0
        at = step[0]
        parts.append(step[1])

    assert at == START + 2 * DAY + 3 * HOUR + 7 * MINUTE
    assert len(parts) <= 2 * DAY // longest + 1 + longest // HOUR + 60
    assert all(later <= earlier for earlier, later in pairwise(parts))


def test_the_past_goes_in_long_parts_then_in_minutes() -> None:
    until = START + 8 * HOUR + 3 * MINUTE + SECOND
    ends, at = [], START + 30 * MINUTE
    while (end := _past(at, until, 6 * HOUR)) is not None:
        ends.append(end)
        at = end

    assert ends == [START + 6 * HOUR, START + 8 * HOUR, START + 8 * HOUR + 3 * MINUTE]
