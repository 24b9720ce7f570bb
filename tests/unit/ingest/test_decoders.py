from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.batch import payload_of
from ingest.decoders import PAYLOAD_BYTES, Record, Undecodable, Value, decode
from ingest.reasons import Reason

TIME = "2026-11-21T10:00:00+08:00"


def reason_of(payload: bytes) -> Reason:
    with pytest.raises(Undecodable) as refused:
        decode(payload)
    assert refused.value.detail
    return refused.value.reason


# ── the contract: an object, or an array of objects ─────────────────────────────────────────────────────────


def test_an_object() -> None:
    payload = b'{"time": "2026-11-21T10:00:00+08:00", "values": {"pressure": 0.312, "flow": 12, "open": true}}'
    assert decode(payload) == [Record(TIME, {"pressure": 0.312, "flow": 12, "open": True})]


def test_the_time_may_be_milliseconds_null_or_absent() -> None:
    assert decode(b'{"time": 1795226400000, "values": {"a": 1}}')[0].time == 1_795_226_400_000
    assert decode(b'{"time": null, "values": {"a": 1}}')[0].time is None
    assert decode(b'{"values": {"a": 1}}')[0].time is None


def test_an_array_of_objects_keeps_its_order() -> None:
    payload = b'[{"time": 2, "values": {"a": 1}}, {"values": {"a": 2, "b": "open"}}]'
    assert decode(payload) == [Record(2, {"a": 1}), Record(None, {"a": 2, "b": "open"})]


def test_other_keys_are_ignored() -> None:
    assert decode(b'{"seq": 7, "values": {"a": 1}, "gateway": {"n": [1]}}') == [Record(None, {"a": 1})]


def test_a_metric_given_twice_counts_once_the_last_time() -> None:
    assert decode(b'{"values": {"a": 1, "a": 2}}') == [Record(None, {"a": 2})]


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_a_value_that_is_not_finite_does_not_cost_its_neighbours(literal: bytes) -> None:
    values = decode(b'{"values": {"a": %s, "b": 2}}' % literal)[0].values
    assert values["b"] == 2
    assert not math.isfinite(values["a"])  # type: ignore[arg-type]


def test_integers_larger_than_any_double_come_through() -> None:
    assert decode(b'{"values": {"a": %s}}' % (b"9" * 400))[0].values["a"] == int("9" * 400)


def test_keys_may_be_any_text() -> None:
    assert decode('{"values": {"压力": 1, "": 2, "\\ud800": 3}}'.encode())[0].values == {"压力": 1, "": 2, "\ud800": 3}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.EMPTY_PAYLOAD),
        (b" " * (PAYLOAD_BYTES + 1), Reason.PAYLOAD_TOO_LARGE),
        (b'{"values": {"a": "%s"}}' % (b"x" * PAYLOAD_BYTES), Reason.PAYLOAD_TOO_LARGE),
        (b"\xff\xfe", Reason.INVALID_UTF8),
        (b'{"values": {"\xff": 1}}', Reason.INVALID_UTF8),
        (b'{"values": {"a": "\xc3"}}', Reason.INVALID_UTF8),
        (b'{"note": "\xff", "values": {"a": 1}}', Reason.INVALID_UTF8),  # in what is ignored, too
        (b'{"values": {"a": "\xed\xa0\x80"}}', Reason.INVALID_UTF8),  # half of a surrogate pair
        (b"  ", Reason.INVALID_JSON),
        (b"\0\0\0", Reason.INVALID_JSON),
        (b"0.312 MPa", Reason.INVALID_JSON),
        (b'{"values": {"a": 1}', Reason.INVALID_JSON),
        (b'{"values": {"a": 1}} {}', Reason.INVALID_JSON),
        (b"{'values': {'a': 1}}", Reason.INVALID_JSON),
        (b'\xef\xbb\xbf{"values": {"a": 1}}', Reason.INVALID_JSON),  # a byte order mark: RFC 8259, 8.1
        (b'{"values": {"a": %s}}' % (b"9" * 5000), Reason.INVALID_JSON),
        (b"[" * 100_000, Reason.INVALID_JSON),
        (b'{"a":' * 100_000, Reason.INVALID_JSON),
        (b'{"values": {"a": %s}}' % (b"[" * 100_000 + b"]" * 100_000), Reason.INVALID_JSON),
        (b"null", Reason.INVALID_MESSAGE),
        (b"0.312", Reason.INVALID_MESSAGE),
        (b'"0.312"', Reason.INVALID_MESSAGE),
        (b"[]", Reason.INVALID_MESSAGE),
        (b"{}", Reason.INVALID_MESSAGE),
        (b'{"values": {}}', Reason.INVALID_MESSAGE),
        (b'{"values": [1, 2]}', Reason.INVALID_MESSAGE),
        (b'{"values": null}', Reason.INVALID_MESSAGE),
        (b'{"pressure": 0.312}', Reason.INVALID_MESSAGE),
        (b'[{"values": {"a": 1}}, 7]', Reason.INVALID_MESSAGE),
        (b'[{"values": {"a": 1}}, {"values": {}}]', Reason.INVALID_MESSAGE),
        (b'[[{"values": {"a": 1}}]]', Reason.INVALID_MESSAGE),
        (b'{"time": true, "values": {"a": 1}}', Reason.INVALID_TIME),
        (b'{"time": {"$date": 1}, "values": {"a": 1}}', Reason.INVALID_TIME),
        (b'{"time": %s, "values": {"a": 1}}' % (b"[" * 900 + b"]" * 900), Reason.INVALID_TIME),
        (b'{"values": {"a": [1]}}', Reason.WRONG_TYPE),
        (b'{"values": {"a": {"v": 1}}}', Reason.WRONG_TYPE),
    ],
)
def test_what_is_wrong_has_a_name(payload: bytes, reason: Reason) -> None:
    assert reason_of(payload) == reason


