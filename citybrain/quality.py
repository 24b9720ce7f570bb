"""Quality of readings, vectorised over a batch: late, ahead, out of range, step, stuck."""

from __future__ import annotations

from enum import IntFlag
from functools import cache

import polars as pl

from citybrain.store.binary import NEVER, Column


class Flag(IntFlag):
    """One bit each; no bit set is a good reading that came in order."""

    LATE = 1  # not newer than the newest accepted reading of its series, in arrival order
    AHEAD = 2  # its time is more than a minute after its arrival
    OUT_OF_RANGE = 4  # outside the metric's plausible range
    STEP = 8  # further from both readings before it than the metric's largest step
    STUCK = 16  # equal for the metric's stuck window or longer
    NO_TIME = 32  # the message named no time: the time is that of its arrival
    REVISED = 64  # a later computation or report replaced the value


DOUBTFUL = Flag.AHEAD | Flag.OUT_OF_RANGE | Flag.STEP | Flag.STUCK

AHEAD_US = 60 * 1_000_000  # a reading further ahead of its arrival is doubtful
PAUSE_INTERVALS = 3  # after a longer pause neither a step nor an equal value says anything
LAG_S = 32_767  # what the column `lag_s` holds at most, seconds


@cache
def names(quality: int) -> tuple[str, ...]:
    """The flags in a reading's `quality` by name, as people are told: `late`, `out_of_range` ..."""
    return tuple(flag.name.lower() for flag in Flag(quality) if flag.name)


def judge(new: pl.DataFrame, state: Column, traits: Column) -> pl.DataFrame:
    """Flag readings that are not stored yet; pure.

    Lateness is decided here, once, in arrival order. Readings neither late nor ahead form their series' chain; step
    and stuck are judged along it, so that neither a resend nor a wrong clock can make its neighbours doubtful. A step
    is a reading far from *both* readings before it: a spike is flagged and the return from it is not, and a new
    level is flagged once.

    Args:
        new: in arrival order: series i32, time i64 (us), value f64, received i64 (us), quality i16.
        state: the series' state as of before, one row of citybrain.store.state.ROW for each row of `new`.
        traits: the series' traits likewise, of citybrain.store.series.TRAITS.

    Returns:
        `new` with the flags added to `quality`, with lag_s i16 (arrival minus time, saturating) and same_since
        i64 (us; since when the series has had this value; null off the chain).
    """
    frame = new.with_columns(
        **{f"_{name}": pl.Series(state[name]) for name in ("time", "value", "before", "same_since")},
        **{f"_{name}": pl.Series(traits[name]) for name in ("low", "high", "max_step", "stuck_us", "interval_us")},
        _ahead=pl.col("time") > pl.col("received") + AHEAD_US,
    ).with_columns(pl.col("_value", "_before").fill_nan(None))
    # The newest accepted reading before each: of the state, or of the rows above it.
    newest_above = pl.when(~pl.col("_ahead")).then("time").cum_max().shift(1).forward_fill().over("series")
    frame = frame.with_columns(_late=pl.col("time") <= pl.max_horizontal(newest_above, "_time"))
    soon = (pl.col("time") - pl.col("_last_time")) <= PAUSE_INTERVALS * pl.col("_interval_us")
    in_chain = ~pl.col("_ahead") & ~pl.col("_late")
    chain = (
        frame.with_row_index("_row")
        .filter(in_chain)
        .with_columns(
            _last=pl.col("value").shift(1).over("series"),
            _last_time=pl.col("time").shift(1).over("series").fill_null(pl.col("_time")),
            _second=pl.col("value").shift(2).over("series"),
            _place=pl.int_range(pl.len()).over("series"),
        )
        .with_columns(
            _second=pl.when(pl.col("_place") == 0)
            .then("_before")
            .when(pl.col("_place") == 1)
            .then("_value")
            .otherwise("_second"),
            _last=pl.when(pl.col("_place") == 0).then("_value").otherwise("_last"),
        )
        .with_columns(
            same_since=pl.when(pl.col("value").ne_missing(pl.col("_last")) | ~soon)
            .then("time")
            .forward_fill()
            .over("series")
            .fill_null(pl.col("_same_since"))
        )
    )
    # A series without a second reading before has one to differ from.
    far = ((pl.col("value") - pl.col("_last")).abs() > pl.col("_max_step")) & (
        (pl.col("value") - pl.col("_second")).abs() > pl.col("_max_step")
    ).fill_null(value=True)
    known = pl.col("_last_time") != NEVER
    flagged = chain.select(
        "_row",
        "same_since",
        _step=(far & known & soon).fill_null(value=False),
        _stuck=(pl.col("time") - pl.col("same_since")) >= pl.col("_stuck_us"),
    )
    out_of_range = (pl.col("value") < pl.col("_low")) | (pl.col("value") > pl.col("_high"))
    return (
        frame.with_row_index("_row")
        .join(flagged, on="_row", how="left", maintain_order="left")
        .with_columns(
            quality=(
                pl.col("quality")
                + _bit(pl.col("_late"), Flag.LATE)
                + _bit(pl.col("_ahead"), Flag.AHEAD)
                + _bit(out_of_range, Flag.OUT_OF_RANGE)
                + _bit(pl.col("_step"), Flag.STEP)
                + _bit(pl.col("_stuck"), Flag.STUCK)
            ).cast(pl.Int16),
            lag_s=lag_s(),
        )
        .select(*new.columns, "lag_s", "same_since")
    )


def lag_s() -> pl.Expr:
    """Arrival minus time in whole seconds, of the columns `received` and `time` (us), saturating."""
    return ((pl.col("received") - pl.col("time")) // 1_000_000).clip(-LAG_S - 1, LAG_S).cast(pl.Int16)


def _bit(condition: pl.Expr, flag: Flag) -> pl.Expr:
    return condition.fill_null(value=False).cast(pl.Int16) * int(flag)
