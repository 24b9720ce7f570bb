"""Which habits a batch asks for, so that they can be had before it is judged."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rules.engine.plan import Plan
from rules.engine.view import Readings
from rules.model import HOUR_US

Array = npt.NDArray[Any]


class Habit(NamedTuple):
    """The usual value of a series in the hour that begins at `hour_us`, over a span of 7 days or 4 weeks."""

    series: int
    hour_us: int
    span_us: int


def habits(plan: Plan, readings: Readings) -> set[Habit]:
    """All that judging `readings` may ask `Facts.usual` for."""
    found: set[Habit] = set()
    if not plan.habitual:
        return found
    size = len(plan.group_by_series)
    known = np.flatnonzero(readings.series < size)
    group = plan.group_by_series[readings.series[known]]
    hour = readings.time[known] - readings.time[known] % HOUR_US
    for program, call in plan.habitual:
        rows = np.flatnonzero(group == plan.group_by_series[program.group.series[0]])
        if not len(rows):
            continue
        series = readings.series[known[rows]]
        if call.column != "value":
            series = program.aliases[call.column].series[plan.rank_by_series[series]]
        pairs = np.unique(np.stack([series, hour[rows]]), axis=1)
        found.update(Habit(one, at, call.span_us) for one, at in pairs.T.tolist() if one >= 0)
    return found
