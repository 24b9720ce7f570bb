"""What is built is what is checked in, whole, in one language each, and reads nothing but what boards may read."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlglot
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from sqlglot import exp

from citybrain.catalogue.load import load
from citybrain.settings import PROJECT
from deploy.boards import build
from deploy.boards.model import Bundle
from deploy.boards.words import LANGUAGES, Words, words
from tests.integration.deploy.boards.datasource import Chosen, expanded, interpolated
from tests.unit.deploy.boards.conftest import shipped_rules

CHINESE = re.compile(r"[\u4e00-\u9fff]")

ONLY_ELSEWHERE = {"column.time"}  # of a map with a metric, which no page has that ships

DOMAIN = """\
title: {zh: 路灯, en: Street lighting}
site_kinds:
  cabinet: {zh: 控制柜, en: Control cabinet}
metrics:
  current: {title: {zh: 电流, en: Current}, unit: A, low: 0, high: 200, interval: 5m, source: platform default (S)}
  door: {title: {zh: 柜门, en: Door}, kind: boolean, reports: change, source: platform default (S)}
"""
PAGE = """\
vital: {metric: current, across: high}
panels:
  doors: {title: {zh: 柜门, en: Doors}, states: {metric: door}}
  map: {title: {zh: 地图, en: Map}, map: {metric: current}}
