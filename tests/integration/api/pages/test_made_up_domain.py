"""A folder with YAML in it is a domain with a page: no Python."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from citybrain.catalogue.load import load
from citybrain.settings import PROJECT
from citybrain.store.migrate import migrate
from deploy.local.servers import Broker

DOMAIN = """\
title: {zh: 路灯, en: Street lighting}
site_kinds:
  cabinet: {zh: 控制柜, en: Control cabinet}
metrics:
  current: {title: {zh: 电流, en: Current}, unit: A, low: 0, high: 200, interval: 5m, source: platform default (S)}
  door: {title: {zh: 柜门, en: Door}, kind: boolean, reports: change, source: platform default (S)}
"""
SITES = """\
sites:
  cabinet-7:
    title: {zh: 七号柜, en: Cabinet 7}
    region: 150802
    domain: NAME
    kind: cabinet
    longitude: 107.4
    latitude: 40.7
    devices: {NAME-7: {}}
"""
PAGE = """\
vital: {metric: current, across: high}
panels:
  doors:
    title: {zh: 柜门, en: Doors}
    states: {metric: door}
  map:
    title: {zh: 地图, en: Map}
    map: {metric: current}
"""


@pytest.fixture
def client(
    database: str,
    broker: Broker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    serve: Callable[..., AbstractContextManager[Any]],
) -> Iterator[httpx.Client]:
    """The API of a city with a domain `plain` and another, `drawn`, that has a page."""
    shutil.copytree(PROJECT / "regions", tmp_path / "regions")
    (tmp_path / "sites").mkdir()
    for name in ("plain", "drawn"):
        folder = tmp_path / "domains" / name
        folder.mkdir(parents=True)
        (folder / "domain.yaml").write_text(DOMAIN, encoding="utf-8")
        sites = SITES.replace("NAME", name).replace("cabinet-7:", f"{name}-7:")
        (tmp_path / f"sites/{name}.yaml").write_text(sites, encoding="utf-8")
    (tmp_path / "domains/drawn/page.yaml").write_text(PAGE, encoding="utf-8")
    migrate(database, load(tmp_path))
    monkeypatch.setenv("CITYBRAIN_CATALOGUE_DIR", str(tmp_path))
    monkeypatch.setenv("CITYBRAIN_RUNTIME_DIR", str(tmp_path / "runtime"))
    with psycopg.connect(database) as connection:
        connection.execute(
            "insert into series (device_id, metric_id) select d.id, m.id from device d "
            "join metric m on m.domain_id = d.domain_id where d.domain_id in ('plain', 'drawn')"
        )
        connection.execute(
            "insert into series_state (series_id, time, value) "
            "select s.id, %s, case m.name when 'door' then 1 else 7 end "
            "from series s join metric m on m.id = s.metric_id",
            (datetime.now(UTC) - timedelta(minutes=1),),
        )
    with serve(database, broker.collector_url) as api:
        yield api.client


def test_a_folder_is_a_domain_with_a_page(client: httpx.Client) -> None:
    def get(path: str) -> Any:
        answer = client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    plain, drawn = get("domains/plain/page"), get("domains/drawn/page")
    assert [panel["kind"] for panel in plain["panels"]] == ["vitals", "table"]
    assert [panel["kind"] for panel in drawn["panels"]] == ["states", "map"]

    (current, door) = get("domains/plain/page/panels/vitals")["figures"]
    assert (current["value"], door["value"]) == (7, 1)
    (row,) = get("domains/plain/page/panels/sites")["rows"]
    assert row["title"] == {"zh": "七号柜", "en": "Cabinet 7"}
    assert [cell["value"] for cell in row["cells"]] == [7, 1]

    (count,) = get("domains/drawn/page/panels/doors")["counts"]
    assert (count["state"], count["normal"], count["kind"]["title"]["zh"]) == ("true", False, "控制柜")
    places = get("domains/drawn/page/panels/map")
    assert (places["sites"], places["longitude"], places["value"]) == (["drawn-7"], [107.4], [7])

    cards = {card["domain"]["id"]: card for card in get("overview")["domains"]}
    assert cards.keys() == {"plain", "drawn"}
    assert cards["drawn"]["vital"]["number"]["place"]["title"]["en"] == "Cabinet 7"
