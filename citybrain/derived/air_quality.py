"""Air quality index (AQI) of a station by HJ 633, hourly and daily; uncertain points: docs/air-quality.md.

The index of one pollutant (HJ 633, equation 1), rounded up to a whole number, is

    IAQI = (IAQI_hi - IAQI_lo) / (BP_hi - BP_lo) * (C - BP_lo) + IAQI_lo

with C the rounded concentration and BP_lo, BP_hi the nodes around it; the AQI is the largest IAQI (equation
2). The nodes and rules of 2012 hold for what was observed before 2026-03-01 in the city's zone, those of
2026 from then on.

Concentrations are summed in whole millionths of their unit and indices computed in whole numbers, so that
no half (60.5) and no node is missed by the last bit of a float, and no mean depends on where a frame
begins. A letter in brackets is the confidence of a fact: A found in several places, B in one, C remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

POLLUTANTS = ("pm25", "pm10", "so2", "no2", "co", "o3")
"""Those the index knows; concentrations in ug/m3, of CO in mg/m3."""
REACH_HOURS = 23  # An hour counts in the 24-hour means of its own hour and of the 23 after it.

FLAGS = {"pm25": 1, "pm10": 2, "so2": 4, "no2": 8, "co": 16, "o3": 32}
"""What `primary_pollutant` sums up."""

CHANGE = date(2026, 3, 1)  # First city date of HJ 633-2026 and HJ 663-2026 [A].

VALID_OF_24_HOURS = 20  # Hourly means that a 24-hour mean needs: GB 3095-2012, table 4 [A].
VALID_OF_8_HOURS = 6  # Hourly means that an 8-hour mean needs: GB 3095-2012, table 4 [B].
FIRST_WINDOW_HOUR = 7  # The day's first 8-hour mean ends at 08:00, so its last hour begins at 07:00.
VALID_WINDOWS = 14  # 8-hour means that a day's largest one needs: HJ 663-2013, HJ 663-2026 6.1.2 [A].
SURE_WINDOW = 160  # ug/m3; a largest 8-hour mean above is valid with fewer: HJ 663-2026 6.1.2 [A].

CAP = 500  # The largest index [A].
INDEX = (0, 50, 100, 150, 200, 300, 400, CAP)  # What the nodes below stand for: HJ 633, table 1 [A].
CATEGORIES = (50, 100, 150, 200, 300)  # The largest AQI of categories 1 to 5 [A].
CLEAN = 50  # Up to this AQI there is no primary pollutant [A].
SURE_AQI = 100  # A larger AQI is published even if a pollutant is missing: HJ 633-2026 5.3.1 [B].

# Nodes of HJ 633-2026, table 3, and where they differ of HJ 633-2012, table 1 [A]; ug/m3, CO in mg/m3.
DAY = {
    "pm25": (0, 35, 60, 115, 150, 250, 350, 500),
    "pm10": (0, 50, 120, 250, 350, 420, 500, 600),
    "so2": (0, 50, 150, 475, 800, 1600, 2100, 2620),
    "no2": (0, 40, 80, 180, 280, 565, 750, 940),
    "co": (0, 2, 4, 14, 24, 36, 48, 60),
}
DAY_2012 = DAY | {
    "pm25": (0, 35, 75, 115, 150, 250, 350, 500),
    "pm10": (0, 50, 150, 250, 350, 420, 500, 600),
}
ONE_HOUR = {
    "so2": (0, 150, 500, 650, 800),
    "no2": (0, 100, 200, 700, 1200, 2340, 3090, 3840),
    "co": (0, 5, 10, 35, 60, 90, 120, 150),
    "o3": (0, 160, 200, 300, 400, 800, 1000, 1200),
}
EIGHT_HOURS = (0, 100, 160, 215, 265, 800)  # O3

STEPS = {"co": 10}  # C is rounded to 0.1 mg/m3 for CO, to 1 ug/m3 for the others: HJ 633-2026 4.2 [B].

HOUR = 3_600_000_000  # us
MILLION = 1_000_000
LARGEST = 1e6  # ug/m3 or mg/m3; a number beyond it, infinite or NaN, is no concentration.

_INDICES = [f"iaqi_{pollutant}" for pollutant in POLLUTANTS]
_PUBLISHED = ["aqi", "aqi_category", "primary_pollutant"]


def hourly(hours: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Running means, indices, AQI, category and primary pollutant of each hour.

    The index of an hour is that of its 1-hour means, particles by the 24-hour nodes [A]. A running mean
    belongs to the hour it ends with: the 8-hour mean of hour h covers h-7 to h. An hour without a row has
    no result and counts as invalid in later means. The first 23 hours of a frame lack history: the caller
    leaves them out.

    Args:
        hours: One row per station and hour: `station` (i32), `time` (i64, us UTC, start of the hour) and the
            1-hour means `pm25`, `pm10`, `so2`, `no2`, `o3` (ug/m3) and `co` (mg/m3), null where there is no
            valid one.
        zone: The city's IANA zone, which decides on which date an hour was observed.

    Returns:
        `station`, `time`, `metric`, `value`: `iaqi_<pollutant>`, `aqi`, `aqi_category` (1 to 6),
        `primary_pollutant` (sum of `FLAGS`, 0 if there is none) and the running means `pm25_24h`,
        `pm10_24h`, `so2_24h`, `no2_24h`, `co_24h`, `o3_8h` in the units of the input. What is not valid, or
        not to be published, is absent.
    """
    observed = _millionths(hours)
    day = {f"{pollutant}_24h": _mean(pollutant, VALID_OF_24_HOURS) for pollutant in DAY}
    eight = {"o3_8h": _mean("o3", VALID_OF_8_HOURS)}
    # Above the last node the index of SO2 stays there [A]; in 2012 the 24-hour mean took over [C].
    above = pl.when("new").then(200).otherwise(_day_index("so2", "so2_24h"))
    indexed = (
        observed.join(_running(observed, 24, day), on=["station", "time"])
        .join(_running(observed, 8, eight), on=["station", "time"])
        .with_columns(new=_local("time", zone).dt.date() >= CHANGE)
        .with_columns(
            iaqi_pm25=_day_index("pm25", "pm25"),
            iaqi_pm10=_day_index("pm10", "pm10"),
            iaqi_so2=_index("so2", "so2", ONE_HOUR["so2"], above),
            iaqi_no2=_index("no2", "no2", ONE_HOUR["no2"]),
            iaqi_co=_index("co", "co", ONE_HOUR["co"]),
            iaqi_o3=_index("o3", "o3", ONE_HOUR["o3"]),
        )
    )
    return _long(_published(indexed), [*_INDICES, *_PUBLISHED], [*day, *eight])


