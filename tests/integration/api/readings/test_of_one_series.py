"""The readings of one series over HTTP, against those that are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from citybrain.quality import Flag
from tests.integration.api.readings.week import (
    DAYS,
    FIRST,
    LEVEL,
    NOW,
    PM25,
    PRESSURE,
    ZONE,
    Stored,
    buckets,
    good,
    span,
    told,
)


def test_the_store_has_late_and_doubtful_readings(stored: Stored) -> None:
    qualities = stored.readings["quality"].to_list()

    assert any(quality & Flag.LATE for quality in qualities)
    assert any(quality & Flag.OUT_OF_RANGE for quality in qualities)


@pytest.mark.parametrize("quality", ["good", "all"])
def test_raw_readings_are_those_stored(stored: Stored, quality: str) -> None:
    start, end = NOW - timedelta(hours=24), NOW - timedelta(hours=3)
    expected = stored.of(PRESSURE).filter(pl.col("time").is_between(start, end, closed="left"))
    document = stored.json(
        f"series/{stored.series[PRESSURE]}/readings",
        resolution="raw",
        quality=quality,
        points=10_000,
        **span(start, end),
    )

    wanted = expected if quality == "all" else good(expected)
    assert [(item["time"], item["value"]) for item in document["items"]] == [
        (time.isoformat().replace("+00:00", "Z"), value) for time, value in wanted.select("time", "value").rows()
    ]
    assert (document["resolution"], document["step_s"], document["next"]) == ("raw", None, None)
    flags = [item["quality"] for item in document["items"]]
    assert ["late"] in flags
    assert any("out_of_range" in one for one in flags) == (quality == "all")


@pytest.mark.parametrize("name", [PRESSURE, LEVEL, PM25])
def test_hours_are_what_their_readings_say_late_and_open_ones_included(stored: Stored, name: str) -> None:
    start = FIRST.replace(minute=0) + timedelta(hours=1)
    document = stored.json(
        f"series/{stored.series[name]}/readings", resolution="hour", **span(start, NOW + timedelta(hours=1))
    )

    expected = buckets(stored.of(name).filter(pl.col("time") >= start), "1h")
    assert told(document).keys() == expected.keys()
    for time, values in told(document).items():
        assert values == pytest.approx(expected[time], rel=1e-12)
    assert stored.of(name)["time"].max() >= max(told(document)), "the open hour is there"


def test_days_are_those_of_the_city(stored: Stored) -> None:
    start = (NOW - timedelta(days=5)).astimezone(ZONE).replace(hour=0, minute=0).astimezone(UTC)
    document = stored.json(f"series/{stored.series[PRESSURE]}/readings", resolution="day", **span(start, NOW))

    expected = buckets(stored.of(PRESSURE).filter(pl.col("time") >= start), "1d", "Asia/Shanghai")
    assert told(document).keys() == expected.keys()
    assert all(time.astimezone(ZONE).hour == 0 for time in told(document))
    for time, values in told(document).items():
        assert values == pytest.approx(expected[time], rel=1e-12)


@pytest.mark.parametrize("points", [10, 100, 500, 1500, 10_000])
@pytest.mark.parametrize("days", [0.1, 1, 7, 3000])
def test_never_more_points_than_asked_for(stored: Stored, days: float, points: int) -> None:
    document = stored.json(
        f"series/{stored.series[PRESSURE]}/readings", points=points, **span(NOW - timedelta(days=days), NOW)
    )

    assert 0 < len(document["items"]) <= points
    assert document["next"] is None
    if document["resolution"] == "bucket":
        every = f"{document['step_s']}s"
        readings = stored.of(PRESSURE).filter(pl.col("time") >= datetime.fromisoformat(document["from"]))
        expected = buckets(readings.filter(pl.col("time") < NOW), every)
        for time, values in told(document).items():
            assert values == pytest.approx(expected[time], rel=1e-9)


def test_readings_of_long_ago_leave_hours(stored: Stored) -> None:
    """What the rollups of a span say over wide steps adds up to what its readings say."""
    document = stored.json(
        f"series/{stored.series[PRESSURE]}/readings", points=20, **span(NOW - timedelta(days=400), NOW)
    )

    assert document["resolution"] == "day"
    assert sum(item["n"] for item in document["items"]) == len(
        good(stored.of(PRESSURE)).filter(pl.col("time") < NOW.replace(minute=0) + timedelta(hours=1))
    )


def test_a_cursor_goes_through_all_readings_and_gives_each_once(stored: Stored) -> None:
    path, query = f"series/{stored.series[PRESSURE]}/readings", {"resolution": "raw", "quality": "all", "points": 1000}
    found: list[str] = []
    document = stored.json(path, **query, **span(FIRST, NOW))
    while True:
        found += [item["time"] for item in document["items"]]
        if document["next"] is None:
            break
        document = stored.json(path, **query, cursor=document["next"])
    assert len(found) == len(set(found)) == DAYS * 1440
    assert found == sorted(found)


def test_hours_without_a_good_reading_are_told_if_all_are_wanted(stored: Stored) -> None:
    path = f"series/{stored.series[PM25]}/readings"
    every = stored.json(path, resolution="hour", quality="all", **span(FIRST, NOW))["items"]
    only_good = stored.json(path, resolution="hour", **span(FIRST, NOW))["items"]

    doubtful = [item for item in every if item["n"] == 0]
    assert all(item["mean"] is None and item["n_doubtful"] == 1 for item in doubtful)
    assert len(every) == len(only_good) + len(doubtful)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"from": "2026-01-01T00:00:00"}, 422),
        ({"from": "1767225600"}, 422),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, 422),
        ({"from": "9999-01-01T00:00:00Z"}, 422),
        ({"to": "0001-01-01T00:00:00+14:00"}, 200),
        ({"from": "0001-01-01T00:00:00+08:00", "to": "9999-12-31T23:59:59-08:00"}, 200),
        ({"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z", "resolution": "hour"}, 200),
        ({"points": "10001"}, 422),
        ({"points": "9"}, 422),
        ({"cursor": "WzFd"}, 400),
        ({"cursor": "é"}, 400),
        ({"resolution": "minute"}, 422),
    ],
)
def test_strange_questions(stored: Stored, query: dict[str, str], status: int) -> None:
    assert stored.get(f"series/{stored.series[PRESSURE]}/readings", **query).status_code == status
