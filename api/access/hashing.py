"""Hashing of passwords beside the event loop: some at a time, for each takes much memory and a processor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_threads = ThreadPoolExecutor(2, "hashing")  # 64 MiB each; others wait their turn without a thread


async def hashing(work: Callable[P, T], *args: P.args, **_: P.kwargs) -> T:
    """What `work` gives, a function of `citybrain.access.passwords`."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work, *args)
