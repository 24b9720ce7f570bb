"""Night minimum flow of a metered zone: the least 15-minute mean of its inflow from 02:00 to 04:00.

Few people use water then, so that leakage is most of what flows (window of IWA practice; confidence A). The fifteen
minutes and the least share of the night that must have readings are platform defaults (S).
"""

from __future__ import annotations

import polars as pl

START_HOUR, END_HOUR = 2, 4  # of the city's day, the end exclusive: window of IWA practice [A]
REACH_HOURS = END_HOUR - START_HOUR  # The result lies at the window's end.
MINUTE = 60_000_000  # us
WINDOW = 15 * MINUTE  # us; the mean over it keeps one pulse of a meter from being the night's minimum
QUARTERS_NEEDED = 6  # quarters of an hour with readings, of the window's 8: as 45 minutes of an hour


def hourly(readings: pl.DataFrame, zone: str) -> pl.DataFrame:
    """The night flow of each city day whose night is in the readings.

    A 15-minute mean counts if it lies within the night and has at least half as many readings as the fullest one. A
    night in which less than three quarters of the quarters of an hour have readings has no result.

    Args:
        readings: `station` (i32), `time` (i64, us UTC) and `zone_inflow` (m3/h).
        zone: The city's IANA zone.

    Returns:
        `station`, `time` (04:00 of the city's day, us UTC), `metric` (night_flow) and `value` in m3/h.
    """
    local = pl.from_epoch("time", "us").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    night = (
        readings.drop_nulls("zone_inflow")
        .with_columns(local=local, minute=local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute())
        .filter(pl.col("minute").is_between(START_HOUR * 60, END_HOUR * 60, closed="left"))
        .with_columns(day=pl.col("local").dt.truncate("1d"))
        .sort("station", "time")
    )
    means = night.rolling("time", period=f"{WINDOW}i", group_by=["station", "day"]).agg(
        mean=pl.col("zone_inflow").mean(), n=pl.len(), minute=pl.col("minute").last()
    )
    # The first means of the night reach back before it.
    whole = (pl.col("minute") >= START_HOUR * 60 + WINDOW // MINUTE - 1) & (pl.col("n") * 2 >= pl.col("n").max())
    least = means.group_by("station", "day").agg(value=pl.col("mean").filter(whole).min())
    quarters = night.group_by("station", "day").agg(n=(pl.col("minute") // 15).n_unique())
    return (
        least.join(quarters.filter(pl.col("n") >= QUARTERS_NEEDED), on=["station", "day"])
        .drop_nulls("value")
        .sort("station", "day")
        .select(
            "station",
            time=pl.col("day")
            .dt.replace_time_zone(None)
            .dt.offset_by(f"{END_HOUR}h")
            .dt.replace_time_zone(zone)
            .dt.epoch("us"),
            metric=pl.lit("night_flow"),
            value="value",
        )
    )
