"""Cursors: what was told of a page comes back, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.pages import decode, encode
from api.web.problems import Refusal

Key = tuple[datetime, str, int]


@given(st.datetimes(timezones=st.just(UTC)), st.text(), st.integers(-(2**63), 2**63 - 1))
def test_a_cursor_brings_its_key_back(moment: datetime, name: str, number: int) -> None:
    cursor = encode((moment, name, number))

    assert decode(cursor, Key) == (moment, name, number)
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?# ")


@given(st.text(max_size=200))
def test_any_other_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(Refusal, match="no such cursor") as refused:
        decode(text, Key)
    assert refused.value.status == 400


@pytest.mark.parametrize("key", [(1, 2, 3), ("2026-01-01T00:00:00Z", "a"), {"a": 1}, "text"])
def test_the_cursor_of_another_list_is_refused(key: tuple[object, ...]) -> None:
    with pytest.raises(Refusal):
        decode(encode(key), Key)
