"""Replay of recorded readings through MQTT, with their own times or as if the recording ended now.

A recording that `ends now` is taken as a cycle of whole days, of which every instant has its place: run again,
tomorrow or with another speed, it sends the same values for the same instants, which the store counts as duplicates.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from citybrain.settings import settings
from simulators import recording
from simulators.publisher import Address, Publisher, PublishError

DAY = 86_400_000_000  # us
SECOND = 1_000_000  # us
SLICE = 10_000  # messages whose payloads are made at once
FAREWELL = 5.0  # seconds in which, when told to stop, we wait for acknowledgements


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How a recording is replayed.

    Attributes:
        region: Region in the topics.
        domain: Domain in the topics.
        zone: IANA zone of the recording's local time, and of ISO times.
        speed: Times real time; None: as fast as it is acknowledged.
        single: One reading a message, instead of all values of an hour.
        hours_per_message: Hours of a station in one message, as a gateway sends that collects them.
        iso: Times as ISO 8601 with the zone's offset, instead of epoch milliseconds.
        ends_now: Shift the recording so that it ends now; see `cycle`.
        follow: Then go on for ever, each hour when its time comes; only with `ends_now`.
    """

    region: str = "150802"
    domain: str = "air"
    zone: str = "Asia/Shanghai"
    speed: float | None = None
    single: bool = False
    hours_per_message: int = 1
    iso: bool = False
    ends_now: bool = False
    follow: bool = False


@dataclass(frozen=True, slots=True)
class ReplayTotals:
    """What was published: `messages` with `readings`, and `resent` after reconnects.

    `unheard` messages had no subscriber, so that the broker dropped them. `interrupted`: told to stop before the end.
    """

    messages: int = 0
    readings: int = 0
    resent: int = 0
    unheard: int = 0
    interrupted: bool = False
