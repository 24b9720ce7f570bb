"""Replay of recorded readings through MQTT, with their own times or as if the recording ended now.

A recording that `ends now` is taken as a cycle of whole days, of which every instant has its place: run
again, tomorrow or with another speed, it sends the same values for the same instants, which the store
counts as duplicates.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from citybrain.settings import settings
from simulators import cycle, recording
from simulators.publisher import Address, Publisher

SECOND = 1_000_000  # us
SHOW_SECONDS = 0.1  # between two looks of the progress bar at the counts
FAREWELL_SECONDS = 5.0  # for acknowledgements, when we are told to stop


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How a recording is replayed.

    Attributes: region: Region in the topics. domain: Domain in the topics, and first part of the devices'
        names. zone: IANA zone of the recording's local time, and of ISO times. speed: Times real time;
        None: as fast as it is acknowledged. single: One reading a message, instead of all values of an
        hour. hours_per_message: More than 1: arrays of so many hours of a station, as a gateway sends that
        collects them. iso: Times as ISO 8601 in the recording's zone, instead of epoch milliseconds.
        ends_now: Shift the recording, as a cycle of whole days, so that it ends now. follow: Let it end
        now, then publish each further hour of the cycle when its time comes, for ever.
    """

    region: str = "150802"
    domain: str = "air"
    speed: float | None = None
    single: bool = False
    hours_per_message: int = 1
    iso: bool = False
    ends_now: bool = False
    follow: bool = False


@dataclass(slots=True)
class ReplayTotals:
    """What was done.

    Attributes:
        messages: Messages published.
        readings: Readings in them.
        resent: Messages sent again after a reconnect.
        unacknowledged: Messages that may not have arrived, as we were told to stop.
        interrupted: We were told to stop before the end.
    """

    messages: int = 0
    readings: int = 0
    resent: int = 0
    unacknowledged: int = 0
    interrupted: bool = False

    def __str__(self) -> str:
        return f"{self.messages:,} messages, {self.readings:,} readings, {self.resent:,} messages resent"


def replay(files: list[Path], options: ReplayOptions, mqtt_url: str, console: Console | None = None) -> ReplayTotals:
    """Publish recordings; SIGTERM and SIGINT end it in order (if this is the main thread).

    Args:
        files: Recordings in the format of `recording`.
        options: How.
        mqtt_url: The broker: `mqtt://host:port`, `mqtts://user:password@host:port` or `unix:///path`.
        console: Where progress is shown; None: nowhere.

    Raises:
        RecordingError: a file is not a recording.
        PublishError: nobody answers at the address, or the broker refuses us.
    """
    address = Address.parse(mqtt_url)
    readings = recording.read(files)
    return asyncio.run(_replay(readings, options, address, console or Console(quiet=True)))


def laps(readings: pl.DataFrame, options: ReplayOptions, now: int) -> Iterator[pl.DataFrame]:
    """What is replayed, in order of time: the recording, then (with `follow`) the cycle once more, for ever."""
    shifted = cycle.ending(readings, now) if options.ends_now or options.follow else readings
    yield shifted
    length = cycle.length(shifted["time"])
    while options.follow:
        shifted = shifted.with_columns(pl.col("time") + length)
        yield shifted


def messages(readings: pl.DataFrame, options: ReplayOptions) -> pl.DataFrame:
    """The messages that carry these readings, in order.

    Args:
        readings: `station`, `time` (i64, us UTC) and a column for each metric, in order of time.
        options: How they are put into messages.

    Returns: `due` (i64, us UTC: time of the last reading), `topic`, `payload` (JSON text), `readings`
        (their number).
    """
    metrics = [column for column in readings.columns if column not in ("station", "time")]
    if options.single:
        rows = (
            readings.unpivot(metrics, index=["station", "time"], variable_name="metric")
            .drop_nulls("value")
            .sort("time", "station", maintain_order=True)
            .select("station", "time", readings=1, values=pl.format('"{}":{}', "metric", "value"))
        )
    else:
        values = [pl.format(f'"{metric}":{{}}', metric) for metric in metrics]
        rows = readings.select(
            "station",
            "time",
            readings=pl.sum_horizontal(pl.col(metrics).is_not_null()),
            values=pl.concat_str(values, separator=",", ignore_nulls=True),
        ).filter(pl.col("readings") > 0)

    written = pl.col("time") // 1000
    if options.iso:
        utc = pl.from_epoch("time", "us").dt.replace_time_zone("UTC")
        written = utc.dt.convert_time_zone(recording.ZONE).dt.strftime('"%Y-%m-%dT%H:%M:%S%:z"')
    record = pl.concat_str(pl.lit('{"time":'), written, pl.lit(',"values":{'), "values", pl.lit("}}"))
    rows = rows.select("station", "readings", due="time", payload=record)
    if options.hours_per_message > 1:
        rows = (
            rows.with_columns(part=pl.int_range(pl.len()).over("station") // options.hours_per_message)
            .group_by("station", "part", maintain_order=True)
            .agg(pl.col("readings").sum(), pl.col("due").max(), pl.format("[{}]", pl.col("payload").str.join(",")))
            .sort("due", maintain_order=True)
        )
    device = pl.format(f"{options.domain}-{{}}", pl.col("station").str.to_lowercase())
    topic = pl.format(f"city/{options.region}/{options.domain}/{{}}/reading", device)
    return rows.select("due", topic.alias("topic"), "payload", "readings")


def paced(batch: pl.DataFrame, speed: float | None, start: int) -> pl.DataFrame:
    """The messages with `due` (us) so that the first is due at `start`, and the others `speed` times faster."""
    if speed is None:
        return batch.with_columns(due=pl.lit(start))
    return batch.with_columns(due=(start + (pl.col("due") - pl.col("due").first()) / speed).cast(pl.Int64))


async def _replay(readings: pl.DataFrame, options: ReplayOptions, address: Address, console: Console) -> ReplayTotals:
    totals = ReplayTotals()
    publishing = asyncio.create_task(_publish(readings, options, address, console, totals))
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, publishing.cancel)
    try:
        await publishing
    except asyncio.CancelledError:
        totals.interrupted = True
    return totals


