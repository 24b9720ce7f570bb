"""A week of readings as they are stored, and what the API shall tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import polars as pl

from citybrain.quality import DOUBTFUL

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
DAYS = 7
FIRST = NOW - timedelta(days=DAYS)

PRESSURE, LEVEL, FLOW, PM25 = (
    "150821/water/gauge-1/pressure",
    "150802/water/gauge-2/pressure",
    "150802/water/gauge-2/flow",
    "150802/air/air-dongsi/pm25",
)
FORMULA = "150802/water/=2+3/flow"


@dataclass
class Stored:
    """What is in the store: `series` by name, `readings` with series, time, value and quality."""

    url: str
    client: httpx.Client
    series: dict[str, int]
    readings: pl.DataFrame

    def get(
        self, path: str, token: str | None = None, accept: str = "application/json", **query: Any
    ) -> httpx.Response:
        headers = {"Accept": accept} | ({"Authorization": f"Bearer {token}"} if token else {})
        return self.client.get(f"/api/v1/{path}", params=query, headers=headers)

    def json(self, path: str, **query: Any) -> dict[str, Any]:
        response = self.get(path, **query)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def of(self, name: str) -> pl.DataFrame:
        return self.readings.filter(pl.col("series") == self.series[name]).sort("time")


def good(readings: pl.DataFrame) -> pl.DataFrame:
    return readings.filter(pl.col("quality") & int(DOUBTFUL) == 0)


def span(start: datetime, end: datetime) -> dict[str, str]:
    return {"from": start.isoformat(), "to": end.isoformat()}


def buckets(readings: pl.DataFrame, every: str, zone: str = "UTC") -> dict[datetime, tuple[float, float, float, int]]:
    """Computed from the readings themselves."""
    local = good(readings).with_columns(time=pl.col("time").dt.convert_time_zone(zone).dt.truncate(every))
    grouped = local.group_by("time").agg(
        mean=pl.col("value").mean(), low=pl.col("value").min(), high=pl.col("value").max(), n=pl.len()
    )
    return {time.astimezone(UTC): tuple(rest) for time, *rest in grouped.rows()}  # type: ignore[misc]


def told(document: dict[str, Any]) -> dict[datetime, tuple[float, float, float, int]]:
    return {
        datetime.fromisoformat(item["time"]): (item["mean"], item["low"], item["high"], item["n"])
        for item in document["items"]
    }
