"""How far a heat exchange station's supply temperature lies from its weather-compensated curve.

With constant flow the supply temperature that keeps a room at t_n while it is t_w outside is (textbooks; confidence C)

    t_g = t_n + (t_g' + t_h' - 2 t_n) / 2 * f^(1 / (1 + B)) + (t_g' - t_h') / 2 * f,   f = (t_n - t_w) / (t_n - t_w')

with the design values marked ' and B the exponent of the radiators. Where it is warmer outside than t_n, f is 0; where
it is colder than the design temperature the curve goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

# Where a site does not say, platform defaults (S): degC, the exponent without a unit.
DESIGN: Mapping[str, float] = MappingProxyType(
    {
        "design_indoor_temp": 18.0,  # t_n
        "design_outdoor_temp": -17.0,  # t_w'
        "design_supply_temp": 75.0,  # t_g'
        "design_return_temp": 50.0,  # t_h'
        "radiator_exponent": 0.3,  # B
    }
)
HOUR = 3_600_000_000  # us; a controller follows the weather with about that delay
REACH_HOURS = 1  # Outdoor readings of the hour before count.


def hourly(readings: pl.DataFrame, zone: str) -> pl.DataFrame:
    """The deviation at each reading of a supply temperature.

    It is as cold as the region's sensors say on average over the hour up to the reading; without any of them there is
    no deviation.

    Args:
        readings: `station` (i32), `time` (i64, us UTC), `region`, `supply_temp` and `outdoor_temp` (degC), and the
            columns of `DESIGN`; null where a row has none.
        zone: Unused: no hour of the city's day counts.

    Returns:
        `station`, `time` (us UTC), `metric` (supply_temp_deviation) and `value` in K, more than 0 where it is warmer
        than the curve.
    """
    outdoor = readings.sort("region", "time").rolling("time", period=f"{HOUR}i", group_by="region")
    felt = outdoor.agg(outdoor=pl.col("outdoor_temp").mean()).unique(["region", "time"])
    return (
        readings.drop_nulls("supply_temp")
        .join(felt, on=["region", "time"])
        .select(
            "station", "time", metric=pl.lit("supply_temp_deviation"), value=pl.col("supply_temp") - curve("outdoor")
        )
        .filter(pl.col("value").is_finite())
        .sort("station", "time")
    )


def curve(outdoor: str) -> pl.Expr:
    """The supply temperature that column `outdoor` (degC) asks for by the columns of `DESIGN`, in degC."""
    indoor, coldest, supply, back, exponent = (pl.col(name).fill_null(value) for name, value in DESIGN.items())
    load = ((indoor - pl.col(outdoor)) / (indoor - coldest)).clip(lower_bound=0)
    return indoor + (supply + back - 2 * indoor) / 2 * load.pow(1 / (1 + exponent)) + (supply - back) / 2 * load
