"""Which crew to think of first, and how much of its phone is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.duty.crews import Candidate, masked, ranked


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("13800000000", "138****0000"),
        ("138 0000 0000", "138 **** 0000"),
        ("+86 13812345678", "+86 1******5678"),
        ("0478-8901234", "047*-***1234"),
        ("8901234", "****234"),
        ("12345", "****5"),
        ("110", "***"),
    ],
)
def test_four_digits_or_more_are_hidden(contact: str, shown: str) -> None:
    assert masked(contact) == shown


@given(st.from_regex(r"\A[0-9+(][0-9+() #-]{2,39}\Z"))
def test_a_masked_number_says_what_it_may_and_no_more(contact: str) -> None:
    shown = masked(contact)
    digits = sum(letter.isdigit() for letter in contact)
    assert len(shown) == len(contact)
    assert shown.count("*") >= min(4, digits)
    assert all(now in (before, "*") for now, before in zip(shown, contact, strict=True))
    assert masked(shown).count("*") >= shown.count("*")


def candidate(id: str, distance_m: float | None, orders: int) -> Candidate:
    return Candidate(id, id, id, None, None, None, None, None, None, True, None, distance_m, orders)


def test_free_crews_come_first_of_these_the_nearest() -> None:
    crews = [
        candidate("busy-near", 100, 2),
        candidate("nowhere", None, 0),
        candidate("far", 9000, 0),
        candidate("near", 800, 0),
        candidate("busier-near", 100, 5),
    ]
    assert [one.id for one in ranked(crews)] == ["near", "far", "nowhere", "busy-near", "busier-near"]
