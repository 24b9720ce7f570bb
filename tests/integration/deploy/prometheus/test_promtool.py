"""Prometheus' own tool takes the configuration, and each alert comes when it must and not before."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from citybrain.settings import PROJECT
from deploy.local import tools

TESTS = sorted((PROJECT / "deploy" / "prometheus" / "tests").iterdir())


@pytest.fixture(scope="module")
def promtool() -> Path:
    return tools.usr("promtool", "bin/promtool") / "bin" / "promtool"


def said(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("targets", ["targets", "compose"])
def test_the_configuration_is_valid(promtool: Path, folder: Path, targets: str) -> None:
    (folder / targets).rename(folder / "chosen")
    shutil.rmtree(folder / "targets", ignore_errors=True)
    (folder / "chosen").rename(folder / "targets")

    assert "is valid prometheus config file syntax" in said(promtool, "check", "config", folder / "prometheus.yml")


def test_the_rules_have_no_lint(promtool: Path, folder: Path) -> None:
    said(promtool, "check", "rules", "--lint=all", "--lint-fatal", folder / "recording.yml", folder / "alerts.yml")


@pytest.mark.parametrize("file", TESTS, ids=lambda file: str(file.name))
def test_alerts_and_recordings(promtool: Path, file: Path) -> None:
    said(promtool, "test", "rules", file)
