"""Differences between what is built and what a Grafana has: none where there is none, and each with its path."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.boards import difference
from deploy.boards.difference import REDACTED, differences
from deploy.boards.model import Document

words = st.sampled_from(["title", "name", "refId", "id", "a", "b"])
documents = st.recursive(
    st.booleans() | st.integers(0, 3) | st.sampled_from(["", "x", "two\nlines"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=12,
)


@given(documents, documents)
def test_there_is_a_difference_exactly_where_documents_are_not_equal(built: Any, there: Any) -> None:
    assert bool(list(differences(built, there))) == (built != there)


def test_a_path_names_items_by_what_tells_them_apart() -> None:
    built = {
        "panels": [{"title": "水压", "targets": [{"refId": "A", "rawSql": "SELECT 1"}]}, {"title": "流量"}],
        "refresh": "30s",
    }
    there = {"panels": [{"title": "流量"}, {"title": "水压", "targets": [{"refId": "A", "rawSql": "SELECT 2"}]}]}

    assert list(differences(built, there)) == [
        'panels[水压].targets[A].rawSql: "SELECT 2", "SELECT 1" is built',
        "panels: in another order",
        'refresh: missing, "30s" is built',
    ]


def test_a_value_of_many_lines_is_compared_line_by_line() -> None:
    assert list(differences("SELECT\n  1\nFROM a", "SELECT\n  2\nFROM a", "rawSql")) == [
        "rawSql:",
        "  -   2",
        "  +   1",
    ]


def test_a_long_value_is_cut() -> None:
    (line,) = differences(None, "x" * 1000, "description")
    assert len(line) < 200


@pytest.mark.parametrize(
    "added",
    [
        {"id": 7, "version": 3, "iteration": 1, "gnetId": None, "schemaVersion": 43},
        {"editable": True, "graphTooltip": 0, "weekStart": "", "links": []},
        {"annotations": {"list": [{"builtIn": 1, "name": "Annotations & Alerts"}]}},
        {"templating": {"list": [{"name": "region", "query": "q", "current": {"value": "150802"}, "options": [1]}]}},
        {"panels": [{"id": 1, "title": "水压", "pluginVersion": "12.2.1", "description": ""}]},
    ],
)
def test_what_grafana_adds_to_a_board_is_no_difference(added: Document) -> None:
    built: Document = {
        "title": "供水",
        "panels": [{"id": 1, "title": "水压"}],
        "templating": {"list": [{"name": "region", "query": "q", "current": {"value": "$__all"}}]},
    }
    assert difference.board(built | added) == difference.board(built)


@pytest.mark.parametrize(
    "changed",
    [
        {"editable": False},
        {"title": "水"},
        {"panels": [{"id": 1, "title": "水压", "gridPos": {"x": 1}}]},
        {"templating": {"list": [{"name": "region", "query": "other"}]}},
        {"annotations": {"list": [{"name": "mine", "enable": True}]}},
    ],
)
def test_what_a_person_changes_in_a_board_is_a_difference(changed: Document) -> None:
    built: Document = {
        "title": "供水",
        "panels": [{"id": 1, "title": "水压"}],
        "templating": {"list": [{"name": "region", "query": "q"}]},
    }
    assert difference.board(built | changed) != difference.board(built)


def test_a_source_is_compared_by_what_is_built_and_its_secrets_by_name() -> None:
    built = {"name": "citybrain", "jsonData": {"timescaledb": True}, "secureJsonData": {"password": "s3cret"}}
    there = {"id": 1, "name": "citybrain", "jsonData": {"timescaledb": True}, "readOnly": False}

    same = difference.source(built, {**there, "secureJsonFields": {"password": True}})
    assert list(differences(*same)) == []
    lacking = difference.source(built, {**there, "secureJsonFields": {"password": False}})
    assert list(differences(*lacking)) == ['secrets: missing, {"password": true} is built']


def test_a_setting_that_is_redacted_is_taken_to_be_equal() -> None:
    built = {"name": "duty", "settings": {"url": "https://hooks.example.org/1", "httpMethod": "POST"}}
    there = {"name": "duty", "settings": {"url": REDACTED, "httpMethod": "PUT"}, "provenance": ""}

    assert list(differences(*difference.contact_point(built, there))) == ['settings.httpMethod: "PUT", "POST" is built']
