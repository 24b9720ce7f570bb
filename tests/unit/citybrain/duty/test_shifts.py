"""Which shift a moment falls into, across midnight, gaps, overlaps and a change of the clock."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from citybrain.duty.shifts import Shift, ShiftsError, following, load, present

SHANGHAI = ZoneInfo("Asia/Shanghai")
SHIPPED = load()


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def shift(id: str, begin: str, end: str, **more: object) -> Shift:
    return Shift.model_validate({"id": id, "title": {"zh": id, "en": id}, "begin": begin, "end": end, **more})


@pytest.mark.parametrize(
    ("moment", "name", "begin", "end"),
    [
        ("2026-11-22T08:00", "day", "2026-11-22T08:00", "2026-11-22T20:00"),
        ("2026-11-22T19:59", "day", "2026-11-22T08:00", "2026-11-22T20:00"),
        ("2026-11-22T20:00", "night", "2026-11-22T20:00", "2026-11-23T08:00"),
        ("2026-11-23T00:00", "night", "2026-11-22T20:00", "2026-11-23T08:00"),
        ("2026-11-23T07:59", "night", "2026-11-22T20:00", "2026-11-23T08:00"),
    ],
)
def test_the_night_shift_goes_on_past_midnight(moment: str, name: str, begin: str, end: str) -> None:
    turn = present(SHIPPED, at(moment), SHANGHAI)
    assert turn is not None
    assert (turn.shift.id, turn.begin, turn.end) == (name, at(begin), at(end))


def test_a_moment_is_the_same_in_any_zone() -> None:
    assert present(SHIPPED, at("2026-11-22T14:00", ZoneInfo("UTC")), SHANGHAI) == present(
        SHIPPED, at("2026-11-22T22:00"), SHANGHAI
    )


def test_between_shifts_there_is_none_and_the_next_is_known() -> None:
    office = [shift("office", "09:00", "17:00", days=["mon", "tue", "wed", "thu", "fri"])]
    saturday = at("2026-11-21T12:00")
    assert present(office, saturday, SHANGHAI) is None
    assert following(office, saturday, SHANGHAI).begin == at("2026-11-23T09:00")
    assert following(office, at("2026-11-23T09:00"), SHANGHAI).begin == at("2026-11-24T09:00")


def test_a_shift_of_one_day_a_week_comes_again_in_a_week() -> None:
    weekly = [shift("sunday", "00:00", "00:00", days=["sun"])]
    assert present(weekly, at("2026-11-22T23:59"), SHANGHAI) is not None
    assert following(weekly, at("2026-11-22T00:00"), SHANGHAI).begin == at("2026-11-29T00:00")


def test_of_two_that_overlap_the_one_that_began_last_is_meant() -> None:
    both = [shift("first", "08:00", "16:30"), shift("second", "16:00", "00:00")]
    turn = present(both, at("2026-11-22T16:10"), SHANGHAI)
    assert turn is not None
    assert turn.shift.id == "second"


def test_a_night_in_which_the_clock_changes_is_an_hour_longer() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    turn = present(SHIPPED, at("2026-10-25T01:00", berlin), berlin)
    assert turn is not None
    assert turn.end.timestamp() - turn.begin.timestamp() == 13 * 3600


def test_all_mistakes_of_a_file_are_told(tmp_path: Path) -> None:
    file = tmp_path / "shifts.yaml"
    file.write_text(
        "shifts:\n"
        "  - {id: a, title: {zh: 甲, en: A}, begin: 8 o'clock, end: '24:00'}\n"
        "  - {id: b, title: {zh: 乙}, begin: '08:00', end: '20:00', days: [monday]}\n",
        encoding="utf-8",
    )
    with pytest.raises(ShiftsError) as caught:
        load(file)
    said = str(caught.value)
    assert "shifts.yaml:2:" in said
    assert "expected a time of the day such as 08:00" in said
    assert "en" in said
    assert "days" in said


def test_two_shifts_have_two_ids(tmp_path: Path) -> None:
    file = tmp_path / "shifts.yaml"
    one = "  - {id: a, title: {zh: 甲, en: A}, begin: '08:00', end: '20:00'}\n"
    file.write_text("shifts:\n" + one + one, encoding="utf-8")
    with pytest.raises(ShiftsError, match="two shifts a"):
        load(file)