def test_no_depth_of_nesting_slips_through() -> None:
    for depth in range(900, 1050):
        assert reason_of(b'{"values": {"a": %s}}' % (b"[" * depth + b"]" * depth)) in (
            Reason.WRONG_TYPE,
            Reason.INVALID_JSON,
        )


# ── SenML, by the examples of RFC 8428 ──────────────────────────────────────────────────────────────────────


def pack(*records: dict[str, Any]) -> bytes:
    return json.dumps(records).encode()


def test_single_data_point() -> None:  # 5.1.1
    payload = pack({"n": "urn:dev:ow:10e2073a01080063", "u": "Cel", "v": 23.1})
    assert decode(payload) == [Record(timedelta(0), {"10e2073a01080063": 23.1}, {"10e2073a01080063": "Cel"})]


def test_multiple_data_points() -> None:  # 5.1.2
    payload = pack(
        {"bn": "urn:dev:ow:10e2073a01080063:", "n": "voltage", "u": "V", "v": 120.1},
        {"n": "current", "u": "A", "v": 1.2},
    )
    units = {"voltage": "V", "current": "A"}
    assert decode(payload) == [Record(timedelta(0), {"voltage": 120.1, "current": 1.2}, units)]


def test_base_time_and_base_unit() -> None:  # 5.1.2, the second example
    payload = pack(
        {"bn": "urn:dev:ow:10e2073a0108006:", "bt": 1.276020076001e09, "bu": "A", "bver": 5}
        | {"n": "voltage", "u": "V", "v": 120.1},
        {"n": "current", "t": -5, "v": 1.2},
        {"n": "current", "t": -4, "v": 1.3},
        {"n": "current", "v": 1.7},
    )
    assert decode(payload) == [
        Record(1276020076001.0, {"voltage": 120.1, "current": 1.7}, {"voltage": "V", "current": "A"}),
        Record(1276020071001.0, {"current": 1.2}, {"current": "A"}),
        Record(1276020072001.0, {"current": 1.3}, {"current": "A"}),
    ]


def test_multiple_data_types() -> None:  # 5.1.5
    payload = pack(
        {"bn": "urn:dev:ow:10e2073a01080063:", "n": "temp", "u": "Cel", "v": 23.1},
        {"n": "label", "vs": "Machine Room"},
        {"n": "open", "vb": False},
        {"n": "nfc-reader", "vd": "aGkgCg"},
    )
    values: dict[str, Value] = {"temp": 23.1, "label": "Machine Room", "open": False, "nfc-reader": "aGkgCg"}
    assert decode(payload) == [Record(timedelta(0), values, {"temp": "Cel"})]


def test_times_near_zero_count_from_the_arrival() -> None:  # 4.5.3
    payload = pack(
        {"bn": "a/", "bt": -60, "n": "x", "v": 1}, {"n": "x", "t": 59.5, "v": 2}, {"n": "x", "t": 60, "v": 3}
    )
    times = [record.time for record in decode(payload)]
    assert times == [timedelta(seconds=-60), timedelta(seconds=-0.5), timedelta(0)]
    assert decode(pack({"n": "x", "t": 2**28 - 1, "v": 1}))[0].time == timedelta(seconds=2**28 - 1)
    assert decode(pack({"n": "x", "t": 2**28, "v": 1}))[0].time == 2**28 * 1000


