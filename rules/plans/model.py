"""Plans and their indicators: what a document of the government asks for, by when, and where it says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from citybrain.catalogue.model import Text

Direction = Literal["at_most", "at_least", "about"]
Kind = Literal["level", "yearly_average", "cumulative"]
Binding = Literal["binding", "expected", "not_stated"]
Scope = Literal["whole", "each"]


@dataclass(frozen=True, slots=True)
class Point:
    """A value at the end of a year. None where the plan prints none; `words` then says what it prints instead."""

    value: float | None = None
    year: int | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class Indicator:
    """One number that a plan wants to reach or keep.

    A `level` is the state at a time, a `yearly_average` is due anew every year, a `cumulative` is the sum of the
    changes since the end of the baseline's year. `binding` is the plan's own word (约束性, 预期性). `scope` is
    `whole` where the target is that of the plan's regions, `each` where it is asked of each region in them, too.
    `regions` are the plan's own, `within` those below that are judged where they have a value. `margin`, in the
    indicator's unit, replaces the platform's (see `rules.plans.course`).
    """

    plan: str
    name: str
    title: Text
    unit: str
    direction: Direction
    target: Point
    clause: str
    baseline: Point | None = None
    kind: Kind = "level"
    binding: Binding = "not_stated"
    scope: Scope = "whole"
    measure: str | None = None
    margin: float | None = None
    superseded_by: str | None = None
    note: Text | str | None = None  # a string: in sets that an earlier release applied
    regions: tuple[str, ...] = ()
    within: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The name that rules, tables and files of values know it by: plan/indicator."""
        return f"{self.plan}/{self.name}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A document. `issued` is as exact as is known: 2021, 2021-11 or 2021-11-22; None: not known."""

    id: str
    title: Text
    issuer: Text
    regions: tuple[str, ...]
    issued: str | None = None
    indicators: dict[str, Indicator] = field(default_factory=dict)
