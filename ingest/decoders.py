"""Payload bytes to records: a JSON object, a JSON array of objects, or SenML (RFC 8428)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from ingest.reasons import Reason

PAYLOAD_BYTES = 1024 * 1024  # a larger payload goes to quarantine unread
SENML_VERSION = 10  # RFC 8428, 4.4: the highest version understood
SENML_RELATIVE_S = 2**28  # RFC 8428, 4.5.3: times below this are seconds relative to now

# RFC 8428, 12.1: how SenML writes units that the catalogue may write otherwise.
SENML_UNITS = {"Cel": "degC", "%RH": "%", "%EL": "%"}
SENML_BASE = frozenset(("bn", "bt", "bu", "bv", "bs", "bver"))  # RFC 8428, 4.1
SENML_VALUES = ("v", "vb", "vs", "vd")  # RFC 8428, 4.2, without the sum


Time = int | float | str | None
Value = int | float | str | bool | None


class Undecodable(Exception):
    """The payload is not understood: `reason`, and a sentence for people."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Record(NamedTuple):
    """What one object of a payload says; its shape is checked and nothing else.

    `time` is epoch milliseconds or a text, or counts from the arrival: None is the arrival itself. `units` names the
    unit of a value where the payload did.
    """

    time: Time | timedelta
    values: dict[str, Value]
    units: dict[str, str] | None = None


# Other keys are forbidden because msgspec would skip them unread, invalid UTF-8 and all.
class _Message(msgspec.Struct, forbid_unknown_fields=True):
    values: dict[str, int | float | str | bool | None]
    time: int | float | str | None = None


_decode_message = msgspec.json.Decoder(_Message).decode
_decode_messages = msgspec.json.Decoder(list[_Message]).decode


def decode(payload: bytes) -> list[Record]:
    """The records of a payload.

    Raises:
        Undecodable: with the reason, for quarantine.
    """
    if len(payload) > PAYLOAD_BYTES:
        raise Undecodable(
            Reason.PAYLOAD_TOO_LARGE, f"{len(payload)} bytes; send at most {PAYLOAD_BYTES} in one message."
        )
    try:
        messages = _decode_messages(payload) if payload.startswith(b"[") else [_decode_message(payload)]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return _decode_other(payload)
    if not messages or not all(message.values for message in messages):
        return _decode_other(payload)
    return [Record(message.time, message.values) for message in messages]


def _decode_other(payload: bytes) -> list[Record]:
    """What is no plain object or array of them: SenML, other keys, NaN, and everything that is wrong."""
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
        return senml(document)
    return [_record(item, f" of item {position}") for position, item in enumerate(document)]


def _document(payload: bytes) -> object:
    if not payload:
        raise Undecodable(Reason.EMPTY_PAYLOAD, "The payload is empty.")
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
    time = item.get("time")
    if isinstance(time, bool | dict | list):
        raise Undecodable(
            Reason.INVALID_TIME, f"Expected ISO 8601 or epoch milliseconds as time{where}, found {_kind(time)}."
        )
    # Refused with its message, not alone: what is nested can't always be written again.
    for metric, value in values.items():
        if isinstance(value, dict | list):
            raise Undecodable(Reason.WRONG_TYPE, f"{metric!r}{where} is {_kind(value)}: expected one value.")
    return Record(time, values)


def _kind(value: object) -> str:
    if isinstance(value, dict | list | str):
        return {dict: "an object", list: "an array", str: "a text"}[type(value)] + ("" if value else " that is empty")
    return "null" if value is None else f"a {'boolean' if isinstance(value, bool) else 'number'}"


def senml(items: list[Any]) -> list[Record]:
    """A SenML pack as records, one a time; the metric is the last part of a resolved name.

    Raises:
        Undecodable: a record that is no SenML record, or carries nothing that a reading can be made of.
    """
    records: dict[Time | timedelta, Record] = {}
    base: dict[str, Any] = {}
    for position, item in enumerate(items):
        try:
            if not isinstance(item, dict):
                raise ValueError(f"expected an object, found {_kind(item)}")
            base.update((key, value) for key, value in item.items() if key in SENML_BASE)
            resolved = _resolved(base, item)
        except (ValueError, OverflowError) as error:
            raise Undecodable(Reason.INVALID_MESSAGE, f"SenML record {position}: {error}.") from error
        if resolved is None:
            continue
        time, metric, value, unit = resolved
        record = records.setdefault(time, Record(time, {}, {}))
        if metric in record.values:
            raise Undecodable(
                Reason.INVALID_MESSAGE, f"SenML record {position}: {metric!r} is given twice for one time."
            )
        record.values[metric] = value
        if unit is not None and record.units is not None:
            record.units[metric] = unit
    if not records:
        raise Undecodable(Reason.INVALID_MESSAGE, "The SenML pack has no value.")
    return list(records.values())


def _resolved(base: dict[str, Any], item: dict[str, Any]) -> tuple[Time | timedelta, str, Value, str | None] | None:
    """Time, metric, value and unit of one SenML record (RFC 8428, 4.6); None where it has base fields only.

    Raises:
        ValueError, OverflowError: what is wrong with it.
    """
    if _number(base, "bver", SENML_VERSION) > SENML_VERSION:
        raise ValueError(f"version {base['bver']} is not understood")
    unknown = [key for key in item if key.endswith("_")]
    if unknown:
        raise ValueError(f"the field {unknown[0]!r} must be understood and is not")
    kinds = [key for key in SENML_VALUES if key in item]
    if not kinds and item.keys() <= SENML_BASE:
        return None
    if len(kinds) != 1:
        raise ValueError(f"expected one of v, vb, vs and vd, found {' and '.join(kinds) or 'none'}")
    if kinds[0] == "v":
        value: Value = _number(item, "v") + _number(base, "bv", 0)
    else:
        value = item[kinds[0]]
        if isinstance(value, dict | list):
            raise ValueError(f"{kinds[0]} is {_kind(value)}")
    metric = (_text(base, "bn", "") + _text(item, "n", "")).replace(":", "/").rpartition("/")[2]
    if not metric:
        raise ValueError("the name is empty")
    seconds = _number(base, "bt", 0) + _number(item, "t", 0)
    time = timedelta(seconds=seconds) if abs(seconds) < SENML_RELATIVE_S else seconds * 1000
    unit = _text(item, "u", _text(base, "bu", "")) or None
    return time, metric, value, unit


def _number(fields: dict[str, Any], key: str, default: float | None = None) -> float:
    number = fields.get(key, default)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ValueError(f"{key} is {_kind(number)}: expected a number")
    return float(number)


def _text(fields: dict[str, Any], key: str, default: str) -> str:
    text = fields.get(key, default)
    if not isinstance(text, str):
        raise ValueError(f"{key} is {_kind(text)}: expected a text")
    return text
