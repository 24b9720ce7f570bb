"""`citybrain rules check` prints what is wrong, and ends accordingly."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from citybrain.settings import PROJECT
from rules.grammar.check import check_command


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The rules that ship, with all that they refer to."""
    for folder in ("regions", "domains", "sites", "plans"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    return tmp_path


def test_the_rules_that_ship_are_right(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_command(root)
    assert "rules, no mistake" in capsys.readouterr().out


def test_mistakes_and_where_they_are(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "domains/more/rules").mkdir(parents=True)
    (root / "domains/more/rules/new.yaml").write_text("- {rule: water.new, metric: presure}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        check_command(root)
    assert str(caught.value) == "4 mistakes. The rules in force stay as they are."
    assert "domains/more/rules/new.yaml:1:21: water.new.metric: unknown metric presure; did you mean pressure?" in (
        capsys.readouterr().out.splitlines()
    )


def test_warnings_are_no_mistakes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "domains/more").mkdir()
    (root / "domains/more/rules.yaml").write_text(
        "- {rule: water.new, title: {zh: 新, en: New}, metric: pressure, raise: value < 1, severity: 4}\n", "utf-8"
    )
    check_command(root)
    out = capsys.readouterr().out
    assert "domains/more/rules.yaml:1:82: water.new.severity: no test reaches severity 4" in out
