"""Conditions read one value at a time, with three-valued logic: what the engine's closures must equal.

It shares nothing with `rules.conditions`: its own scanner, its own parser, plain Python values. NULL is None.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple, Protocol

Cell = float | str | bool | None

SCANNER = re.compile(
    r"\s+|--[^\n]*"
    r"|(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<text>'(?:[^']|'')*')|(?P<word>[^\W\d]\w*)"
    r"|(?P<sign><>|!=|<=|>=|[-+*/%<>=(),])"
)
SPAN = re.compile(r"(\d+)(w|d|h|m|s)")
UNIT_US = {"w": 604_800_000_000, "d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}
SPAN_FUNCTIONS = {"avg", "min", "max", "sum", "count", "delta", "rate", "usual"}


class Row(Protocol):
    """What a condition can see at one reading."""

    def column(self, name: str) -> Cell: ...
    def call(self, function: str, column: str, span_us: int) -> Cell: ...


Formula = Callable[[Row], Cell]


class Token(NamedTuple):
    kind: str
    text: str


def span_us(text: str) -> int:
    parts = SPAN.findall(text)
    assert parts, text
    assert "".join(n + unit for n, unit in parts) == text, text
    return sum(int(n) * UNIT_US[unit] for n, unit in parts)


def formula(text: str) -> Formula:
    tokens, at = [], 0
    while at < len(text):
        found = SCANNER.match(text, at)
        assert found, f"{text!r} at {at}"
        if found.lastgroup:
            token = found.group()
            tokens.append(Token(found.lastgroup, token if found.lastgroup == "text" else token.lower()))
        at = found.end()
    reader = _Reader(tokens)
    result = reader.disjunction()
    assert reader.at == len(tokens), f"left over in {text!r}: {tokens[reader.at :]}"
    return result


class _Reader:
    """Recursive descent, one method a level of precedence."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def take(self, *texts: str) -> str | None:
        if self.at < len(self.tokens) and self.tokens[self.at].kind != "text" and self.tokens[self.at].text in texts:
            self.at += 1
            return self.tokens[self.at - 1].text
        return None

    def need(self, text: str) -> None:
        assert self.take(text), f"{text} is missing at {self.tokens[self.at :]}"

    def disjunction(self) -> Formula:
        left = self.conjunction()
        while self.take("or"):
            left = _or(left, self.conjunction())
        return left

    def conjunction(self) -> Formula:
        left = self.negation()
        while self.take("and"):
            left = _not(_or(_not(left), _not(self.negation())))
        return left

    def negation(self) -> Formula:
        return _not(self.negation()) if self.take("not") else self.comparison()

    def comparison(self) -> Formula:
        left = self.sum()
        while True:
            if self.take("is"):
                negated = self.take("not")
                test = _is(left, self.take("null", "true", "false"))
                left = _not(test) if negated else test
            elif sign := self.take("=", "<>", "!=", "<", "<=", ">", ">="):
                left = _compare(left, sign, self.sum())
            else:
                negated = self.take("not")
                if self.take("between"):
                    low = self.sum()
                    self.need("and")
                    outside = _or(_compare(left, "<", low), _compare(left, ">", self.sum()))
                    left = outside if negated else _not(outside)
                elif self.take("in"):
                    self.need("(")
                    one_of = _in(left, self.arguments())
                    left = _not(one_of) if negated else one_of
                elif word := self.take("like", "ilike"):
                    like = _like(left, self.sum(), ignore_case=word == "ilike")
                    left = _not(like) if negated else like
                else:
                    return left

    def sum(self) -> Formula:
        left = self.product()
        while sign := self.take("+", "-"):
            left = _arithmetic(left, sign, self.product())
        return left

    def product(self) -> Formula:
        left = self.signed()
        while sign := self.take("*", "/", "%"):
            left = _arithmetic(left, sign, self.signed())
        return left

    def signed(self) -> Formula:
        if self.take("-"):
            return _arithmetic(lambda row: 0.0, "-", self.signed())
        return self.signed() if self.take("+") else self.primary()

    def primary(self) -> Formula:
        if self.take("("):
            inner = self.disjunction()
            self.need(")")
            return inner
        if self.take("case"):
            return self.case()
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            number = float(text)
            return lambda row: number
        if kind == "text":
            literal = text[1:-1].replace("''", "'")
            return lambda row: literal
        assert kind == "word", text
        if text in ("null", "true", "false"):
            constant = {"null": None, "true": True, "false": False}[text]
            return lambda row: constant
        if not self.take("("):
            return lambda row: row.column(text)
        if text in SPAN_FUNCTIONS:
            return self.span_call(text)
        return _function(text, self.arguments())

    def span_call(self, function: str) -> Formula:
        column = self.tokens[self.at].text
        self.at += 1
        self.need(",")
        span = span_us(self.tokens[self.at].text[1:-1])
        self.at += 1
        self.need(")")
        return lambda row: row.call(function, column, span)

    def arguments(self) -> list[Formula]:
        found = [self.disjunction()]
        while self.take(","):
            found.append(self.disjunction())
        self.need(")")
        return found

    def case(self) -> Formula:
        operand = None if self.tokens[self.at].text == "when" else self.disjunction()
        branches = []
        while self.take("when"):
            when = self.disjunction()
            self.need("then")
            branches.append((_compare(operand, "=", when) if operand else when, self.disjunction()))
        otherwise = self.disjunction() if self.take("else") else None
        self.need("end")

        def result(row: Row) -> Cell:
            for when, then in branches:
                if when(row) is True:
                    return then(row)
            return otherwise(row) if otherwise else None

        return result


