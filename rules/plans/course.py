"""Where an indicator should be on a day, and what to say of where it is. Pure.

The path is a straight line from the baseline at the end of its year to the target at the end of its own. No plan
says how its way is to be divided, nor when a miss is grave: the straight line and the margins below are platform
defaults (S).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Literal

from rules.plans.model import Indicator

Verdict = Literal["on_course", "at_risk", "off_course", "unknown"]

MARGIN_OF_WAY = 0.10  # share of the way from baseline to target (S)
MARGIN_OF_TARGET = 0.02  # share of the target's amount, where there is no way (S)


@dataclass(frozen=True, slots=True)
class Course:
    """An indicator on a day, all in its unit. `shortfall` is never negative; None where the verdict is unknown."""

    actual: float | None
    path: float | None
    target: float | None
    shortfall: float | None
    verdict: Verdict


def path(indicator: Indicator, day: date) -> float | None:
    """Where the indicator should be at the end of `day`; None where the plan prints no target.

    Up to the end of the baseline's year it is the baseline, from the end of the target's year on the target. It is
    the target all the time where there is no way to go: no baseline or a year missing, a yearly average (due anew
    every year), or a target that is worse than the baseline, which is a floor to keep.
    """
    target = indicator.target.value
    start = _start(indicator)
    if target is None or start is None:
        return target
    value, year = start
    assert indicator.target.year is not None  # noqa: S101  what _start gave depends on it
    begin, end = date(year, 12, 31), date(indicator.target.year, 12, 31)
    if day >= end:
        return target  # exactly, which the sum below may miss by rounding
    return value + (target - value) * max(0.0, (day - begin) / (end - begin))


def margin(indicator: Indicator) -> float | None:
    """How far short is at risk rather than off course, in the indicator's unit; None without a target.

    The indicator's own, else a tenth of the way from baseline to target, else 2 % of the target.
    """
    target = indicator.target.value
    if indicator.margin is not None or target is None:
        return indicator.margin
    start = _start(indicator)
    return MARGIN_OF_WAY * abs(target - start[0]) if start else MARGIN_OF_TARGET * abs(target)


def verdict(indicator: Indicator, actual: float | None, day: date) -> Course:
    """Compare the actual value with the path of `day`.

    `on_course`: no shortfall. `at_risk`: short by no more than the margin, and the target's year is not over.
    `off_course`: short by more, or short at all once the year is over. `unknown`: no actual value, or no target.
    An `about` target has the margin as its room on either side, and the shortfall counts from there.
    """
    target, here, room = indicator.target.value, path(indicator, day), margin(indicator)
    if actual is None or not isfinite(actual) or here is None or room is None:
        return Course(actual, here, target, None, "unknown")
    if indicator.direction == "about":
        short = abs(actual - here) - room
    else:
        short = actual - here if indicator.direction == "at_most" else here - actual
    if short <= 0:
        return Course(actual, here, target, 0.0, "on_course")
    over = indicator.target.year is not None and day > date(indicator.target.year, 12, 31)
    return Course(actual, here, target, short, "at_risk" if short <= room and not over else "off_course")


def _start(indicator: Indicator) -> tuple[float, int] | None:
    """Value and year at which the way to the target begins; None where there is no way."""
    baseline, target = indicator.baseline, indicator.target
    if indicator.kind == "yearly_average" or baseline is None or baseline.year is None or target.year is None:
        return None
    value = 0.0 if indicator.kind == "cumulative" else baseline.value
    if value is None or target.value is None:
        return None
    ahead = target.value - value
    worse = (indicator.direction == "at_least" and ahead < 0) or (indicator.direction == "at_most" and ahead > 0)
    return None if worse or ahead == 0 else (value, baseline.year)
