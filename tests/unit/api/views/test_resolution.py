"""The choice of a step: never more points than were asked for, and no coarser than it must be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.views.resolution import EARLIEST, LATEST, Step, clamp, finest, touched

SPANS = st.timedeltas(min_value=timedelta(microseconds=1), max_value=LATEST - EARLIEST)
POINTS = st.integers(10, 10_000)
ZONES = st.sampled_from(["Asia/Shanghai", "Asia/Kolkata", "Europe/Berlin"]).map(ZoneInfo)


def bucket(time: datetime, step: Step, zone: ZoneInfo) -> int:
    """The number of the bucket that a time is in, as `time_bucket` of the database counts them."""
    assert step.seconds is not None
    if step.in_zone:
        time = time.astimezone(zone).replace(tzinfo=UTC)
    return int((time - datetime(2000, 1, 3, tzinfo=UTC)).total_seconds() // step.seconds)


@given(start=st.datetimes(datetime(2000, 1, 2), datetime(2099, 1, 1)), span=SPANS, points=POINTS, zone=ZONES)
def test_no_span_touches_more_buckets_than_points(
    start: datetime, span: timedelta, points: int, zone: ZoneInfo
) -> None:
    begin = start.replace(tzinfo=UTC)
    end = min(begin + span, LATEST - timedelta(days=1))
    step = finest(span, points, of_readings=True)

    last = max(begin, end - timedelta(microseconds=1))  # `end` itself is not in the span
    assert bucket(last, step, zone) - bucket(begin, step, zone) + 1 <= touched(span, step) <= points


@given(span=SPANS, points=POINTS, of_readings=st.booleans())
def test_the_next_finer_step_would_be_too_many(span: timedelta, points: int, *, of_readings: bool) -> None:
    step = finest(span, points, of_readings=of_readings)

    assert of_readings or step.resolution in ("hour", "day")
    assert step.seconds is not None
    if step.seconds > (1 if of_readings else 3600):
        # Neighbours are at most two and a half times as wide.
        assert touched(span, Step(step.seconds)) * 2.6 + 3 > points or step.seconds % 86_400 == 0


@pytest.mark.parametrize(
    ("span", "of_readings", "step"),
    [
        (timedelta(hours=24), True, Step(60)),
        (timedelta(days=30), True, Step(1800)),
        (timedelta(days=30), False, Step(3600)),
        (timedelta(days=365), True, Step(6 * 3600)),
        (timedelta(days=36_525), True, Step(25 * 86_400)),
    ],
)
def test_at_the_usual_width_of_a_chart(span: timedelta, *, of_readings: bool, step: Step) -> None:
    assert finest(span, 1500, of_readings=of_readings) == step


def test_what_a_step_is_called() -> None:
    assert [Step(seconds).resolution for seconds in (None, 1, 1800, 3600, 43_200, 86_400, 864_000)] == [
        "raw",
        "bucket",
        "bucket",
        "hour",
        "hour",
        "day",
        "day",
    ]


def test_times_that_no_reading_has() -> None:
    assert clamp(datetime.min.replace(tzinfo=UTC)) == EARLIEST
    assert clamp(datetime.max.replace(tzinfo=ZoneInfo("America/Los_Angeles"))) == LATEST
    assert clamp(datetime(2026, 1, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai"))) == datetime(2026, 1, 1, tzinfo=UTC)