def _or(left: Formula, right: Formula) -> Formula:
    def result(row: Row) -> Cell:
        both = (left(row), right(row))
        return True if True in both else None if None in both else False

    return result


def _not(inner: Formula) -> Formula:
    def result(row: Row) -> Cell:
        value = inner(row)
        return None if value is None else not value

    return result


def _is(inner: Formula, what: str | None) -> Formula:
    return {
        "null": lambda row: inner(row) is None,
        "true": lambda row: inner(row) is True,
        "false": lambda row: inner(row) is False,
    }[what or ""]


def _compare(left: Formula, sign: str, right: Formula) -> Formula:
    def result(row: Row) -> Cell:
        a, b = left(row), right(row)
        if a is None or b is None:
            return None
        if sign in ("=", "<>", "!="):
            return (a == b) == (sign == "=")
        assert type(a) is type(b), (a, b)
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]  # type: ignore[operator]

    return result


def _in(left: Formula, options: list[Formula]) -> Formula:
    result = _compare(left, "=", options[0])
    for option in options[1:]:
        result = _or(result, _compare(left, "=", option))
    return result


def _like(left: Formula, pattern: Formula, *, ignore_case: bool) -> Formula:
    def result(row: Row) -> Cell:
        a, b = left(row), pattern(row)
        if a is None or b is None:
            return None
        expression = "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in str(b))
        return re.fullmatch(expression, str(a), re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None

    return result


def _arithmetic(left: Formula, sign: str, right: Formula) -> Formula:
    def result(row: Row) -> Cell:
        a, b = left(row), right(row)
        if a is None or b is None or (sign in "/%" and b == 0):
            return None
        assert isinstance(a, float), a
        assert isinstance(b, float), b
        return _finite(a + b if sign == "+" else a - b if sign == "-" else a * b if sign == "*" else
                       a / b if sign == "/" else math.fmod(a, b))  # fmt: skip

    return result


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _function(name: str, arguments: list[Formula]) -> Formula:
    def result(row: Row) -> Cell:
        values = [argument(row) for argument in arguments]
        known = [value for value in values if value is not None]
        if name == "coalesce":
            return known[0] if known else None
        if name in ("greatest", "least"):
            return (max if name == "greatest" else min)(known) if known else None
        if name == "nullif":
            return None if values[0] == values[1] else values[0]
        return None if None in values else _of_known(name, values)

    return result


def _of_known(name: str, values: list[Cell]) -> Cell:
    first = values[0]
    if isinstance(first, str):
        return {"lower": first.lower, "upper": first.upper}[name]() if len(values) == 1 else first.startswith(
            str(values[1])
        )  # fmt: skip
    assert isinstance(first, float), first
    if name == "mod":
        second = values[1]
        assert isinstance(second, float)
        return None if second == 0 else math.fmod(first, second)
    if name == "round":
        return float(round(first, int(values[1]))) if len(values) > 1 else float(round(first))  # type: ignore[arg-type]
    return float({
        "abs": abs, "sign": lambda x: (x > 0) - (x < 0), "floor": math.floor, "ceil": math.ceil, "ceiling": math.ceil,
    }[name](first))  # fmt: skip
