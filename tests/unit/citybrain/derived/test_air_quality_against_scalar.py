"""HJ 633 once more, one value at a time in exact arithmetic, written from the tables, against the vectorised one."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.derived import air_quality

Hours = Mapping[datetime, Mapping[str, Decimal | None]]  # One station: start of the hour -> hourly means.

GASES = "so2", "no2", "co", "o3"
ORDER = "pm25", "pm10", "so2", "no2", "co", "o3"

# (IAQI, PM2.5 24h, PM10 24h, SO2 24h, NO2 24h, CO 24h, O3 8h, SO2 1h, NO2 1h, CO 1h, O3 1h); None: no node.
ROWS = [
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    (50, 35, 50, 50, 40, 2, 100, 150, 100, 5, 160),
    (100, 60, 120, 150, 80, 4, 160, 500, 200, 10, 200),
    (150, 115, 250, 475, 180, 14, 215, 650, 700, 35, 300),
    (200, 150, 350, 800, 280, 24, 265, 800, 1200, 60, 400),
    (300, 250, 420, 1600, 565, 36, 800, None, 2340, 90, 800),
    (400, 350, 500, 2100, 750, 48, None, None, 3090, 120, 1000),
    (500, 500, 600, 2620, 940, 60, None, None, 3840, 150, 1200),
]
COLUMNS = ["pm25_24h", "pm10_24h", "so2_24h", "no2_24h", "co_24h", "o3_8h", "so2_1h", "no2_1h", "co_1h", "o3_1h"]


def iaqi(column: str, mean: Fraction, on: date) -> int | None:
    place = COLUMNS.index(column) + 1
    c = max(round(mean, 1 if column.startswith("co") else 0), Fraction(0))  # Fractions round half to even.
    nodes = []
    for row in ROWS:
        node = row[place]
        if node is None:
            continue
        if on < date(2026, 3, 1) and row[0] == 100:
            node = {"pm25_24h": 75, "pm10_24h": 150}.get(column, node)
        nodes.append((row[0], node))
    for (low_index, low), (high_index, high) in pairwise(nodes):
        if low <= c <= high:
            return math.ceil((high_index - low_index) * (c - low) / (high - low) + low_index)
    if column in ("so2_1h", "o3_8h"):
        return {"so2_1h": 200, "o3_8h": 300}[column] if on >= date(2026, 3, 1) else None
    return 500


def mean(values: Iterable[Decimal | None], least: int) -> Fraction | None:
    valid = [Fraction(v) for v in values if v is not None]
    return sum(valid) / Fraction(len(valid)) if len(valid) >= least else None


def report(indices: Mapping[str, int | None]) -> dict[str, int]:
    known = {p: i for p, i in indices.items() if i is not None}
    if not known:
        return {}
    aqi = max(known.values())
    if len(known) < 6 and aqi <= 100:
        return {}
    category = next((n for n, top in enumerate((50, 100, 150, 200, 300), 1) if aqi <= top), 6)
    primary = sum(2 ** ORDER.index(p) for p, i in known.items() if i == aqi) if aqi > 50 else 0
    return {"aqi": aqi, "aqi_category": category, "primary_pollutant": primary}


def hourly(hours: Hours, zone: ZoneInfo) -> dict[tuple[datetime, str], Fraction | int]:
    found: dict[tuple[datetime, str], Fraction | int] = {}
    for hour, now in hours.items():
        on = hour.astimezone(zone).date()

        def before(pollutant: str, count: int, hour: datetime = hour) -> list[Decimal | None]:
            return [hours.get(hour - timedelta(hours=n), {}).get(pollutant) for n in range(count)]

        running = {f"{p}_24h": mean(before(p, 24), 20) for p in ("pm25", "pm10", "so2", "no2", "co")}
        running["o3_8h"] = mean(before("o3", 8), 6)
        indices: dict[str, int | None] = {}
        for p in ORDER:
            value = now[p]
            indices[p] = None
            if value is not None:
                indices[p] = iaqi(f"{p}_{'1h' if p in GASES else '24h'}", Fraction(value), on)
                if p == "so2" and indices[p] is None and (day := running["so2_24h"]) is not None:
                    indices[p] = iaqi("so2_24h", day, on)
        for metric, value in running.items():
            if value is not None:
                found[hour, metric] = value
        for p, index in indices.items():
            if index is not None:
                found[hour, f"iaqi_{p}"] = index
        for metric, result in report(indices).items():
            found[hour, metric] = result
    return found


def daily(hours: Hours, zone: ZoneInfo) -> dict[tuple[datetime, str], Fraction | int]:
    found: dict[tuple[datetime, str], Fraction | int] = {}
    for on in sorted({hour.astimezone(zone).date() for hour in hours}):
        start = datetime(on.year, on.month, on.day, tzinfo=zone).astimezone(ZoneInfo("UTC"))

        def of(pollutant: str, first: int, last: int, start: datetime = start) -> list[Decimal | None]:
            """From hour `first` up to and without hour `last` of the day."""
            return [hours.get(start + timedelta(hours=n), {}).get(pollutant) for n in range(first, last)]

        means = {p: mean(of(p, 0, 24), 20) for p in ("pm25", "pm10", "so2", "no2", "co")}
        windows = [mean(of("o3", end - 8, end), 6) for end in range(8, 25)]
        valid = [w for w in windows if w is not None]
        means["o3"] = max(valid, default=None)
        if len(valid) < 14 and not (on >= date(2026, 3, 1) and valid and max(valid) > 160):
            means["o3"] = None
        indices: dict[str, int | None] = {}
        for p, value in means.items():
            indices[p] = None
            if value is not None:
                found[start, "o3_8h_day" if p == "o3" else f"{p}_day"] = value
                indices[p] = iaqi("o3_8h" if p == "o3" else f"{p}_24h", value, on)
                if p == "o3" and indices[p] is None:
                    highest = max(Fraction(v) for v in of("o3", 0, 24) if v is not None)
                    indices[p] = iaqi("o3_1h", highest, on)
        for metric, result in report(indices).items():
            found[start, f"{metric}_day"] = result
    return found


def history(seed: int, missing: float, level: float) -> dict[datetime, dict[str, Decimal | None]]:
    """Two and a half days around the change of the tables, with gaps, half values and concentrations of all sizes."""
    chance = random.Random(seed)
    largest = {"pm25": 600, "pm10": 700, "so2": 1500, "no2": 4000, "co": 160, "o3": 1300}
    start = datetime(2026, 2, 27, 20, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(ZoneInfo("UTC"))
    hours = {}
    for n in range(60):
        if chance.random() >= missing / 2:
            hours[start + timedelta(hours=n)] = {
                p: None if chance.random() < missing else Decimal(chance.randint(0, int(20 * top * level))) / 20
                for p, top in largest.items()
            }
    return hours


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    missing=st.sampled_from([0.0, 0.04, 0.15, 0.4]),
    level=st.sampled_from([0.02, 0.1, 0.4, 1.0]),
)
def test_the_vectorised_calculation_gives_the_same(seed: int, missing: float, level: float) -> None:
    hours = history(seed, missing, level)
    zone = ZoneInfo("Asia/Shanghai")
    schema = {"station": pl.Int32, "time": pl.Int64} | dict.fromkeys(ORDER, pl.Float64)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    rows = [
        (1, (time - epoch) // timedelta(microseconds=1), *(None if v is None else float(v) for v in values.values()))
        for time, values in hours.items()
    ]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    for vectorised, scalar in (air_quality.hourly, hourly), (air_quality.daily, daily):
        found = {
            (epoch + timedelta(microseconds=time), metric): value
            for time, metric, value in vectorised(frame, zone.key).drop("station").iter_rows()
        }
        expected = scalar(hours, zone)
        assert found.keys() == expected.keys()
        assert found == pytest.approx({key: float(value) for key, value in expected.items()}, abs=1e-6)
