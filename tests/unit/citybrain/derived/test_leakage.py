"""Leakage rate from volumes of days."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.derived.leakage import daily

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 1, 1, tzinfo=ZONE)


def us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def rates(volumes: list[tuple[float | None, float | None]]) -> dict[int, float]:
    rows = [(7, us(START + timedelta(days=n)), *pair) for n, pair in enumerate(volumes)]
    schema = {"station": pl.Int32, "time": pl.Int64, "supply_volume": pl.Float64, "billed_volume": pl.Float64}
    found = daily(pl.DataFrame(rows, schema=schema, orient="row"), ZONE.key)
    assert set(found["metric"]) <= {"leakage_rate"}
    days = {us(START + timedelta(days=n)): n for n in range(len(volumes))}
    return {days[time]: value for time, value in found.select("time", "value").iter_rows()}


def test_supply_less_sales_over_supply() -> None:
    found = rates([(1000.0, 880.0)] * 28)
    assert set(found) == {27}  # four weeks are needed
    assert found[27] == pytest.approx(12.0)


def test_a_day_without_both_volumes_does_not_count() -> None:
    found = rates([(1000.0, 900.0)] * 28 + [(1000.0, None), (None, 900.0), (1000.0, 900.0)])
    assert set(found) == {27, 30}
    assert found[30] == pytest.approx(10.0)


def test_a_year_back_is_forgotten() -> None:
    found = rates([(1000.0, 0.0)] + [(1000.0, 900.0)] * 365)
    assert found[364] == pytest.approx(100 - 364 * 90 / 365)
    assert found[365] == pytest.approx(10.0)


def test_no_supply_has_no_rate() -> None:
    assert rates([(0.0, 0.0)] * 40) == {}


@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 1)), min_size=28, max_size=60), st.floats(0.001, 1000))
def test_the_rate_is_a_share(days: list[tuple[float, float]], factor: float) -> None:
    found = rates([(supply, supply * billed) for supply, billed in days])
    assert all(-1e-9 <= value <= 100 + 1e-9 for value in found.values())
    scaled = rates([(supply * factor, supply * billed * factor) for supply, billed in days])
    assert scaled == pytest.approx(found, rel=1e-9, abs=1e-6)
