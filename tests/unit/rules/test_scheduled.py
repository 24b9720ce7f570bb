"""Instants of a schedule, subjects of rows, and what in a query is its parameter."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.catalogue.model import Text
from rules.model import DAY_US, HOUR_US, Query, Rule, Schedule
from rules.scheduled import LONGEST_SUBJECT, NOW, QueryError, latest, subject_of

CITY = ZoneInfo("Asia/Shanghai")
MINUTE_US = 60_000_000


def us(text: str, zone: ZoneInfo = CITY) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1_000_000


def said(time_us: int, zone: ZoneInfo = CITY) -> str:
    return datetime.fromtimestamp(time_us / 1_000_000, UTC).astimezone(zone).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("every_us", "at_us", "now", "instant"),
    [
        (HOUR_US, 0, "2026-11-20 10:00", "11-20 10:00"),
        (HOUR_US, 20 * MINUTE_US, "2026-11-20 10:19:59", "11-20 09:20"),
        (HOUR_US, 20 * MINUTE_US, "2026-11-20 10:20", "11-20 10:20"),
        (15 * MINUTE_US, 5 * MINUTE_US, "2026-11-20 00:04", "11-19 23:50"),
        (DAY_US, 7 * HOUR_US, "2026-11-20 06:59", "11-19 07:00"),
        (DAY_US, 7 * HOUR_US, "2026-11-20 23:59", "11-20 07:00"),
        (DAY_US, 0, "2026-11-20 00:00", "11-20 00:00"),
    ],
)
def test_the_newest_instant_goes_by_the_citys_clock(every_us: int, at_us: int, now: str, instant: str) -> None:
    assert said(latest(Schedule(every_us, at_us), us(now), CITY)) == instant


@given(
    st.integers(0, 2 * 10**15), st.sampled_from([MINUTE_US, 15 * MINUTE_US, HOUR_US, DAY_US]), st.integers(0, DAY_US)
)
def test_the_newest_instant_is_never_ahead_and_less_than_one_interval_back(now: int, every: int, offset: int) -> None:
    schedule = Schedule(every, offset % every)
    instant = latest(schedule, now, CITY)
    assert 0 <= now - instant < every
    assert latest(schedule, instant, CITY) == instant
    assert latest(schedule, instant + every, CITY) == instant + every


def rule(subject: str = "device") -> Rule:
    source = Query("SELECT 1", Schedule(HOUR_US), {})
    return Rule("water.q", Text("试", "Trial"), source, (), subject=subject)  # type: ignore[arg-type]


def test_a_row_names_its_subject_by_kind_or_as_subject() -> None:
    assert subject_of(rule(), {"device": "d", "subject": "s"}) == "d"
    assert subject_of(rule(), {"device": None, "subject": "s"}) == "s"
    assert subject_of(rule("text"), {"subject": 7}) == "7"


@pytest.mark.parametrize("line", [{}, {"device": None}, {"site": "s"}, {"device": "x" * (LONGEST_SUBJECT + 1)}])
def test_a_row_without_a_fit_subject_fails(line: dict[str, object]) -> None:
    with pytest.raises(QueryError):
        subject_of(rule(), line)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("hour < :now", 1),
        ("a BETWEEN :now AND :now", 2),
        ("x::now", 0),
        (":nowhere", 0),
        ("'at :now'", 0),
        ("'it''s :now' || :now", 1),
        ('":now"', 0),
        ("-- :now\n:now", 1),
        ("/* :now\n:now */ :now", 1),
    ],
)
def test_what_stands_in_texts_names_and_comments_is_no_parameter(text: str, parameters: int) -> None:
    assert sum(found[1] is not None for found in NOW.finditer(text)) == parameters
