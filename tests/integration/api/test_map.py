"""What maps show: the sites and how they are, outlines, networks and tiles, each within the caller's scope."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from citybrain.store.connection import connect
from rules.alerts.record import record
from tests.integration.rules.alerts.conftest import BACKGROUND, transition

LINHE, WUYUAN = "150802", "150821"
NOW = datetime.now(UTC)
UNJUDGED, CLEARED, STALE, NO_DATA, SILENCED = 8, 16, 32, 64, 128

SITES = """
with site as (
    insert into site (id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude)
    select 'map-' || n, case when n %% 2 = 0 then '150802' else '150821' end, 'water', 'pressure_point',
           n || '号测压点', 'Pressure point ' || n, 107 + n / 1e5, 40.7 + (n %% 977) / 1e4
    from generate_series(%(first)s::int, %(last)s) n returning id, region_id
), device as (
    insert into device (region_id, domain_id, name, site_id, verified, first_seen)
    select region_id, 'water', id, id, true, %(now)s from site returning id, name
), series as (
    insert into series (device_id, metric_id)
    select d.id, m.id from device d, metric m where m.domain_id = 'water' and m.name = any(%(metrics)s)
    returning id
)
insert into series_state (series_id, time, value) select id, %(time)s, 0.3 from series
"""

ALERTS = """
insert into alert (rule, subject, subject_kind, region_id, domain_id, site_id, device, mode, version, title_zh,
    title_en, severity, worst, condition, raised_at, last_time, changed_at, past)
select 'water.test', id, 'site', region_id, domain_id, id, id, 'live', 1, '压力', 'Pressure', 1 + (hashtext(id) & 3), 1,
       'raised', now(), now(), now(), false
