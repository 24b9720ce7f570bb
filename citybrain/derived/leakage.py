"""Leakage rate of a supply area: the share of the water supplied that no registered user is billed for.

    R_WL = (Q_s - Q_a) / Q_s * 100 %

with Q_s the water supplied and Q_a the consumption of registered users (CJJ 92-2016, 2.0.18 and 5.2.2; confidence A).
The grades of 5.1.2 hold for R_BL, which is R_WL less the corrections of 5.2.3 for meters read to the household, pipe
length, pressure and frost depth; those are not computed here. So this rate is the higher one.

The standard balances a year, so each day looks back on 365; with fewer days on record it is an estimate, and with fewer
than 28 (a platform default) there is none, because bills come by the month.
"""

from __future__ import annotations

import polars as pl

YEAR = 365  # days
DAYS_NEEDED = 28
REACH_DAYS = YEAR - 1


def daily(hours: pl.DataFrame, zone: str) -> pl.DataFrame:
    """The leakage rate over the 365 city days that end with each day.

    A day counts if both volumes are known. There is a rate only for days that count.

    Args:
        hours: `station` (i32), `time` (i64, us UTC, the start of the hour in which the city's day begins), and the
            day's `supply_volume` and `billed_volume` (m3).
        zone: The city's IANA zone.

    Returns:
        `station`, `time` (start of the city day, us UTC), `metric` (leakage_rate) and `value` in percent; less than 0
        where more was billed than supplied.
    """
    local = pl.from_epoch("time", "us").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    days = (
        hours.drop_nulls(["supply_volume", "billed_volume"])
        .with_columns(day=local.dt.date(), time=local.dt.truncate("1d").dt.epoch("us"))
        .sort("station", "day")
    )
    supplied = pl.col("supply_volume").sum()
    return (
        days.rolling("day", period=f"{YEAR}d", group_by="station")
        .agg(
            time=pl.col("time").last(),
            n=pl.len(),
            # Each day's difference is summed, so that no rate depends on the order of two large sums.
            value=pl.when(supplied > 0).then(
                (pl.col("supply_volume") - pl.col("billed_volume")).sum() / supplied * 100
            ),
        )
        .filter(pl.col("n") >= DAYS_NEEDED, pl.col("value").is_not_null())
        .select("station", "time", metric=pl.lit("leakage_rate"), value="value")
    )
