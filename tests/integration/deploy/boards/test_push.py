"""Pushing boards to a Grafana over real HTTP: again changes nothing, drift is told, and each failure is a sentence.

Every request of every test is held against the contract of Grafana's HTTP API, see grafana_server.py.
"""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from citybrain.errors import Correctable
from citybrain.settings import Settings, settings
from deploy.boards.commands import boards
from deploy.boards.grafana import Grafana
from deploy.boards.model import Board, Bundle, ContactPoint, Document, Folder, Language, Source
from deploy.boards.push import Languages, apply, check, drift, plan, total, unreached
from tests.integration.deploy.boards.grafana_server import CONTRACT, TOKEN, Fault, GrafanaServer, grafana_server

PASSWORD = "pa55word-of-the-boards"
WEBHOOK = "https://hooks.example.org/send?key=5ecre7"
HTML = "<!DOCTYPE html>\n<html><title>Sign in</title></html>"


def board(name: str, language: Language, title: str) -> Board:
    document: Document = {
        "uid": f"citybrain-{name}-{language}",
        "title": title,
        "tags": ["citybrain"],
        "schemaVersion": 42,
        "editable": True,
        "links": [],
        "templating": {
            "list": [
                {"name": "region", "type": "query", "query": "SELECT 1", "current": {"value": "$__all"}},
                {"name": "cockpit", "type": "constant", "query": "http://127.0.0.1:8000"},
            ]
        },
        "panels": [
            {"id": 1, "type": "timeseries", "title": title, "targets": [{"refId": "A", "rawSql": "SELECT\n  1"}]},
        ],
    }
    return Board(document["uid"], f"citybrain-{language}", language, document)


BUNDLE = Bundle(
    folders=(Folder("citybrain-zh", "城市运行"), Folder("citybrain-en", "City operations")),
    sources=(
        Source(
            "citybrain-postgres",
            {
                "name": "citybrain",
                "uid": "citybrain-postgres",
                "type": "grafana-postgresql-datasource",
                "access": "proxy",
                "jsonData": {"timescaledb": True, "sslmode": "verify-full"},
            },
        ),
        Source(
            "citybrain-prometheus",
            {"name": "citybrain platform", "uid": "citybrain-prometheus", "type": "prometheus", "access": "proxy"},
        ),
    ),
    boards=(board("city", "zh", "一网统管"), board("city", "en", "The city"), board("water", "zh", "供水")),
    contact_points=(
        ContactPoint(
            "citybrain-duty",
            {"uid": "citybrain-duty", "name": "citybrain", "type": "email", "settings": {"addresses": "x"}},
        ),
    ),
)
UNCHANGED = "8 unchanged, 0 created, 0 updated, 0 pruned"


@pytest.fixture
def server() -> Iterator[GrafanaServer]:
    with grafana_server() as running:
        yield running
    assert not running.breaches


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    return Settings(
        grafana_database_url="postgresql://grafana@db.example.org/citybrain?sslmode=require",
        grafana_database_password_file=tmp_path / "password",
        grafana_prometheus_url="https://prometheus.example.org",
        grafana_contact_url="mailto:duty@example.org,chief@example.org",
    )


def push(
    server: GrafanaServer,
    chosen: Settings,
    built: Bundle = BUNDLE,
    *,
    languages: Languages = "both",
    prune: bool = False,
    secrets: bool = False,
    token: str = TOKEN,
) -> str:
    """What a push says; the last line is how many things are new, changed, the same and gone."""
    grafana = Grafana(server.url, token, pause=0.01)
    planned, found = plan(grafana, built, chosen, languages=languages, prune=prune, secrets=secrets)
    check(grafana, planned, found)
    return "\n".join([*apply(grafana, planned), *unreached(grafana, planned), total(planned)])


def differing(server: GrafanaServer, chosen: Settings, built: Bundle = BUNDLE, *, prune: bool = False) -> str:
    """What `--diff` says."""
    grafana = Grafana(server.url, TOKEN, pause=0.01)
    planned, _ = plan(grafana, built, chosen, languages="both", prune=prune, secrets=False)
    return "\n".join(drift(grafana, planned))


