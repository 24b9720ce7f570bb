from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.views.status import hourly, states
from citybrain.store.boards import Point

NOW = datetime(2026, 11, 21, 2, 25, tzinfo=UTC)
HOUR = datetime(2026, 11, 21, 2, tzinfo=UTC)


def test_the_present_hour_is_the_last_of_24() -> None:
    values = hourly([Point(HOUR - timedelta(hours=23), 1.0), Point(HOUR, 2.0)], NOW)

    assert values == [1.0, *[None] * 22, 2.0]


def test_hours_outside_the_day_are_left_out() -> None:
    assert hourly([Point(HOUR - timedelta(hours=24), 1.0), Point(HOUR + timedelta(hours=1), 2.0)], NOW) == [None] * 24


@pytest.mark.parametrize(
    ("kind", "value", "names"),
    [
        ("state", 2.0, ["open"]),
        ("state", 9.0, []),
        ("flags", 5.0, ["closed", "moving"]),
        ("flags", 0.0, []),
        ("number", 1.0, []),
        ("boolean", 1.0, []),
    ],
)
def test_the_names_that_a_value_stands_for(kind: str, value: float, names: list[str]) -> None:
    assert states(kind, {"closed": 1, "open": 2, "moving": 4}, value) == names
