"""Trials of rules, each in a process of its own that is stopped when it takes too long or nobody waits for it."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

import structlog
from fastapi import Request

from api.web.problems import Refusal
from citybrain.settings import PROJECT
from rules.trial.job import LONGEST_S, REFUSED, UNAVAILABLE, Job, Refused

log = structlog.get_logger()

PATIENCE_S = 5.0  # seconds that one waits for the trial before
LOOK_S = 0.5  # seconds between two looks at whether the client is still there


class Trials:
    """One text, and one history, are tried at a time: a trial keeps a core busy, and there may be two."""

    def __init__(self) -> None:
        self._turns = {"check": (text := asyncio.Lock()), "test": text, "dry_run": asyncio.Lock()}

    async def make(self, request: Request, job: Job) -> bytes:
        """The document that answers a trial, as JSON.

        Raises:
            Refusal: 422 it can't be made or takes too long; 429 others are being made; 503 the database is away.
        """
        turn = self._turns[job.trial.ask]
        try:
            await asyncio.wait_for(turn.acquire(), PATIENCE_S)
        except TimeoutError:
            raise Refusal(
                429,
                "Another trial is being made: try again in a minute.",
                "另一项试运行正在进行：请稍后再试。",
                kind="busy",
                headers={"Retry-After": str(LONGEST_S)},
            ) from None
        try:
            return await _made(request, job)
        finally:
            turn.release()


async def _made(request: Request, job: Job) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rules.trial", stdin=PIPE, stdout=PIPE, stderr=PIPE, cwd=PROJECT
    )
    talk = asyncio.create_task(process.communicate(job.model_dump_json().encode()))
    try:
        out, err = await asyncio.wait_for(_while_wanted(request, talk), LONGEST_S)
    except TimeoutError:
        raise Refusal(
            422,
            f"This takes more than {LONGEST_S} seconds: shorten the span, name fewer regions, or send fewer rules or "
            "shorter tests.",
            f"此操作超过 {LONGEST_S} 秒：请缩短时段、减少行政区划，或减少规则与测试。",
            kind="trial",
        ) from None
    finally:
        await _end(process, talk)
    return _answer(process.returncode, out, err)


async def _while_wanted(request: Request, talk: asyncio.Task[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    while not talk.done():
        await asyncio.wait({talk}, timeout=LOOK_S)
        if await request.is_disconnected():
            raise Refusal(503, "Nobody waits for the answer.", "请求方已断开。")
    return talk.result()


async def _end(process: Process, talk: asyncio.Task[tuple[bytes, bytes]]) -> None:
    if process.returncode is None:
        process.kill()
    await asyncio.wait({talk})


def _answer(status: int | None, out: bytes, err: bytes) -> bytes:
    if status == 0:
        return out
    if status == REFUSED:
        refused = Refused.model_validate_json(out)
        raise Refusal(422, refused.en, refused.zh, kind="trial")
    log.error("trial failed", status=status, error=err.decode(errors="replace")[-2000:])
    if status == UNAVAILABLE:
        raise Refusal(503, "The database can't be read at present.", "暂时无法读取数据库。", kind="database")
    raise RuntimeError(f"A trial ended with status {status}.")