from site limit 500
"""


@dataclass
class Town:
    """The API over a database of the test's own, with networks of a simulation in `networks`."""

    url: str
    client: httpx.Client
    networks: Path
    grant: Callable[..., str]

    def sites(
        self, first: int, last: int, age: timedelta = timedelta(), metrics: tuple[str, ...] = ("pressure",)
    ) -> None:
        """Add sites map-`first` to map-`last`, those with an even number in Linhe, heard so long ago."""
        values = {"first": first, "last": last, "now": NOW, "time": datetime.now(UTC) - age, "metrics": list(metrics)}
        with psycopg.connect(self.url) as connection:
            connection.execute(SITES, values)

    def raise_(self, number: int, severity: int, **more: Any) -> None:
        """An event of an alert about the pressure at a site."""
        region = LINHE if number % 2 == 0 else WUYUAN
        name = f"map-{number}"
        rule = more.pop("rule", "water.quality")
        given = {"rule": rule, "site": name, "device": name, "time": NOW, "region": region, "kind": "raised", **more}
        with connect(self.url, "writer", "test") as connection, connection.transaction():
            found = transition(given.pop("kind"), severity, subject=f"{region}/water/{name}/pressure", **given)
            record(connection, [found], BACKGROUND, datetime.now(UTC))

    def do(self, statement: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statement.encode())

    def get(self, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self.client.get(f"/api/v1/map/{path}", headers=headers)

    def states(self, token: str | None = None) -> tuple[dict[str, int], dict[str, Any]]:
        """The byte of each site by its id, and the whole document."""
        time.sleep(1.1)  # Answers are shared for a second.
        sites, document = self.get("sites", token).json(), self.get("states", token).json()
        assert sites["of"] == document["of"]
        return dict(zip(ids(sites), base64.b64decode(document["states"]), strict=True)), document


def ids(sites: dict[str, Any]) -> list[str]:
    """Each line is the one before it as far as its first digit says, and its rest."""
    found: list[str] = []
    for line in sites["id"].splitlines():
        found.append((found[-1] if found else "")[: int(line[0], 36)] + line[1:])
    return found


def degrees(sites: dict[str, Any], corner: str, axis: str) -> list[float]:
    """Three planes of bytes, the lowest first."""
    raw = base64.b64decode(sites["position"][axis])
    count = len(raw) // 3
    steps = [int.from_bytes(raw[place::count], "little") for place in range(count)]
    return [round(sites["position"][corner] + step / 100_000, 5) for step in steps]


@pytest.fixture
def town(
    database: str,
    serve: Callable[[str], AbstractContextManager[Any]],
    grant: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Town]:
    monkeypatch.setenv("CITYBRAIN_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("CITYBRAIN_MAP_TILES", "https://tiles.example.org:8443/{z}/{x}/{y}.png?key=7")
    monkeypatch.setenv("CITYBRAIN_MAP_TILES_CRS", "gcj02")
    with psycopg.connect(database) as connection:
        connection.execute("delete from device; delete from site")
    with serve(database) as api:
        yield Town(database, api.client, tmp_path / "networks", lambda *args, **more: grant(database, *args, **more))


def test_sites_come_as_columns_within_the_scope(town: Town) -> None:
    town.sites(1, 4)

    found = town.get("sites").json()

    assert ids(found) == ["map-1", "map-2", "map-3", "map-4"]
    assert [found["regions"][place] for place in found["region"]] == [WUYUAN, LINHE, WUYUAN, LINHE]
    assert [found["domains"][place] for place in found["domain"]] == ["water"] * 4
    assert [found["kinds"][place] for place in found["kind"]] == ["pressure_point"] * 4
    assert found["title_zh"][0] == "1号测压点"
    assert degrees(found, "west", "east") == [107.00001, 107.00002, 107.00003, 107.00004]
    assert degrees(found, "south", "north") == [40.7001, 40.7002, 40.7003, 40.7004]
    linhe = town.get("sites", town.grant("viewer", [LINHE])).json()
    assert ids(linhe) == ["map-2", "map-4"]
    assert linhe["regions"] == [LINHE]
    assert linhe["of"] != found["of"]
    assert town.get("sites", town.grant("viewer", None, ["air"])).json()["id"] == ""


def test_titles_can_be_left_for_later(town: Town) -> None:
    town.sites(1, 4)
    found, whole = town.get("sites?titles=false").json(), town.get("sites").json()

    assert found == {**whole, "title_zh": None, "title_en": None}


def test_sites_have_a_tag_that_changes_only_when_they_do(town: Town) -> None:
    town.sites(1, 4)
    first = town.get("sites")
    town.raise_(1, 1)
    again = town.get("sites", **{"If-None-Match": first.headers["etag"]})
    town.sites(5, 5)
    later = town.get("sites", **{"If-None-Match": first.headers["etag"]})

    assert not first.headers["etag"].startswith("W/")
    assert again.status_code == 304
    assert later.status_code == 200
    assert ids(later.json())[-1] == "map-5"


def test_a_state_is_that_of_the_worst_alert(town: Town) -> None:
    town.sites(1, 5)
    town.raise_(1, 3)
    town.raise_(1, 1, rule="water.end_pressure")
    town.raise_(2, 2)
    town.raise_(2, 2, kind="cleared")
    town.raise_(3, 2)
    town.raise_(3, 4, rule="water.end_pressure")
    town.do(
        "insert into shelf (rule, subject, until, reason, by, at) "
        "values ('water.quality', '*/map-3/*', now() + interval '1 hour', 'x', 'x', now())"
    )
    town.raise_(4, 1, rule="water.trial")
    town.do("update alert set handling = 'confirmed' where site_id = 'map-1' and severity = 1")

    states, document = town.states()

    assert states == {
        "map-1": 1,
        "map-2": 2 + UNJUDGED + CLEARED,
        "map-3": 4 + UNJUDGED,
        "map-4": 0,
        "map-5": 0,
    }
    alerts = document["alerts"]
    assert list(zip(alerts["site"], alerts["state"], strict=True)) == [
        (0, 3 + UNJUDGED),
        (0, 1),
        (1, 2 + UNJUDGED + CLEARED),
        (2, 2 + UNJUDGED + SILENCED),
        (2, 4 + UNJUDGED),
    ]


def test_what_is_silent_for_two_intervals_is_stale(town: Town) -> None:
    town.sites(1, 1, timedelta(seconds=60))  # The interval of a pressure is a minute.
    town.sites(2, 2, timedelta(minutes=30))
    town.sites(3, 3, timedelta(minutes=30), ("pressure", "supply_volume"))  # That of a volume is a day.
    town.sites(4, 4, metrics=())

    states, _ = town.states()

    assert states == {"map-1": 0, "map-2": STALE, "map-3": 0, "map-4": NO_DATA}


def test_states_are_within_the_scope(town: Town) -> None:
    town.sites(1, 4)
    town.raise_(1, 1)
    town.raise_(2, 2)

    states, document = town.states(town.grant("viewer", [LINHE]))

    assert states == {"map-2": 2 + UNJUDGED, "map-4": 0}
    assert document["alerts"]["site"] == [0]


def test_the_stream_goes_on_where_the_states_end(town: Town) -> None:
    town.sites(1, 2)
    town.raise_(1, 3)
    _, document = town.states()
    town.raise_(2, 1)

    with town.client.stream("GET", f"/api/v1/stream?kinds=alert&last_event_id={document['event']}") as response:
        lines = response.iter_lines()
        data = next(after for line, after in pairwise(lines) if line == "event: alert")

    alert = json.loads(data.removeprefix("data: "))["alert"]
    assert (alert["site"], alert["severity"], alert["condition"], alert["handling"], alert["open"]) == (
        "map-2",
        1,
        "raised",
        "new",
        True,
    )


def test_outlines_are_those_of_the_scope_with_where_they_are_from(town: Town) -> None:
    response = town.get("regions", town.grant("viewer", [LINHE]))
    found = response.json()

    assert [feature["properties"]["id"] for feature in found["features"]] == [LINHE]
    source = found["sources"][found["features"][0]["properties"]["source"]]
    assert source["approval"] is None
    assert "示意图" in source["source"]["zh"]
    assert len(town.get("regions").json()["features"]) > 7
    assert town.get("regions", **{"If-None-Match": town.get("regions").headers["etag"]}).status_code == 304


def test_networks_are_read_again_when_a_simulation_has_written_them(town: Town) -> None:
    assert town.get("networks").json() == {"type": "FeatureCollection", "features": []}

    def feature(region: str, domain: str) -> dict[str, Any]:
        properties = {"region": region, "domain": domain, "kind": "pipe"}
        line = {"type": "LineString", "coordinates": [[107.4, 40.7], [107.5, 40.8]]}
        return {"type": "Feature", "properties": properties, "geometry": line}

    town.networks.mkdir()
    features = [feature(LINHE, "water"), feature(WUYUAN, "water"), feature(LINHE, "heating")]
    (town.networks / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (town.networks / "b.geojson").write_text("{")

    def told(path: str, token: str | None = None) -> list[tuple[str, str]]:
        found = town.get(path, token).json()["features"]
        return [(one["properties"]["region"], one["properties"]["domain"]) for one in found]

    assert told("networks") == [(LINHE, "water"), (WUYUAN, "water"), (LINHE, "heating")]
    assert told("networks?domain=water&region=150802") == [(LINHE, "water")]
    assert told("networks?region=150800") == told("networks")
    assert told("networks", town.grant("viewer", [WUYUAN])) == [(WUYUAN, "water")]
    assert told("networks", town.grant("viewer", None, ["heating"])) == [(LINHE, "heating")]
    tag = town.get("networks").headers["etag"]
    assert town.get("networks", **{"If-None-Match": tag}).status_code == 304


def test_options_name_the_tiles_and_where_the_sites_lie(town: Town) -> None:
    town.sites(1, 4)
    found = town.get("options").json()
    linhe = town.get("options", town.grant("viewer", [LINHE])).json()

    assert found["tiles"] == "https://tiles.example.org:8443/{z}/{x}/{y}.png?key=7"
    assert found["crs"] == "gcj02"
    assert found["extent"] == pytest.approx([107.00001, 40.7001, 107.00004, 40.7004])
    assert linhe["extent"] == pytest.approx([107.00002, 40.7002, 107.00004, 40.7004])
    assert linhe["centre"] == pytest.approx([107.00003, 40.7003])
    nothing = town.get("options", town.grant("viewer", None, ["air"])).json()
    assert (nothing["extent"], nothing["centre"]) == (None, None)


def test_pages_may_show_those_tiles_and_no_others(town: Town) -> None:
    policy = town.client.get("/").headers["content-security-policy"]

    assert "img-src 'self' https://tiles.example.org:8443;" in policy
    assert policy.count("example.org") == 1


def test_twenty_thousand_sites(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    town.sites(1, 20_000)
    town.do(ALERTS)
    town.do("analyze")
    with capsys.disabled():
        for path in ("sites", "sites?titles=false", "states"):
            took = []
            for _ in range(3):
                time.sleep(1.1)
                began = time.perf_counter()
                response = town.get(path, **{"Accept-Encoding": "identity"})
                took.append(time.perf_counter() - began)
            assert response.status_code == 200
            packed = len(gzip.compress(response.content, 4))
            milliseconds = sorted(took)[len(took) // 2] * 1000
            print(f"\nmap/{path}: {milliseconds:.0f} ms, {len(response.content):,} bytes, {packed:,} as gzip", end="")
