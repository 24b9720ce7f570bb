"""What the engine says: an alert of a rule and a subject was raised, escalated, downgraded or cleared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rules.model import SubjectKind

Kind = Literal["raised", "escalated", "downgraded", "cleared"]
Cell = float | str | bool | None  # a value that a condition saw; None: NULL

# A transition older than this at its arrival is recorded and not announced: ten minutes, in microseconds, or two of the
# metric's expected intervals, for a mean of an hour or a day is never younger than what it is the mean of.
PAST_US = 600_000_000
PAST_INTERVALS = 2


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of one alert. `time_us` is event time, in microseconds since 1970.

    `severity` is the alert's from now on (of a cleared one: what it was), `before` what it was (None: not open).
    `step` is the severity of the step whose latch changed, `series` and `values` the reading that decided: columns,
    limits and calls of the step's conditions by name. `reason` says why where no condition did: out of season, rule
    changed, rule removed, subject left. `past`: recorded, not announced while the news is old.
    """

    rule: str
    version: int
    subject: str
    subject_kind: SubjectKind
    kind: Kind
    time_us: int
    severity: int
    before: int | None = None
    step: int | None = None
    reason: str | None = None
    past: bool = False
    series: int | None = None
    region: str | None = None
    domain: str | None = None
    site: str | None = None
    device: str | None = None
    values: Mapping[str, Cell] = field(default_factory=dict)