def without(built: Bundle, uid: str) -> Bundle:
    """A bundle that lacks something."""
    return Bundle(*(tuple(one for one in part if one.uid != uid) for part in built))  # type: ignore[arg-type]


def test_a_first_push_makes_all_and_a_second_changes_nothing(server: GrafanaServer, chosen: Settings) -> None:
    first = push(server, chosen)
    sent = len(server.writes)
    second = push(server, chosen)

    assert first.splitlines()[-1] == "0 unchanged, 8 created, 0 updated, 0 pruned"
    assert "created         board         citybrain-water-zh 供水" in first
    assert second.splitlines()[-1] == UNCHANGED
    assert sent == 8
    assert len(server.writes) == sent
    assert differing(server, chosen) == ""
    assert {uid: one["meta"]["folderUid"] for uid, one in server.boards.items()} == {
        "citybrain-city-zh": "citybrain-zh",
        "citybrain-city-en": "citybrain-en",
        "citybrain-water-zh": "citybrain-zh",
    }


def test_a_city_has_its_own_addresses(server: GrafanaServer, chosen: Settings) -> None:
    push(server, chosen.model_copy(update={"public_url": "https://citybrain.example.org/"}))

    source = server.sources["citybrain-postgres"]
    assert (source["url"], source["user"], source["secureJsonData"]) == (
        "db.example.org:5432",
        "grafana",
        {"password": PASSWORD},
    )
    assert source["jsonData"] == {"timescaledb": True, "sslmode": "require", "database": "citybrain"}
    assert server.sources["citybrain-prometheus"]["url"] == "https://prometheus.example.org"
    assert server.points["citybrain-duty"]["settings"] == {"addresses": "duty@example.org;chief@example.org"}
    cockpit = server.boards["citybrain-city-zh"]["dashboard"]["templating"]["list"][1]
    assert cockpit["query"] == cockpit["current"]["value"] == "https://citybrain.example.org"


def test_a_board_edited_by_hand_is_told_and_overwritten(server: GrafanaServer, chosen: Settings) -> None:
    push(server, chosen)
    panel = {"id": 1, "type": "timeseries", "title": "供水", "targets": [{"refId": "A", "rawSql": "SELECT\n  2"}]}
    server.edit("citybrain-water-zh", panels=[panel, {"id": 2, "type": "text", "title": "我的"}])

    before = len(server.writes)
    told = differing(server, chosen)
    assert len(server.writes) == before
    assert told.splitlines() == [
        "differs         board         citybrain-water-zh 供水: edited in Grafana by anna, version 2",
        "    panels[供水].targets[A].rawSql:",
        "      -   2",
        "      +   1",
        '    panels[我的]: {"id": 2, "type": "text", "title": "我的"} is not built',
    ]

    said = push(server, chosen)
    assert "edited in Grafana by anna, version 2, kept in its version history" in said
    assert said.splitlines()[-1] == "7 unchanged, 0 created, 1 updated, 0 pruned"
    assert server.boards["citybrain-water-zh"]["versions"][-1]["message"] == "citybrain boards push"
    assert differing(server, chosen) == ""


def test_what_grafanas_page_writes_by_itself_is_no_difference(server: GrafanaServer, chosen: Settings) -> None:
    push(server, chosen)
    server.edit(
        "citybrain-city-zh",
        annotations={"list": [{"builtIn": 1, "name": "Annotations & Alerts", "type": "dashboard"}]},
        schemaVersion=43,
    )

    assert differing(server, chosen) == ""


def test_a_folder_renamed_deleted_or_left_by_hand_is_as_it_was(server: GrafanaServer, chosen: Settings) -> None:
    push(server, chosen)
    server.folders["citybrain-zh"]["title"] = "我的文件夹"
    server.boards["citybrain-water-zh"]["meta"]["folderUid"] = "elsewhere"
    del server.folders["citybrain-en"], server.boards["citybrain-city-en"]

    assert 'title: "我的文件夹", "城市运行" is built' in differing(server, chosen)
    assert push(server, chosen).splitlines()[-1] == "4 unchanged, 2 created, 2 updated, 0 pruned"
    assert server.folders["citybrain-zh"]["title"] == "城市运行"
    assert differing(server, chosen) == ""


