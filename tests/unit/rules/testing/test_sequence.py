from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.quality import Flag
from rules.testing.sequence import Slot, Unreadable, sequence


def values(text: str) -> list[object]:
    return [slot.value for slot in sequence(text).slots]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.2", [0.2]),
        ("-0.2 +3 .5 1e3 4.", [-0.2, 3.0, 0.5, 1000.0, 4.0]),
        ("0.2x3", [0.2, 0.2, 0.2]),
        ("- -x2 1", [None, None, None, 1.0]),
        ("10..40/4", [10.0, 20.0, 30.0, 40.0]),
        ("1..0/3", [1.0, 0.5, 0.0]),
        ("-2..-4/2x2", [-2.0, -4.0, -2.0, -4.0]),
        ("on OFF", [True, False]),
        ("'open'x2 'it''s 5x3'", ["open", "open", "it's 5x3"]),
    ],
)
def test_tokens(text: str, expected: list[object]) -> None:
    assert values(text) == expected


def test_a_flag_belongs_to_the_readings_of_its_token() -> None:
    found = sequence("1 0.3!stuck!out_of_rangex2 'open'!step").slots
    stuck = int(Flag.STUCK | Flag.OUT_OF_RANGE)
    assert found == (Slot(1.0), Slot(0.3, stuck), Slot(0.3, stuck), Slot("open", int(Flag.STEP)))


def test_a_time_belongs_to_the_next_reading_only() -> None:
    found = sequence("on @10:01 offx2 @04-16 00:00 on @2027-01-01T10:00:30 off").slots
    assert [slot.at for slot in found] == [None, "10:01", None, "04-16 00:00", "2027-01-01T10:00:30"]


@pytest.mark.parametrize(("text", "constant"), [("5", True), ("'a b'", True), ("-", True), ("5x1", False),
                                                 ("5 5", False), ("1..2/2", False), ("@10:00 5", False)])  # fmt: skip
def test_a_single_value_is_a_constant(text: str, constant: bool) -> None:
    found = sequence(text)
    assert found.constant == constant
    assert (found.slot(1000) == found.slots[0]) == constant


@pytest.mark.parametrize(
    "text",
    ["", "0.2y", "x4", "0.2x", "0.2!late", "0.2!stcuk", "1..2", "1..2/1", "@10:05", "@10:05 @10:06 1", "'open", "1,2",
     "5x99999999999", "1..2/999999999", "nan", "inf"],
)  # fmt: skip
def test_what_means_nothing_is_a_mistake(text: str) -> None:
    with pytest.raises(Unreadable):
        sequence(text)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), st.integers(1, 50)), min_size=1))
def test_a_sequence_has_the_readings_that_it_counts(runs: list[tuple[float, int]]) -> None:
    assert values(" ".join(f"{value}x{n}" for value, n in runs)) == [value for value, n in runs for _ in range(n)]
