"""One answer for everybody who asks at about the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Computes an answer at most once in `seconds`, however many ask; a failure is an answer, too."""

    def __init__(self, compute: Callable[[], Awaitable[T]], seconds: float) -> None:
        self._compute = compute
        self._seconds = seconds
        self._answer: asyncio.Task[T] | None = None
        self._answered = 0.0

    async def __call__(self) -> T:
        """The present answer.

        Raises:
            Exception: what `compute` raised.
        """
        stale = monotonic() - self._answered >= self._seconds
        if self._answer is None or (self._answer.done() and stale):
            self._answer = asyncio.create_task(self._compute_now())
        # Shielded: who goes away must not take the answer from the others.
        return await asyncio.shield(self._answer)

    async def _compute_now(self) -> T:
        try:
            return await self._compute()
        finally:
            self._answered = monotonic()
