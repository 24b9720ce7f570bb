"""Random conditions: what they must have in common with plain Python, with polars, with themselves."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.conditions import Column, Condition, Value, parse

SCOPE = {
    "value": Column("number", "MPa", spans=True),
    "inflow": Column("number", spans=True),
    "limit": Column("number", "MPa"),
    "low": Column("number"),
    "heating": Column("boolean"),
    "region": Column("text"),
    "kind": Column("text"),
    "door": Column("state", codes={"closed": 0, "open": 1, "half": 4}),
}
NUMBERS = ("value", "inflow", "limit", "low", "delta(value, '5m')")
STATES = {0: "closed", 1: "open", 4: "half"}

Row = dict[str, Any]


class Part(NamedTuple):
    """An expression: its text, and its value in a row, None for NULL."""

    text: str
    of: Callable[[Row], Any]


def strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """NULL if an argument is NULL, or the result is no finite number."""

    def apply(*values: Any) -> Any:
        if any(value is None for value in values):
            return None
        try:
            result = function(*values)
        except (ZeroDivisionError, OverflowError, ValueError):
            return None
        return None if isinstance(result, float) and not math.isfinite(result) else result

    return apply


def conjunction(a: bool | None, b: bool | None) -> bool | None:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def negation(a: bool | None) -> bool | None:
    return None if a is None else not a


def disjunction(a: bool | None, b: bool | None) -> bool | None:
    return negation(conjunction(negation(a), negation(b)))


def sign(x: float) -> float:
    return float((x > 0) - (x < 0))


def infix(name: str, function: Callable[[Any, Any], Any]) -> Callable[[Part, Part], Part]:
    return lambda a, b: Part(f"({a.text}) {name} ({b.text})", lambda row: function(a.of(row), b.of(row)))


def prefix(name: str, function: Callable[..., Any]) -> Callable[..., Part]:
    return lambda *parts: Part(
        f"{name}({', '.join(part.text for part in parts)})", lambda row: function(*(part.of(row) for part in parts))
    )


def suffix(text: str, function: Callable[[Any], Any]) -> Callable[[Part], Part]:
    return lambda a: Part(f"({a.text}) {text}", lambda row: function(a.of(row)))


def known(choose: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    """A function of the arguments that are not NULL."""

    def apply(*values: Any) -> Any:
        present = [value for value in values if value is not None]
        return choose(present) if present else None

    return apply


def case(test: Part, then: Part, other: Part | None) -> Part:
    otherwise = f" ELSE {other.text}" if other else ""
    return Part(
        f"CASE WHEN {test.text} THEN {then.text}{otherwise} END",
        lambda row: then.of(row) if test.of(row) else other.of(row) if other else None,
    )


def switch(operand: Part, when: Part, then: Part, other: Part) -> Part:
    equal = strict(lambda a, b: a == b)
    return Part(
        f"CASE {operand.text} WHEN {when.text} THEN {then.text} ELSE {other.text} END",
        lambda row: then.of(row) if equal(operand.of(row), when.of(row)) else other.of(row),
    )


def between(a: Part, b: Part, c: Part) -> Part:
    le = strict(lambda x, y: x <= y)
    return Part(
        f"({a.text}) BETWEEN ({b.text}) AND ({c.text})",
        lambda row: conjunction(le(b.of(row), a.of(row)), le(a.of(row), c.of(row))),
    )


def membership(a: Part, items: list[Part]) -> Part:
    def of(row: Row) -> bool | None:
        result: bool | None = False
        for item in items:
            result = disjunction(result, strict(lambda x, y: x == y)(a.of(row), item.of(row)))
        return result

    return Part(f"({a.text}) IN ({', '.join(item.text for item in items)})", of)


def column(name: str) -> Part:
    return Part(name, lambda row: row[name])


def numeral(value: float) -> Part:
    return Part(repr(value), lambda row: value)


def quoted(text: str) -> Part:
    return Part("'" + text.replace("'", "''") + "'", lambda row: text)


TEXTS = ("", "a", "A", "1508%", "it's", "巴彦淖尔")
COMPARISONS = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
ARITHMETIC = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": math.fmod,
}
FUNCTIONS = {"abs": abs, "sign": sign, "round": lambda x: float(round(x)), "floor": math.floor, "ceil": math.ceil}

numerals = st.sampled_from([0.0, 0.5, 1.0, 2.5, 3.0, 1e300]).map(numeral)
state_texts = st.sampled_from([quoted(text) for text in STATES.values()])
a_state = Part("door", lambda row: row["door"])


def expressions(plain: bool = False) -> st.SearchStrategy[Part]:
    """Conditions; `plain`: only what polars means likewise."""

    def grow(depth: int) -> tuple[st.SearchStrategy[Part], st.SearchStrategy[Part], st.SearchStrategy[Part]]:
        """Of numbers, texts and truths so deep."""
        if depth == 0:
            names = NUMBERS[:4] if plain else NUMBERS
            texts = st.sampled_from([column("region"), column("kind"), *map(quoted, TEXTS)])
            return (
                st.one_of(st.sampled_from([column(name) for name in names]), numerals),
                texts,
                st.just(column("heating")),
            )
        number, text, truth = grow(depth - 1)
        operators = st.sampled_from([infix(name, strict(f)) for name, f in COMPARISONS.items()])
        sums = st.sampled_from([infix(n, strict(f)) for n, f in ARITHMETIC.items() if not plain or n in "+-"])
        numbers = [
            number,
            st.builds(lambda make, a, b: make(a, b), sums, number, number),
            st.builds(case, truth, number, st.none() | number),
            st.builds(prefix("coalesce", known(lambda v: v[0])), number, number, number),
        ]
        truths = [
            st.builds(lambda make, a, b: make(a, b), operators, number, number),
            st.builds(lambda make, a, b: make(a, b), operators, text, text),
            st.builds(infix("AND", conjunction), truth, truth),
            st.builds(infix("OR", disjunction), truth, truth),
            st.builds(prefix("NOT ", negation), truth),
            st.builds(between, number, number, number),
            st.builds(membership, number, st.lists(number, min_size=1, max_size=3)),
            st.builds(suffix("IS NULL", lambda v: v is None), st.one_of(number, truth)),
            st.builds(suffix("IS NOT NULL", lambda v: v is not None), st.one_of(number, truth)),
        ]
        if plain:
            return st.one_of(numbers), text, st.one_of(truths)
        numbers += [
            st.builds(prefix(name, known(choose)), number, number)
            for name, choose in (("greatest", max), ("least", min))
        ]
        numbers += [st.builds(prefix(name, strict(f)), number) for name, f in FUNCTIONS.items()]
        numbers += [
            st.builds(prefix("nullif", lambda a, b: None if a is not None and a == b else a), number, number),
            st.builds(prefix("-", strict(lambda a: -a)), number),
            st.builds(prefix("mod", strict(math.fmod)), number, number),
            st.builds(switch, text, text, number, number),
        ]
        truths += [
            st.builds(suffix("IS TRUE", lambda v: v is True), truth),
            st.builds(suffix("IS FALSE", lambda v: v is False), truth),
            st.builds(suffix("IS NOT TRUE", lambda v: v is not True), truth),
            st.builds(suffix("IS NOT FALSE", lambda v: v is not False), truth),
            st.builds(case, truth, truth, st.none() | truth),
            st.builds(prefix("nullif", lambda a, b: None if a is not None and a == b else a), truth, truth),
            st.builds(prefix("coalesce", known(lambda v: v[0])), truth, truth),
            st.builds(prefix("starts_with", strict(str.startswith)), text, text),
            st.builds(infix("=", strict(lambda a, b: a == b)), st.just(a_state), state_texts),
            st.builds(membership, st.just(a_state), st.lists(state_texts, min_size=1, max_size=3)),
            st.builds(
                infix("<>", strict(lambda a, b: a != b)), st.just(a_state), text.filter(lambda t: "'" not in t.text)
            ),
        ]
        words = [
            text,
            st.builds(prefix("lower", strict(str.lower)), text),
            st.builds(prefix("coalesce", known(lambda v: v[0])), text, st.just(a_state)),
        ]
        return st.one_of(numbers), st.one_of(words), st.one_of(truths)

    return grow(2)[2]


amounts = st.none() | st.sampled_from([-1.5, -0.0, 0.0, 0.5, 1.0, 2.5, 3.0, 1e300])
rows = st.fixed_dictionaries(
    dict.fromkeys(NUMBERS, amounts)
    | {
        "heating": st.none() | st.booleans(),
        "region": st.none() | st.sampled_from(TEXTS),
        "kind": st.none() | st.sampled_from(TEXTS),
        "door": st.none() | st.sampled_from(list(STATES.values())),
    }
)
tables = st.lists(rows, min_size=1, max_size=6)


def values(table: list[Row]) -> Callable[[str], Value]:
    """The rows as the engine gives them: rubbish where NULL, no mask where nothing is."""

    def columns(name: str) -> Value:
        cells = [row[name] for row in table]
        null = np.array([cell is None for cell in cells])
        data: Any
        if name == "door":
            codes = {text: code for code, text in STATES.items()}
            data = np.array([np.nan if cell is None else codes[cell] for cell in cells])
        elif name in ("region", "kind"):
            data = np.array(cells, object)
        elif name == "heating":
            data = np.array([True if cell is None else cell for cell in cells])
        else:
            data = np.array([np.nan if cell is None else cell for cell in cells])
        return Value(data, null if null.any() else None)

    return columns


def answers(condition: Condition, table: list[Row]) -> list[bool | None]:
    truth, null = condition.evaluate(values(table), len(table))
    assert truth.shape == (len(table),)
    assert truth.dtype == bool
    if null is None:
        return truth.tolist()
    assert null.shape == truth.shape
    assert not (truth & null).any()
    return [None if unknown else holds for holds, unknown in zip(truth.tolist(), null.tolist(), strict=True)]


@settings(max_examples=250, deadline=None)
@given(expressions(), tables)
def test_a_condition_means_what_it_means_row_by_row_in_plain_python(part: Part, table: list[Row]) -> None:
    assert answers(parse(part.text, SCOPE), table) == [part.of(row) for row in table]


@settings(max_examples=100, deadline=None)
@given(expressions(plain=True), tables)
def test_a_condition_means_what_polars_makes_of_its_text(part: Part, table: list[Row]) -> None:
    condition = parse(part.text, SCOPE)
    kinds = dict.fromkeys(NUMBERS, pl.Float64) | {"heating": pl.Boolean, "region": pl.String, "kind": pl.String}
    frame = pl.DataFrame([{name: row[name] for name in kinds} for row in table], schema=kinds)
    # Polars refuses `limit` at the start of an expression and as a middle argument.
    expression = pl.sql_expr(condition.text.replace("limit", "threshold")).alias("answer")
    answer = frame.rename({"limit": "threshold"}).select(expression)["answer"].to_list()
    assert answers(condition, table) == answer * (len(table) // len(answer))


@settings(max_examples=100, deadline=None)
@given(expressions(), tables, st.data())
def test_a_slice_of_the_answers_is_the_answers_for_the_slice(part: Part, table: list[Row], data: st.DataObject) -> None:
    condition = parse(part.text, SCOPE)
    cut = data.draw(st.integers(0, len(table)))
    assert answers(condition, table[:cut]) + answers(condition, table[cut:]) == answers(condition, table)


@settings(max_examples=100, deadline=None)
@given(expressions(), tables)
def test_the_normalised_text_is_the_same_condition(part: Part, table: list[Row]) -> None:
    condition = parse(part.text, SCOPE)
    again = parse(condition.text, SCOPE)
    assert again == condition
    assert answers(again, table) == answers(condition, table)


@settings(max_examples=100, deadline=None)
@given(expressions(), tables)
def test_the_negation_is_not(part: Part, table: list[Row]) -> None:
    condition = parse(part.text, SCOPE)
    opposite = [negation(answer) for answer in answers(condition, table)]
    assert answers(condition.negated(), table) == opposite
    assert answers(parse(condition.negated().text, SCOPE), table) == opposite


def constants(table: list[Row]) -> Callable[[str], tuple[Any, Any] | None]:
    """Limits with one value a series."""

    def of(name: str) -> tuple[Any, Any] | None:
        if name not in ("limit", "low"):
            return None
        column = np.array([math.nan if row[name] is None else row[name] for row in table])
        return column, column

    return of


@settings(max_examples=250, deadline=None)
@given(expressions(), tables)
def test_a_condition_is_never_true_outside_of_its_zone(part: Part, table: list[Row]) -> None:
    for condition in (parse(part.text, SCOPE), parse(part.text, SCOPE).negated()):
        low, high = condition.zone(constants(table), len(table))
        for row, answer, least, most in zip(table, answers(condition, table), low, high, strict=True):
            if answer and row["value"] is not None:
                assert least <= row["value"] <= most
            if answer and row["value"] is None:
                assert least == -math.inf
                assert most == math.inf


bounded = st.recursive(
    st.builds(
        lambda a, operator, b: f"{a} {operator} {b}",
        st.sampled_from(["value", "limit"]),
        st.sampled_from(list(COMPARISONS)),
        st.sampled_from(
            [
                "value",
                "limit",
                "limit + 0.1",
                "-limit",
                "0.8 * limit",
                "limit / low",
                "low - 0.3",
                "0.7",
                "1e308 * limit",
            ]
        ),
    )
    | st.sampled_from(
        [
            "value BETWEEN low AND limit",
            "value IN (1, limit, low)",
            "value NOT BETWEEN low AND 2",
            "(value > low) IS TRUE",
        ]
    ),
    lambda inner: (
        st.builds(lambda a, word, b: f"({a}) {word} ({b})", inner, st.sampled_from(["AND", "OR"]), inner)
        | inner.map(lambda a: f"NOT ({a})")
    ),
    max_leaves=5,
)
unitless = {name: Column("number") for name in ("value", "limit", "low")}
ranges = st.tuples(st.floats(-3, 3), st.floats(-3, 3)).map(sorted)


@settings(max_examples=400, deadline=None)
@given(bounded, ranges, ranges, st.data())
def test_zones_hold_for_every_version_of_a_limit(
    text: str, limits: list[float], lows: list[float], data: st.DataObject
) -> None:
    condition = parse(text, unitless)
    versions = {"limit": limits, "low": lows}
    least, most = condition.zone(lambda name: tuple(np.array([end]) for end in versions[name]), 1)  # type: ignore[arg-type, return-value]
    # Adding zero makes -0.0 a 0.0, which no interval of floats ends below.
    within = {name: st.floats(ends[0] + 0.0, ends[1] + 0.0) | st.sampled_from(ends) for name, ends in versions.items()}
    row = {name: np.array([data.draw(one)]) for name, one in within.items()}
    seeds = [*limits, *lows, *row["limit"].tolist(), *row["low"].tolist(), float(row["limit"][0]) * 0.8]
    seeds.append(float(row["limit"][0]) + 0.1)
    if abs(row["low"][0]) > 0.001:
        seeds.append(float(row["limit"][0] / row["low"][0]))
    row["value"] = np.array([data.draw(st.sampled_from(seeds) | st.floats(-4, 4))])
    if condition.evaluate(lambda name: Value(row[name]), 1)[0][0]:
        assert least[0] <= row["value"][0] <= most[0]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("value < limit", -math.inf, 0.2),
        ("limit <= value", 0.2, math.inf),
        ("value >= limit + 0.25", 0.45, math.inf),
        ("NOT value > limit", -math.inf, 0.2),
        ("value > 0.1 AND value < limit AND inflow > 3", 0.1, 0.2),
        ("value < 0.1 OR value = limit", -math.inf, 0.2),
        ("value < 0.1 OR inflow > 3", -math.inf, math.inf),
        ("value BETWEEN -1 AND limit", -1, 0.2),
        ("value IN (3, limit, 7)", 0.2, 7),
        ("NOT (value < 0.1 OR value > limit)", 0.1, 0.2),
        ("value * 2 < limit", -math.inf, math.inf),
        ("value < none", math.inf, -math.inf),
        ("value < 2 * none OR value > limit", 0.2, math.inf),
        ("value IS NULL", -math.inf, math.inf),
    ],
)
def test_zones_are_as_narrow_as_comparisons_with_constants_allow(text: str, low: float, high: float) -> None:
    limits = {"limit": 0.2, "none": math.nan}
    scope = {name: Column("number") for name in ("value", "inflow", *limits)}
    zone = parse(text, scope).zone(
        lambda name: (np.full(2, limits[name]), np.full(2, limits[name])) if name in limits else None, 2
    )
    assert zone[0].tolist() == [low, low]
    assert zone[1].tolist() == [high, high]


def test_zones_of_states_are_codes_and_of_booleans_zero_and_one() -> None:
    scope = {"value": Column("state", codes={"closed": 0, "open": 1, "half": 4})}
    assert [end.tolist() for end in parse("value IN ('open', 'half')", scope).zone(lambda name: None, 1)] == [[1], [4]]
    scope = {"value": Column("boolean")}
    assert [end.tolist() for end in parse("NOT value", scope).zone(lambda name: None, 1)] == [[0], [0]]


def test_a_divisor_that_may_be_zero_leaves_everything_possible() -> None:
    ends = {"limit": (1.0, 1.0), "low": (-1.0, 1.0)}
    zone = parse("value < limit / low", unitless).zone(
        lambda name: (np.array(ends[name][:1]), np.array(ends[name][1:])), 1
    )
    assert [end.tolist() for end in zone] == [[-math.inf], [math.inf]]
