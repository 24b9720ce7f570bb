"""Raise and clear that hold at once, and conditions that never do."""

import math

import pytest

from rules.conditions import Column, Condition, conflict, ever_true, parse

LIMITS = {"limit": 0.2, "high": 0.4}
NUMBER = {name: Column("number") for name in ("value", *LIMITS)}


def condition(text: str, value: Column | None = None) -> Condition:
    return parse(text, NUMBER | {"value": value or Column("number")})


@pytest.mark.parametrize(
    ("raise_", "clear"),
    [
        ("value < limit", "value >= limit - 0.02"),
        ("value < limit", "value <= limit"),
        ("value <= limit", "value >= limit"),
        ("value < limit + 0.0500001", "value >= limit + 0.05"),
        ("value < limit", "value > 0.9999999 * limit"),
        ("abs(value - limit) > 0.0999999", "value <= limit + 0.1 AND value > limit"),
        ("value * 3 < limit", "value > 0.3333332 * limit"),
        ("value < limit", "value IS NOT NULL"),
    ],
)
def test_a_conflict_is_shown_with_a_value(raise_: str, clear: str) -> None:
    one, other = condition(raise_), condition(clear)
    value = conflict(one, other, LIMITS, -20_000, 20_000)
    assert value is not None
    assert -20_000 <= value <= 20_000
    for text in (raise_, clear):
        inserted = text.replace("value", f"({value!r})").replace("limit", "0.2")
        assert ever_true(condition(inserted), LIMITS, 0, 1)


@pytest.mark.parametrize(
    ("raise_", "clear"),
    [
        ("value < limit", "value >= limit"),
        ("value < limit", "value >= limit + 0.02"),
        ("value < limit OR value > high", "value >= 1.1 * limit AND value <= 0.95 * high"),
        ("value > limit", "value < 0.8 * limit"),
    ],
)
def test_conditions_that_exclude_each_other(raise_: str, clear: str) -> None:
    assert conflict(condition(raise_), condition(clear), LIMITS, 0, 2.5) is None


def test_the_plainest_value_is_shown() -> None:
    assert conflict(condition("value < limit"), condition("value < high"), LIMITS, 0, 1) == 0.0
    assert conflict(condition("value < high"), condition("value > limit"), LIMITS, 0, 1) == 0.3


def test_nothing_is_tried_outside_of_the_range() -> None:
    assert conflict(condition("value < 5"), condition("value > 4"), LIMITS, 0, 3) is None
    assert not ever_true(condition("value > limit + 3"), LIMITS, 0, 3.1)
    assert ever_true(condition("value > limit + 3"), LIMITS, 0, 3.3)


def test_an_open_range_is_tried_around_all_numbers() -> None:
    assert ever_true(condition("value > 3e12 AND value < 3.1e12"), LIMITS, -math.inf, math.inf)
    assert ever_true(condition("value < -1e6"), LIMITS, -math.inf, math.inf)


def test_a_limit_that_is_null_is_never_exceeded() -> None:
    assert not ever_true(condition("value > limit"), {"limit": math.nan}, 0, 1)


def test_only_the_values_of_a_state_are_tried() -> None:
    door = Column("state", codes={"closed": 0, "open": 1})
    assert conflict(condition("value <> 'open'", door), condition("value <> 'closed'", door), {}, 0, 1) is None
    door = Column("state", codes={"closed": 0, "open": 1, "half": 2})
    assert conflict(condition("value <> 'open'", door), condition("value <> 'closed'", door), {}, 0, 2) == 2


def test_a_boolean_is_true_or_false() -> None:
    power = Column("boolean")
    assert conflict(condition("value", power), condition("NOT value", power), {}, 0, 1) is None
    assert ever_true(condition("NOT value", power), {}, 0, 1)
    assert not ever_true(condition("value AND NOT value", power), {}, 0, 1)


def test_texts_are_not_tried() -> None:
    text = Column("text")
    assert conflict(condition("value = 'a'", text), condition("value <> 'b'", text), {}, 0, 1) is None
    assert ever_true(condition("value = 'a'", text), {}, 0, 1)