def daily(hours: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Means, AQI, category and primary pollutant of each city day that has rows.

    The O3 of a day is the largest of its 8-hour means that end from 08:00 to 24:00; those 17 windows lie
    within the day, so no history is needed. A day that is not over is computed from the hours there are.

    Args:
        hours: As for `hourly`.
        zone: The city's IANA zone, in which days are cut.

    Returns:
        `station`, `time` (i64, us UTC, start of the city day), `metric`, `value`: `pm25_day`, `pm10_day`,
        `so2_day`, `no2_day`, `co_day` (24-hour means), `o3_8h_day`, `aqi_day`, `aqi_category_day`,
        `primary_pollutant_day`. What is not valid, or not to be published, is absent.
    """
    observed = _whole_days(_millionths(hours), zone)
    new = pl.col("day").dt.date() >= CHANGE
    windows = _running(observed, 8, {"window": _mean("o3", VALID_OF_8_HOURS)})
    counted = pl.col("window").filter(_local("time", zone).dt.hour() >= FIRST_WINDOW_HOUR)
    enough = (counted.count() >= VALID_WINDOWS) | (new.first() & (counted.max() > SURE_WINDOW * MILLION))
    means = {f"{pollutant}_day": _mean(pollutant, VALID_OF_24_HOURS) for pollutant in DAY}
    # Above the last node the index of O3 stays there [A]; in 2012 the largest 1-hour mean took over [C].
    above = pl.when("new").then(300).otherwise(_index("o3", "o3_hour", ONE_HOUR["o3"]))
    indexed = (
        observed.join(windows, on=["station", "time"])
        .group_by("station", "day", maintain_order=True)
        .agg(
            **means,
            o3_8h_day=pl.when(enough).then(counted.max()),
            o3_hour=pl.col("o3").max(),
            new=new.first(),
        )
        .with_columns(_day_index(pollutant, f"{pollutant}_day").alias(f"iaqi_{pollutant}") for pollutant in DAY)
        .with_columns(time=pl.col("day").dt.epoch("us"), iaqi_o3=_index("o3", "o3_8h_day", EIGHT_HOURS, above))
    )
    named = {metric: f"{metric}_day" for metric in _PUBLISHED}
    return _long(_published(indexed).rename(named), list(named.values()), [*means, "o3_8h_day"])


def _millionths(hours: pl.DataFrame) -> pl.DataFrame:
    """The concentrations in whole millionths, null where there is none, in order of station and time."""
    values = [
        pl.when(pl.col(pollutant).abs() <= LARGEST).then((pl.col(pollutant) * MILLION).round()).cast(pl.Int64)
        for pollutant in POLLUTANTS
    ]
    return hours.select("station", "time", *values).sort("station", "time")


def _local(time: str, zone: str) -> pl.Expr:
    """Column `time` (us UTC) as date and time in the zone."""
    return pl.from_epoch(time, "us").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


def _whole_days(observed: pl.DataFrame, zone: str) -> pl.DataFrame:
    """A row for every hour of the city days that have rows, with the start of its `day`.

    A window may be valid though the row of its last hour is missing.
    """
    starts = pl.col("day").dt.epoch("us"), pl.col("day").dt.offset_by("1d").dt.epoch("us")
    first, end = (-(-start // HOUR) * HOUR for start in starts)
    return (
        observed.select("station", day=_local("time", zone).dt.truncate("1d"))
        .unique(maintain_order=True)
        .with_columns(time=pl.int_ranges(first, end, HOUR))
        .explode("time")
        .join(observed, on=["station", "time"], how="left", maintain_order="left")
    )


def _mean(pollutant: str, least: int) -> pl.Expr:
    """The mean over a group or window in whole millionths, null with fewer than `least` valid hours."""
    hours = pl.col(pollutant)
    return pl.when(hours.count() >= least).then((hours.sum() / hours.count()).round()).cast(pl.Int64)


def _running(observed: pl.DataFrame, hours: int, means: dict[str, pl.Expr]) -> pl.DataFrame:
    """The `means` over each row's hour and the `hours - 1` before it."""
    return observed.rolling("time", period=f"{hours * HOUR}i", group_by="station").agg(**means)


def _index(pollutant: str, mean: str, nodes: Sequence[int], above: int | pl.Expr = CAP) -> pl.Expr:
    """The IAQI of column `mean` (millionths); `above` is what it is beyond the last node.

    C is rounded half to even (GB/T 8170), and what an instrument reads below zero is taken as zero.
    """
    steps = STEPS.get(pollutant, 1)
    step = MILLION // steps
    exact = pl.col(mean).clip(0)
    below, twice_rest = exact // step, exact % step * 2
    c = below + ((twice_rest > step) | ((twice_rest == step) & (below % 2 == 1)))
    index: pl.Expr = pl.when(c > nodes[-1] * steps).then(above)
    segments = zip(nodes, nodes[1:], INDEX, INDEX[1:], strict=False)
    for low, high, index_low, index_high in reversed(list(segments)):
        width = (high - low) * steps
        rise = -((low * steps - c) * (index_high - index_low) // width)  # -(-x // y) is x / y rounded up.
        index = pl.when(c <= high * steps).then(index_low + rise).otherwise(index)
    return index


def _day_index(pollutant: str, mean: str) -> pl.Expr:
    """The IAQI of column `mean` by the 24-hour nodes in force."""
    return (
        pl.when("new")
        .then(_index(pollutant, mean, DAY[pollutant]))
        .otherwise(_index(pollutant, mean, DAY_2012[pollutant]))
    )


def _published(indexed: pl.DataFrame) -> pl.DataFrame:
    """Adds AQI, category and primary pollutants (all that share the largest index), null if unpublished."""
    largest = pl.max_horizontal(_INDICES)
    complete = pl.all_horizontal(pl.col(_INDICES).is_not_null())
    aqi = pl.col("aqi")
    return indexed.with_columns(aqi=pl.when(complete | (largest > SURE_AQI)).then(largest)).with_columns(
        aqi_category=1 + pl.sum_horizontal((aqi > top for top in CATEGORIES), ignore_nulls=False),
        primary_pollutant=pl.when(aqi > CLEAN)
        .then(pl.sum_horizontal((pl.col(f"iaqi_{p}") == aqi) * flag for p, flag in FLAGS.items()))
        .otherwise(pl.when(aqi.is_not_null()).then(0)),
    )


def _long(frame: pl.DataFrame, whole: Iterable[str], means: Iterable[str]) -> pl.DataFrame:
    """One row per station, time and metric that has a value; `means` are brought back to their unit."""
    # Polars divides by a constant through its reciprocal, which may miss the last bit; rounding mends that.
    values = [pl.col(whole).cast(pl.Float64), (pl.col(means) / MILLION).round(6)]
    return (
        frame.select("station", "time", *values)
        .unpivot(index=["station", "time"], variable_name="metric", value_name="value")
        .drop_nulls("value")
    )
