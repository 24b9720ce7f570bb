"""The readings of many series, and the means of regions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from citybrain.store.connection import connect
from tests.integration.api.readings.week import (
    DAYS,
    FIRST,
    FLOW,
    FORMULA,
    LEVEL,
    NOW,
    PRESSURE,
    Stored,
    buckets,
    span,
)


def test_pages_of_many_series_begin_in_the_midst_of_one(stored: Stored) -> None:
    query = {"domain": "water", "metric": "pressure", "resolution": "hour", "limit": 50, **span(FIRST, NOW)}
    found = []
    document = stored.json("readings", **query)
    while True:
        assert len(document["items"]) <= 50
        found += [(item["series"], item["time"]) for item in document["items"]]
        if document["next"] is None:
            break
        document = stored.json("readings", **query, cursor=document["next"])
    assert found == sorted(set(found))
    assert {series for series, _ in found} == {stored.series[PRESSURE], stored.series[LEVEL]}
    assert len(found) > 2 * (DAYS * 24 - 2)


@pytest.mark.parametrize(("region", "names"), [("150800", [PRESSURE, LEVEL]), ("150802", [LEVEL])])
def test_the_hourly_mean_of_a_region(stored: Stored, region: str, names: list[str]) -> None:
    start = NOW.replace(minute=0) - timedelta(days=3)
    document = stored.json(
        "readings",
        region=region,
        domain="water",
        metric="pressure",
        aggregate="mean",
        resolution="hour",
        **span(start, NOW),
    )

    readings = pl.concat([stored.of(name) for name in names]).filter(pl.col("time") >= start)
    expected = {time: (mean, n) for time, (mean, _, _, n) in buckets(readings, "1h").items() if time < NOW}
    found = {datetime.fromisoformat(item["time"]): (item["mean"], item["n"]) for item in document["items"]}
    assert found.keys() == expected.keys()
    for time, values in found.items():
        assert values == pytest.approx(expected[time], rel=1e-12)
    assert [set(item) for item in document["items"]] == [{"time", "mean", "n"}] * len(found)


def means(document: dict[str, Any]) -> dict[str, Any]:
    return {item["time"]: (pytest.approx(item["mean"], rel=1e-12), item["n"]) for item in document["items"]}


@pytest.mark.parametrize("quality", ["good", "all"])
@pytest.mark.parametrize("resolution", ["hour", "day", "auto"])
@pytest.mark.parametrize(
    ("region", "metric", "names"),
    [
        ("150800", "pressure", [PRESSURE, LEVEL]),
        (None, "pressure", [PRESSURE, LEVEL]),
        ("150802", "flow", [FLOW, FORMULA]),
        ("150821", "flow", []),
        ("nowhere", "flow", []),
    ],
)
def test_the_mean_of_a_region_is_that_of_its_series(
    stored: Stored, region: str | None, metric: str, names: list[str], resolution: str, quality: str
) -> None:
    query = {"domain": "water", "metric": metric, "aggregate": "mean", "resolution": resolution, "quality": quality}
    query |= span(FIRST, NOW + timedelta(hours=1))
    whole = stored.json("readings", **query, **({"region": region} if region else {}))
    expected = {}
    if names:
        named = stored.json("readings", **query, series=[stored.series[name] for name in names])
        assert (whole["resolution"], whole["step_s"]) == (named["resolution"], named["step_s"])
        expected = means(named)

    assert means(whole) == expected


def test_the_mean_of_a_region_goes_on_where_a_page_ended(stored: Stored) -> None:
    query = {"region": "150800", "domain": "water", "metric": "pressure", "aggregate": "mean"}
    every = stored.json("readings", **query, resolution="hour", **span(FIRST, NOW))["items"]
    page = stored.json("readings", **query, resolution="hour", limit=50, **span(FIRST, NOW))
    found = page["items"]
    while page["next"]:
        page = stored.json("readings", **query, limit=50, cursor=page["next"])
        found += page["items"]
    assert found == every
    raw = stored.json("readings", series=[stored.series[LEVEL]], resolution="raw", limit=10)
    assert stored.get("readings", **query, cursor=raw["next"]).status_code == 422


def test_the_mean_of_a_region_is_of_what_the_caller_sees(stored: Stored, grant: Callable[..., str]) -> None:
    query = {"domain": "water", "metric": "pressure", "aggregate": "mean", "resolution": "hour", **span(FIRST, NOW)}
    one = means(stored.json("readings", **query, series=[stored.series[LEVEL]]))
    both = means(stored.json("readings", **query, series=[stored.series[PRESSURE], stored.series[LEVEL]]))
    neighbour = grant(stored.url, "viewer", ["150802"], ["water"])
    stranger = grant(stored.url, "viewer", ["150100"], ["air"])

    for region in ({}, {"region": "150800"}):
        assert means(stored.json("readings", token=neighbour, **query, **region)) == one
        assert means(stored.json("readings", token=stranger, **query, **region)) == {}
    with connect(stored.url, "writer", "test") as connection:
        connection.execute(
            "insert into dataset_grant "
            "(domain_id, metric, region_id, token_id, reason, granted_at, granted_by, expires_at) "
            "select 'water', 'pressure', region, token, 'test', now(), 'test', now() + interval '1 hour' "
            "from (values (%(first)s, '150821'), (%(second)s, null)) as share (token, region)",
            dict(zip(("first", "second"), newest_tokens(stored.url, 2), strict=True)),
        )
    assert means(stored.json("readings", token=neighbour, **query)) == both
    assert means(stored.json("readings", token=stranger, **query)) == both
    assert means(stored.json("readings", token=neighbour, **query, region="150802")) == one
    assert means(stored.json("readings", token=stranger, **query | {"metric": "flow"})) == {}


def newest_tokens(url: str, number: int) -> list[int]:
    """Ids of the tokens made last, in the order they were made."""
    with connect(url, "writer", "test") as connection:
        found = connection.execute("select id from token order by id desc limit %s", (number,)).fetchall()
    return [id for (id,) in reversed(found)]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"series": [2147483647]}, 404),
        ({"series": [2147483648]}, 422),
        ({"series": [1] * 501}, 422),
        ({"aggregate": "mean"}, 422),
        ({"aggregate": "mean", "domain": "water", "metric": "pressure", "resolution": "raw"}, 422),
        ({"region": "nowhere"}, 200),
        ({"region": "a\0b"}, 422),
    ],
)
def test_strange_questions_about_many(stored: Stored, query: dict[str, Any], status: int) -> None:
    assert stored.get("readings", **query).status_code == status
