"""Messages to a batch: topics and metrics resolved to series, values to numbers, times to instants."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl
import psycopg

from citybrain.quality import Flag
from citybrain.settings import Settings
from citybrain.store.connection import Connection
from citybrain.store.quarantine import Entry
from citybrain.store.series import Channel, SeriesTable
from citybrain.store.state import HOUR_US
from citybrain.store.untimed import Untimed
from ingest import topics
from ingest.decoders import SENML_UNITS, Record, Time, Undecodable, Value, decode
from ingest.instants import microseconds, moment, start_of
from ingest.reasons import Reason
from ingest.topics import Topic

AHEAD_US = 10 * 60 * 1_000_000  # further ahead of its arrival a reading is quarantined
# Beyond the first, sums of an hour overflow, and the database refuses to show them; below the second, means underflow.
LARGEST = 1e300
SMALLEST = 1e-300
NOBODY = 0  # the ledger's device where a topic names none that we know
DETAIL_LENGTH = 500  # characters of an entry's detail at most: it may quote what a stranger sent

SCHEMA = {
    "series": pl.Int32,
    "device": pl.Int32,
    "time": pl.Int64,
    "value": pl.Float64,
    "received": pl.Int64,
    "quality": pl.Int16,
}


class Message(NamedTuple):
    """One MQTT message.

    `received_us` is in microseconds since 1970, and different for every message of a session; `packet_id` is 0 with
    QoS 0; `retained` means that the broker had kept it, for nobody knows how long, when we subscribed.
    """

    topic: str
    payload: bytes
    received_us: int
    packet_id: int
    retained: bool = False


@dataclass
class Batch:
    """What one transaction carries.

    `readings` has the columns of SCHEMA, in arrival order and within a message in order of time. `received` counts
    what came in by (hour of receipt, device), as the decoder saw it: a value is one; a message that can't be decoded,
    or a record whose time is wrong, is one. `heard` is when the newest message of a device came (us).
    """

    readings: pl.DataFrame
    entries: list[Entry] = field(default_factory=list)
    received: Counter[tuple[int, int]] = field(default_factory=Counter)
    online: dict[int, tuple[bool, int]] = field(default_factory=dict)
    untimed: list[Untimed] = field(default_factory=list)
    heard: dict[int, int] = field(default_factory=dict)

    def halves(self) -> tuple[Batch, Batch]:
        """Two batches with about half the readings each, each with its own account; all else goes with the first.

        A message is only cut where there is no other: rules count on its readings being judged together.
        """
        middle = len(self.readings) // 2
        whole = self.readings["received"].search_sorted(self.readings["received"][middle])
        middle = whole or middle
        rest = self.readings[middle:]
        hours = rest["received"] - rest["received"] % HOUR_US
        later = Counter(zip(hours, rest["device"], strict=True))
        received = Counter(self.received)
        received.subtract(later)
        first = Batch(self.readings[:middle], self.entries, received, self.online, self.untimed, self.heard)
        return first, Batch(rest, received=later)


@dataclass(frozen=True)
class Policy:
    """What is done with what the catalogue lacks, and which times are taken."""

    zone: ZoneInfo
    oldest_us: int
    register_devices: bool
    register_metrics: bool
    unverified_limit: int

    @classmethod
    def of(cls, settings: Settings, today: date) -> Policy:
        """The policy of these settings; what retention would drop at once is too old, too."""
        oldest = settings.oldest_reading
        if settings.retain_raw is not None:
            oldest = max(oldest, today - settings.retain_raw)
        return cls(
            zone=settings.zone,
            oldest_us=start_of(oldest, settings.zone),
            register_devices=settings.unknown_device == "register",
            register_metrics=settings.unknown_metric == "register",
            unverified_limit=settings.unverified_limit,
        )


class _Refused(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Intake:
    """Makes batches of messages; registers devices and metrics that nobody listed, as the policy says.

    `redelivered` holds, by packet id, the untimed messages that an earlier connection of the session committed while
    the broker may not have learnt of it: those may come again.
    """

    def __init__(self, table: SeriesTable, policy: Policy, connection: Connection) -> None:
        self.table = table
        self.policy = policy
        self.connection = connection
        self.redelivered: dict[int, Untimed] = {}
        self._devices: dict[str, tuple[int, Topic]] = {}

    def batch(self, messages: list[Message]) -> Batch:
        """Everything that `messages` say.

        Raises:
            psycopg.Error: a device or a series could not be registered; the same call may be made again.
        """
        self._columns: tuple[list[Any], ...] = ([], [], [], [], [], [])
        self._batch = Batch(pl.DataFrame())
        redelivered = dict(self.redelivered)
        try:
            for message in messages:
                self._take(message)
        except psycopg.Error:
            self.redelivered = redelivered
            raise
        self._batch.readings = pl.DataFrame(dict(zip(SCHEMA, self._columns, strict=True)), schema=SCHEMA)
        return self._batch

    def _take(self, message: Message) -> None:
        if topics.ALERT.fullmatch(message.topic):
            return
        try:
            device, parts = self._devices.get(message.topic) or self._device(message.topic, message.received_us)
        except _Refused as refused:
            self._keep_message(message, NOBODY, refused)
            return
        # Whoever comes first under a packet id is the redelivery, or shows that there is none.
        earlier = self.redelivered.pop(message.packet_id, None) if self.redelivered else None
        if not message.retained:
            self._batch.heard[device] = message.received_us
        if parts.leaf == "status":
            self._status(message, device)
            return
        try:
            records = decode(message.payload)
        except Undecodable as undecodable:
            self._keep_message(message, device, _Refused(undecodable.reason, undecodable.detail))
            return
        by_arrival = any(record.time is None or isinstance(record.time, timedelta) for record in records)
        arrival = self._arrival(message, earlier) if by_arrival else None
        timed = [(self._time(record.time, arrival), record) for record in records]
        if len(timed) > 1:
            # Readings of one message are put in order of time; those whose time is wrong go first, to quarantine.
            timed.sort(key=lambda pair: pair[0] or 0)
        for time, record in timed:
            self._record(message, device, parts, record, time)

    def _device(self, topic: str, received_us: int) -> tuple[int, Topic]:
        """The device of a topic seen for the first time."""
        parts = topics.parse(topic)
        if parts is None or parts.leaf not in ("reading", "status"):
            raise _Refused(Reason.WRONG_TOPIC, "Expected city/<region>/<domain>/<device>/reading or .../status.")
        if parts.region not in self.table.regions:
            raise _Refused(Reason.UNKNOWN_REGION, f"The catalogue has no region {parts.region!r}.")
        if parts.domain not in self.table.domains:
            raise _Refused(Reason.UNKNOWN_DOMAIN, f"The catalogue has no domain {parts.domain!r}.")
        device = self.table.devices.get(parts.key)
        if device is None:
            if not self.policy.register_devices:
                raise _Refused(Reason.UNKNOWN_DEVICE, f"The catalogue has no device {parts.device!r} here.")
            if len(self.table.devices) - len(self.table.listed) >= self.policy.unverified_limit:
                raise _Refused(Reason.TOO_MANY_UNKNOWN, self._too_many())
            device = self.table.register_device(self.connection, parts.key, moment(received_us))
        self._devices[topic] = (device, parts)
        return device, parts

    def _channel(self, parts: Topic, device: int, metric: str) -> Channel:
        """The series of a device's metric seen for the first time."""
        if not self.table.metric_known(parts.domain, metric) and not self.policy.register_metrics:
            raise _Refused(Reason.UNKNOWN_METRIC, f"The domain {parts.domain} has no metric {metric!r}.")
        if self.table.metric_known(parts.domain, metric) and self.table.metric_derived(parts.domain, metric):
            raise _Refused(Reason.DERIVED_METRIC, f"{metric} is computed here from other metrics: don't send it.")
        if not metric.isprintable() or not 0 < len(metric) <= topics.NAME_LENGTH:
            raise _Refused(Reason.UNKNOWN_METRIC, f"{metric!r} can't be the name of a metric.")
        # A flood of strangers takes nothing from the devices that the catalogue lists.
        stranger = device not in self.table.listed or not self.table.metric_known(parts.domain, metric)
        if stranger and self.table.unverified >= self.policy.unverified_limit:
            raise _Refused(Reason.TOO_MANY_UNKNOWN, self._too_many())
        return self.table.register_series(self.connection, parts.key, metric)

    def _too_many(self) -> str:
        return (
            "As many unverified devices or series are registered as CITYBRAIN_UNVERIFIED_LIMIT allows "
            f"({self.policy.unverified_limit}): "
            "list the real ones in sites/ and run `citybrain db migrate`."
        )

    def _arrival(self, message: Message, earlier: Untimed | None) -> int | None:
        """When a message came for the first time, for readings that get their time from it; None: nobody knows."""
        if message.retained:
            return None
        if not message.packet_id:
            return message.received_us  # QoS 0: it never comes again
        digest = hashlib.blake2b(message.topic.encode() + b"\n" + message.payload, digest_size=16).digest()
        first = earlier.received_us if earlier is not None and earlier.digest == digest else message.received_us
        self._batch.untimed.append(Untimed(message.packet_id, digest, first))
        return first

    def _time(self, written: Time | timedelta, arrival: int | None) -> int | None:
        """The time of a record in microseconds; None where there is none to be had."""
        if written is None:
            return arrival
        if isinstance(written, timedelta):
            return None if arrival is None else arrival + written // timedelta(microseconds=1)
        return microseconds(written, self.policy.zone)

    def _record(self, message: Message, device: int, parts: Topic, record: Record, time: int | None) -> None:
        """Take the values of one record, each for itself."""
        received_us = message.received_us
        if time is None or not self.policy.oldest_us <= time <= received_us + AHEAD_US:
            self._keep_record(message, device, record, time)
            return
        self._count(message, device, len(record.values))
        quality = int(Flag.NO_TIME) if record.time is None or isinstance(record.time, timedelta) else 0
        channels = self.table.channels[device]
        series_column, device_column, time_column, value_column, received_column, quality_column = self._columns
        for metric, value in record.values.items():
            try:
                channel = channels.get(metric) or self._channel(parts, device, metric)
                kind = type(value)
                if channel.codes is None and (kind is float or kind is int):
                    number = _finite(metric, value)
                else:
                    number = self._number(metric, value, channel)
                if record.units and metric in record.units:
                    self._check_unit(parts, metric, record.units[metric])
            except _Refused as refused:
                # The resolved time: the written one may be long, and there may be many values.
                self._keep(message, device, refused, payload_of(time / 1000, {metric: value}))
                continue
            series_column.append(channel.series)
            device_column.append(device)
            time_column.append(time)
            value_column.append(number)
            received_column.append(received_us)
            quality_column.append(quality)

    def _wrong_time(self, message: Message, written: Time | timedelta, time: int | None) -> _Refused:
        if time is None and message.retained and not isinstance(written, int | float | str):
            return _Refused(Reason.INVALID_TIME, "Retained without a time: nobody knows when it was sent.")
        if time is None:
            return _Refused(
                Reason.INVALID_TIME,
                f"The time {written!r} is neither ISO 8601 (2026-11-21T10:00:00+08:00) nor epoch milliseconds.",
            )
        if time > message.received_us:
            ahead_s = (time - message.received_us) // 1_000_000
            return _Refused(
                Reason.CLOCK_AHEAD,
                f"{moment(time).isoformat()} is {ahead_s} s after it was received: check the clock.",
            )
        hint = ""
        if isinstance(written, int | float) and self.policy.oldest_us <= time * 1000 <= message.received_us + AHEAD_US:
            hint = " It looks like epoch seconds; send milliseconds."
        return _Refused(
            Reason.TIME_TOO_OLD,
            f"{moment(time).isoformat()} is before {moment(self.policy.oldest_us).isoformat()}, the oldest time taken "
            f"(CITYBRAIN_OLDEST_READING, CITYBRAIN_RETAIN_RAW_DAYS).{hint}",
        )

    @staticmethod
    def _number(metric: str, value: object, channel: Channel) -> float:
        if channel.codes is None:
            raise _Refused(
                Reason.WRONG_TYPE,
                f"{metric} is {_brief(value)}: expected a number, without quotes or a unit.",
            )
        try:
            return channel.codes[value.lower() if isinstance(value, str) else value]
        except (KeyError, TypeError):
            texts = ", ".join(sorted({str(code) for code in channel.codes}))
            raise _Refused(Reason.UNKNOWN_STATE, f"{metric} is {_brief(value)}: expected one of {texts}.") from None

    def _check_unit(self, parts: Topic, metric: str, unit: str) -> None:
        expected = self.table.unit(parts.domain, metric)
        if expected is not None and expected not in (unit, SENML_UNITS.get(unit)):
            raise _Refused(
                Reason.UNIT_MISMATCH,
                f"{metric} comes in {unit} and is kept in {expected}: nothing is converted.",
            )

    def _status(self, message: Message, device: int) -> None:
        if message.payload not in (b"online", b"offline"):
            refused = _Refused(Reason.INVALID_STATUS, "Expected the text online or the text offline.")
            self._keep_message(message, device, refused)
            return
        self._batch.online[device] = (message.payload == b"online", message.received_us)

    def _count(self, message: Message, device: int, number: int) -> None:
        received_us = message.received_us
        self._batch.received[received_us - received_us % HOUR_US, device] += number

    def _keep_message(self, message: Message, device: int, refused: _Refused) -> None:
        """Quarantine a whole message, as it came."""
        self._count(message, device, 1)
        self._keep(message, device, refused, message.payload)

    def _keep_record(self, message: Message, device: int, record: Record, time: int | None) -> None:
        """Quarantine a record whose time is wrong, as a payload of its own."""
        written = record.time
        if isinstance(written, timedelta):
            written = None if time is None else time / 1000
        self._count(message, device, 1)
        refused = self._wrong_time(message, record.time, time)
        self._keep(message, device, refused, payload_of(written, record.values))

    def _keep(self, message: Message, device: int, refused: _Refused, payload: bytes) -> None:
        entry = Entry(
            received=moment(message.received_us),
            topic=_storable(message.topic),
            reason=refused.reason,
            detail=_storable(refused.detail[:DETAIL_LENGTH]),
            payload=payload,
            device=device,
        )
        self._batch.entries.append(entry)


def payload_of(time: Time, values: Mapping[str, Value]) -> bytes:
    """Values as a payload by the contract; what was NaN, infinite or half a character stays so for our decoder."""
    text = json.dumps({"time": time, "values": values}, ensure_ascii=False)
    return text.encode(errors="backslashreplace")


def _finite(metric: str, value: Any) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not abs(number) <= LARGEST:
        raise _Refused(Reason.NOT_FINITE, f"{metric} is {_brief(value)}: expected a finite number.")
    return number if abs(number) >= SMALLEST else 0.0


def _storable(text: str) -> str:
    """`text` without what the database can't take: zero characters and halves of characters."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")


def _brief(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."
