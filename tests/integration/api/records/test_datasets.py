"""The catalogue of shared data: found by all, granted, read, and taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from rich.console import Console
from typer.testing import CliRunner

from citybrain.access import dataset_commands
from citybrain.settings import settings

LINHE, WUYUAN = "150802", "150821"
PRESSURE = "/api/v1/datasets/water.pressure"


def until(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def grant(town: Any, client: Any, by: Any = None, **more: object) -> Any:
    body = {"token": town.name(client), "until": until(1), "reason": "trial", **more}
    return (by or town.client).post(f"{PRESSURE}/grants", json=body)


def test_everybody_finds_every_dataset(town: Any, catalogue: Any) -> None:
    stranger = town.ask(domains=["air"], regions=["150100"])
    found = stranger.get("/api/v1/datasets", params={"limit": 1000}).json()["items"]
    assert len(found) == sum(len(domain.metrics) for domain in catalogue.domains.values())
    (pressure,) = [one for one in found if one["id"] == "water.pressure"]
    assert pressure["owner"]["zh"] == "供水主管部门"
    assert (pressure["unit"], pressure["interval_s"]) == ("MPa", 60)
    assert pressure["access"] == {"readable": False, "regions": [], "granted": False}
    assert pressure["coverage"] == {"series": 0, "regions": [], "newest": None}
    detail = town.client.get(PRESSURE).json()
    assert [field["name"] for field in detail["fields"]] == ["time", "value", "quality"]
    assert detail["oldest"] < detail["coverage"]["newest"]
    assert detail["access"] == {"readable": True, "regions": None, "granted": False}
    assert [one["id"] for one in detail["coverage"]["regions"]] == [LINHE, WUYUAN]


def test_datasets_are_found_by_words_and_come_page_by_page(town: Any) -> None:
    assert [one["id"] for one in town.client.get("/api/v1/datasets", params={"q": "管网压力"}).json()["items"]] == [
        "water.pressure"
    ]
    found, cursor = [], None
    while True:
        query = {"limit": 7, "domain": "water", **({"cursor": cursor} if cursor else {})}
        page = town.client.get("/api/v1/datasets", params=query).json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    every = town.client.get("/api/v1/datasets", params={"domain": "water", "limit": 1000}).json()["items"]
    assert found == every
    readable = town.ask(domains=["air"]).get("/api/v1/datasets", params={"readable": True, "limit": 1000}).json()
    assert {one["domain"]["id"] for one in readable["items"]} == {"air"}


def test_coverage_is_what_the_caller_may_read(town: Any) -> None:
    county = town.ask(regions=[LINHE])
    coverage = county.get(PRESSURE).json()["coverage"]
    assert (coverage["series"], [one["id"] for one in coverage["regions"]]) == (1, [LINHE])


def test_a_grant_counts_at_once_and_ends_at_once(town: Any) -> None:
    bureau = town.ask(domains=["air"])
    granted = grant(town, bureau, region=LINHE)
    assert granted.status_code == 201, granted.text
    number = granted.json()["number"]
    found = bureau.get(PRESSURE).json()
    assert (found["access"]["readable"], found["access"]["granted"]) == (True, True)
    assert [one["id"] for one in found["access"]["regions"]] == [LINHE]
    assert found["coverage"]["series"] == 1
    series = bureau.get("/api/v1/series", params={"metric": "pressure"}).json()["items"]
    assert [one["region"]["id"] for one in series] == [LINHE]
    assert town.client.get(PRESSURE).json()["readers"]["grants"] == 1
    revoked = town.client.delete(f"{PRESSURE}/grants/{number}").json()
    assert (revoked["in_force"], revoked["revoked_at"] is not None) == (False, True)
    assert not bureau.get(PRESSURE).json()["access"]["readable"]
    assert bureau.get("/api/v1/series", params={"metric": "pressure"}).json()["items"] == []
    assert town.client.delete(f"{PRESSURE}/grants/{number}").status_code == 409
    actions = town.execute("select action from audit where target = 'dataset water.pressure' order by id desc limit 2")
    assert actions == [("dataset.revoke",), ("dataset.grant",)]


def test_a_grant_that_is_over_counts_no_more(town: Any) -> None:
    bureau = town.ask(domains=["air"])
    number = grant(town, bureau).json()["number"]
    assert bureau.get(PRESSURE).json()["access"]["readable"]
    town.execute(
        "update dataset_grant set granted_at = now() - interval '2 days', expires_at = now() where id = %s", number
    )
    assert not bureau.get(PRESSURE).json()["access"]["readable"]
    listed = town.client.get(f"{PRESSURE}/grants", params={"in_force": False}).json()["items"]
    assert number in [one["number"] for one in listed]
    assert town.client.delete(f"{PRESSURE}/grants/{number}").status_code == 409


def test_an_administrator_grants_within_the_own_scope(town: Any) -> None:
    bureau, county = town.ask(domains=["air"]), town.ask("administrator", regions=[LINHE])
    assert grant(town, bureau, county, region=LINHE).status_code == 201
    assert grant(town, bureau, county).status_code == 403
    assert grant(town, bureau, county, region=WUYUAN).status_code == 422
    assert grant(town, bureau, town.ask("administrator", domains=["air"])).status_code == 403
    assert grant(town, bureau, town.ask("engineer")).status_code == 403
    other = grant(town, bureau, region=WUYUAN).json()["number"]
    seen = {one["region"]["id"] for one in county.get(f"{PRESSURE}/grants").json()["items"]}
    assert seen == {LINHE}
    assert county.delete(f"{PRESSURE}/grants/{other}").status_code == 404
    assert town.client.delete(f"/api/v1/datasets/water.flow/grants/{other}").status_code == 404
    assert town.ask("engineer").get(f"{PRESSURE}/grants").status_code == 403


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"until": until(367)}, 422),
        ({"until": until(-1)}, 422),
        ({"until": "2027-01-01T00:00:00"}, 422),
        ({"until": "9999-12-31T23:59:59Z"}, 422),
        ({"token": "nobody"}, 422),
        ({"token": "a\x00b"}, 422),
        ({"person": "nobody"}, 422),
        ({"token": None}, 422),
        ({"region": "nowhere"}, 422),
        ({"reason": ""}, 422),
    ],
)
def test_grants_that_can_not_be_are_refused(town: Any, more: dict[str, Any], status: int) -> None:
    before = town.execute("select count(*) from dataset_grant")
    answer = grant(town, town.ask(), **more)
    assert answer.status_code == status, answer.text
    assert town.execute("select count(*) from dataset_grant") == before


def test_datasets_and_grants_that_are_not_there_are_not_found(town: Any) -> None:
    for path in ("nothing", "water.", "water.nothing", "water.pressure.x", "%00", "..%2Frules"):
        assert town.client.get(f"/api/v1/datasets/{path}").status_code in (404, 422), path
    assert town.client.delete(f"{PRESSURE}/grants/2147483647").status_code == 404
    assert town.client.delete(f"{PRESSURE}/grants/2147483648").status_code == 422


def test_the_commands_do_the_same(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYBRAIN_DATABASE_URL", town.database_url)
    monkeypatch.setattr(dataset_commands, "console", Console(width=200))
    settings.cache_clear()
    try:
        bureau = town.ask(domains=["air"])
        words = ["grant", "water.pressure", "--token", town.name(bureau), "--reason", "trial", "--days", "3"]
        done = CliRunner().invoke(dataset_commands.dataset, words)
        assert done.exit_code == 0, done.output
        assert bureau.get(PRESSURE).json()["access"]["readable"]
        number = done.output.split(":")[0].removeprefix("Grant ")
        assert town.name(bureau) in CliRunner().invoke(dataset_commands.dataset, ["list"]).output
        assert CliRunner().invoke(dataset_commands.dataset, ["revoke", number]).exit_code == 0
        assert not bureau.get(PRESSURE).json()["access"]["readable"]
        for wrong in (["grant", "water", *words[2:]], ["grant", "water.nothing", *words[2:]], ["revoke", number]):
            assert CliRunner().invoke(dataset_commands.dataset, wrong).exit_code == 1
    finally:
        settings.cache_clear()
    (actor,) = town.execute("select actor from audit where action = 'dataset.revoke' order by id desc limit 1")
    assert actor[0].startswith("command:")


def test_the_view_of_boards_does_not_say_who(town: Any) -> None:
    with psycopg.connect(town.database_url) as connection:
        cursor = connection.execute("select * from board_dataset_grant")
        assert {column.name for column in cursor.description or ()} == {
            *("id", "domain_id", "metric", "region_id", "granted_at", "expires_at", "revoked_at")
        }
