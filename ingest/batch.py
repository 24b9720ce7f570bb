"""Messages to a batch: topics and metrics resolved to series, values to numbers, times to instants."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from citybrain.quality import Flag
from citybrain.settings import Settings
from citybrain.store.connection import Connection
from citybrain.store.quarantine import Entry
from citybrain.store.series import Channel, SeriesTable
from citybrain.store.state import HOUR_US
from citybrain.store.untimed import Untimed
from ingest import topics
from ingest.decoders import Record, Undecodable, decode
from ingest.instants import microseconds, moment, start_of
from ingest.reasons import Reason
from ingest.topics import Topic

AHEAD_US = 10 * 60 * 1_000_000  # further ahead of its arrival a reading is quarantined
NOBODY = 0  # the ledger's device where a topic names none that we know

SCHEMA = {
    "series": pl.Int32,
    "device": pl.Int32,
    "time": pl.Int64,
    "value": pl.Float64,
    "received": pl.Int64,
    "quality": pl.Int16,
}


class Message(NamedTuple):
    """One MQTT message; `received_us` in microseconds since 1970, different for every message of a session."""

    topic: str
    payload: bytes
    received_us: int
    packet_id: int


@dataclass
class Batch:
    """What one transaction carries.

    `readings` has the columns of SCHEMA, in arrival order and within a message in order of time. `received` counts
    what came in by (hour of receipt, device), as the decoder saw it: a value is one, an undecodable message is one.
    """

    readings: pl.DataFrame
    entries: list[Entry] = field(default_factory=list)
    received: Counter[tuple[int, int]] = field(default_factory=Counter)
    online: dict[int, tuple[bool, int]] = field(default_factory=dict)
    untimed: list[Untimed] = field(default_factory=list)

    def halves(self) -> tuple[Batch, Batch]:
        """Two batches with half the readings each; all else goes with the first."""
        middle = len(self.readings) // 2
        first = Batch(self.readings[:middle], self.entries, self.received, self.online, self.untimed)
        return first, Batch(self.readings[middle:])


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
        self._arrived = (
            0,
            0,
        )  # the untimed message under way, by its time of receipt, and the time it was given

    def batch(self, messages: list[Message]) -> Batch:
        """Everything that `messages` say."""
        self._columns: tuple[list[Any], ...] = ([], [], [], [], [], [])
        self._batch = Batch(pl.DataFrame())
        for message in messages:
            self._take(message)
        self._batch.readings = pl.DataFrame(dict(zip(SCHEMA, self._columns, strict=True)), schema=SCHEMA)
        return self._batch

    def _take(self, message: Message) -> None:
        topic, payload, received_us, _ = message
        try:
            device, parts = self._devices.get(topic) or self._device(topic, received_us)
        except _Refused as refused:
            self._keep(message, NOBODY, refused)
            return
        if parts.leaf == "status":
            self._status(message, device)
            return
        try:
            records = decode(payload, received_us)
        except Undecodable as undecodable:
            self._keep(message, device, _Refused(undecodable.reason, undecodable.detail))
            return
        if len(records) == 1:
            self._record(message, device, parts, records[0])
            return
        # Readings of one message are put in order of time; those whose time is wrong go first, to quarantine.
        zone = self.policy.zone
        for record in sorted(records, key=lambda r: received_us if r.time is None else microseconds(r.time, zone) or 0):
            self._record(message, device, parts, record)

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
            if self.table.unverified >= self.policy.unverified_limit:
                raise _Refused(Reason.TOO_MANY_UNKNOWN, self._too_many())
            device = self.table.register_device(self.connection, parts.key, moment(received_us))
        self._devices[topic] = (device, parts)
        return device, parts

    def _channel(self, parts: Topic, device: int, metric: str) -> Channel:
        """The series of a device's metric seen for the first time."""
        if not self.table.metric_known(parts.domain, metric) and not self.policy.register_metrics:
            raise _Refused(Reason.UNKNOWN_METRIC, f"The domain {parts.domain} has no metric {metric!r}.")
        if not metric.isprintable() or not 0 < len(metric) <= topics.NAME_LENGTH:
            raise _Refused(Reason.UNKNOWN_METRIC, f"{metric!r} can't be the name of a metric.")
        if self.table.unverified >= self.policy.unverified_limit:
            raise _Refused(Reason.TOO_MANY_UNKNOWN, self._too_many())
        return self.table.register_series(self.connection, parts.key, metric)

    def _too_many(self) -> str:
        return (
            f"{self.table.unverified} unverified series are registered, as many as CITYBRAIN_UNVERIFIED_LIMIT allows; "
            "list the real ones in sites/ and run `citybrain db migrate`."
        )

    def _record(self, message: Message, device: int, parts: Topic, record: Record) -> None:
        """Take the values of one record, each for itself."""
        received_us = message.received_us
        self._batch.received[received_us - received_us % HOUR_US, device] += len(record.values)
        quality = 0
        if record.time is None:
            time: int | None = self._arrival(message)
            quality = int(Flag.NO_TIME)
        else:
            time = microseconds(record.time, self.policy.zone)
        channels = self.table.channels[device]
        series_column, device_column, time_column, value_column, received_column, quality_column = self._columns
        for metric, value in record.values.items():
            try:
                if time is None or not self.policy.oldest_us <= time <= received_us + AHEAD_US:
                    raise self._wrong_time(record.time, time, received_us)
                channel = channels.get(metric) or self._channel(parts, device, metric)
                kind = type(value)
                if channel.codes is None and (kind is float or kind is int):
                    number = float(value)
                    if not math.isfinite(number):
                        raise _Refused(Reason.NOT_FINITE, f"{metric} is {value}: expected a finite number.")
                else:
                    number = self._number(metric, value, channel)
                if record.units and metric in record.units:
                    self._check_unit(parts, metric, record.units[metric])
            except _Refused as refused:
                self._keep_value(message, device, record.time, metric, value, refused)
                continue
            except OverflowError:
                self._keep_value(
                    message,
                    device,
                    record.time,
                    metric,
                    value,
                    _Refused(Reason.NOT_FINITE, f"{metric} is too large."),
                )
                continue
            series_column.append(channel.series)
            device_column.append(device)
            time_column.append(time)
            value_column.append(number)
            received_column.append(received_us)
            quality_column.append(quality)

    def _arrival(self, message: Message) -> int:
        """The time of a message that names none: that of its first arrival."""
        if self._arrived[0] == message.received_us:
            return self._arrived[1]
        digest = hashlib.blake2b(message.topic.encode() + b"\n" + message.payload, digest_size=16).digest()
        earlier = self.redelivered.pop(message.packet_id, None)
        time = message.received_us
        if earlier is not None and earlier.digest == digest:
            time = earlier.received_us
        self._batch.untimed.append(Untimed(message.packet_id, digest, time))
        self._arrived = (message.received_us, time)
        return time

    def _wrong_time(self, written: object, time: int | None, received_us: int) -> _Refused:
        if time is None:
            return _Refused(
                Reason.INVALID_TIME,
                f"The time {written!r} is neither ISO 8601 (2026-11-21T10:00:00+08:00) nor epoch milliseconds.",
            )
        if time > received_us:
            ahead_s = (time - received_us) // 1_000_000
            return _Refused(
                Reason.CLOCK_AHEAD,
                f"{moment(time).isoformat()} is {ahead_s} s after it was received: check the clock.",
            )
        hint = ""
        if isinstance(written, int | float) and self.policy.oldest_us <= time * 1000 <= received_us + AHEAD_US:
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
        if expected is not None and unit != expected:
            raise _Refused(
                Reason.UNIT_MISMATCH,
                f"{metric} comes in {unit} and is kept in {expected}: nothing is converted.",
            )

    def _status(self, message: Message, device: int) -> None:
        if message.payload not in (b"online", b"offline"):
            self._keep(
                message,
                device,
                _Refused(Reason.INVALID_STATUS, "Expected the text online or the text offline."),
            )
            return
        self._batch.online[device] = (message.payload == b"online", message.received_us)

    def _keep(self, message: Message, device: int, refused: _Refused) -> None:
        """Quarantine a whole message."""
        received = message.received_us
        self._batch.received[received - received % HOUR_US, device] += 1
        self._batch.entries.append(
            Entry(moment(received), message.topic, refused.reason, refused.detail, message.payload, device)
        )

    def _keep_value(
        self, message: Message, device: int, time: object, metric: str, value: object, refused: _Refused
    ) -> None:
        """Quarantine one value of a message, as a payload of its own."""
        self._batch.entries.append(
            Entry(
                received=moment(message.received_us),
                topic=message.topic,
                reason=refused.reason,
                detail=refused.detail,
                payload=payload_of(message.received_us / 1000 if time is None else time, metric, value),
                device=device,
            )
        )


def payload_of(time: object, metric: str, value: object) -> bytes:
    """One value as a payload by the contract; what was NaN or infinite stays readable for our decoder."""
    return json.dumps({"time": time, "values": {metric: value}}, ensure_ascii=False).encode()


def _brief(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:37] + "..."