async def _publish(
    readings: pl.DataFrame, options: ReplayOptions, address: Address, console: Console, totals: ReplayTotals
) -> None:
    start = time.time_ns() // 1000
    async with Publisher(address) as publisher:
        try:
            for number, lap in enumerate(laps(readings, options, start)):
                batch = messages(lap, options)
                if number == 0:
                    with _progress(console) as progress:
                        await _send(publisher, paced(batch, options.speed, start), totals, progress)
                    if options.follow:
                        console.print(
                            f"Published {totals}. Each further hour follows when its time comes.", soft_wrap=True
                        )
                else:
                    await _send(publisher, batch, totals, Progress(disable=True))
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await publisher.drain()
            raise
        finally:
            totals.resent = publisher.resent
            totals.unacknowledged = publisher.outstanding


async def _send(publisher: Publisher, batch: pl.DataFrame, totals: ReplayTotals, progress: Progress) -> None:
    """Publish each message when it is due, and wait until all are acknowledged."""
    task = progress.add_task("Replaying", total=batch.height)
    showing = asyncio.create_task(_show(publisher, totals, totals.messages, progress, task))
    try:
        for due, topic, payload, readings in batch.iter_rows():
            ahead = due / SECOND - time.time()
            if ahead > 0:
                await asyncio.sleep(ahead)
            await publisher.publish(topic.encode(), payload.encode())
            totals.messages += 1
            totals.readings += readings
        await publisher.drain()
    finally:
        showing.cancel()
    progress.update(task, completed=batch.height, description="Replaying")


async def _show(publisher: Publisher, totals: ReplayTotals, before: int, progress: Progress, task: TaskID) -> None:
    """Keep the progress bar up to date."""
    while True:
        await asyncio.sleep(SHOW_SECONDS)
        doing = "Waiting for a collector" if publisher.unheard else "Replaying"
        progress.update(task, completed=max(0, totals.messages - before - publisher.outstanding), description=doing)


class _Rate(ProgressColumn):
    """Messages a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=console.quiet)


def replay_command(
    files: Annotated[list[Path], typer.Argument(help="Recordings: CSV files as those in simulators/sample.")],
    *,
    region: Annotated[str, typer.Option(help="Region in the topics.")] = "150802",
    domain: Annotated[str, typer.Option(help="Domain in the topics.")] = "air",
    speed: Annotated[
        float | None,
        typer.Option(min=0.001, help="Times real time.", show_default="as fast as acknowledged"),
    ] = None,
    single: Annotated[bool, typer.Option("--single", help="One reading in a message.")] = False,
    hours_per_message: Annotated[
        int, typer.Option(min=1, help="Hours of a station in a message; more than 1: an array.")
    ] = 1,
    iso: Annotated[bool, typer.Option("--iso", help="Times in ISO 8601 instead of epoch milliseconds.")] = False,
    ends_now: Annotated[
        bool, typer.Option("--ends-now", help="Shift by whole cycles, so that the recording ends now.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="End now, then publish each further hour when its time comes.")
    ] = False,
) -> None:
    """Publish recorded readings through MQTT, with their own times or as if they ended now."""
    from deploy.local import addresses

    options = ReplayOptions(
        region=region,
        domain=domain,
        speed=speed,
        single=single,
        hours_per_message=hours_per_message,
        iso=iso,
        ends_now=ends_now,
        follow=follow,
    )
    console = Console()
    totals = replay(files, options, addresses.collector_url(settings()), console)
    stopped = " Stopped before the end." if totals.interrupted and not follow else ""
    console.print(f"Published {totals}.{stopped}", soft_wrap=True)
    if totals.unacknowledged:
        console.print(
            f"{totals.unacknowledged:,} messages may not have arrived; replay again to be sure.", soft_wrap=True
        )
    if totals.unacknowledged or (totals.interrupted and not follow):
        raise typer.Exit(1)
