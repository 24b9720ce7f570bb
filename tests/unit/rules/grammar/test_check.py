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


def test_one_mistake_is_one_and_does_not_hide_a_warning(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "domains/more").mkdir()
    (root / "domains/more/rules.yml").write_text("", encoding="utf-8")
    (root / "domains/more/rules.yaml").write_text("- [bold]:100:\n", encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        check_command(root)
    assert str(caught.value) == "1 mistake. The rules in force stay as they are."
    assert [line.split(": ")[0] for line in capsys.readouterr().out.splitlines()] == [
        "domains/more/rules.yaml:1:3",
        "domains/more/rules.yml:1:1",
    ]


def test_texts_are_printed_as_they_are(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "domains/more").mkdir()
    (root / "domains/more/rules.yaml").write_text("- rule: '[bold]:100:'\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        check_command(root)
    assert "found '[bold]:100:'" in capsys.readouterr().out


def test_warnings_are_no_mistakes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "domains/more").mkdir()
    (root / "domains/more/rules.yaml").write_text(
        "- {rule: water.new, title: {zh: 新, en: New}, metric: pressure, raise: value < 1, severity: 4}\n", "utf-8"
    )
    check_command(root)
    out = capsys.readouterr().out
    assert "domains/more/rules.yaml:1:82: water.new.severity: no test reaches severity 4" in out
