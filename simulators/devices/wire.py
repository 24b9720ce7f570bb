"""Records to messages, as docs/mqtt.md says devices write them."""

from __future__ import annotations

from typing import Final

import polars as pl

from simulators.devices.roster import Roster

# How a record is spoiled. Cut off or replaced by an error's text, the message can't be read at all; a value that is no
# number, or a text with its unit, is refused alone.
SOUND, CUT, ERROR, NOT_A_NUMBER, WITH_UNIT = range(5)
SPOILS: Final = 4  # kinds of it
WHOLE: Final = [CUT, ERROR]

# What a clock has done to the time of a record.
RIGHT, LONG_AGO, AHEAD = range(3)

ROWS: Final = {
    "leaves": pl.Int64,
    "connection": pl.UInt32,
    "device": pl.UInt32,
    "foreign": pl.Boolean,
    "copy": pl.UInt16,
    "spoilt": pl.UInt8,
    "due": pl.Int64,
    "written": pl.Int64,
    "clock": pl.UInt8,
    "metric": pl.UInt16,
    "value": pl.Float64,
}
"""Readings on their way. `leaves` (us UTC): when the message goes; `connection`: through which; `device`: on whose
topic; `foreign`: it is another's; `copy`: 0, or which repetition; `spoilt`, `clock`: see above; `due`: the order in the
message; `written` (ms UTC): the time in it; `metric`, `value`."""

_MESSAGE = ("leaves", "connection", "device", "foreign", "copy", "spoilt")  # what the readings of one have in common


class Wire:
    """Writes messages for the devices of a roster."""

    def __init__(self, roster: Roster) -> None:
        self._topics = roster.topics
        kinds = [metric.kind for metric in roster.metrics]
        self._keys = pl.Series([f'"{metric.name}":' for metric in roster.metrics], dtype=pl.String)
        units = [f'{metric.unit or "?"}"' for metric in roster.metrics]
        self._units = pl.Series(units, dtype=pl.String)
        self._boolean = pl.Series([kind == "boolean" for kind in kinds], dtype=pl.Boolean)
        self._coded = pl.Series([kind in ("state", "flags") for kind in kinds], dtype=pl.Boolean)

    def messages(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The messages that carry these rows (columns ROWS), in the order in which they leave.

        Returns: `due` (i64, us UTC), `connection` (u32), `topic`, `payload`, `readings` (u32) and `foreign`: the broker
            will refuse it. And what the platform's ledger will say of it: `stored`, `duplicates` and `quarantined`
            (u32); of readings whose clock is `ahead` (u32) that depends on when they arrive, so they are in none.
        """
        ordered = rows.sort(*_MESSAGE, "due", "written", "metric").with_columns(first=_differs(*_MESSAGE))
        ordered = ordered.with_columns(opens=pl.col("first") | _differs("due", "written"))
        written = pl.col("written").cast(pl.String)
        before = (
            pl.when("first")
            .then(pl.concat_str(pl.lit('{"time":'), written, pl.lit(',"values":{')))
            .when("opens")
            .then(pl.concat_str(pl.lit('}},{"time":'), written, pl.lit(',"values":{')))
            .otherwise(pl.lit(","))
        )
        key = self._keys.gather(ordered["metric"])
        read = ~pl.col("foreign") & ~pl.col("spoilt").is_in(WHOLE)
        right = pl.col("clock") == RIGHT
        sound = right & (pl.col("spoilt") == SOUND)
        refused = pl.when(pl.col("clock") == LONG_AGO).then("opens").otherwise(pl.col("spoilt") != SOUND)
        return (
            ordered.lazy()
            .with_columns(
                pl.concat_str(before, key, self._text(ordered)).alias("piece"), message=pl.col("first").cum_sum()
            )
            .group_by("message", maintain_order=True)
            .agg(
                pl.col(*_MESSAGE).first(),
                pl.col("piece").str.join(""),
                records=pl.col("opens").sum(),
                readings=pl.len(),
                stored=(read & sound & (pl.col("copy") == 0)).sum(),
                duplicates=(read & sound & (pl.col("copy") > 0)).sum(),
                quarantined=(read & refused).sum(),
                ahead=(read & (pl.col("spoilt") == SOUND) & (pl.col("clock") == AHEAD)).sum(),
            )
            .select(
                "connection",
                "readings",
                "foreign",
                "stored",
                "duplicates",
                "ahead",
                pl.col("quarantined") + (pl.col("spoilt").is_in(WHOLE) & ~pl.col("foreign")),
                due="leaves",
                payload=_payload(),
                topic=pl.lit(self._topics).gather("device"),
            )
            .collect()
        )

    def _text(self, rows: pl.DataFrame) -> pl.Expr:
        """Each row's value, as it is written."""
        value = pl.col("value")
        found = value.cast(pl.String)
        metric = rows["metric"]
        if (boolean := self._boolean.gather(metric)).any():
            written = pl.when(value != 0).then(pl.lit("true")).otherwise(pl.lit("false"))
            found = pl.when(boolean).then(written).otherwise(found)
        if (coded := self._coded.gather(metric)).any():
            found = pl.when(coded).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(found)
        if rows["spoilt"].is_in([NOT_A_NUMBER, WITH_UNIT]).any():
            text = pl.concat_str(pl.lit('"'), found, self._units.gather(metric))
            found = pl.when(pl.col("spoilt") == WITH_UNIT).then(text).otherwise(found)
            found = pl.when(pl.col("spoilt") == NOT_A_NUMBER).then(pl.lit("NaN")).otherwise(found)
        return found


def _differs(*columns: str) -> pl.Expr:
    """Whether a row has another value than the one before it in any of the columns; the first row has."""
    return pl.any_horizontal(pl.col(column).ne_missing(pl.col(column).shift()) for column in columns)


def _payload() -> pl.Expr:
    body = pl.concat_str("piece", pl.lit("}}"))
    whole = pl.when(pl.col("records") > 1).then(pl.format("[{}]", body)).otherwise(body)
    cut = whole.str.head(whole.str.len_chars() * 2 // 3)
    return (
        pl.when(pl.col("spoilt") == CUT).then(cut).when(pl.col("spoilt") == ERROR).then(pl.lit("ERR")).otherwise(whole)
    )
