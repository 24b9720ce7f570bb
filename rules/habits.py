"""What is usual, from the hourly rollup, and what plans ask for: the engine's facts in a running system."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from citybrain.store.binary import Array
from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.engine.needs import Habit
from rules.model import DAY_US, HOUR_US
from rules.plans.course import path
from rules.plans.load import indicators
from rules.plans.model import Indicator, Plan

Column = npt.NDArray[Any]

WEEKS_US = 28 * DAY_US  # the span '4w'; any other is '7d'
KEPT_US = 48 * HOUR_US  # habits of hours this much older than the newest are forgotten
KEPT = 500_000  # habits remembered before old ones are looked for


class StoredFacts:
    """Facts of the store. Habits are fetched before a batch is judged, once for each series and hour."""

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self._indicators: dict[str, Indicator] = indicators(plans)
        self._values: dict[Habit, float] = {}

    def fetch(self, connection: Connection, needed: Collection[Habit]) -> None:
        """Have these habits at hand."""
        missing = [habit for habit in needed if habit not in self._values]
        if not missing:
            return
        self._forget(max(habit.hour_us for habit in missing))
        by_span: dict[int, list[Habit]] = defaultdict(list)
        for habit in missing:
            by_span[habit.span_us].append(habit)
        for span_us, habits in by_span.items():
            weekly = span_us == WEEKS_US
            self._values.update(dict.fromkeys(habits, np.nan))
            rows = connection.execute(
                query("rules", "usual"),
                {
                    "series": Array(np.array([habit.series for habit in habits], "i4")),
                    "hour": Array(np.array([habit.hour_us for habit in habits], "i8"), times=True),
                    "position": Array(np.arange(len(habits), dtype="i4")),
                    "count": 4 if weekly else 7,
                    "step": "7 days" if weekly else "1 day",
                },
            )
            for position, value in rows:
                self._values[habits[position]] = value

    def usual(self, series: Column, time_us: Column, span_us: int) -> Column:
        """As Facts says, for habits that were fetched."""
        hours = (time_us - time_us % HOUR_US).tolist()
        pairs = zip(series.tolist(), hours, strict=True)
        return np.array([self._values.get(Habit(one, hour, span_us), np.nan) for one, hour in pairs], "f8")

    def indicator(self, name: str, region: str, use: Literal["path", "target"], day: date) -> float | None:
        """As Facts says: of a plan that binds the region, directly or from above."""
        indicator = self._indicators.get(name)
        if indicator is None or region not in (*indicator.regions, *indicator.within):
            return None
        return path(indicator, day) if use == "path" else indicator.target.value

    def _forget(self, newest_us: int) -> None:
        if len(self._values) > KEPT:
            oldest = newest_us - KEPT_US
            self._values = {habit: value for habit, value in self._values.items() if habit.hour_us >= oldest}
