"""What Prometheus computes and calls for: each metric is one that there is, each alert is explained and tested."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from citybrain.settings import PROJECT

FOLDER = PROJECT / "deploy" / "prometheus"
# What others measure: Prometheus itself, node exporters, the client library.
FOREIGN = r"up|(?:node|prometheus|process)_\w+"


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def rules(name: str) -> list[dict[str, Any]]:
    return [rule for group in read(name)["groups"] for rule in group["rules"]]


def documented(name: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (PROJECT / "docs" / name).read_text(encoding="utf-8"), re.MULTILINE))


ALERTS = {rule["alert"]: rule for rule in rules("alerts.yml")}
RECORDED = {rule["record"]: rule for rule in rules("recording.yml")}
TESTS = {file.name: yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted((FOLDER / "tests").iterdir())}
CHECKS = [check for file in TESTS.values() for test in file["tests"] for check in test["promql_expr_test"]]


def metrics(expression: str) -> set[str]:
    """The names of what an expression reads."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|\b(?:by|on)\s*\([^)]*\)', " ", expression)
    names = re.findall(r"[a-z_][\w:]*(?!\s*\(|[\w:])", bare)
    return set(names) - {"and", "or", "unless", "offset", "by", "on", "e6", "e9"} - set(re.findall(r"[a-z]\b", bare))


def test_it_is_seen_what_an_expression_reads() -> None:
    expression = 'sum by (fate) (rate(a_total{x="b"}[5m])) / on (y) c:d:e unless up offset 15m > 600e6'
    assert metrics(expression) == {"a_total", "c:d:e", "up"}


@pytest.mark.parametrize("name", [*RECORDED, *ALERTS])
def test_a_rule_reads_what_there_is(name: str) -> None:
    known = documented("metrics.md", r"^\| `(\w+)` \|")
    for metric in metrics((RECORDED | ALERTS)[name]["expr"]):
        base = re.sub(r"_(total|bucket)$", "", metric)
        assert metric in RECORDED or base in known or re.fullmatch(FOREIGN, metric), metric


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_it_is_in_both_languages(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning"} or name == "CitybrainWatchdog"
    texts = {f"{part}_{language}" for part in ("summary", "description") for language in ("zh", "en")}
    assert rule["annotations"].keys() == texts | {"runbook"}
    for text in texts:
        has_chinese = re.search(r"[\u4e00-\u9fff]", rule["annotations"][text]) is not None
        assert has_chinese == text.endswith("zh"), text


def test_each_alert_has_its_section_and_each_section_its_alert() -> None:
    assert documented("monitoring.md", r"^### (Citybrain\w+)$") == ALERTS.keys()
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"docs/monitoring.md#{name.lower()}"


def test_each_alert_is_seen_to_fire_and_not_to_fire() -> None:
    fires: set[str] = set()
    rests: set[str] = set()
    for file in TESTS.values():
        for test in file["tests"]:
            about = re.match(r"Citybrain\w+", test["name"])
            for check in test["promql_expr_test"]:
                seen = set(re.findall(r'alertname="(\w+)"', "".join(one["labels"] for one in check["exp_samples"])))
                fires |= seen
                if about and about[0] not in seen:
                    rests.add(about[0])
    assert fires == ALERTS.keys()
    assert rests == ALERTS.keys() - {"CitybrainWatchdog"}


def test_each_recording_is_tested() -> None:
    read_by_tests = " ".join(check["expr"] for check in CHECKS)
    assert [name for name in RECORDED if name not in read_by_tests] == []


def test_recordings_are_named_as_prometheus_advises() -> None:
    for name in RECORDED:
        assert re.fullmatch(r"citybrain:[a-z_]+:[a-z0-9_]+", name)


@pytest.mark.parametrize("folder", ["targets", "compose"])
def test_the_configuration_finds_its_targets(folder: str) -> None:
    configuration = read("prometheus.yml")
    watched = [*configuration["scrape_configs"], *configuration["alerting"]["alertmanagers"]]
    named = {file for one in watched for discovery in one["file_sd_configs"] for file in discovery["files"]}
    assert named == {f"targets/{file.name}" for file in (FOLDER / folder).iterdir()}
    for file in (FOLDER / folder).iterdir():
        for group in yaml.safe_load(file.read_text(encoding="utf-8")):
            assert all(re.fullmatch(r"[\w.-]+:\d+", target) for target in group["targets"])


def test_targets_of_bare_servers_are_on_this_machine() -> None:
    for file in (FOLDER / "targets").iterdir():
        for group in yaml.safe_load(file.read_text(encoding="utf-8")):
            assert all(target.startswith("127.0.0.1:") for target in group["targets"])