def test_one_language_leaves_the_other_alone(server: GrafanaServer, chosen: Settings) -> None:
    push(server, chosen, languages="zh")
    assert set(server.folders) == {"citybrain-zh"}
    assert set(server.boards) == {"citybrain-city-zh", "citybrain-water-zh"}

    push(server, chosen)
    assert push(server, chosen, languages="zh", prune=True).endswith("0 pruned")
    assert "citybrain-city-en" in server.boards


def test_pruning_removes_ours_and_nothing_else(server: GrafanaServer, chosen: Settings) -> None:
    push(server, chosen)
    server.folders["ops"] = {"id": 9, "uid": "ops", "title": "Ops", "version": 1}
    for uid, tags in (("copy-of-ours", ["citybrain"]), ("citybrain-of-somebody", ["mine"])):
        server._save({"uid": uid, "title": uid, "tags": tags}, "ops", "anna", "")
    server.sources["other"] = {"uid": "other", "name": "other", "readOnly": False}
    fewer = BUNDLE
    for uid in ("citybrain-water-zh", "citybrain-en", "citybrain-city-en", "citybrain-prometheus", "citybrain-duty"):
        fewer = without(fewer, uid)

    assert push(server, chosen, fewer).endswith("3 unchanged, 0 created, 0 updated, 0 pruned")
    told = differing(server, chosen, fewer, prune=True)
    assert "no longer built board         citybrain-city-en The city" in told
    assert push(server, chosen, fewer, prune=True).endswith("3 unchanged, 0 created, 0 updated, 5 pruned")
    assert set(server.folders) == {"citybrain-zh", "ops"}
    assert set(server.boards) == {"citybrain-city-zh", "copy-of-ours", "citybrain-of-somebody"}
    assert set(server.sources) == {"citybrain-postgres", "other"}
    assert not server.points


@pytest.mark.parametrize("held", ["a board", "an alert rule"])
def test_a_folder_that_holds_something_of_somebody_is_kept(server: GrafanaServer, chosen: Settings, held: str) -> None:
    push(server, chosen)
    if held == "a board":
        server._save({"uid": "anna", "title": "Anna", "tags": []}, "citybrain-en", "anna", "")
    else:
        server.alert_rules["citybrain-en"] = 1
    fewer = without(without(BUNDLE, "citybrain-en"), "citybrain-city-en")

    said = push(server, chosen, fewer, prune=True)
    assert "it holds 1 that is not ours" in said
    assert "citybrain-en" in server.folders
    assert "citybrain-city-en" not in server.boards


def test_secrets_are_sent_once_and_again_when_asked(server: GrafanaServer, chosen: Settings, tmp_path: Path) -> None:
    push(server, chosen)
    (tmp_path / "password").write_text("a new one")
    assert push(server, chosen).endswith(UNCHANGED)

    said = push(server, chosen, secrets=True)
    assert "its secrets are sent again" in said
    assert server.sources["citybrain-postgres"]["secureJsonData"] == {"password": "a new one"}

    server.sources["citybrain-postgres"]["secureJsonData"] = {}
    assert 'secrets: missing, {"password": true} is built' in differing(server, chosen)


def test_a_source_that_grafana_does_not_reach_is_told(server: GrafanaServer, chosen: Settings) -> None:
    refused = {"message": "dial tcp: connection refused", "status": "ERROR"}
    server.faults.append(Fault("GET", "/citybrain-postgres/health", 400, refused))

    said = push(server, chosen)
    assert "Data source citybrain-postgres is there, but gives nothing: " in said
    assert "refused with status 400: dial tcp: connection refused" in said
    assert "citybrain-prometheus is there, but" not in said


