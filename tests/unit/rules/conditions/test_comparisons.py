"""What a condition compares by name."""

from __future__ import annotations

import pytest

from rules.conditions.comparisons import Comparison, Operator, Term, comparisons

VALUE, LIMIT, LOW = Term("value"), Term("limit"), Term("low")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("value <= limit", [Comparison(VALUE, "<=", LIMIT)]),
        ("limit > value", [Comparison(LIMIT, ">", VALUE)]),
        ("abs(value) >= limit", [Comparison(Term("value", absolute=True), ">=", LIMIT)]),
        ("value < low OR value > limit", [Comparison(VALUE, "<", LOW), Comparison(VALUE, ">", LIMIT)]),
        ("value > limit AND avg(value, '1h') > low", [Comparison(VALUE, ">", LIMIT)]),
    ],
)
def test_comparisons_stand_as_they_are_written(condition: str, expected: list[Comparison]) -> None:
    assert sorted(comparisons(condition)) == sorted(expected)


@pytest.mark.parametrize(
    "condition",
    [
        "delta(value, '5m') <= -limit AND inflow >= rise * usual(inflow, '7d')",
        "abs(value - near) > apart",
        "NOT (value > limit)",
        "NOT value",
        "value >= limit +",
        "",
    ],
)
def test_what_is_no_comparison_of_two_names_is_none(condition: str) -> None:
    assert comparisons(condition) == ()


@pytest.mark.parametrize(("operator", "turned"), [("<", ">"), ("<=", ">="), (">", "<"), (">=", "<=")])
def test_a_comparison_says_the_same_from_the_other_side(operator: Operator, turned: Operator) -> None:
    assert Comparison(VALUE, operator, LIMIT).turned() == Comparison(LIMIT, turned, VALUE)