def test_base_value_is_added_and_base_fields_last() -> None:  # 4.1, 4.6
    payload = pack(
        {"bn": "d/", "bv": 20, "n": "x", "v": 0.5}, {"n": "y", "v": 1}, {"bn": "e/", "bv": 0}, {"n": "z", "v": 1}
    )
    assert decode(payload)[0].values == {"x": 20.5, "y": 21, "z": 1}


def test_a_name_may_be_in_the_base_alone() -> None:
    assert decode(pack({"bn": "d/level"}, {"v": 1}))[0].values == {"level": 1}


@pytest.mark.parametrize(
    "records",
    [
        [{"n": "x", "s": 12.5}],  # a sum is no reading of the metric
        [{"bs": 3, "n": "x"}],
        [{"n": "x"}],
        [{"bn": "d/"}],
        [{"v": 1}, {"n": "x", "v": 1}],
        [{"bn": "d/", "v": 1}],
        [{"n": "x", "v": 1, "vs": "on"}],
        [{"n": "x", "v": "1"}],
        [{"n": "x", "v": True}],
        [{"n": "x", "v": None}],
        [{"n": "x", "vs": ["on"]}],
        [{"n": ["x"], "v": 1}],
        [{"n": "x", "v": 1, "t": "now"}],
        [{"n": "x", "v": 1, "u": 7}],
        [{"bver": 11, "n": "x", "v": 1}],
        [{"bver": "10", "n": "x", "v": 1}],
        [{"n": "x", "v": 1, "frobnicate_": 1}],  # 4.4: to be understood or refused
        [{"n": "x", "v": 1}, {"n": "x", "v": 2}],  # one name, one time, two values
        [{"n": "x", "v": 10**400}],
        [{"n": "x", "v": 1}, 7],
        [{"n": "x", "v": 1}, {"values": {"y": 1}}],
        # 5.1.3 gives one name several units; nothing tells which of them is the metric's.
        [{"bn": "d", "bt": 1.320067464e09, "bu": "%RH", "v": 20}, {"u": "lon", "v": 24.30621}],
    ],
)
def test_packs_that_are_refused(records: list[Any]) -> None:
    assert reason_of(json.dumps(records).encode()) == Reason.INVALID_MESSAGE


# ── whatever comes ──────────────────────────────────────────────────────────────────────────────────────────

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
names = st.sampled_from(
    ["time", "values", "n", "v", "vb", "vs", "vd", "s", "u", "t", "bn", "bt", "bu", "bv", "bs", "bver", "x_"]
)
almost = st.dictionaries(names, scalars | st.dictionaries(st.text(max_size=5), scalars, max_size=3), max_size=6)


def check_records(payload: bytes) -> None:
    try:
        records = decode(payload)
    except Undecodable:
        return
    assert records
    for record in records:
        assert record.values
        assert record.time is None or type(record.time) in (int, float, str, timedelta)
        assert {type(value) for value in record.values.values()} <= {int, float, str, bool, type(None)}
        # Each can be written as a payload of its own, and says the same again.
        time = None if isinstance(record.time, timedelta) else record.time
        again = decode(payload_of(time, record.values))[0]
        assert repr((again.time, again.values)) == repr((time, record.values))


@given(st.binary())
def test_any_bytes(payload: bytes) -> None:
    check_records(payload)


@settings(max_examples=300)
@given(documents | almost | st.lists(almost, max_size=4))
def test_any_json(document: object) -> None:
    check_records(json.dumps(document).encode())


@given(st.lists(almost, min_size=1, max_size=4), st.data())
def test_any_damage(document: object, data: st.DataObject) -> None:
    payload = bytearray(json.dumps(document).encode())
    position = data.draw(st.integers(0, len(payload) - 1))
    payload[position] = data.draw(st.integers(0, 255))
    check_records(bytes(payload))


@given(
    st.none() | st.integers(0, 2**42) | st.just(TIME),
    st.dictionaries(st.text(), st.booleans() | st.text() | st.floats(allow_nan=False) | st.integers(), min_size=1),
)
def test_round_trip_of_valid_messages(time: int | str | None, values: dict[str, Any]) -> None:
    one = decode(json.dumps({"time": time, "values": values}).encode())
    assert one == [Record(time, values)]
    assert decode(json.dumps([{"time": time, "values": values}] * 2).encode()) == one * 2
