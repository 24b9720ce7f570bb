"""What a foreign client can send, and what becomes of it: a named reason or a flag, a metric, a balanced ledger."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from citybrain.quality import Flag
from ingest.reasons import Reason

if TYPE_CHECKING:
    from tests.integration.ingest.conftest import City, Collector

MB = 1024 * 1024


class Case(NamedTuple):
    """A payload, in which NOW+n stands for n milliseconds from now, and the reasons that its entries have."""

    payload: bytes
    reasons: list[Reason]
    stored: dict[str, float] = {}  # noqa: RUF012  by metric
    domain: str = "air"


def values(text: str, time: str = "NOW") -> bytes:
    return f'{{"time": {time}, "values": {{{text}}}}}'.encode()


BOMB = b"[" * 200_000
PAYLOADS = {
    "empty": Case(b"", [Reason.EMPTY_PAYLOAD]),
    "blank": Case(b" \r\n", [Reason.INVALID_JSON]),
    "too-large": Case(values(f'"note": "{"x" * MB}"'), [Reason.PAYLOAD_TOO_LARGE]),
    "three-megabytes": Case(b"\0" * 3 * MB, [Reason.PAYLOAD_TOO_LARGE]),
    "just-not-too-large": Case(values('"rain": 1').ljust(MB - 20), [], {"rain": 1}),
    "invalid-utf8": Case(b'{"values": {"pm25": "\xff"}}', [Reason.INVALID_UTF8]),
    "invalid-utf8-in-a-key": Case(b'{"values": {"pm\xc3": 1}}', [Reason.INVALID_UTF8]),
    "invalid-utf8-in-what-is-ignored": Case(b'{"note": "\xff", "values": {"pm25": 1}}', [Reason.INVALID_UTF8]),
    "latin": Case("{'values': {'température': 1}}".encode("latin-1"), [Reason.INVALID_UTF8]),
    "no-json": Case(b"<reading>35</reading>", [Reason.INVALID_JSON]),
    "cut-short": Case(b'{"values": {"pm25": 3', [Reason.INVALID_JSON]),
    "nested-bomb": Case(BOMB, [Reason.INVALID_JSON]),
    "nested-bomb-as-value": Case(b'{"values": {"pm25": ' + BOMB, [Reason.INVALID_JSON]),
    **{
        f"nested-{depth}-deep": Case(
            b'{"values": {"pm25": %s}}' % (b"[" * depth + b"]" * depth),
            [Reason.WRONG_TYPE if depth < 900 else Reason.INVALID_JSON],
        )
        for depth in (1, 100, 2000)
    },
    "a-number": Case(b"35", [Reason.INVALID_MESSAGE]),
    "no-values": Case(b'{"time": NOW}', [Reason.INVALID_MESSAGE]),
    "empty-values": Case(values(""), [Reason.INVALID_MESSAGE]),
    "empty-array": Case(b"[]", [Reason.INVALID_MESSAGE]),
    "senml-without-value": Case(b'[{"n": "pm25"}]', [Reason.INVALID_MESSAGE]),
    "senml-and-plain": Case(b'[{"n": "pm25", "v": 1}, {"values": {"pm10": 1}}]', [Reason.INVALID_MESSAGE]),
    # Not finite, and what stands beside it.
    "nan": Case(values('"pm25": NaN, "pm10": 7'), [Reason.NOT_FINITE], {"pm10": 7}),
    "infinity": Case(values('"pm25": -Infinity'), [Reason.NOT_FINITE]),
    "1e999": Case(values('"pm25": 1e999, "pm10": 7'), [Reason.NOT_FINITE], {"pm10": 7}),
    "huge-integer": Case(values(f'"pm25": {"9" * 400}, "pm10": 7'), [Reason.NOT_FINITE], {"pm10": 7}),
    "senml-infinity": Case(b'[{"n": "pm25", "v": 1e999}]', [Reason.NOT_FINITE]),
    # Types and states.
    "text-number": Case(values('"pm25": "35", "pm10": 7'), [Reason.WRONG_TYPE], {"pm10": 7}),
    "text-with-unit": Case(values('"pm25": "35 ug/m3"'), [Reason.WRONG_TYPE]),
    "boolean-number": Case(values('"pm25": true'), [Reason.WRONG_TYPE]),
    "null": Case(values('"pm25": null'), [Reason.WRONG_TYPE]),
    "object": Case(values('"pm25": {"value": 35}'), [Reason.WRONG_TYPE]),
    "booleans": Case(
        values('"pump_running": true, "mains_power": 0'), [], {"pump_running": 1, "mains_power": 0}, "heating"
    ),
    "boolean-texts": Case(
        values('"pump_running": "OFF", "mains_power": "true"'), [], {"pump_running": 0, "mains_power": 1}, "heating"
    ),
    "no-boolean": Case(
        values('"pump_running": 2, "mains_power": "1"'), [Reason.UNKNOWN_STATE, Reason.UNKNOWN_STATE], {}, "heating"
    ),
    "state": Case(values('"valve_state": "Moving"'), [], {"valve_state": 2}, "heating"),
    "state-code": Case(values('"valve_state": 3'), [], {"valve_state": 3}, "heating"),
    "unknown-state": Case(values('"valve_state": "ajar"'), [Reason.UNKNOWN_STATE], {}, "heating"),
    "unknown-state-code": Case(values('"valve_state": 1.5'), [Reason.UNKNOWN_STATE], {}, "heating"),
    "huge-state-code": Case(values(f'"valve_state": {"9" * 400}'), [Reason.UNKNOWN_STATE], {}, "heating"),
    # Metrics.
    "unknown-metric": Case(values('"pm26": 1, "pm10": 7'), [Reason.UNKNOWN_METRIC], {"pm10": 7}),
    "nameless-metric": Case(values('"": 1'), [Reason.UNKNOWN_METRIC]),
    "metric-of-another-domain": Case(values('"pressure": 1'), [Reason.UNKNOWN_METRIC]),
    "derived-metric": Case(values('"aqi": 1'), [Reason.DERIVED_METRIC]),
    "zero-character-in-a-metric": Case(values(r'"pm25\u0000": 1'), [Reason.UNKNOWN_METRIC]),
    "half-a-character-in-a-metric": Case(values(r'"\ud800": 1'), [Reason.UNKNOWN_METRIC]),
    "half-a-character-as-value": Case(values(r'"pm25": "\udfff"'), [Reason.WRONG_TYPE]),
    "zero-character-as-value": Case(values(r'"pm25": "\u0000"'), [Reason.WRONG_TYPE]),
    "long-metric": Case(values(f'"{"m" * 100_000}": 1, "pm10": 7'), [Reason.UNKNOWN_METRIC], {"pm10": 7}),
    # Units: nothing is converted.
    "other-unit": Case(b'[{"n": "pm25", "u": "g", "v": 1}]', [Reason.UNIT_MISMATCH]),
    "zero-character-in-a-unit": Case(rb'[{"n": "pm25", "u": "g\u0000", "v": 1}]', [Reason.UNIT_MISMATCH]),
    "half-a-character-in-a-unit": Case(rb'[{"n": "pm25", "u": "\ud800", "v": 1}]', [Reason.UNIT_MISMATCH]),
    "unit-of-senml": Case(b'[{"n": "temperature", "u": "Cel", "v": -3}]', [], {"temperature": -3}),
    "relative-humidity": Case(
        b'[{"n": "well_humidity", "u": "%RH", "v": 60}, {"n": "battery", "u": "%EL", "v": 90}]',
        [],
        {"battery": 90, "well_humidity": 60},
        "sentinel",
    ),
    # Times. A record whose time is wrong is one entry, whatever it holds.
    "61-s-ahead": Case(values('"pm25": 1', "NOW+61000"), [], {"pm25": 1}),
    "11-min-ahead": Case(values('"pm25": 1, "pm10": 2', "NOW+660000"), [Reason.CLOCK_AHEAD]),
    "year-9999": Case(values('"pm25": 1', '"9999-12-31T23:59:59-23:59"'), [Reason.INVALID_TIME]),
    "year-1": Case(values('"pm25": 1', '"0001-01-01T00:00:00"'), [Reason.INVALID_TIME]),
    "1999": Case(values('"pm25": 1', '"1999-12-31T23:59:59Z"'), [Reason.TIME_TOO_OLD]),
    "seconds": Case(values('"pm25": 1', "1795226400"), [Reason.TIME_TOO_OLD]),
    "no-time": Case(values('"pm25": 1', '"noon"'), [Reason.INVALID_TIME]),
    "boolean-time": Case(values('"pm25": 1', "true"), [Reason.INVALID_TIME]),
    "infinite-time": Case(values('"pm25": 1', "1e999"), [Reason.INVALID_TIME]),
    "huge-time": Case(values('"pm25": 1', "9" * 400), [Reason.INVALID_TIME]),
    "half-a-character-in-a-time": Case(values('"pm25": 1', r'"\ud800"'), [Reason.INVALID_TIME]),
    "zero-character-in-a-time": Case(values('"pm25": 1', r'"\u0000"'), [Reason.INVALID_TIME]),
    "nested-time": Case(values('"pm25": 1', "[" * 500 + "]" * 500), [Reason.INVALID_TIME]),
    "relative-time-long-ago": Case(b'[{"n": "pm25", "t": -1e300, "v": 1}]', [Reason.INVALID_TIME]),
    "relative-time-ahead": Case(b'[{"n": "pm25", "t": 3600, "v": 1}]', [Reason.CLOCK_AHEAD]),
    "one-wrong-time-among-others": Case(
        b"[%s, %s]" % (values('"pm25": 1', '"?"'), values('"pm25": 2')), [Reason.INVALID_TIME], {"pm25": 2}
    ),
    # Large time and many values: what is kept of them must not grow with their product.
    "long-time-and-many-values": Case(
        values(",".join(f'"m{number}": 1' for number in range(2000)), f'"{"x" * 500_000}"'), [Reason.INVALID_TIME]
    ),
    "long-valid-time-and-many-values": Case(
        values(",".join(f'"m{number}": 1' for number in range(2000)), f'"{" " * 500_000}2026-01-01T00:00:00"'),
        [Reason.UNKNOWN_METRIC] * 2000,
    ),
}

TOPICS = {
    "city": Reason.WRONG_TOPIC,
    "city/": Reason.WRONG_TOPIC,
    "city//": Reason.WRONG_TOPIC,
    "city/150802/air//reading": Reason.WRONG_TOPIC,
    "city/150802/air/wrong/readings": Reason.WRONG_TOPIC,
    "city/150802/air/wrong": Reason.WRONG_TOPIC,
    "city/1/2/3/4/5/6/7/8/9": Reason.WRONG_TOPIC,
    f"city/150802/air/{'d' * 129}/reading": Reason.WRONG_TOPIC,
    f"city/150802/air/{'d' * 60_000}/reading": Reason.WRONG_TOPIC,
    f"city/{'x/' * 190}reading": Reason.WRONG_TOPIC,
    "city/150802/air/\u202ewrong/reading": Reason.WRONG_TOPIC,
    "city/999999/air/wrong/reading": Reason.UNKNOWN_REGION,
    "city/150802/fire/wrong/reading": Reason.UNKNOWN_DOMAIN,
}


@pytest.fixture(scope="module")
def city(new_city: Callable[[], City]) -> City:
    city = new_city()
    city.collect().wait_until_connected()
    return city


@pytest.fixture(scope="module")
def collector(city: City) -> Collector:
    return city.collectors[0]


@pytest.fixture(scope="module")
def sent(city: City) -> Iterator[dict[str, bytes]]:
    """Publishes every case of PAYLOADS on a device of its own; the payloads as sent."""

    def moment(found: re.Match[bytes]) -> bytes:
        return str(city.now_ms() + int(found[1] or 0)).encode()

    payloads = {name: re.sub(rb"NOW(\+\d+)?", moment, case.payload) for name, case in PAYLOADS.items()}
    for name, payload in payloads.items():
        city.publish(f"city/150802/{PAYLOADS[name].domain}/{name}/reading", payload)
    city.settle()
    return payloads


@pytest.mark.parametrize("name", PAYLOADS)
def test_payload(city: City, sent: dict[str, bytes], name: str) -> None:
    case = PAYLOADS[name]
    entries = city.quarantined(f"city/150802/{case.domain}/{name}/reading")
    assert [reason for reason, _, _ in entries] == case.reasons
    assert all(detail and len(detail) <= 600 for _, _, detail in entries)
    assert sum(len(payload) for _, payload, _ in entries) <= 3 * len(sent[name]) + 60 * len(entries)
    assert {metric: value for metric, _, value, _ in city.readings(name)} == case.stored


def test_what_can_not_be_read_is_kept_to_the_byte(city: City, sent: dict[str, bytes]) -> None:
    for name in ("empty", "too-large", "invalid-utf8", "no-json", "a-number", "senml-and-plain", "object"):
        assert [payload for _, payload, _ in city.quarantined(f"city/150802/air/{name}/reading")] == [sent[name]]
    # Of the largest the beginning; the size says what is missing.
    [(kept, size)] = city.ask(
        "select length(payload), size from quarantine where topic = 'city/150802/air/three-megabytes/reading'"
    )
    assert (kept, size) == (2 * MB, 3 * MB)


def test_one_value_is_kept_as_a_message_of_its_own(city: City, sent: dict[str, bytes]) -> None:
    [(_, payload, detail)] = city.quarantined("city/150802/air/unknown-metric/reading")
    assert json.loads(payload) == {"time": json.loads(sent["unknown-metric"])["time"], "values": {"pm26": 1}}
    assert "pm26" in detail


def test_a_clock_a_minute_ahead_is_doubtful_and_never_the_newest(city: City, sent: dict[str, bytes]) -> None:
    [(_, _, _, quality)] = city.readings("61-s-ahead")
    assert Flag(quality) == Flag.AHEAD
    assert not city.ask("select from board_latest where device = '61-s-ahead'")
    city.publish("city/150802/air/61-s-ahead/reading", values('"pm25": 2', str(city.now_ms())))
    city.settle()
    assert city.ask("select value, quality from board_latest where device = '61-s-ahead'") == [(2, 0)]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: ascii(topic)[:40])
def test_topic(city: City, topic: str) -> None:
    city.publish(topic, b'{"values": {"pm25": 1}}')
    city.settle()
    assert [entry[:2] for entry in city.quarantined(topic)] == [(TOPICS[topic], b'{"values": {"pm25": 1}}')]


def test_topics_that_mqtt_forbids_never_reach_us_and_harm_nobody(city: City, collector: Collector) -> None:
    """The broker ends such a connection without an acknowledgement, so that nothing was promised."""
    before = city.count("select count(*) from quarantine")
    connect = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04evil"
    for topic in (
        b"city/\xff/air/a/reading",
        b"city/\x00/air/a/reading",
        b"city/\xed\xa0\x80/air/a/reading",
        b"city/#",
    ):
        body = len(topic).to_bytes(2, "big") + topic + b"\x00\x01" + b"{}"
        with socket.create_connection(("127.0.0.1", city.broker.port), timeout=10) as device:
            device.sendall(connect + b"\x32" + bytes([len(body)]) + body)
            answer = b"".join(iter(lambda: device.recv(100), b""))
        assert answer == b"\x20\x02\x00\x00"  # the greeting, and no acknowledgement
    city.settle()
    assert city.count("select count(*) from quarantine") == before
    assert collector.process.poll() is None


def test_status(city: City) -> None:
    def state(device: str) -> Any:
        return city.ask("select online from device where name = %s", device)

    for payload in (b"online", b"offline", b"online"):
        city.publish("city/150802/air/talker/status", payload)
    city.publish("city/150802/air/talker/status", b"ONLINE")
    city.publish("city/150802/air/quiet/status", b"offline", retain=True)
    city.settle()
    city.publish("city/150802/air/quiet/status", b"", retain=True)
    assert state("talker") == [(True,)]
    assert state("quiet") == [(False,)]
    assert city.quarantined("city/150802/air/talker/status")[0][:2] == ("invalid_status", b"ONLINE")


def test_the_same_again_is_a_duplicate_and_another_value_a_conflict(city: City) -> None:
    topic, now = "city/150802/air/repeats/reading", city.now_ms()
    for value in (5, 5, 5.0, 6, 5):
        city.publish(topic, values(f'"pm25": {value}', str(now)))
    city.publish(topic, b"[%s, %s]" % (values('"pm10": 1', str(now)), values('"pm10": 2', str(now))))
    city.settle()
    assert [(metric, value) for metric, _, value, _ in city.readings("repeats")] == [("pm10", 1), ("pm25", 5)]
    assert [(reason, json.loads(payload)["values"]) for reason, payload, _ in city.quarantined(topic)] == [
        ("conflict", {"pm25": 6}),
        ("conflict", {"pm10": 2}),
    ]
    [account] = city.ask(
        "select received, stored, duplicate, quarantined, revised from board_ledger where device = 'repeats'"
    )
    assert account == (7, 2, 3, 2, 0)


def test_another_value_is_a_revision_where_the_domain_says_so(city: City) -> None:
    topic, now = "city/150802/air/forecaster/reading", city.now_ms()
    for value in (80, 95, 95):
        city.publish(topic, values(f'"aqi_forecast_1d": {value}', str(now)))
        city.settle()
    [(_, _, value, quality)] = city.readings("forecaster")
    assert (value, bool(quality & Flag.REVISED)) == (95, True)
    assert not city.quarantined(topic)
    [account] = city.ask("select received, stored, duplicate, revised from board_ledger where device = 'forecaster'")
    assert account == (3, 2, 1, 1)


def test_the_last_of_several_revisions_counts_wherever_batches_are_cut(city: City) -> None:
    now = str(city.now_ms())
    forecasts = b", ".join(values(f'"aqi_forecast_1d": {value}', now) for value in (80, 95, 80))
    city.publish("city/150802/air/undecided/reading", b"[" + forecasts + b"]")
    city.settle()
    assert [value for _, _, value, _ in city.readings("undecided")] == [80]


def test_late_readings_are_stored_with_their_lag(city: City) -> None:
    now = city.now_ms()
    for ago_s, value in ((0, 1), (600, 2), (0.001, 3)):
        city.publish("city/150802/air/late/reading", values(f'"pm25": {value}', str(now - round(ago_s * 1000))))
    city.settle()
    assert [(value, Flag(quality)) for _, _, value, quality in city.readings("late")] == [
        (2, Flag.LATE),
        (3, Flag.LATE),
        (1, Flag(0)),
    ]
    [(lag,)] = city.ask(
        "select lag_s from board_reading join board_series using (series_id) where device = 'late' and value = 2"
    )
    assert 600 <= lag <= 630


def test_times_without_a_zone_are_the_citys(city: City) -> None:
    for device, written in (("zoned", "2026-01-05T08:00:00+08:00"), ("zoneless", "2026-01-05T08:00:00")):
        city.publish(f"city/150802/air/{device}/reading", values('"pm25": 1', f'"{written}"'))
    city.settle()
    assert city.readings("zoned")[0][1] == city.readings("zoneless")[0][1]


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_every_quality_of_service_is_taken(city: City, qos: int) -> None:
    for value in range(20):
        city.publish(f"city/150802/air/qos-{qos}/reading", values(f'"rain": {value}', str(city.now_ms())), qos=qos)
    city.settle()
    assert [value for _, _, value, _ in city.readings(f"qos-{qos}")] == list(range(20))


def test_without_a_time_each_message_has_its_own(city: City) -> None:
    for qos in (0, 1, 1):
        city.publish("city/150802/air/timeless/reading", b'{"values": {"rain": 1}}', qos=qos)
    before = time.time()
    city.publish("city/150802/air/timeless/reading", b'[{"n": "rain", "t": -60, "v": 2}, {"n": "rain", "v": 3}]')
    city.settle()
    readings = city.readings("timeless")
    assert [value for _, _, value, _ in readings] == [2, 1, 1, 1, 3]
    assert all(quality & Flag.NO_TIME for *_, quality in readings)
    assert readings[-1][1].timestamp() == pytest.approx(before, abs=5)
    assert (readings[-1][1] - readings[0][1]).total_seconds() == 60


def test_the_commands_of_mosquitto_work(city: City) -> None:
    program = city.broker.server.programs / "bin/mosquitto_pub"
    now = city.now_ms()
    for version in ("mqttv311", "mqttv5"):
        topic, payload = f"city/150802/air/{version}/reading", f'{{"time": {now}, "values": {{"pm25": 35}}}}'
        where = ["-p", str(city.broker.port), "-V", version, "-q", "1"]
        subprocess.run([program, *where, "-t", topic, "-m", payload], check=True)
    city.settle()
    assert [city.readings(version)[0][2] for version in ("mqttv311", "mqttv5")] == [35, 35]


def test_metrics_count_what_the_tables_hold(city: City, collector: Collector) -> None:
    city.settle()
    metrics = collector.metrics()
    reasons = Counter(dict(city.ask("select reason, count(*) from quarantine group by reason")))
    assert {reason for reason in Reason if reasons[reason]} >= {
        reason for case in PAYLOADS.values() for reason in case.reasons
    }
    for reason, number in reasons.items():
        assert metrics[f'citybrain_quarantined_total{{reason="{reason}"}}'] == number
    fates = ("stored", "duplicate", "quarantined", "revised")
    assert [tuple(metrics[f'citybrain_readings_total{{fate="{fate}"}}'] for fate in fates)] == city.ask(
        "select sum(stored), sum(duplicate), sum(quarantined), sum(revised) from ledger"
    )
    assert metrics["citybrain_doubtful_readings_total"] == city.count(
        "select count(*) from board_reading where not good"
    )
    assert metrics["citybrain_late_readings_total"] == city.count("select count(*) from reading where quality & 65 = 1")
    assert metrics["citybrain_mqtt_connected"] == 1


def test_the_ledger_adds_up(city: City, collector: Collector) -> None:
    city.settle()
    city.check_ledger()
    assert collector.process.poll() is None
    assert not collector.says("writer lost")


def test_no_secret_is_logged(city: City, collector: Collector) -> None:
    [(secret,)] = city.ask("select session_secret from installation")
    log = collector.log.read_text()
    assert not any(secret[start : start + 8] in log for start in range(len(secret) - 7))
