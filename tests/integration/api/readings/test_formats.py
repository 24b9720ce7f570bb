"""Readings as JSON, CSV, Arrow and Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import polars as pl
import pytest

from tests.integration.api.readings.week import LEVEL, NOW, PM25, PRESSURE, Stored, good, span


@pytest.mark.parametrize(
    ("accept", "read"),
    [
        ("application/vnd.apache.arrow.stream", pl.read_ipc_stream),
        ("application/vnd.apache.parquet", pl.read_parquet),
    ],
)
def test_tables_say_what_json_says(stored: Stored, accept: str, read: Callable[[io.BytesIO], pl.DataFrame]) -> None:
    path, query = f"series/{stored.series[LEVEL]}/readings", {"resolution": "raw", **span(NOW - timedelta(days=1), NOW)}
    response = stored.get(path, accept=accept, **query)

    assert response.headers["content-type"] == accept
    assert response.headers["citybrain-resolution"] == "raw"
    table = read(io.BytesIO(response.content))
    items = stored.json(path, **query)["items"]
    assert table["time"].to_list() == [datetime.fromisoformat(item["time"]) for item in items]
    assert table["value"].to_list() == [item["value"] for item in items]
    assert table["quality"].to_list() == [item["quality"] for item in items]


def test_csv_goes_on_by_a_link(stored: Stored) -> None:
    query = {"resolution": "raw", "points": 100, **span(NOW - timedelta(days=1), NOW)}
    response = stored.get(f"series/{stored.series[PRESSURE]}/readings", accept="text/csv", **query)
    lines = 0
    while True:
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        lines += len(list(csv.reader(io.StringIO(response.text, newline="")))) - 1
        if "next" not in response.links:
            break
        response = stored.client.get(response.links["next"]["url"], headers={"Accept": "text/csv"})
    start = NOW - timedelta(days=1)
    assert lines == len(good(stored.of(PRESSURE)).filter(pl.col("time").is_between(start, NOW, closed="left")))


def test_a_device_that_is_called_like_a_formula(stored: Stored) -> None:
    text = stored.get("latest", accept="text/csv", device="=2+3").text
    (row,) = csv.DictReader(io.StringIO(text, newline=""))

    assert row["device"] == "'=2+3"
    assert stored.json("latest", device="=2+3")["items"][0]["device"] == "=2+3"


def test_no_other_format(stored: Stored) -> None:
    for path in ("latest", "readings", f"series/{stored.series[PM25]}/readings"):
        response = stored.get(path, accept="text/html")
        assert response.status_code == 406
        assert response.headers["content-type"] == "application/problem+json"