def test_a_redacted_setting_is_no_difference(server: GrafanaServer, chosen: Settings) -> None:
    hooked = chosen.model_copy(update={"grafana_contact_url": WEBHOOK})
    push(server, hooked)
    server.points["citybrain-duty"]["settings"]["url"] = "[REDACTED]"

    assert differing(server, hooked) == ""
    push(server, hooked, secrets=True)
    assert server.points["citybrain-duty"]["settings"]["url"] == WEBHOOK


def test_what_grafana_has_from_files_stays_and_needs_no_address(server: GrafanaServer, chosen: Settings) -> None:
    push(server, chosen)
    for source in server.sources.values():
        source["readOnly"] = True
    server.points["citybrain-duty"] |= {"provenance": "file", "settings": {"addresses": "other@example.org"}}
    bare = Settings(grafana_contact_url="mailto:duty@example.org")

    said = push(server, bare, secrets=True)
    assert "source        citybrain-postgres citybrain: Grafana has it from a file (provisioned)" in said
    assert said.endswith(UNCHANGED)


def test_a_missing_setting_is_named_before_anything_is_written(server: GrafanaServer, chosen: Settings) -> None:
    for name in ("grafana_database_url", "grafana_database_password_file", "grafana_prometheus_url"):
        lacking = chosen.model_copy(update={name: Settings.model_fields[name].default})
        with pytest.raises(Correctable, match=f"CITYBRAIN_{name.upper()}"):
            push(server, lacking)
    assert not server.writes
    # Nobody to tell is a choice: the contact point is not pushed, and not looked at.
    assert "contact" not in push(server, chosen.model_copy(update={"grafana_contact_url": ""}))


def provisioned(server: GrafanaServer) -> None:
    server.boards["citybrain-water-zh"]["meta"] |= {"provisioned": True, "provisionedExternalId": "water-zh.json"}
    server.boards["citybrain-water-zh"]["dashboard"]["title"] = "old"


def of_somebody_else(server: GrafanaServer) -> None:
    server.boards["citybrain-water-zh"]["dashboard"] |= {"tags": ["mine"], "title": "Anna's"}


def unsavable(server: GrafanaServer) -> None:
    server.boards["citybrain-water-zh"]["dashboard"]["title"] = "old"
    server.boards["citybrain-water-zh"]["meta"]["canSave"] = False


def name_taken(server: GrafanaServer) -> None:
    server.sources["other"] = server.sources.pop("citybrain-postgres") | {"uid": "other"}


def contact_locked(server: GrafanaServer) -> None:
    server.points["citybrain-duty"] |= {"provenance": "api", "name": "renamed"}


def contact_taken(server: GrafanaServer) -> None:
    server.points["other"] = server.points.pop("citybrain-duty") | {"uid": "other"}


def folder_managed(server: GrafanaServer) -> None:
    server.folders["citybrain-zh"] |= {"title": "old", "managedBy": "repo"}


def without_permission(server: GrafanaServer) -> None:
    server.folders.clear()
    server.boards.clear()
    server.sources.clear()
    for action in ("folders:create", "datasources:create"):
        del server.permissions[action]


@pytest.mark.parametrize(
    ("obstacle", "sentence"),
    [
        (provisioned, r"citybrain-water-zh can't be saved: Grafana has it from water-zh.json \(provisioned\)"),
        (of_somebody_else, "citybrain-water-zh is somebody else's: “Anna's” is not tagged citybrain"),
        (unsavable, "may not save board citybrain-water-zh"),
        (name_taken, "name of source citybrain-postgres, “citybrain”, is taken by other"),
        (contact_locked, r"Contact point citybrain-duty is locked: Grafana has it from api"),
        (contact_taken, "name of contact point citybrain-duty, “citybrain”, is taken by other"),
        (folder_managed, "Only repo may change folder citybrain-zh"),
        (without_permission, "lacks these permissions: folders:create, datasources:create"),
    ],
)
def test_what_stands_against_it_is_said_before_the_first_write(
    server: GrafanaServer, chosen: Settings, obstacle: Any, sentence: str
) -> None:
    push(server, chosen)
    obstacle(server)
    before = len(server.writes)
    other = BUNDLE._replace(folders=(*BUNDLE.folders, Folder("citybrain-new", "New")))
    used = other._replace(boards=(*other.boards, BUNDLE.boards[0]._replace(uid="citybrain-n", folder="citybrain-new")))

    with pytest.raises(Correctable, match=sentence) as raised:
        push(server, chosen, used)
    assert "Nothing was changed." in str(raised.value)
    assert len(server.writes) == before


