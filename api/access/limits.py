"""How often one may ask: per person, token or address, and minute."""

from __future__ import annotations

import math
import time
from typing import Literal

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from api.web.problems import Refusal
from citybrain.settings import Settings

Budget = Literal["reads", "changes", "sign_ins"]


class Limits:
    """The budgets of this process; with several processes each has its own."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._items: dict[Budget, RateLimitItemPerMinute] = {
            "reads": RateLimitItemPerMinute(settings.rate_reads),
            "changes": RateLimitItemPerMinute(settings.rate_changes),
            "sign_ins": RateLimitItemPerMinute(settings.rate_sign_ins),
        }

    async def spend(self, budget: Budget, who: str) -> None:
        """Count one request of `who`.

        Raises:
            Refusal: 429, their minute is used up.
        """
        item = self._items[budget]
        if not await self._limiter.hit(item, budget, who):
            reset, _ = await self._limiter.get_window_stats(item, budget, who)
            wait_s = max(1, math.ceil(reset - time.time()))
            raise Refusal(
                429,
                f"More than {item.amount} requests in a minute: wait {wait_s} seconds.",
                f"一分钟内的请求超过 {item.amount} 次：请等待 {wait_s} 秒。",
                kind="rate",
                headers={"Retry-After": str(wait_s)},
            )
