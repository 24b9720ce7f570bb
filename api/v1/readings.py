"""What was measured: of one series or of many, raw or in buckets, as JSON, CSV, Arrow or Parquet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime, BaseModel, Field

from api.access.door import Viewer
from api.context import Context, Using
from api.v1 import new_router
from api.v1.series import SeriesId, missing
from api.views import formats, history
from api.views.formats import Accepted, Format
from api.views.history import Found, Part, Quality
from api.views.resolution import DAY, HOUR, HOUR_S, RAW, Resolution, Step, clamp, finest
from api.views.rows import tuples
from api.web.filters import Among, Filters, Moment
from api.web.pages import Cursor
from api.web.problems import Refusal, responses
from citybrain.access.model import Scope
from citybrain.store.pools import Reader

router = new_router("readings")

DEFAULT_POINTS, MOST_POINTS = 1500, 10_000
DEFAULT_SPAN = timedelta(hours=24)
MOST_SERIES = 500  # told one after the other
MOST_AVERAGED = 5000  # series, named or of a site or device, that a mean is taken over
MOST_HOURS = 5_000_000  # hours of series or of regions that a mean is taken over; about a second's work

Wanted = Literal["auto", "raw", "hour", "day"]

From = Annotated[
    Moment | None,
    Query(
        alias="from", description="Inclusive; without it, 24 hours before `to`.", examples=["2026-11-21T00:00:00+08:00"]
    ),
]
To = Annotated[Moment | None, Query(alias="to", description="Exclusive; without it, now.")]
ResolutionWanted = Annotated[
    Wanted,
    Query(
        alias="resolution",
        description="`auto`: the finest of which no series has more than `points`: readings, buckets of readings, "
        "hourly rollups, buckets of these.",
    ),
]
QualityWanted = Annotated[
    Quality,
    Query(
        alias="quality",
        description="`all`: doubtful readings, too, and buckets that have no others. They never enter a mean.",
    ),
]
Points = Annotated[int, Query(ge=10, le=MOST_POINTS, description="Points of one series at most.")]


class SeriesReading(BaseModel):
    """One reading."""

    series: int = Field(examples=[7])
    time: AwareDatetime
    value: float = Field(examples=[0.31])
    quality: list[str] = Field(description="Flags; none: it is good and came in order.", examples=[["late"]])


class Bucket(BaseModel):
    """The readings of a span that begins at `time`: mean, lowest and highest of the `n` good ones."""

    series: int = Field(examples=[7])
    time: AwareDatetime
    mean: float | None = Field(description="null: there is no good reading.", examples=[0.31])
    low: float | None = Field(examples=[0.3])
    high: float | None = Field(examples=[0.33])
    n: int = Field(examples=[12])
    n_doubtful: int = Field(examples=[0])


class Mean(BaseModel):
    """The mean of the `n` good readings of several series, of a span that begins at `time`."""

    time: AwareDatetime
    mean: float | None = Field(description="null: there is no good reading.", examples=[0.31])
    n: int = Field(examples=[4800])


class Readings(BaseModel):
    """Points in order of series and time; of rollups those of the hours that begin in the span."""

    from_: AwareDatetime = Field(alias="from")
    to: AwareDatetime
    resolution: Resolution = Field(description="`bucket`: of readings; `hour`, `day`: of hourly rollups.")
    step_s: int | None = Field(
        description="Seconds that a bucket spans; null: each item is a reading.", examples=[3600]
    )
    quality: Quality
    items: list[SeriesReading] | list[Bucket] | list[Mean]
    next: str | None = Field(description="Cursor of the next page; null: this is the last.")


@router.get(
    "/series/{id}/readings",
    response_model=Readings,
    responses={200: formats.RESPONSE, **responses(400, 404, 406)},
)
async def series_readings(
    request: Request,
    context: Using,
    principal: Viewer,
    id: SeriesId,
    form: Accepted,
    start: From = None,
    end: To = None,
    wanted: ResolutionWanted = "auto",
    quality: QualityWanted = "good",
    points: Points = DEFAULT_POINTS,
    cursor: Cursor = None,
) -> Response:
    """The readings of a series, or buckets of them: at most `points` on a page.

    In every format the header `Citybrain-Resolution` says which, such as `raw` or `hour;step=3600`.
    """
    async with context.readers.connection() as reader:
        series = await _chosen(reader, principal.scope, Among(), [id], 1)
        part = await _part(context, reader, series, (start, end), wanted, quality, points, cursor)
        found = await history.tell(reader, series, part, quality, context.settings.time_zone, points)
    return await _told(request, form, part, quality, found)


@router.get(
    "/readings",
    response_model=Readings,
    responses={200: formats.RESPONSE, **responses(400, 404, 406)},
)
async def many_readings(
    request: Request,
    context: Using,
    principal: Viewer,
    filters: Filters,
    form: Accepted,
    ids: Annotated[
        list[Annotated[int, Field(ge=1, le=2147483647)]] | None,
        Query(
            alias="series", max_length=MOST_SERIES, description="These series; without it, all that the filters leave."
        ),
    ] = None,
    start: From = None,
    end: To = None,
    wanted: ResolutionWanted = "auto",
    quality: QualityWanted = "good",
    points: Points = DEFAULT_POINTS,
    aggregate: Annotated[
        Literal["mean"] | None,
        Query(description="`mean`: of all these series together, from hourly rollups, such as that of a region."),
    ] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST_POINTS, description="Points of a page at most.")] = MOST_POINTS,
) -> Response:
    """The readings of up to 500 series, one after the other, or a mean.

    The mean is of one metric: of whole regions, however many series they have, or of up to 5,000 series that `series`,
    `site` or `device` leaves.
    """
    zone = context.settings.time_zone
    async with context.readers.connection() as reader:
        if aggregate:
            part = await _part(context, reader, None, (start, end), wanted, quality, points, cursor)
            found = await _mean(reader, principal.scope, filters, ids, part, quality, zone, limit)
        else:
            series = await _chosen(reader, principal.scope, filters, ids, MOST_SERIES)
            part = await _part(context, reader, series, (start, end), wanted, quality, points, cursor)
            found = await history.tell(reader, series, part, quality, zone, limit)
    return await _told(request, form, part, quality, found)


async def _mean(
    reader: Reader,
    scope: Scope,
    among: Among,
    ids: list[int] | None,
    part: Part,
    quality: Quality,
    zone: str,
    limit: int,
) -> Found:
    """The mean of what is asked for, of whole regions where that is what is asked for.

    Raises:
        Refusal: 404, the caller sees no such series; 422, it is no mean of one metric's hours, or of too many.
    """
    if among.metric is None or among.domain is None:
        raise Refusal(422, "Name the domain and the metric that the mean is of.", "请指明要求平均值的领域和指标。")
    if part.step.seconds is None or part.step.seconds < HOUR_S:
        raise Refusal(
            422,
            "A mean is taken of hours: ask for `hour`, `day` or `auto`.",
            "平均值按小时计算：请选择 `hour`、`day` 或 `auto`。",
        )
    if ids is None and among.site is None and among.device is None:
        wanted = await among.parameters(reader, scope)
        regions = [id for (id,) in await tuples(reader, "api_series", "chosen_regions", **wanted)]
        _check_work(part, len(regions))
        return await history.region_mean(reader, regions, among.domain, among.metric, part, quality, zone, limit)
    series = await _chosen(reader, scope, among, ids, MOST_AVERAGED)
    _check_work(part, len(series))
    return await history.mean(reader, series, part, quality, zone, limit)


async def _chosen(reader: Reader, scope: Scope, among: Among, ids: list[int] | None, most: int) -> list[int]:
    """The ids of the series that are asked for.

    Raises:
        Refusal: 404, the caller sees no such series; 422, there are too many.
    """
    wanted = await among.parameters(reader, scope)
    found = [id for (id,) in await tuples(reader, "api_series", "chosen", **wanted, ids=ids, limit=most + 1)]
    if ids is not None and (lacking := sorted(set(ids) - set(found))):
        raise missing(*lacking)
    if len(found) > most:
        raise Refusal(422, f"These are more than {most} series: ask for fewer.", f"序列超过 {most} 条：请缩小范围。")
    return found


async def _part(
    context: Context,
    reader: Reader,
    series: list[int] | None,
    span: tuple[datetime | None, datetime | None],
    wanted: Wanted,
    quality: Quality,
    points: int,
    cursor: str | None,
) -> Part:
    """What is asked for: as a cursor says, or anew; `series` None: of hours alone, not of readings."""
    if cursor:
        return Part.continued(cursor)
    until = span[1] or context.clock()
    if span[0] and span[0] >= until:
        raise Refusal(422, "`from` must be before `to`, and before now.", "`from` 必须早于 `to`，也必须早于当前时间。")
    end = clamp(until)
    start = clamp(span[0] or end - DEFAULT_SPAN)
    if wanted != "auto":
        return Part(start, end, {"raw": RAW, "hour": HOUR, "day": DAY}[wanted])
    kept = context.settings.retain_raw
    if series is None or (kept is not None and start < context.clock() - kept):
        return Part(start, end, finest(end - start, points, of_readings=False))
    if not await history.crowded(reader, series, start, end, quality, points):
        return Part(start, end, RAW)
    return Part(start, end, finest(end - start, points, of_readings=True))


def _check_work(part: Part, number: int) -> None:
    """Refuse a mean over too many hours of so many series or regions."""
    hours = (part.end - part.start) / timedelta(seconds=HOUR_S) * number
    if hours > MOST_HOURS:
        raise Refusal(
            422,
            f"This is the mean of {hours:,.0f} hourly values, of at most {MOST_HOURS:,}: ask for a shorter span.",
            f"需要对 {hours:,.0f} 个小时值求平均，上限为 {MOST_HOURS:,}：请缩短时间范围。",
        )


async def _told(request: Request, form: Format, part: Part, quality: Quality, found: Found) -> Response:
    about = {
        "from": part.start,
        "to": part.end,
        "resolution": part.step.resolution,
        "step_s": part.step.seconds,
        "quality": quality,
    }
    following = found.following.cursor if found.following else None
    answer = await run_in_threadpool(formats.respond, request, form, found.columns, found.points, about, following)
    answer.headers["Citybrain-Resolution"] = _resolution(part.step)
    return answer


def _resolution(step: Step) -> str:
    return f"{step.resolution};step={step.seconds}" if step.seconds else step.resolution