def test_a_write_that_fails_in_the_middle_is_gone_on_from(server: GrafanaServer, chosen: Settings) -> None:
    refused = {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
    server.faults.append(Fault("POST", "/dashboards/db", 412, refused))

    with pytest.raises(Correctable) as raised:
        push(server, chosen)
    assert "save board citybrain-city-zh and refused: The dashboard has been changed by someone else" in str(
        raised.value
    )
    assert "4 changes were made, 4 were not" in str(raised.value)
    assert not server.boards

    assert push(server, chosen).endswith("4 unchanged, 4 created, 0 updated, 0 pruned")
    assert differing(server, chosen) == ""


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failure_that_passes_is_tried_again(server: GrafanaServer, chosen: Settings, status: int) -> None:
    busy = {"message": "database is locked"} if status == 500 else HTML
    server.faults += [Fault("POST", "/dashboards/db", status, busy), Fault("GET", "/health", status, busy)]

    assert push(server, chosen).endswith("0 unchanged, 8 created, 0 updated, 0 pruned")


def test_a_failure_that_lasts_is_said(server: GrafanaServer, chosen: Settings) -> None:
    server.faults += [Fault("GET", "/datasources", 500, {"message": "database is locked"})] * 3
    with pytest.raises(Correctable, match="list data sources and failed with status 500: database is locked"):
        push(server, chosen)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault("GET", "/health", 200, HTML), "is no Grafana: it gave something else than JSON"),
        (Fault("GET", "/search", 200, HTML), "is no Grafana: it gave something else than JSON"),
        (Fault("GET", "/health", 200, {"status": "ok"}), "gives no version of Grafana"),
        (Fault("GET", "/health", 404, HTML), "a page of HTML, so perhaps from a proxy"),
        (Fault("GET", "/health", 302, "", {"Location": "https://sso.example.org/in"}), "leads elsewhere .https://sso"),
        (Fault("GET", "/health", 200, {"version": "11.6.3"}), "is version 11.6.3; the boards need 12.0 or later"),
        (Fault("GET", "/health", 200, {"version": "12.3.0-security-01"}), ""),
        (Fault("GET", "/permissions", 404, {"message": "Not found"}), ""),
        (
            Fault("GET", "/datasources", 403, {"message": "Permissions needed: datasources:read"}),
            "refused: Permissions needed: datasources:read. Give the service account that permission",
        ),
        (
            Fault("GET", "/dashboards/uid/citybrain-city-zh$", 406, {"message": "dashboard api version not supported"}),
            "read board citybrain-city-zh and can't: .*restore an earlier version",
        ),
        (
            Fault("POST", "/folders", 400, {"message": "invalid uid"}),
            "make folder citybrain-zh and refused with status 400",
        ),
        (Fault("POST", "/datasources", 409, {"message": "name exists"}), "Its name is taken, or somebody changed it"),
    ],
)
def test_an_odd_answer_is_a_sentence(server: GrafanaServer, chosen: Settings, fault: Fault, sentence: str) -> None:
    server.faults.append(fault)
    if not sentence:
        assert push(server, chosen).endswith("8 created, 0 updated, 0 pruned")
        return
    with pytest.raises(Correctable, match=sentence):
        push(server, chosen)


def test_a_wrong_token_is_a_sentence(server: GrafanaServer, chosen: Settings) -> None:
    with pytest.raises(Correctable, match="does not take the token of CITYBRAIN_GRAFANA_TOKEN_FILE: Invalid API key"):
        push(server, chosen, token="glsa_wrong")
    assert not server.writes


