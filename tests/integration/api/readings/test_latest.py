"""The newest reading of each series."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from citybrain.quality import Flag
from tests.integration.api.readings.week import PRESSURE, Stored


def test_latest_values(stored: Stored) -> None:
    items = {item["series"]: item for item in stored.json("latest", region="150800")["items"]}

    assert items.keys() == set(stored.series.values())
    for id, item in items.items():
        newest = stored.readings.filter(pl.col("series") == id).sort("time").row(-1, named=True)
        in_order = stored.readings.filter((pl.col("series") == id) & (pl.col("quality") & int(Flag.LATE) == 0))
        assert datetime.fromisoformat(item["time"]) in (newest["time"], in_order.sort("time")["time"][-1])
        assert item["age_s"] >= 0
    assert items[stored.series[PRESSURE]]["unit"] == "MPa"


def test_latest_goes_on_where_a_page_ended(stored: Stored) -> None:
    first = stored.json("latest", limit=3)
    second = stored.json("latest", limit=3, cursor=first["next"])

    assert [item["series"] for item in first["items"] + second["items"]] == sorted(stored.series.values())
    assert second["next"] is None
