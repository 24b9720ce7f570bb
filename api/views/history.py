"""What was measured, of some series in some span: readings, buckets of them, or rollups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
import polars as pl

from api.views.resolution import RAW, Step, clamp
from api.views.rows import tuples
from api.web.pages import decode, encode
from citybrain.quality import names
from citybrain.store.pools import Reader

Quality = Literal["good", "all"]

KEY = {"series": pl.Int32(), "time": pl.Datetime("us", "UTC")}
READINGS = pl.Schema({**KEY, "value": pl.Float64(), "quality": pl.List(pl.String())})
BUCKETS = pl.Schema(
    {
        **KEY,
        "mean": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "n": pl.Int64(),
        "n_doubtful": pl.Int64(),
    }
)
MEANS = pl.Schema({"time": KEY["time"], "mean": pl.Float64(), "n": pl.Int64()})

_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_Seconds = Annotated[int, msgspec.Meta(gt=0, le=10_000_000_000)]


@dataclass(frozen=True, slots=True)
class Part:
    """A span, how finely it is told, and where a page of it begins (a series and a time; None: at its beginning)."""

    start: datetime
    end: datetime
    step: Step
    at: tuple[int, datetime] | None = None

    @property
    def cursor(self) -> str:
        """The cursor of the page that begins there; it keeps span and step, so that `auto` stays what it was."""
        assert self.at is not None  # noqa: S101  only pages after the first have one
        return encode([*self.at, self.start, self.end, self.step.seconds])

    @classmethod
    def continued(cls, cursor: str) -> Part:
        """What a cursor leads to.

        Raises:
            Refusal: 400, it is none of ours.
        """
        series, time, start, end, seconds = decode(cursor, tuple[int, _Time, _Time, _Time, _Seconds | None])
        return cls(clamp(start), clamp(end), Step(seconds), (series, clamp(time)))


@dataclass(frozen=True, slots=True)
class Found:
    """Some points with their columns, and the part that the next page tells; None: these were the last."""

    columns: pl.Schema
    points: list[tuple[Any, ...]]
    following: Part | None


async def crowded(
    reader: Reader, series: list[int], start: datetime, end: datetime, quality: Quality, points: int
) -> bool:
    """Whether any of `series` has more than so many readings there."""
    starts = [start] * len(series)
    span = {"start": start, "end": end, "all": quality == "all"}
    ((is_crowded,),) = await tuples(
        reader, "api_readings", "crowded", **span, series=series, starts=starts, points=points
    )
    return bool(is_crowded)


async def tell(reader: Reader, series: list[int], part: Part, quality: Quality, zone: str, limit: int) -> Found:
    """The points of each of `series` (ids, ascending), one series after the other, each in order of time."""
    first, time = part.at or (0, part.start)
    left = [id for id in series if id >= first]
    starts = [time if id == first else part.start for id in left]
    span = {**_span(part, quality, zone), "start": min(starts, default=part.start)}
    name = {"raw": "raw", "bucket": "bucket"}.get(part.step.resolution, "hour")
    found = await tuples(reader, "api_readings", name, **span, series=left, starts=starts, limit=limit + 1)
    following = replace(part, at=found[limit][:2]) if len(found) > limit else None
    if part.step == RAW:
        told = [(id, time, value, names(flags)) for id, time, value, flags in found[:limit]]
        return Found(READINGS, told, following)
    return Found(BUCKETS, found[:limit], following)


async def mean(reader: Reader, series: list[int], part: Part, quality: Quality, zone: str, limit: int) -> Found:
    """The means of the good readings of all of `series` together, from hourly rollups."""
    return await _mean(reader, "mean", {"series": series}, part, quality, zone, limit)


async def region_mean(
    reader: Reader, regions: list[str], domain: str, metric: str, part: Part, quality: Quality, zone: str, limit: int
) -> Found:
    """Likewise of all series of a domain's metric in `regions` (not in those below them), from their own hours."""
    among = {"regions": regions, "domain": domain, "metric": metric}
    return await _mean(reader, "region_mean", among, part, quality, zone, limit)


async def _mean(
    reader: Reader, name: str, among: dict[str, Any], part: Part, quality: Quality, zone: str, limit: int
) -> Found:
    span = _span(part, quality, zone)
    if part.at:
        span["start"] = part.at[1]
    found = await tuples(reader, "api_readings", name, **span, **among, limit=limit + 1)
    return Found(MEANS, found[:limit], replace(part, at=(0, found[limit][0])) if len(found) > limit else None)


def _span(part: Part, quality: Quality, zone: str) -> dict[str, Any]:
    return {
        "start": part.start,
        "end": part.end,
        "all": quality == "all",
        "step": timedelta(seconds=part.step.seconds or 0),
        "zone": zone if part.step.in_zone else None,
    }
