"""The image without an engine: what its Containerfile copies and installs is enough to run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from citybrain.settings import PROJECT
from tests.unit.deploy.compose.test_containerfile import LOCK, copied, pins


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image has: what is copied, and the packages of its lock, linked to where they lie here."""
    root = tmp_path_factory.mktemp("image")
    (root / "site").mkdir()
    for target, source in copied().items():
        shutil.copytree(PROJECT / source, root / target, ignore=shutil.ignore_patterns("secrets"))
    for pin in pins(LOCK):
        name, _, condition = pin.partition(" ; ")
        try:
            files = metadata.files(name.partition("==")[0]) or []
        except metadata.PackageNotFoundError:
            assert condition, f"{name} is not in this environment"
            continue
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            here, link = Path(str(files[0].locate())).parents[len(files[0].parts) - 1] / top, root / "site" / top
            if not link.exists():
                link.symlink_to(here)
    return root


@pytest.mark.parametrize(
    "arguments",
    [
        ["-c", "import api.server, ingest.collector, rules.host, citybrain.derived.runner, deploy.compose.accounts"],
        ["-c", "import sys; from citybrain.cli import main; sys.argv = ['citybrain', 'rules', 'check']; main()"],
        ["-m", "deploy.compose.credentials", "--host", "broker.example.org"],
    ],
    ids=["processes", "rules", "credentials"],
)
def test_what_it_has_is_enough_to_run(image: Path, arguments: list[str]) -> None:
    # Without `site`, which would find the rest of this environment.
    environment = {"PYTHONPATH": f"{image / 'app'}:{image / 'site'}", "PATH": os.environ["PATH"]}
    run = subprocess.run(
        [sys.executable, "-S", *arguments], env=environment, cwd="/", capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