"""


def texts(tree: Any, skipped: frozenset[str] = frozenset({"rawSql", "query", "definition"})) -> Iterator[str]:
    """Every text of a document, but its statements."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key not in skipped:
                yield from texts(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from texts(value)
    elif isinstance(tree, str):
        yield tree


def said(tree: Any) -> Iterator[str]:
    """Every text of a document that people read."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in ("title", "description", "text", "label", "legendFormat") and isinstance(value, str):
                yield value
            elif key == "id" and value == "displayName":
                yield tree["value"]
            else:
                yield from said(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from said(value)


def statements(built: Bundle) -> Iterator[tuple[str, str]]:
    """Every statement of every board, with where it stands."""
    for board in built.boards:
        document = board.document
        for panel in document["panels"]:
            yield from (
                (f"{board.uid}: {panel['title']}", one["rawSql"]) for one in panel["targets"] if "rawSql" in one
            )
        for variable in document["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{board.uid}: {variable['name']}", variable["query"]
        for annotation in document.get("annotations", {}).get("list", []):
            yield f"{board.uid}: {annotation['name']}", annotation["target"]["rawSql"]


def test_what_is_checked_in_is_what_is_built(built: Bundle) -> None:
    stale = build.stale(PROJECT / "deploy" / "grafana", built)
    assert not stale, "run `citybrain boards build`"


def test_a_changed_a_missing_and_a_strange_file_are_stale_and_put_right(built: Bundle, tmp_path: Path) -> None:
    build.write(tmp_path, built)
    assert not build.stale(tmp_path, built)
    changed, missing, strange = (
        tmp_path / "boards/zh" / f"citybrain-{name}.json" for name in ("city-zh", "plans-zh", "x")
    )
    changed.write_text("{}", encoding="utf-8")
    missing.unlink()
    strange.write_text("{}", encoding="utf-8")
    assert {tmp_path / path for path in build.stale(tmp_path, built)} == {changed, missing, strange}
    assert len(build.write(tmp_path, built)) == 3
    assert not build.stale(tmp_path, built)


def test_each_uid_is_there_once_and_each_board_has_its_folder(built: Bundle) -> None:
    uids = Counter(
        one.uid for kind in (built.boards, built.sources, built.contact_points, built.folders) for one in kind
    )
    assert set(uids.values()) == {1}
    assert all(re.fullmatch(r"citybrain-[a-z0-9_-]{1,30}", uid) for uid in uids)
    folders = {one.uid for one in built.folders}
    for board in built.boards:
        assert board.folder in folders
        assert board.uid == board.document["uid"]
        assert board.uid.endswith(board.language)
        assert board.document["tags"] == ["citybrain", f"citybrain-{board.language}"]


def test_panels_lie_beside_each_other_and_fill_their_rows(built: Bundle) -> None:
    for board in built.boards:
        taken: Counter[tuple[int, int]] = Counter()
        for panel in board.document["panels"]:
            place = panel["gridPos"]
            taken.update((place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"]))
        assert set(taken.values()) == {1}, f"{board.uid}: panels overlap"
        assert max(x for x, _ in taken) == 23
        ids = [panel["id"] for panel in board.document["panels"]]
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("language", LANGUAGES)
def test_boards_have_every_key_that_the_schema_knows_and_no_other(built: Bundle, language: str) -> None:
    register_default_plugins()
    for board in built.boards:
        if board.language == language:
            again = json.loads(json.dumps(Dashboard.from_json(board.document), cls=JSONEncoder))
            assert again == board.document, board.uid


def test_english_boards_hold_no_chinese_and_chinese_ones_no_english_words_of_ours(built: Bundle) -> None:
    english = set(texts(words("en").known)) - set(texts(words("zh").known))
    for board in built.boards:
        if board.language == "en":
            for text in texts(board.document):
                assert not CHINESE.search(text), f"{board.uid}: {text}"
        else:
            for text in said(board.document):
                assert text not in english, f"{board.uid}: {text}"


def test_both_languages_have_the_same_words_and_each_is_said(built: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def keys(tree: Any, way: str = "") -> Iterator[str]:
        for name, value in tree.items():
            yield from keys(value, f"{way}{name}.") if isinstance(value, dict) else [f"{way}{name}"]

    known = [list(keys(words(language).known)) for language in LANGUAGES]
    assert known[0] == known[1]
    used: set[str] = set()
    found = Words._found
    monkeypatch.setattr(Words, "_found", lambda self, key: (used.add(key), found(self, key))[1])
    build.bundle(load(PROJECT), shipped_rules(), "Asia/Shanghai", date(2026, 11, 22))
    used |= {key for key in known[0] if key.rpartition(".")[0] in used}
    assert set(known[0]) - used == ONLY_ELSEWHERE


def test_statements_read_nothing_but_the_views_of_boards(built: Bundle) -> None:
    end = datetime(2026, 11, 22, tzinfo=UTC)
    everything = Chosen(everything="'*'")
    chosen = dict.fromkeys(("region", "domain", "site"), everything) | {
        "indicator": Chosen(["a/b"]),
        "cockpit": Chosen(["http://127.0.0.1:8000"], multi=False),
    }
    found = 0
    for name, statement in statements(built):
        if name.partition(":")[0].endswith("-en"):
            continue  # the same statements with other columns
        text = expanded(interpolated(statement, chosen), end - timedelta(days=1), end)
        assert "${" not in text, f"{name}: a variable that there is none of"
        tree = sqlglot.parse_one(text, dialect="postgres")
        own = {one.alias for one in tree.find_all(exp.CTE)}
        tables = {table.name for table in tree.find_all(exp.Table)} - own - {""}
        assert {table for table in tables if not table.startswith("board_")} == set(), name
        found += 1
    assert found > 50


def test_variables_of_a_statement_are_those_of_its_board(built: Bundle) -> None:
    for board in built.boards:
        known = {one["name"] for one in board.document["templating"]["list"]}
        used = set(re.findall(r"\$\{(\w+)", json.dumps(board.document))) - {"__data", "__url_time_range"}
        assert used <= known, board.uid


def test_prometheus_is_asked_for_what_there_is(built: Bundle) -> None:
    documented = set(re.findall(r"^\| `(citybrain_\w+)` \|", (PROJECT / "docs/metrics.md").read_text("utf-8"), re.M))
    recorded = yaml.safe_load((PROJECT / "deploy/prometheus/recording.yml").read_text("utf-8"))
    known = {rule["record"] for group in recorded["groups"] for rule in group["rules"]}
    known |= {name + suffix for name in documented for suffix in ("", "_total", "_bucket", "_sum", "_count")}
    asked = {
        name
        for board in built.boards
        for panel in board.document["panels"]
        for target in panel["targets"]
        for name in re.findall(r"citybrain[\w:]+", target.get("expr", ""))
    }
    assert len(asked) > 20
    assert asked <= known


def test_no_file_holds_an_address_or_a_secret(built: Bundle) -> None:
    for path, text in build.files(built).items():
        if path.suffix == ".yaml":
            assert not re.search(r"https?://|localhost|127\.", text), path
            document = yaml.safe_load(text)
            assert document["apiVersion"] == 1
    source = yaml.safe_load(build.files(built)[Path("provisioning/datasources/citybrain.yaml")])["datasources"][0]
    assert source["secureJsonData"]["password"].startswith("$GF_")
    assert source["type"] == "grafana-postgresql-datasource"
    assert source["jsonData"]["timescaledb"] is True


def test_a_new_folder_of_domains_gives_boards_with_and_without_a_page(built: Bundle, tmp_path: Path) -> None:
    (tmp_path / "regions").symlink_to(PROJECT / "regions")
    (tmp_path / "sites").mkdir()
    for name in ("plain", "drawn"):
        (tmp_path / "domains" / name).mkdir(parents=True)
        (tmp_path / "domains" / name / "domain.yaml").write_text(DOMAIN, encoding="utf-8")
    (tmp_path / "domains/drawn/page.yaml").write_text(PAGE, encoding="utf-8")
    made = build.bundle(load(tmp_path), [], "Asia/Shanghai", date(2026, 11, 22))
    boards = {one.uid: one.document for one in made.boards}
    assert boards["citybrain-domain-plain-zh"]["title"] == "路灯"
    plain = [panel["title"] for panel in boards["citybrain-domain-plain-en"]["panels"]]
    assert plain == ["Current", "Door", "Open alerts", "Sites by their worst open alert", "Sites"]
    drawn = {panel["title"]: panel["type"] for panel in boards["citybrain-domain-drawn-en"]["panels"]}
    assert drawn["Doors, by kind"] == "barchart"
    assert drawn["Doors: abnormal"] == "table"
    assert drawn["Map"] == "geomap"
    city = [panel["title"] for panel in boards["citybrain-city-en"]["panels"]]
    assert city.count("Street lighting") == 2


def test_a_domain_with_a_long_name_has_a_uid_that_grafana_takes() -> None:
    from deploy.boards import frame

    long = ["utility_tunnels_and_their_galleries_east", "utility_tunnels_and_their_galleries_west"]
    uids = {frame.uid(frame.domain(name), "zh") for name in long}
    assert len(uids) == 2
    assert all(len(uid) == 40 for uid in uids)
