"""What operators, functions, calls and units give, one by one."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from rules.conditions import Call, Column, Value, parse

MINUTE_US = 60_000_000

SCOPE = {
    "value": Column("number", "MPa", spans=True, interval_us=MINUTE_US),
    "inflow": Column("number", "m3/h", spans=True),
    "limit": Column("number", "MPa"),
    "n": Column("number"),
    "power": Column("boolean"),
    "region": Column("text"),
    "door": Column("state", codes={"closed": 0, "open": 1}),
}


def answer(text: str, **cells: Any) -> bool | None:
    """The condition for one reading; a cell that is not given is NULL."""
    truth, null = parse(text, SCOPE).evaluate(lambda name: value(name, cells), 1)
    return None if null is not None and null[0] else bool(truth[0])


def value(name: str, cells: Mapping[str, Any]) -> Value:
    if name not in cells:
        return Value(np.array([None if name == "region" else 0.0]), np.array([True]))
    return Value(np.array([cells[name]], object if name == "region" else None))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 / 0 > 1", None),
        ("0 / 0 = 0", None),
        ("1 % 0 = 0", None),
        ("1e308 * 10 > 1", None),
        ("1 / (1e308 * 10) = 0", None),
        ("5 / 2 = 2.5", True),
        ("7 % 3 = 1", True),
        ("-7 % 3 = -1", True),
        ("mod(-7, -3) = -1", True),
        ("2 + 3 * 4 - 6 / 2 = 11", True),
        ("10 - 3 - 2 = 5", True),
        ("-(2) - -3 = 1", True),
        ("round(0.5) = 0 AND round(1.5) = 2 AND round(-2.5) = -2", True),
        ("floor(-1.5) = -2 AND ceil(-1.5) = -1 AND abs(-1.5) = 1.5 AND sign(-3) = -1 AND sign(0) = 0", True),
        ("greatest(1, NULL, 3) = 3 AND least(NULL, 2, 1) = 1", True),
        ("greatest(NULL, NULL) IS NULL", True),
        ("coalesce(NULL, NULL, 2) = 2", True),
        ("nullif(2, 2) IS NULL AND nullif(2, 3) = 2 AND nullif(NULL, 3) IS NULL AND nullif(2, NULL) = 2", True),
        ("2 BETWEEN 1 AND 2 AND 2 NOT BETWEEN 3 AND 4", True),
        ("2 BETWEEN 3 AND 1", False),
        ("2 IN (1, 2) AND 2 NOT IN (3)", True),
        ("1 IN (1, nullif(1, 1))", True),
        ("2 IN (1, nullif(1, 1))", None),
        ("2 NOT IN (1, nullif(1, 1))", None),
        ("NOT (1 = nullif(1, 1))", None),
        ("FALSE AND 1 = nullif(1, 1)", False),
        ("TRUE OR 1 = nullif(1, 1)", True),
        ("(1 = nullif(1, 1)) IS TRUE", False),
        ("(1 = nullif(1, 1)) IS NOT TRUE", True),
        ("(1 = nullif(1, 1)) IS FALSE", False),
        ("(1 = nullif(1, 1)) IS NULL", True),
        ("NULL IS TRUE", False),
        ("NULL IS NOT FALSE", True),
        ("1 > 0 IS TRUE", True),
        ("CASE WHEN FALSE THEN 1 WHEN TRUE THEN 2 ELSE 3 END = 2", True),
        ("CASE WHEN 1 = nullif(1, 1) THEN 1 ELSE 2 END = 2", True),
        ("CASE WHEN FALSE THEN 1 END IS NULL", True),
        ("CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END = 'b'", True),
        ("CASE WHEN TRUE THEN NULL END IS NULL", True),
        ("NOT FALSE AND FALSE", False),
        ("TRUE OR TRUE AND FALSE", True),
        ("'a' < 'b' AND 'B' < 'a'", True),
        ("lower('Ab') = 'ab' AND upper('Ab') = 'AB'", True),
        ("starts_with('150802', '1508') AND NOT starts_with('15', '1508')", True),
        ("'150802' LIKE '1508%' AND '150802' LIKE '15__02' AND '150802' NOT LIKE '1508_'", True),
        ("'50%' LIKE '50\\%' AND '501' NOT LIKE '50\\%'", True),
        ("'a.c' LIKE 'a.c' AND 'abc' NOT LIKE 'a.c'", True),
        ("'abcbd' LIKE 'a%b%d' AND 'abab' LIKE '%ab' AND '' LIKE '%' AND 'ab' NOT LIKE 'a'", True),
        ("'aba' LIKE 'ab%ba'", False),
        ("'AB' ILIKE 'a_' AND 'AB' NOT LIKE 'a_'", True),
        ("'it''s' = 'it''s' -- a comment", True),
        ("1 <> 2 AND 1 != 2 AND 1e3 = 1000 AND 5. = 5", True),
    ],
)
def test_constants(text: str, expected: bool | None) -> None:
    assert answer(text) is expected


@pytest.mark.parametrize(
    ("text", "cells", "expected"),
    [
        ("VALUE < Limit", {"value": 0.1, "limit": 0.2}, True),
        ("value < limit", {"value": 0.1}, None),
        ("limit < value AND limit BETWEEN limit AND limit", {"value": 0.1, "limit": 0.0}, True),
        ("value < limit OR power", {"value": 0.1, "power": True}, True),
        ("value / n > 1", {"value": 3.0, "n": 0.0}, None),
        ("NOT power", {"power": False}, True),
        ("NOT power", {"power": 0.0}, True),  # as readings are stored
        ("power = TRUE", {"power": 1.0}, True),
        ("power AND power IS NOT NULL", {}, False),
        ("region = '150802'", {"region": "150802"}, True),
        ("region > 'a' OR lower(region) LIKE '%'", {}, None),
        ("door = 'open'", {"door": 1.0}, True),
        ("'open' <> door", {"door": 1.0}, False),
        ("door NOT IN ('open', 'closed')", {"door": 7.0}, True),  # a code that the catalogue has no name for
        ("upper(door) = 'OPEN' AND door LIKE 'op%'", {"door": 1.0}, True),
        ("upper(door) = 'OPEN'", {"door": 7.0}, None),
        ("coalesce(door, 'closed') = 'closed'", {}, True),
        ("door = region", {"door": 1.0, "region": "open"}, True),
        ("CASE door WHEN 'open' THEN 1 ELSE 2 END = 1", {"door": 1.0}, True),
    ],
)
def test_columns(text: str, cells: dict[str, Any], expected: bool | None) -> None:
    assert answer(text, **cells) is expected


@pytest.mark.parametrize(
    "text",
    [
        "value * 1.3 > limit AND 1.3 * value > limit AND value / 2 > limit AND -value > limit",
        "value / limit > inflow / inflow",
        "value * inflow > limit",
        "1 / value > limit",
        "abs(value) > limit AND round(value) > limit AND sign(value) > inflow",
        "delta(value, '5m') > limit AND avg(value, '5m') > limit AND usual(value, '4w') > limit",
        "sum(value, '5m') > value",
        "count(value, '5m') > value AND count(value, '5m') > inflow",
        "rate(value, '1h') / value > inflow",
        "greatest(value, 3) > limit AND coalesce(n, value) > limit",
    ],
)
def test_units_that_agree(text: str) -> None:
    assert parse(text, SCOPE).text == text


def test_what_is_read_in_calls_is_no_column() -> None:
    condition = parse("Delta(Value, '300s') <= -limit AND inflow >= 1.3 * USUAL(inflow, '7d') -- burst", SCOPE)
    assert condition.calls == (Call("delta", "value", 5 * MINUTE_US), Call("usual", "inflow", 7 * 1440 * MINUTE_US))
    assert condition.columns == {"limit", "inflow"}
    assert condition.literals == (1.3,)
    assert condition.text == "delta(value, '5m') <= -limit AND inflow >= 1.3 * usual(inflow, '7d')"


def test_a_call_is_asked_for_by_its_text() -> None:
    given = {"avg(value, '1h30m')": Value(np.array([3.0, 1.0])), "limit": Value(np.array([2.0]))}
    truth, null = parse("avg(value, '90m') > limit", SCOPE).evaluate(given.__getitem__, 2)
    assert truth.tolist() == [True, False]
    assert null is None


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (Call("max", "value", 90 * MINUTE_US), "max(value, '1h30m')"),
        (Call("avg", "inflow", 28 * 1440 * MINUTE_US), "avg(inflow, '28d')"),
        (Call("usual", "value", 28 * 1440 * MINUTE_US), "usual(value, '4w')"),
        (Call("sum", "value", 1_000_000), "sum(value, '1s')"),
    ],
)
def test_the_text_of_a_call(call: Call, text: str) -> None:
    assert call.text == text


def test_a_span_may_hold_512_expected_readings() -> None:
    assert parse("avg(value, '8h32m') > limit", SCOPE).calls[0].span_us == 512 * MINUTE_US


@pytest.mark.parametrize("n", [0, 1, 3])
def test_constants_are_as_long_as_the_readings(n: int) -> None:
    truth, null = parse("1 < 2", SCOPE).evaluate(lambda name: pytest.fail(name), n)
    assert truth.tolist() == [True] * n
    assert null is None
    truth, null = parse("value < limit", SCOPE).evaluate(lambda name: Value(np.array([1.0]), np.array([True])), n)
    assert truth.tolist() == [False] * n
    assert null is not None
    assert null.tolist() == [True] * n


def test_no_warning_where_a_number_overflows_or_a_divisor_is_zero() -> None:
    columns = {"value": Value(np.array([1e308, 0.0])), "limit": Value(np.array([0.0]))}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse("value * 100 > 1 AND value / limit > 1 AND mod(value, limit) = 1", SCOPE).evaluate(columns.__getitem__, 2)


def test_literals_are_what_a_condition_compares_with() -> None:
    assert parse("value < -0.5 OR value > limit + 0.02 OR door = 'open'", SCOPE).literals == (-0.5, 0.02, 1)


def test_a_pattern_costs_no_more_than_it_is_long() -> None:
    long = Value(np.array(["a" * 20_000], object))
    condition = parse(f"region LIKE '{'%a' * 40}b'", SCOPE)
    assert not condition.evaluate(lambda name: long, 1)[0].any()
