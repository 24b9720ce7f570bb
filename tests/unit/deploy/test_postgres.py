"""What a killed PostgreSQL left: its lock file goes when nobody holds its memory any more."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from deploy.local import postgres

HEAD = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid\n"
LOCK = "711\n/data\n1763700000\n5432\n/run\n\n  10782467   3473409\nready   \n"


def segment(number: int, attached: int) -> str:
    return f"  10782467    {number}   600                    56   699 26792     {attached} 65534 65534\n"


@pytest.fixture
def segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "shm"
    monkeypatch.setattr(postgres, "SEGMENTS", file)
    return file


def test_a_lock_file_stays_while_its_memory_is_held(segments: Path, tmp_path: Path) -> None:
    segments.write_text(HEAD + segment(7, 3) + segment(3473409, 2))
    lock = tmp_path / "postmaster.pid"
    lock.write_text(LOCK)
    clearing = threading.Thread(target=postgres.clear, args=(tmp_path, tmp_path))
    clearing.start()
    clearing.join(0.2)

    assert lock.exists()
    segments.write_text(HEAD + segment(7, 3) + segment(3473409, 0))
    clearing.join(2)
    assert not lock.exists()


@pytest.mark.parametrize("text", ["", "711\n", LOCK], ids=["empty", "cut short", "of memory that is gone"])
def test_a_lock_file_whose_memory_nobody_holds_goes_at_once(segments: Path, tmp_path: Path, text: str) -> None:
    segments.write_text(HEAD + segment(7, 3))
    (tmp_path / "postmaster.pid").write_text(text)

    postgres.clear(tmp_path, tmp_path)

    assert not (tmp_path / "postmaster.pid").exists()
