"""`citybrain boards build` as one types it."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from citybrain.cli import app


def test_boards_are_built_and_checked(tmp_path: Path) -> None:
    run = CliRunner()
    built = run.invoke(app, ["boards", "build", "--out", str(tmp_path)])
    assert built.exit_code == 0
    assert "16 boards" in built.output
    assert run.invoke(app, ["boards", "build", "--out", str(tmp_path), "--check"]).exit_code == 0
    (tmp_path / "boards/zh/citybrain-city-zh.json").unlink()
    checked = run.invoke(app, ["boards", "build", "--out", str(tmp_path), "--check"])
    assert checked.exit_code == 1
    assert "boards/zh/citybrain-city-zh.json" in str(checked.exception or checked.output)
    assert not (tmp_path / "boards/zh/citybrain-city-zh.json").exists(), "a check writes nothing"