def test_a_grafana_that_is_not_there_is_a_sentence(server: GrafanaServer, chosen: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server.url = f"http://127.0.0.1:{port}"
    with pytest.raises(Correctable, match=r"can't be reached: .*Connection refused"):
        push(server, chosen)


def test_a_grafana_that_does_not_answer_is_a_sentence(
    server: GrafanaServer, chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.boards.grafana._TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server.url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Correctable, match="asked to tell its health and did not answer in time"):
            push(server, chosen)


def test_tls_that_is_none_is_a_sentence(server: GrafanaServer, chosen: Settings) -> None:
    server.url = server.url.replace("http:", "https:")
    with pytest.raises(Correctable, match=r"TLS with Grafana at https://127.0.0.1:.* failed"):
        push(server, chosen)


def test_a_grafana_under_a_path(chosen: Settings) -> None:
    with grafana_server("/grafana") as server:
        assert push(server, chosen).endswith("8 created, 0 updated, 0 pruned")
    assert not server.breaches


def test_a_push_uses_all_of_the_contract(server: GrafanaServer, chosen: Settings) -> None:
    push(server, chosen)
    server.folders["citybrain-zh"]["title"] = "other"
    server.edit("citybrain-city-zh", title="other")
    server.sources["citybrain-postgres"]["user"] = "other"
    server.points["citybrain-duty"]["settings"] = {}
    push(server, chosen)
    push(server, chosen, BUNDLE._replace(folders=(), sources=(), boards=(), contact_points=()), prune=True)

    unused = [
        one for one in CONTRACT if not any(m == one.method and re.fullmatch(one.path, p) for m, p in server.requests)
    ]
    assert not unused
    assert [server.folders, server.boards, server.sources, server.points] == [{}, {}, {}, {}]


def test_the_command_pushes_what_is_built_and_tells_drift_by_its_status(
    server: GrafanaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {
        "URL": server.url,
        "TOKEN_FILE": str(tmp_path / "token"),
        "DATABASE_URL": "postgresql://grafana@db.example.org/citybrain",
        "DATABASE_PASSWORD_FILE": str(tmp_path / "token"),
        "PROMETHEUS_URL": "https://prometheus.example.org",
    }
    (tmp_path / "token").write_text(TOKEN)
    for name, value in environment.items():
        monkeypatch.setenv(f"CITYBRAIN_GRAFANA_{name}", value)
    settings.cache_clear()
    try:
        ran = [
            CliRunner().invoke(boards, ["push", *options]) for options in (["--diff"], [], [], ["--diff"], ["--prune"])
        ]
    finally:
        settings.cache_clear()

    assert [one.exit_code for one in ran] == [1, 0, 0, 0, 0]
    made = len(server.boards) + len(server.folders) + len(server.sources)
    assert made > 10
    assert f"0 unchanged, {made} created, 0 updated, 0 pruned" in ran[1].output
    for again in (ran[2], ran[4]):
        assert f"{made} unchanged, 0 created, 0 updated, 0 pruned" in again.output
    assert ran[3].output == "No difference.\n"


def test_no_secret_is_said_or_logged(
    server: GrafanaServer, chosen: Settings, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    hooked = chosen.model_copy(update={"grafana_contact_url": WEBHOOK})
    said = [push(server, hooked), push(server, hooked, secrets=True)]
    server.sources["citybrain-postgres"] |= {"user": "other", "secureJsonData": {}}
    server.points["citybrain-duty"]["settings"]["url"] = "https://elsewhere.example.org/key=0ther"
    said.append(differing(server, hooked))
    server.faults += [Fault("PUT", "/datasources", 500, {"message": "no"})] * 3
    for token in (TOKEN, "glsa_wrong"):
        with pytest.raises(Correctable) as raised:
            push(server, hooked, token=token)
        said.append(str(raised.value))

    output = capfd.readouterr()
    for text in (*said, caplog.text, output.out, output.err):
        for secret in (TOKEN, "glsa_wrong", PASSWORD, "5ecre7", "0ther"):
            assert secret not in text
