"""Statistics of alerts, each figure beside what ANSI/ISA-18.2-2016, clause 16, wants of it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel, Field

from api.access.door import Viewer
from api.context import Using
from api.v1 import new_router
from api.views.documents import Words
from api.web.filters import RegionFilter, below
from api.web.problems import Refusal
from rules.alerts.statistics import statistics

router = new_router("statistics")

# What ANSI/ISA-18.2-2016, clause 16, calls acceptable.
RATE, CROWDED, FLOODED, STALE, TOP = 2.0, 0.01, 0.01, 4.0, 0.05

PATIENCE_S = 10.0  # seconds that one waits for those before


class Figure(BaseModel):
    """A figure, and the most that is wanted of it."""

    value: float
    most: float


class Frequent(BaseModel):
    """One of the most frequent alerts; `share` of all, from 0 to 1."""

    rule: str
    title: Words
    subject: str
    place: Words = Field(description="Its site; without one its region.")
    alerts: int
    share: float


class Priority(BaseModel):
    """The share of one severity among all alerts, and the share that is wanted of it."""

    severity: int
    alerts: int
    share: float
    wanted: float


class Times(BaseModel):
    """Mean times from the raise, in seconds, of one domain and worst severity; null: none got so far."""

    domain: str
    severity: int
    alerts: int
    to_judge_s: float | None
    to_dispatch_s: float | None
    to_close_s: float | None


class AlertStatistics(BaseModel):
    """The last 30 days: what began to be raised and was news, as far as the caller may see it."""

    rate: Figure = Field(description="Alerts per 10 minutes, the mean; about 1 is good.")
    most: Figure = Field(description="Alerts in one window of 10 minutes, the most.")
    crowded: Figure = Field(description="Share of windows of 10 minutes with more than 10 alerts.")
    flooded: Figure = Field(description="Share of the time in flood: from more than 10 in 10 minutes to fewer than 5.")
    chattering: Figure = Field(description="Alerts that were raised more than twice in 5 minutes.")
    stale: Figure = Field(description="Alerts raised for more than 24 hours at present.")
    top_share: Figure = Field(description="Share of the ten most frequent in all.")
    top: list[Frequent]
    priorities: list[Priority]
    times: list[Times]


@router.get("/statistics/alerts")
async def alert_statistics(
    request: Request,
    context: Using,
    principal: Viewer,
    region: RegionFilter = None,
    domain: Annotated[list[str] | None, Query(max_length=100, examples=[["water"]])] = None,
) -> AlertStatistics:
    """How good the alerts are: how many, how well spread, how fast they are handled; of the last 30 days."""
    async with context.readers.connection() as reader:
        scope = principal.scope.narrowed(await below(reader, region), domain)
    # One at a time: each may take seconds, on one of the few connections that changes and sign-ins need, too.
    turn: asyncio.Lock = request.app.state.counting
    try:
        await asyncio.wait_for(turn.acquire(), PATIENCE_S)
    except TimeoutError:
        raise Refusal(
            429,
            "Statistics are being made for others: try again soon.",
            "正在为他人统计：请稍后再试。",
            kind="busy",
            headers={"Retry-After": str(round(PATIENCE_S))},
        ) from None
    try:
        found = await context.write(lambda connection: statistics(connection, scope))
    finally:
        turn.release()
    return AlertStatistics(
        rate=Figure(value=found.rate, most=RATE),
        most=Figure(value=found.most, most=10),
        crowded=Figure(value=found.crowded, most=CROWDED),
        flooded=Figure(value=found.flooded, most=FLOODED),
        chattering=Figure(value=found.chattering, most=0),
        stale=Figure(value=found.stale, most=STALE),
        top_share=Figure(value=sum(one.share for one in found.top), most=TOP),
        top=[
            Frequent(
                rule=one.rule,
                title=Words(zh=one.title_zh, en=one.title_en),
                subject=one.subject,
                place=Words(zh=one.place_zh, en=one.place_en),
                alerts=one.alerts,
                share=one.share,
            )
            for one in found.top
        ],
        priorities=[Priority(**one._asdict()) for one in found.priorities],
        times=[
            Times(
                domain=one.domain,
                severity=one.severity,
                alerts=one.alerts,
                to_judge_s=one.to_judge and one.to_judge.total_seconds(),
                to_dispatch_s=one.to_dispatch and one.to_dispatch.total_seconds(),
                to_close_s=one.to_close and one.to_close.total_seconds(),
            )
            for one in found.times
        ],
    )
