"""SQL's three-valued logic and arithmetic over numpy arrays.

Everywhere: a truth is False where it is NULL, so that AND and OR need no mask where nothing is NULL; arrays of length 1
stand for constants. Numbers are doubles; a result that is not finite is NULL, which also is the rule for division by
zero. Texts compare by code point.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from rules.conditions.model import Array, BoolArray, Value

Binary = Callable[[Value, Value], Value]
Unary = Callable[[Value], Value]

_NEVER = np.array([False])
_NEVER.flags.writeable = False


def truth(data: BoolArray, null: BoolArray | None) -> Value:
    """A truth that is False where it is NULL."""
    return Value(data if null is None else data > null, null)  # of booleans, `>` is AND NOT in one pass


def comparison(operation: np.ufunc) -> Binary:
    """The comparison that numpy calls less, less_equal, equal ..."""

    def compare(a: Value, b: Value) -> Value:
        null = _either(a.null, b.null)
        data = operation(a.data, b.data)
        return Value(data if null is None else data > null, null)

    return compare


def arithmetic(operation: np.ufunc) -> Binary:
    """The calculation that numpy calls add, subtract, fmod ...; not finite is NULL."""

    def calculate(a: Value, b: Value) -> Value:
        null = _either(a.null, b.null)
        data = operation(a.data, b.data)
        finite = np.isfinite(data)
        return Value(data, null if finite.all() else _either(null, ~finite))

    return calculate


def numeric(operation: np.ufunc) -> Unary:
    """A function of one number whose result is finite where its argument is: absolute, sign, rint, floor, ceil."""
    return lambda a: Value(operation(a.data), a.null)


def textual(function: Callable[[str], object], kind: type = object) -> Unary:
    """A function of one text, giving texts or, with `kind` bool, truths."""

    def apply(a: Value) -> Value:
        data: Array = np.fromiter((function(text) for text in a.data), kind, a.data.size)
        return truth(data, a.null) if kind is bool else Value(data, a.null)

    return apply


def like(pattern: str, *, ignore_case: bool) -> Unary:
    """LIKE and ILIKE: `%` any text, `_` one character, a backslash takes the next character as it is."""
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    match = re.compile(_expression(pattern), flags).fullmatch
    return textual(lambda text: match(text) is not None, bool)


def starts_with(a: Value, b: Value) -> Value:
    """Whether the first text begins with the second."""
    first, second = np.broadcast_arrays(a.data, b.data)
    pairs = zip(first, second, strict=True)
    return truth(
        np.fromiter((text.startswith(start) for text, start in pairs), bool, first.size), _either(a.null, b.null)
    )


def inverse(a: Value) -> Value:
    """NOT."""
    data, null = a
    return Value(~data if null is None else ~(data | null), null)


def every(*values: Value) -> Value:
    """AND: false where one is false, else unknown where one is."""
    (data, null), *others = values
    for other, unknown in others:
        if null is not None or unknown is not None:
            # Unknown, unless the other side is known to be false.
            possible = _may(data, null) & _may(other, unknown)
            data = data & other
            null = possible > data
        else:
            data = data & other
    return Value(data, null)


def some(*values: Value) -> Value:
    """OR: true where one is true, else unknown where one is."""
    (data, null), *others = values
    for other, unknown in others:
        data = data | other
        null = _either(null, unknown)
        if null is not None:
            null = null > data
    return Value(data, null)


def is_null(a: Value) -> Value:
    """IS NULL."""
    return Value(np.zeros(a.data.size, bool) if a.null is None else a.null)


def is_true(a: Value) -> Value:
    """IS TRUE: false where unknown."""
    return Value(a.data)


def is_false(a: Value) -> Value:
    """IS FALSE: false where unknown."""
    return Value(inverse(a).data)


def pick(test: BoolArray, a: Value, b: Value) -> Value:
    """`a` where the test holds, else `b`."""
    null = None if a.null is None and b.null is None else np.where(test, _mask(a), _mask(b))
    return Value(np.where(test, a.data, b.data), null)


def coalesce(*values: Value) -> Value:
    """The first that is not NULL."""
    result = values[-1]
    for value in reversed(values[:-1]):
        result = value if value.null is None else pick(~value.null, value, result)
    return result


def nullif(a: Value, b: Value) -> Value:
    """The first, NULL where the second is equal."""
    null = _either(a.null, comparison(np.equal)(a, b).data)
    return truth(a.data, null) if a.data.dtype == bool else Value(a.data, null)


def extreme(operation: np.ufunc) -> Callable[..., Value]:
    """The greatest (numpy's greater_equal) or least (less_equal) of those that are not NULL."""
    leads = comparison(operation)

    def choose(*values: Value) -> Value:
        result = values[0]
        for value in values[1:]:
            result = pick(leads(result, value).data | _mask(value), result, value)
        return result

    return choose


def case(*values: Value) -> Value:
    """WHEN test THEN result, in turn, and at last ELSE: the result of the first test that is true."""
    *pairs, result = values
    for test, then in zip(reversed(pairs[::2]), reversed(pairs[1::2]), strict=True):
        result = pick(test.data, then, result)
    return result


def names(codes: Mapping[str, int]) -> Unary:
    """The texts of states; a code without a text is NULL."""
    texts_by_code = {float(code): text for text, code in codes.items()}

    def translate(a: Value) -> Value:
        texts = [texts_by_code.get(code) for code in a.data]
        unknown = np.fromiter((text is None for text in texts), bool, len(texts))
        return Value(np.array([text or "" for text in texts], object), _either(a.null, unknown))

    return translate


def _either(a: BoolArray | None, b: BoolArray | None) -> BoolArray | None:
    if a is None:
        return b
    return a if b is None else a | b


def _may(data: BoolArray, null: BoolArray | None) -> BoolArray:
    return data if null is None else data | null


def _mask(a: Value) -> Array:
    return _NEVER if a.null is None else a.null


def _expression(pattern: str) -> str:
    """The regular expression of a LIKE pattern.

    What stands between two `%` is found at its first place, once and for all (an atomic group): a hostile pattern
    costs no more than its length times the text's.
    """
    parts: list[str] = [""]
    characters = iter(pattern)
    for character in characters:
        if character == "%":
            parts.append("")
        else:
            parts[-1] += (
                "." if character == "_" else re.escape(next(characters, "\\") if character == "\\" else character)
            )
    first, *rest = parts
    if not rest:
        return first
    return first + "".join(f"(?>.*?{part})" for part in rest[:-1]) + f".*{rest[-1]}"
