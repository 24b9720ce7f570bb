from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from simulators.commands import Note, timeline
from simulators.model import DAY, HOUR, MINUTE, SECOND, SimulationError

if TYPE_CHECKING:
    from tests.unit.simulators.conftest import Written

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 10, 12, 34, 56, tzinfo=ZONE)
OLDEST = date(2010, 1, 1)
FIXED = "starts: 2026-01-15T00:00\nhistory: 8d\nlasts: 12h\n"
EARLY = "happenings:\n  - {incident: a, fault: air.dust, at: -3h, lasts: 6h, place: town}\n"


def us(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=ZONE).timestamp()) * SECOND  # type: ignore[misc, arg-type]


AT = int(NOW.timestamp()) * SECOND


def plan(
    written: Written, text: str, since: str | None = None, speed: float | None = None
) -> tuple[int, int | None, int | None]:
    return timeline(written(text), since, speed, NOW, ZONE, OLDEST)


def test_a_scenario_that_says_when_it_starts_does_so(written: Written) -> None:
    start, end = us(2026, 1, 15), us(2026, 1, 15, 12)
    assert plan(written, FIXED) == (us(2026, 1, 7), start, end)
    assert plan(written, FIXED, "2026-01-14T18:00") == (us(2026, 1, 14, 18), start, end)
    assert plan(written, FIXED, None, 60.0) == plan(written, FIXED)
    assert plan(written, "starts: 2026-01-15T00:00\n" + EARLY) == (us(2026, 1, 14, 21), start, None)


def test_a_moment_may_have_another_zone(written: Written) -> None:
    assert plan(written, FIXED, "2026-01-14T16:00:00Z")[0] == us(2026, 1, 15)
    assert plan(written, FIXED, "2026-01-14T23:00+08:00")[0] == us(2026, 1, 14, 23)
    assert plan(written, FIXED, "2026-01-14")[0] == us(2026, 1, 14)


def test_any_other_starts_live_when_its_history_is_told(written: Written) -> None:
    assert plan(written, "history: 30d\n" + EARLY) == (AT - 30 * DAY, None, None)
    assert plan(written, EARLY) == (AT - 3 * HOUR, None, None)
    assert plan(written, "lasts: 2h\n") == (AT, None, None)
    assert plan(written, "history: 30d\n", "2026-03-01") == (us(2026, 3, 1), None, None)


def test_with_a_speed_it_starts_at_once_and_ends_when_it_has_caught_up(written: Written) -> None:
    begin, start, end = plan(written, "history: 30d\nlasts: 2h\n" + EARLY, None, 4.0)
    assert start is not None
    assert end is not None
    assert (start - begin, end - start) == (3 * HOUR, 2 * HOUR)
    assert start == AT - 90 * MINUTE
    assert plan(written, "lasts: 2h\n", None, 0.5) == (AT, AT, AT + 2 * HOUR)
    assert plan(written, "history: 30d\n", "2026-03-01", 60.0) == (us(2026, 3, 1), us(2026, 3, 1), None)


@pytest.mark.parametrize(
    ("text", "since", "speed", "message"),
    [
        ("", None, 60.0, "case never ends: with --speed say --from when it begins"),
        (FIXED, "yesterday", None, "--from is yesterday: write it as 2026-03-01 or 2026-03-01T10:00"),
        (FIXED, "2026-13-01", None, "--from is 2026-13-01"),
        (FIXED, "2026-02-01", None, "case ends 2026-01-15 12:00: say an earlier --from"),
        (FIXED, "2026-01-15T12:00", None, "case ends 2026-01-15 12:00: say an earlier --from"),
        ("", "2026-03-10T12:34:57", None, "It would begin 2026-03-10 12:34, which lies in the future"),
        ("", "9999-12-31T23:59:59", None, "It would begin 9999-12-31 23:59, which lies in the future"),
        ("starts: 2099-12-31T00:00\nlasts: 366d\n", None, None, "2099-12-31 00:00, which lies in the future"),
        ("", "0001-01-01", None, "before 2010-01-01, where the platform takes no readings"),
        ("", "2009-12-31T23:59:59", None, "before 2010-01-01"),
        ("starts: 2010-01-05T00:00\nhistory: 8d\n", None, None, "before 2010-01-01"),
    ],
)
def test_times_at_which_it_can_not_be(
    written: Written, text: str, since: str | None, speed: float | None, message: str
) -> None:
    with pytest.raises(SimulationError, match=message):
        plan(written, text, since, speed)


def test_a_note_is_of_the_same_simulation_alone(tmp_path: Path) -> None:
    path = tmp_path / "run" / "note.json"
    note = Note(path, "demo", 1, None)
    assert note.until() == 0
    note.write(AT)
    assert note.until() == AT
    for other in (Note(path, "calm", 1, None), Note(path, "demo", 2, None), Note(path, "demo", 1, 300)):
        assert other.until() == 0


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"demo"', "\udcff", '{"scenario": "demo"}'])
def test_a_note_that_can_not_be_read_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "note.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert Note(path, "demo", 1, None).until() == 0


@pytest.mark.parametrize("until", [None, "soon", [], -5, 1e300, True])
def test_a_note_whose_time_is_none(tmp_path: Path, until: object) -> None:
    path = tmp_path / "note.json"
    path.write_text(json.dumps({"scenario": "demo", "seed": 1, "devices": None, "until": until}), encoding="utf-8")
    assert Note(path, "demo", 1, None).until() == 0
