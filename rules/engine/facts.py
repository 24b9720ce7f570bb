"""What conditions know besides readings; given to the engine, never looked up by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from rules.model import HOUR_US

Array = npt.NDArray[Any]


class Facts(Protocol):
    """Habits and glide paths."""

    def usual(self, series: Array, time_us: Array, span_us: int) -> Array:
        """The usual value of each of `series` in the hour of each time; NaN where there is none.

        `span_us` of 7 days: the median of the hourly means at this hour on the 7 days before; of 4 weeks: at this
        hour and weekday in the 4 weeks before. NaN with less than half of them.
        """

    def indicator(self, name: str, region: str, use: Literal["path", "target"], day: date) -> float | None:
        """A plan's target for a region, or the point of the path to it on a day."""


@dataclass(frozen=True)
class Habits:
    """Facts without plans, from the usual values of (series, start of the hour in us, span in us)."""

    values: dict[tuple[int, int, int], float]

    def usual(self, series: Array, time_us: Array, span_us: int) -> Array:
        """As Facts says."""
        hours = time_us - time_us % HOUR_US
        found = [
            self.values.get((one, hour, span_us), np.nan)
            for one, hour in zip(series.tolist(), hours.tolist(), strict=True)
        ]
        return np.array(found, "f8")

    def indicator(self, name: str, region: str, use: Literal["path", "target"], day: date) -> float | None:
        """None: there are no plans."""
        return None


NOTHING = Habits({})
