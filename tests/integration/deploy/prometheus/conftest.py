"""A folder as Prometheus has it in /etc: our configuration, with a token."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from citybrain.settings import PROJECT

SOURCE = PROJECT / "deploy" / "prometheus"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(SOURCE, tmp_path / "prometheus")
    (tmp_path / "prometheus" / "token").write_text("cbt_of_a_viewer")
    return tmp_path / "prometheus"
