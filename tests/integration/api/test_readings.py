"""Catalogue, series and readings over HTTP, against what the product's own writer has stored."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import polars as pl
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from citybrain.quality import DOUBTFUL, Flag
from citybrain.store.connection import connect
from citybrain.store.readings import chunk_span
from citybrain.store.series import SeriesTable
from citybrain.store.state import HOUR_US, SeriesState
from deploy.local.servers import Database
from ingest.batch import SCHEMA, Batch
from ingest.transaction import commit

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
DAYS = 7
FIRST = NOW - timedelta(days=DAYS)

GAUGES = """
insert into device (region_id, domain_id, name, verified, first_seen) values
    ('150821', 'water', 'gauge-1', false, now()),
    ('150802', 'water', 'gauge-2', false, now()),
    ('150802', 'water', '=2+3', false, now());
insert into series (device_id, metric_id)
    select d.id, m.id from device d join metric m on m.domain_id = d.domain_id
    where (d.name, m.name) in (('gauge-1', 'pressure'), ('gauge-2', 'pressure'), ('gauge-2', 'flow'), ('=2+3', 'flow'),
                               ('air-dongsi', 'pm25'))
    order by d.name, m.name;
insert into series_state (series_id) select id from series on conflict do nothing;
"""


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


PRESSURE, LEVEL, FLOW, PM25 = (
    "150821/water/gauge-1/pressure",
    "150802/water/gauge-2/pressure",
    "150802/water/gauge-2/flow",
    "150802/air/air-dongsi/pm25",
)
FORMULA = "150802/water/=2+3/flow"


def rows_of(series: int, device: int, minutes: int, late: bool) -> list[tuple[object, ...]]:
    """Readings until now; of each tenth hour only late ones, some values out of range."""
    made = []
    for minute in range(0, DAYS * 1440, minutes):
        time = int((FIRST + timedelta(minutes=minute)).timestamp()) * 1_000_000
        if (minute // 60 % 10 == 3) != late:
            continue
        value = 99.0 if minute % 97 == 0 else round(0.3 + minute % 37 / 100, 2)
        received = time + 1_000_000 if not late else int(NOW.timestamp()) * 1_000_000
        made.append((series, device, time, value, received, 0))
    return made


@pytest.fixture(scope="module")
def stored(
    database_server: Database, template: str, serve: Callable[[str], AbstractContextManager[Any]]
) -> Iterator[Stored]:
    """A week of readings of two gauges and an air station, some late and some doubtful, and the API over it."""
    name = f"test_readings_{uuid4().hex}"
    with psycopg.connect(database_server.url, autocommit=True) as connection:
        copy = sql.SQL("create database {} template {}")
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    url = f"postgresql://postgres@/{name}?host={conninfo_to_dict(database_server.url)['host']}"
    with connect(url, "writer", "test") as connection:
        connection.execute(GAUGES)
        devices = connection.execute(
            "select d.region_id || '/' || d.domain_id || '/' || d.name || '/' || m.name, s.id, d.id "
            "from series s join device d on d.id = s.device_id join metric m on m.id = s.metric_id"
        ).fetchall()
        table, state, span = SeriesTable.load(connection), SeriesState.load(connection), chunk_span(connection)
        every = {PRESSURE: 1, LEVEL: 5, FLOW: 5, PM25: 60, FORMULA: 60}
        for late in (False, True):
            rows = [row for name, id, device in devices for row in rows_of(id, device, every[name], late)]
            frame = pl.DataFrame(rows, SCHEMA, orient="row").sort("received")
            hours = Counter({(int(NOW.timestamp()) * 1_000_000 // HOUR_US * HOUR_US, 0): len(frame)})
            commit(connection, span, "test", table, state, Batch(frame, received=hours))
        found = connection.execute("select series_id, time, value, quality::int4 from reading").fetchall()
    kept = pl.DataFrame(found, ["series", "time", "value", "quality"], orient="row")
    with serve(url) as api:
        yield Stored(url, api.client, {name: id for name, id, _ in devices}, kept)


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


def test_hours_without_a_good_reading_are_told_if_all_are_wanted(stored: Stored) -> None:
    path = f"series/{stored.series[PM25]}/readings"
    every = stored.json(path, resolution="hour", quality="all", **span(FIRST, NOW))["items"]
    only_good = stored.json(path, resolution="hour", **span(FIRST, NOW))["items"]

    doubtful = [item for item in every if item["n"] == 0]
    assert all(item["mean"] is None and item["n_doubtful"] == 1 for item in doubtful)
    assert len(every) == len(only_good) + len(doubtful)


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


def test_a_scope_hides_what_is_beyond_it(stored: Stored, grant: Callable[..., str]) -> None:
    token = grant(stored.url, "viewer", ["150802"], ["water"])
    seen = {stored.series[name] for name in (LEVEL, FLOW, FORMULA)}

    assert {item["id"] for item in stored.json("series", token=token)["items"]} == seen
    assert {item["series"] for item in stored.json("latest", token=token)["items"]} == seen
    assert {item["series"] for item in stored.json("readings", token=token)["items"]} == seen
    for name in (PRESSURE, PM25):
        id = stored.series[name]
        assert stored.get(f"series/{id}", token).status_code == 404
        assert stored.get(f"series/{id}/readings", token).status_code == 404
        assert stored.get("readings", token, series=[id]).status_code == 404
    of_all = stored.json(f"series/{stored.series[PRESSURE]}/readings", resolution="raw", points=10, **span(FIRST, NOW))
    foreign = stored.get(f"series/{stored.series[LEVEL]}/readings", token, cursor=of_all["next"])
    assert all(item["series"] == stored.series[LEVEL] for item in foreign.json()["items"])
    assert stored.json("sites", token=token)["items"] == []
    assert stored.get("sites/air-linhe-3", token).status_code == 404


def test_a_shared_dataset_is_seen_beyond_the_scope(stored: Stored, grant: Callable[..., str]) -> None:
    token = grant(stored.url, "viewer", ["150100"])
    assert stored.json("series", token=token)["items"] == []
    with connect(stored.url, "writer", "test") as connection:
        connection.execute(
            "insert into dataset_grant "
            "(domain_id, metric, region_id, token_id, reason, granted_at, granted_by, expires_at) "
            "select 'water', 'pressure', '150821', max(id), 'test', now(), 'test', now() + interval '1 hour' from token"
        )
    id = stored.series[PRESSURE]

    assert [item["id"] for item in stored.json("series", token=token)["items"]] == [id]
    assert [item["series"] for item in stored.json("latest", token=token)["items"]] == [id]
    assert stored.json(f"series/{id}/readings", token=token)["items"]
    assert stored.get(f"series/{stored.series[LEVEL]}/readings", token).status_code == 404


def test_the_tree_of_regions_can_be_drawn(stored: Stored, grant: Callable[..., str]) -> None:
    token = grant(stored.url, "viewer", ["150802"])
    regions = {item["id"]: item for item in stored.json("regions", token=token)["items"]}

    assert {id for id, item in regions.items() if item["in_scope"]} == {"150802"}
    assert regions.keys() == {"150000", "150800", "150802"}
    assert stored.get("regions/150800", token).json()["parent"] == "150000"
    assert stored.get("regions/150821", token).status_code == 404
    everything = stored.json("regions", limit=5)
    assert len(everything["items"]) == 5
    assert stored.json("regions", cursor=everything["next"])["items"][0]["id"] > everything["items"][-1]["id"]


def test_domains_and_metrics(stored: Stored) -> None:
    water = stored.json("domains/water")

    assert {"id": "pump_house", "title": {"zh": "泵房", "en": "Pump house"}} in water["site_kinds"]
    (pressure,) = [metric for metric in water["metrics"] if metric["id"] == "pressure"]
    assert (pressure["unit"], pressure["high"], pressure["interval_s"]) == ("MPa", 2.5, 60)
    every = stored.json("metrics", limit=1000)["items"]
    assert {metric["domain"] for metric in every} == {item["id"] for item in stored.json("domains")["items"]}
    states = [state for metric in every for state in metric["states"]]
    assert states
    assert all(state["title"] for state in states)
    assert stored.get("domains/nothing").status_code == 404


def test_sites(stored: Stored) -> None:
    every = stored.json("sites")["items"]

    assert {site["id"] for site in stored.json("sites", region="150800")["items"]} == {site["id"] for site in every}
    assert [site["id"] for site in stored.json("sites", text="DONGSI")["items"]] == ["air-linhe-3"]
    assert stored.json("sites", kind="pump_house")["items"] == []
    first = every[0]
    east, north = first["longitude"], first["latitude"]
    box = f"{east - 0.001},{north - 0.001},{east + 0.001},{north + 0.001}"
    assert [site["id"] for site in stored.json("sites", bbox=box)["items"]] == [first["id"]]
    assert stored.get("sites", bbox="1,2,3").status_code == 422
    site = stored.json("sites/air-linhe-3")
    assert site["kind_title"]["en"]
    assert [device["name"] for device in site["devices"]] == ["air-dongsi"]
    assert [series["name"] for series in site["series"]] == [PM25]


def test_numbers_in_the_ids_of_sites_count_as_such(stored: Stored) -> None:
    with psycopg.connect(stored.url) as connection:
        connection.execute(
            "insert into site (id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude) "
            "select 'row-' || n, '150802', 'air', 'station', 'row', 'row', 107, 40 from unnest(array[10, 2, 9, 100]) n"
        )
    try:
        first = stored.json("sites", text="row", limit=2)
        second = stored.json("sites", text="row", limit=2, cursor=first["next"])
        names = [site["id"] for page in (first, second) for site in page["items"]]
        assert names == ["row-2", "row-9", "row-10", "row-100"]
    finally:
        with psycopg.connect(stored.url) as connection:
            connection.execute("delete from site where title_en = 'row'")


def test_what_a_client_has_already_is_not_sent_again(stored: Stored) -> None:
    for path in ("regions", "domains", "metrics", "sites"):
        tag = stored.get(path).headers["etag"]
        again = stored.client.get(f"/api/v1/{path}", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
