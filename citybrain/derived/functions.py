"""The derivations that the runner knows: what each reads, and what a change of it touches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import polars as pl

from citybrain.derived import air_quality, heating_curve, leakage, night_flow

Calculation = Callable[[pl.DataFrame, str], pl.DataFrame]
"""From the inputs and the city's IANA zone to readings.

The inputs have station i32, time i64 (us UTC) and a column for each input; the readings station, time, metric and
value.
"""


@dataclass(frozen=True, slots=True)
class Derivation:
    """One function of `citybrain.derived` and how it is fed.

    `hourly` computes what lies in hours, `daily` what belongs to whole city days, timed at their start; either may be
    missing. An hour of the inputs counts in its own and the `reach_hours` after it, a day in its own and the
    `reach_days` after it. `reads` are hourly means (timed at the hour's start) or the good readings themselves.

    Inputs that are `shared` count for every device of their region. Their rows are among the others', and each row has
    its `region` and the `site_numbers`: attributes of the device's site, f64, null where it has none.
    """

    inputs: tuple[str, ...]
    hourly: Calculation | None = None
    daily: Calculation | None = None
    reach_hours: int = 0
    reach_days: int = 0
    reads: Literal["means", "readings"] = "means"
    shared: tuple[str, ...] = ()
    site_numbers: tuple[str, ...] = ()
    hours_at_once: int = 2000  # marks of one transaction; more would hold up collectors that renew one


FUNCTIONS: Mapping[str, Derivation] = MappingProxyType(
    {
        "air_quality": Derivation(
            inputs=air_quality.POLLUTANTS,
            hourly=air_quality.hourly,
            daily=air_quality.daily,
            reach_hours=air_quality.REACH_HOURS,
        ),
        "heating_curve": Derivation(
            inputs=("supply_temp", "outdoor_temp"),
            hourly=heating_curve.hourly,
            reach_hours=heating_curve.REACH_HOURS,
            reads="readings",
            shared=("outdoor_temp",),
            site_numbers=tuple(heating_curve.DESIGN),
            hours_at_once=100,  # One hour of a weather station touches every station of its region.
        ),
        "leakage": Derivation(
            inputs=("supply_volume", "billed_volume"), daily=leakage.daily, reach_days=leakage.REACH_DAYS
        ),
        "night_flow": Derivation(
            inputs=("zone_inflow",), hourly=night_flow.hourly, reach_hours=night_flow.REACH_HOURS, reads="readings"
        ),
    }
)
