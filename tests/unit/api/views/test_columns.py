"""Columns as text: what is packed comes out again."""

from __future__ import annotations

import base64

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from api.views.columns import planes, prefixed


def unprefixed(text: str) -> list[str]:
    found: list[str] = []
    for line in text.split("\n"):
        found.append((found[-1] if found else "")[: int(line[0], 36)] + line[1:])
    return found


@given(st.lists(st.text("ab-7", min_size=1, max_size=80), min_size=1))
def test_names_come_out_as_they_went_in(names: list[str]) -> None:
    assert unprefixed(prefixed(names)) == names


def test_a_digit_says_what_is_shared() -> None:
    assert prefixed(["pump-7", "pump-8", "pump-80", "x"]) == "0pump-7\n58\n60\n0x"
    assert prefixed(["x" * 50, "x" * 51]).endswith("\nz" + "x" * 16)
    assert prefixed([]) == ""


@given(st.lists(st.integers(0, 2**24 - 1)))
def test_bytes_of_a_weight_lie_together(numbers: list[int]) -> None:
    raw = base64.b64decode(planes(np.array(numbers, dtype=np.int64)))
    assert [int.from_bytes(raw[place :: len(numbers)], "little") for place in range(len(numbers))] == numbers
