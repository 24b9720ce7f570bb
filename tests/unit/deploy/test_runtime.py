import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import LocalError, runtime

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands its servers to another user")


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A short directory that everybody can pass (pytest's own is closed)."""
    with tempfile.TemporaryDirectory(prefix="cb-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def substitute(link: Path) -> Path:
    target = link.readlink()
    assert target.parent == Path("/var/tmp")
    return target


def test_a_fit_directory_is_used_as_it_is(reachable: Path) -> None:
    said: list[str] = []
    place = runtime.prepare(reachable / "runtime", said.append)
    assert place.root == reachable / "runtime"
    assert said == []


@pytest.mark.parametrize(
    ("name", "reason"), [("x" * 100, "107 are allowed"), ("with space", "has a space")], ids=["long", "space"]
)
def test_an_unfit_directory_becomes_a_link_and_stays_it(reachable: Path, name: str, reason: str) -> None:
    said: list[str] = []
    directory = reachable / name / "runtime"
    place = runtime.prepare(directory, said.append)
    try:
        assert place.root == substitute(directory)
        assert len(said) == 1
        assert reason in said[0]
        assert runtime.prepare(directory, said.append).root == place.root
        assert len(said) == 1
    finally:
        place.root.rmdir()


def test_a_link_that_lost_its_target_gets_a_new_one(reachable: Path) -> None:
    directory = reachable / ("x" * 100) / "runtime"
    runtime.prepare(directory, lambda text: None).root.rmdir()
    place = runtime.prepare(directory, lambda text: None)
    assert place.root.is_dir()
    place.root.rmdir()


@as_root
def test_a_directory_below_a_closed_one_is_unfit_for_the_servers_user(reachable: Path) -> None:
    closed = reachable / "closed"
    closed.mkdir(mode=0o700)
    said: list[str] = []
    place = runtime.prepare(closed / "runtime", said.append)
    try:
        assert place.root == substitute(closed / "runtime")
        assert f"can't pass {closed}" in said[0]
    finally:
        place.root.rmdir()


def test_data_in_an_unfit_place_is_never_left_behind(reachable: Path) -> None:
    directory = reachable / ("x" * 100)
    (directory / "postgres").mkdir(parents=True)
    with pytest.raises(LocalError, match=r"holds data.*CITYBRAIN_RUNTIME_DIR"):
        runtime.prepare(directory, lambda text: None)
    assert (directory / "postgres").is_dir()


def test_a_file_in_the_way_is_named(reachable: Path) -> None:
    (reachable / "file").write_text("")
    with pytest.raises(LocalError, match=r"file/runtime can't be used.*CITYBRAIN_RUNTIME_DIR"):
        runtime.prepare(reachable / "file" / "runtime", lambda text: None)


def test_a_servers_own_folder_is_closed_to_all_others(reachable: Path) -> None:
    place = runtime.prepare(reachable / "runtime", lambda text: None)
    entry = place.private("run").stat()
    assert stat.S_IMODE(entry.st_mode) == 0o700
    assert entry.st_uid == place.owner.uid


def test_too_little_room_says_how_much_is_needed(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"Starting needs 1000000000 MB, but the disk of .* has"):
        runtime.require_room(tmp_path, 1_000_000_000, "Starting")
