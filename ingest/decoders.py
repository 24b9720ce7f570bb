"""Payload bytes to records: a JSON object, a JSON array of objects, or SenML (RFC 8428)."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import msgspec

from ingest.reasons import Reason

PAYLOAD_BYTES = 1024 * 1024  # a larger payload goes to quarantine unread
SENML_VERSION = 10  # RFC 8428, 4.4: the highest version understood
SENML_RELATIVE_S = 2**28  # RFC 8428, 4.5.3: times below this are seconds relative to now

# RFC 8428, 12.1 (and RFC 8798): how SenML writes the units that the catalogue writes otherwise.
SENML_UNITS = {"Cel": "degC", "%RH": "%", "%EL": "%", "dBm": "dBm", "m3/h": "m3/h", "deg": "deg"}


class Undecodable(Exception):
    """The payload is not understood: `reason`, and a sentence for people."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Record(NamedTuple):
    """What one object of a payload says; nothing is checked yet.

    `time` is None (the time of arrival), epoch milliseconds or a text; `units` names the unit of a value where the
    payload did.
    """

    time: object
    values: dict[str, Any]
    units: dict[str, str] | None = None


class _Message(msgspec.Struct):
    values: dict[str, Any]
    time: int | float | str | None = None


_decode_message = msgspec.json.Decoder(_Message).decode


def decode(payload: bytes, received_us: int) -> list[Record]:
    """The records of a payload received at `received_us` (microseconds since 1970).

    Raises:
        Undecodable: with the reason, for quarantine.
    """
    try:
        message = _decode_message(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return _decode_other(payload, received_us)
    if not message.values or len(payload) > PAYLOAD_BYTES:
        return _decode_other(payload, received_us)
    return [Record(message.time, message.values)]


def _decode_other(payload: bytes, received_us: int) -> list[Record]:
    """What is no plain object: arrays, SenML, and everything that is wrong."""
    document = _document(payload)
    if isinstance(document, dict):
        return [_record(document, "")]
    if not isinstance(document, list):
        raise Undecodable(
            Reason.INVALID_MESSAGE, f"Expected an object or an array of objects, found {_kind(document)}."
        )
    if not document:
        raise Undecodable(Reason.INVALID_MESSAGE, "The array is empty: it says nothing.")
    if any(isinstance(item, dict) and ("n" in item or "bn" in item) and "values" not in item for item in document):
        return senml(document, received_us)
    return [_record(item, f" of item {position}") for position, item in enumerate(document)]


def _document(payload: bytes) -> object:
    if not payload:
        raise Undecodable(Reason.EMPTY_PAYLOAD, "The payload is empty.")
    if len(payload) > PAYLOAD_BYTES:
        raise Undecodable(
            Reason.PAYLOAD_TOO_LARGE, f"{len(payload)} bytes; send at most {PAYLOAD_BYTES} in one message."
        )
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Undecodable(Reason.INVALID_UTF8, f"Byte {error.start} is not UTF-8.") from error
    try:
        # The standard library also reads NaN and Infinity, so that one such value does not cost its neighbours.
        return json.loads(text)
    except RecursionError as error:
        raise Undecodable(Reason.INVALID_JSON, "The JSON is nested too deeply.") from error
    except ValueError as error:
        raise Undecodable(Reason.INVALID_JSON, f"Not JSON: {error}.") from error


def _record(item: object, where: str) -> Record:
    if not isinstance(item, dict):
        raise Undecodable(Reason.INVALID_MESSAGE, f"Expected an object, found {_kind(item)}{where}.")
    values = item.get("values")
    if not isinstance(values, dict) or not values:
        raise Undecodable(
            Reason.INVALID_MESSAGE,
            f'Expected "values": {{"metric": value, ...}} with one value at least{where}, '
            f"found {_kind(values) if 'values' in item else 'no values'}.",
        )
    return Record(item.get("time"), values)


def _kind(value: object) -> str:
    if isinstance(value, dict | list | str):
        return {dict: "an object", list: "an array", str: "a text"}[type(value)] + ("" if value else " that is empty")
    return "null" if value is None else f"a {'boolean' if isinstance(value, bool) else 'number'}"


def senml(items: list[Any], received_us: int) -> list[Record]:
    """A SenML pack as records, one a time; the metric is the last part of a resolved name.

    Raises:
        Undecodable: a record that is no SenML record, or carries nothing that a reading can be made of.
    """
    records: dict[object, Record] = {}
    base: dict[str, Any] = {}
    for position, item in enumerate(items):
        if not isinstance(item, dict):
            raise _senml_error(position, f"expected an object, found {_kind(item)}")
        base.update((key, value) for key, value in item.items() if key in ("bn", "bt", "bu", "bv", "bver"))
        try:
            if base.get("bver", SENML_VERSION) > SENML_VERSION:
                raise _senml_error(position, f"version {base['bver']} is not understood")
            unknown = [key for key in item if isinstance(key, str) and key.endswith("_")]
            if unknown:
                raise _senml_error(position, f"the field {unknown[0]!r} must be understood and is not")
            if "n" not in item and not item.keys() & {"v", "vb", "vs", "vd", "s"}:
                continue  # base fields only
            name = str(base.get("bn", "")) + str(item.get("n", ""))
            seconds = float(base.get("bt", 0) + item.get("t", 0))
            if "v" in item:
                value: object = item["v"] + base.get("bv", 0)
            else:
                value = item.get("vb", item.get("vs", item.get("vd")))
        except (TypeError, OverflowError) as error:
            raise _senml_error(position, "expected numbers in bt, bv, bver, t and v") from error
        metric = name.replace(":", "/").rsplit("/", 1)[-1]
        if not metric:
            raise _senml_error(position, "the name is empty")
        # 0 is "now", and anything else below the bound is relative to it.
        if seconds == 0:
            time: object = None
        elif seconds < SENML_RELATIVE_S:
            time = received_us / 1000 + seconds * 1000
        else:
            time = seconds * 1000
        record = records.setdefault(time, Record(time, {}, {}))
        if metric in record.values:
            raise _senml_error(position, f"{metric!r} is given twice for one time")
        record.values[metric] = value
        unit = item.get("u", base.get("bu"))
        if unit is not None and record.units is not None:
            record.units[metric] = SENML_UNITS.get(str(unit), str(unit))
    if not records:
        raise Undecodable(Reason.INVALID_MESSAGE, "The SenML pack has no value.")
    return list(records.values())


def _senml_error(position: int, what: str) -> Undecodable:
    return Undecodable(Reason.INVALID_MESSAGE, f"SenML record {position}: {what}.")
