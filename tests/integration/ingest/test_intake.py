"""Intake and Batch against a real database, message by message."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from citybrain.settings import Settings
from citybrain.store.connection import Connection, connect
from citybrain.store.series import SeriesTable
from ingest.batch import Intake, Message, Policy

if TYPE_CHECKING:
    from tests.integration.ingest.conftest import City

TOPIC = "city/150802/air/air-dongsi/reading"
NOW = 1_795_226_400_000_000  # 2026-11-21T10:00:00+08:00, in microseconds
UNTIMED = b'{"values": {"rain": 1}}'


@pytest.fixture(scope="module")
def connection(new_city: Callable[[], City]) -> Iterator[Connection]:
    with connect(new_city().url, "writer", "test") as connection:
        connection.execute("set idle_session_timeout = 0")
        yield connection


@pytest.fixture(scope="module")
def table(connection: Connection) -> SeriesTable:
    return SeriesTable.load(connection)


@pytest.fixture
def intake(table: SeriesTable, connection: Connection) -> Intake:
    return Intake(table, Policy.of(Settings(), date(2026, 11, 21)), connection)


def seen_before(intake: Intake, packet_id: int, received_us: int) -> None:
    """Let the intake know of an untimed message that was committed and perhaps not acknowledged."""
    [untimed] = intake.batch([Message(TOPIC, UNTIMED, received_us, packet_id)]).untimed
    intake.redelivered = {packet_id: untimed}


def times(intake: Intake, *messages: Message) -> list[int]:
    return intake.batch(list(messages)).readings["time"].to_list()


def test_a_redelivery_gets_the_time_of_the_first_delivery_once(intake: Intake) -> None:
    seen_before(intake, 7, NOW)
    again, other = Message(TOPIC, UNTIMED, NOW + 5, 7), Message(TOPIC, UNTIMED, NOW + 6, 7)
    assert times(intake, again, other) == [NOW, NOW + 6]


@pytest.mark.parametrize(
    "message",
    [
        Message(TOPIC, UNTIMED, NOW + 5, 8),
        Message(TOPIC, UNTIMED, NOW + 5, 0),
        Message(TOPIC, b'{"values": {"rain": 2}}', NOW + 5, 7),
        Message(TOPIC.replace("dongsi", "changping"), UNTIMED, NOW + 5, 7),
    ],
    ids=["another packet id", "QoS 0", "another payload", "another topic"],
)
def test_what_only_looks_like_a_redelivery(intake: Intake, message: Message) -> None:
    seen_before(intake, 7, NOW)
    assert times(intake, message) == [NOW + 5]


def test_a_packet_id_that_another_message_had_is_free_again(intake: Intake) -> None:
    seen_before(intake, 7, NOW)
    timed = Message(TOPIC, b'{"time": 1795226400000, "values": {"rain": 1}}', NOW + 5, 7)
    assert times(intake, timed, Message(TOPIC, UNTIMED, NOW + 6, 7)) == [NOW, NOW + 6]


def test_a_batch_that_is_made_again_knows_the_redelivery_again(
    intake: Intake, table: SeriesTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_before(intake, 7, NOW)
    stranger = Message("city/150802/air/stranger/reading", UNTIMED, NOW + 6, 8)

    def busy(*_: object) -> int:
        raise psycopg.errors.LockNotAvailable("not now")

    messages = [Message(TOPIC, UNTIMED, NOW + 5, 7), stranger]
    with monkeypatch.context() as patch:
        patch.setattr(table, "register_device", busy)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            intake.batch(messages)
    batch = intake.batch(messages)
    assert batch.readings["time"].to_list() == [NOW, NOW + 6]
    assert [(untimed.packet_id, untimed.received_us) for untimed in batch.untimed] == [(7, NOW), (8, NOW + 6)]


def test_readings_of_one_message_are_in_order_of_time_and_messages_in_order_of_arrival(intake: Intake) -> None:
    def array(*milliseconds: int) -> bytes:
        return json.dumps([{"time": at, "values": {"rain": 1}} for at in milliseconds]).encode()

    late = NOW // 1000
    batch = intake.batch(
        [Message(TOPIC, array(late - 1, late - 3, late - 2), NOW, 1), Message(TOPIC, array(5, late - 9), NOW + 1, 2)]
    )
    assert batch.readings["time"].to_list() == [NOW - 3000, NOW - 2000, NOW - 1000, NOW - 9000]
    assert [entry.reason for entry in batch.entries] == ["time_too_old"]


def test_each_half_of_a_batch_has_whole_messages_and_an_account_of_its_own(intake: Intake) -> None:
    messages = [
        Message(TOPIC, b'{"values": {"rain": 1, "pm25": 2}}', NOW + at * 1_800_000_000, 1 + at) for at in range(5)
    ]
    batch = intake.batch([*messages, Message(TOPIC, b"?", NOW + 6, 9)])
    first, second = batch.halves()
    assert (len(first.readings), len(second.readings)) == (4, 6)
    assert not set(first.readings["received"]) & set(second.readings["received"])
    for half in (first, second):
        assert sum(half.received.values()) == len(half.readings) + len(half.entries)
    assert first.received + second.received == batch.received
    alone = intake.batch(messages[:1]).halves()
    assert [len(half.readings) for half in alone] == [1, 1]


payloads = st.one_of(
    st.binary(max_size=50),
    st.builds(
        lambda time, values: json.dumps({"time": time, "values": values}).encode(),
        st.none()
        | st.integers(NOW // 1000 - 10**9, NOW // 1000 + 10**6)
        | st.floats()
        | st.text(max_size=30)
        | st.integers(),
        st.dictionaries(
            st.sampled_from(["pm25", "rain", "aqi", "cover_open", "nothing"]) | st.text(max_size=5),
            st.floats() | st.integers() | st.booleans() | st.text(max_size=5) | st.none(),
            max_size=4,
        ),
    ),
    st.builds(
        lambda records: json.dumps(records).encode(),
        st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "n": st.sampled_from(["rain", "pm25", "x"]) | st.text(max_size=5),
                    "u": st.sampled_from(["ug/m3", "mm", "Cel"]) | st.text(max_size=3),
                    "v": st.floats() | st.integers(),
                    "t": st.floats(-1e9, 1e9) | st.integers(-(10**12), 10**12) | st.floats(),
                    "bt": st.floats(-1e9, 2e9),
                },
            ),
            max_size=4,
        ),
    ),
)
topics = st.sampled_from(
    [TOPIC, TOPIC.replace("reading", "status"), "city/150802/sentinel/fuzz/reading", "city/1/air/a/reading"]
)


@hypothesis_settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(topics | st.text(max_size=30), payloads, st.integers(0, 3), st.booleans()), max_size=6))
def test_whatever_comes_is_counted_and_can_be_stored(
    table: SeriesTable, connection: Connection, messages: list[tuple[str, bytes, int, bool]]
) -> None:
    intake = Intake(table, Policy.of(Settings(), date(2026, 11, 21)), connection)
    batch = intake.batch(
        [Message(topic, payload, NOW + at, *rest) for at, (topic, payload, *rest) in enumerate(messages)]
    )
    assert sum(batch.received.values()) == len(batch.readings) + len(batch.entries)
    assert batch.readings["value"].is_finite().all()
    assert batch.readings.null_count().sum_horizontal().sum() == 0
    for entry in batch.entries:
        for text in (entry.topic, entry.detail):
            assert "\0" not in text
            text.encode()
