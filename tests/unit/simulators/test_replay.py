from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import polars as pl
import pytest

from simulators import recording, replay
from simulators.replay import ReplayOptions

SAMPLE = sorted((Path(recording.__file__).parent / "sample").glob("*.csv"))
HOUR = 3_600_000_000  # us


@pytest.fixture(scope="module")
def readings() -> pl.DataFrame:
    return recording.read(SAMPLE)


def carried(batch: pl.DataFrame) -> list[tuple[str, int, str, float]]:
    """Every reading in the payloads: topic, time (us), metric, value."""
    found = []
    for topic, payload, count in batch.select("topic", "payload", "readings").iter_rows():
        decoded = json.loads(payload)
        records = decoded if isinstance(decoded, list) else [decoded]
        here = [(topic, r["time"], metric, value) for r in records for metric, value in r["values"].items()]
        assert len(here) == count
        found += here
    return [(topic, 1000 * time if isinstance(time, int) else iso(time), m, v) for topic, time, m, v in found]


def iso(text: str) -> int:
    time = datetime.fromisoformat(text)
    assert time.utcoffset() == timedelta(hours=8)
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def expected(readings: pl.DataFrame) -> set[tuple[str, int, str, float]]:
    long = readings.unpivot(index=["station", "time"]).drop_nulls("value")
    return {
        (f"city/150802/air/air-{station.lower()}/reading", time, metric, value)
        for station, time, metric, value in long.iter_rows()
    }


@pytest.mark.parametrize(
    "options",
    [
        ReplayOptions(),
        ReplayOptions(iso=True),
        ReplayOptions(single=True),
        ReplayOptions(hours_per_message=24),
        ReplayOptions(hours_per_message=1000),
        ReplayOptions(single=True, hours_per_message=7, iso=True),
    ],
    ids=str,
)
def test_every_reading_is_carried_once_and_unchanged(readings: pl.DataFrame, options: ReplayOptions) -> None:
    batch = replay.messages(readings, options)
    found = carried(batch)
    assert len(found) == len(set(found))
    assert set(found) == expected(readings)
    assert batch["due"].is_sorted()


def test_a_message_has_an_hour_of_a_station(readings: pl.DataFrame) -> None:
    first = replay.messages(readings, ReplayOptions(region="150100", domain="luft")).row(0, named=True)
    assert first["topic"] == "city/150100/luft/luft-aotizhongxin/reading"
    assert json.loads(first["payload"]) == {
        "time": 1_480_521_600_000,
        "values": {"pm25": 10, "pm10": 10, "so2": 6, "no2": 38, "co": 0.4, "o3": 45, "temperature": 3.5,
                   "air_pressure": 1024.1, "dew_point": -8.5, "rain": 0, "wind_speed": 1, "wind_direction": 90},
    }  # fmt: skip


def test_gateway_batches_have_so_many_hours_of_one_station(readings: pl.DataFrame) -> None:
    batch = replay.messages(readings, ReplayOptions(hours_per_message=24))
    assert batch.height == 3 * 61
    for due, payload in batch.select("due", "payload").iter_rows():
        times = [record["time"] for record in json.loads(payload)]
        assert len(times) == 24
        assert times == sorted(times)
        assert 1000 * times[-1] == due


def test_an_hour_without_values_is_no_message() -> None:
    readings = pl.DataFrame({"station": ["A", "A"], "time": [0, HOUR], "pm25": [None, 1.0], "co": [None, None]})
    for options in ReplayOptions(), ReplayOptions(single=True):
        assert replay.messages(readings, options)["payload"].to_list() == ['{"time":3600000,"values":{"pm25":1.0}}']


def test_following_continues_the_cycle_hour_by_hour(readings: pl.DataFrame) -> None:
    now = readings["time"].max() + 1000 * HOUR  # type: ignore[operator]
    first, second, third = islice(replay.laps(readings, ReplayOptions(follow=True), now), 3)
    assert first["time"].max() == now // HOUR * HOUR
    hours = pl.concat([first, second, third])["time"].unique().sort()
    assert hours.diff().drop_nulls().unique().to_list() == [HOUR]
    assert len(hours) == 3 * 61 * 24
    shifted = second.with_columns(pl.col("time") - 61 * 24 * HOUR)
    assert shifted.equals(first)


def test_without_ends_now_the_recording_keeps_its_times(readings: pl.DataFrame) -> None:
    [only] = replay.laps(readings, ReplayOptions(), 10**18)
    assert only.equals(readings)


def test_speed_is_times_real_time(readings: pl.DataFrame) -> None:
    batch = replay.messages(readings, ReplayOptions())
    paced = replay.paced(batch, 3600.0, start=50)
    assert paced["due"].to_list()[:4] == [50, 50, 50, 1_000_050]
    assert paced["due"].max() == 50 + (61 * 24 - 1) * 1_000_000
    assert replay.paced(batch, None, start=50)["due"].unique().to_list() == [50]
