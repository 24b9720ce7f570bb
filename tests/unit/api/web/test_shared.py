from __future__ import annotations

import asyncio

import pytest

from api.web.shared import Shared


def test_all_who_ask_at_once_share_one_answer() -> None:
    asked = 0

    async def compute() -> int:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return asked

    async def ask() -> list[int]:
        shared = Shared(compute, 60)
        together = await asyncio.gather(*(shared() for _ in range(20)))
        return [*together, await shared()]

    assert asyncio.run(ask()) == [1] * 21


def test_an_old_answer_is_computed_anew() -> None:
    answers = iter([1, 2])

    async def compute() -> int:
        return next(answers)

    async def ask() -> list[int]:
        shared = Shared(compute, 0)
        return [await shared(), await shared()]

    assert asyncio.run(ask()) == [1, 2]


def test_a_failure_is_shared_and_then_tried_again() -> None:
    outcomes = iter([OSError("away"), None])

    async def compute() -> str:
        if (error := next(outcomes)) is not None:
            raise error
        return "back"

    async def ask() -> str:
        shared = Shared(compute, 0.05)
        for _ in range(3):
            with pytest.raises(OSError, match="away"):
                await shared()
        await asyncio.sleep(0.06)
        return await shared()

    assert asyncio.run(ask()) == "back"


def test_who_goes_away_leaves_the_answer_to_the_others() -> None:
    async def compute() -> str:
        await asyncio.sleep(0.02)
        return "answer"

    async def ask() -> str:
        shared = Shared(compute, 60)
        gone = asyncio.create_task(shared())
        other = asyncio.create_task(shared())
        await asyncio.sleep(0)
        gone.cancel()
        return await other

    assert asyncio.run(ask()) == "answer"
