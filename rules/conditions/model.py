"""The words of conditions: what a name is, what a call asks for, what a condition answers, what was wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from citybrain.errors import Correctable

BoolArray: TypeAlias = npt.NDArray[np.bool_]
FloatArray: TypeAlias = npt.NDArray[np.float64]
Array: TypeAlias = npt.NDArray[Any]  # float64, bool, or objects that are str

_UNITS_US = (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000))  # microseconds
WEEKS_US = 28 * 86_400_000_000  # microseconds in the four weeks of usual()
OVER_SPANS = ("avg", "min", "max", "sum", "count", "delta", "rate")


@dataclass(frozen=True, slots=True)
class Column:
    """What a name in a condition is.

    A state is stored as a number code and written as a text: `codes` has the code of each text. `unit` None fits every
    unit. `spans`: span functions and usual() may be applied. `interval_us` is the expected time between readings.
    `values` are all that a text can be; None where that is not known.
    """

    kind: Literal["number", "boolean", "text", "state"]
    unit: str | None = None
    codes: Mapping[str, int] | None = None
    spans: bool = False
    interval_us: float = float("inf")
    values: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A span function or a habit, as the engine must provide it: `column` is `value` or an alias."""

    function: str  # of OVER_SPANS, or usual
    column: str
    span_us: int  # of usual: 7 days or 4 weeks

    @property
    def text(self) -> str:
        """As SQL, the same for equal calls however they were written: `delta(value, '5m')`."""
        weeks = self.function == "usual" and self.span_us == WEEKS_US
        return f"{self.function}({self.column}, '{'4w' if weeks else written(self.span_us)}')"


class Value(NamedTuple):
    """One column, of the readings' length or of length 1: float64, bool or text. A state is its code, as a number.

    `null` None: nothing is NULL. Where it is true, `data` may be anything; elsewhere numbers are finite.
    """

    data: Array
    null: BoolArray | None = None


Interval: TypeAlias = tuple[FloatArray, FloatArray]  # lowest and highest, for each series
Columns: TypeAlias = Callable[[str], Value]  # by the name of a column in lower case, or by the text of a call
Constants: TypeAlias = Callable[[str], Interval | None]  # lowest and highest value of a column, None where it varies
Run: TypeAlias = Callable[[Columns], Value]
Bounds: TypeAlias = Callable[[Constants], Interval | None]  # None: nothing is known


@dataclass(frozen=True)
class Condition:
    """A condition that can be evaluated. Equal ones read the same from equal names.

    `columns` are those read outside of calls, `literals` the numbers that it compares with.
    """

    text: str  # as SQL, in one line
    columns: frozenset[str]
    calls: tuple[Call, ...]
    literals: tuple[float, ...]
    value: Column | None = field(repr=False, compare=False)  # what `value` is, where it has that name
    run: Run = field(repr=False, compare=False)
    true_within: Bounds = field(repr=False, compare=False)  # where `value` lies when the condition is true
    false_within: Bounds = field(repr=False, compare=False)

    def evaluate(self, columns: Columns, n: int) -> tuple[BoolArray, BoolArray | None]:
        """Whether the condition holds, of length `n`, and where that is unknown (there it is False; None: nowhere)."""
        data, null = self.run(columns)
        if data.size != n:
            data = np.repeat(data, n)
        if null is not None and null.size != n:
            null = np.repeat(null, n)
        return data, null

    def zone(self, constants: Constants, n: int) -> Interval:
        """A closed interval of `value` for each of `n` series outside of which the condition is never true.

        Booleans count as 0 and 1, states as their codes. The interval is empty (low above high) where the condition
        compares with a constant that is always NULL (NaN).
        """
        interval = self.true_within(constants)
        low, high = (-np.inf, np.inf) if interval is None else interval
        return np.array(np.broadcast_to(low, n), np.float64), np.array(np.broadcast_to(high, n), np.float64)

    def negated(self) -> Condition:
        """NOT this: unknown where this is."""
        run = self.run

        def opposite(columns: Columns) -> Value:
            data, null = run(columns)
            return Value(~data if null is None else ~(data | null), null)

        return Condition(
            f"NOT ({self.text})",
            self.columns,
            self.calls,
            self.literals,
            self.value,
            opposite,
            true_within=self.false_within,
            false_within=self.true_within,
        )


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at that character of a condition, and what to do."""

    offset: int
    message: str


class ConditionError(Correctable):
    """A condition that cannot be read, with all its mistakes."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("; ".join(mistake.message for mistake in mistakes))
        self.mistakes = mistakes


def written(us: int) -> str:
    """A duration as rules write it: `1h30m`."""
    text = ""
    for unit, length_us in _UNITS_US:
        count, us = divmod(us, length_us)
        text += f"{count}{unit}" if count else ""
    return text
