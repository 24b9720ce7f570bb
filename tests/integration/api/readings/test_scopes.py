"""Whose series and readings one sees."""

from __future__ import annotations

from collections.abc import Callable

from citybrain.store.connection import connect
from tests.integration.api.readings.week import FIRST, FLOW, FORMULA, LEVEL, NOW, PM25, PRESSURE, Stored, span


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
