"""What the catalogue lacks: policies, the limit for strangers, a catalogue that changes; quarantine and sessions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from citybrain.settings import PROJECT

if TYPE_CHECKING:
    from tests.integration.ingest.conftest import City

SITE = """
sites:
  air-new:
    title: {zh: 新站, en: New station}
    region: 150802
    domain: air
    kind: station
    longitude: 107.4
    latitude: 40.7
    devices:
      newcomer: {}
"""


def reading(city: City, text: str) -> str:
    return f'{{"time": {city.now_ms()}, "values": {{{text}}}}}'


def test_a_device_that_is_listed_later_gets_its_quarantine_replayed(city: City, tmp_path: Path) -> None:
    collector = city.collect(unknown_device="quarantine").wait_until_connected()
    known, unknown = (f"city/150802/air/{name}/reading" for name in ("air-dongsi", "newcomer"))
    city.publish(unknown, reading(city, '"pm25": 35'))
    city.publish(unknown.replace("reading", "status"), b"online")
    city.publish(known, reading(city, '"pm25": 36'))
    city.wait_until(lambda: city.stored("air-dongsi") == 1, "the known device stored")
    assert [reason for reason, _, _ in city.quarantined(unknown)] == ["unknown_device"]
    assert not city.ask("select from device where name = 'newcomer'")

    for folder in ("regions", "domains", "sites"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    (tmp_path / "sites/new.yaml").write_text(SITE)
    migrated = city.run("db", "migrate", catalogue_dir=tmp_path)
    assert migrated.returncode == 0, migrated.stderr
    collector.wait_for("catalogue changed, reading it again")

    replayed = city.run("quarantine", "replay", "--reason", "unknown_device")
    assert (replayed.returncode, replayed.stdout) == (0, "2 entries replayed.\n")
    city.wait_until(lambda: city.stored("newcomer") == 1, "the new device stored")
    assert city.ask("select verified, online from device where name = 'newcomer'") == [(True, True)]
    assert city.run("quarantine", "replay").stdout == "0 entries replayed.\n"
    city.check_ledger()


def test_quarantine_is_not_replayed_to_nobody(city: City) -> None:
    """A collector of one region does not hear wrong topics: what was replayed now would be gone."""
    city.collect().wait_until_connected()
    city.publish("city/nowhere", b"?")
    city.settle()
    assert city.collectors[-1].stop() == 0
    city.forget("city")
    done = city.run("quarantine", "replay")
    assert done.returncode == 1
    assert "no collector has subscribed" in done.stderr
    city.collect().wait_until_connected()
    assert city.run("quarantine", "replay").stdout == "1 entries replayed.\n"
    city.settle()
    assert [reason for reason, _, _ in city.quarantined("city/nowhere")] == ["wrong_topic"] * 2
    assert "city/nowhere" in city.run("quarantine", "list", "--reason", "wrong_topic").stdout


def test_unknown_metrics_are_registered_where_the_policy_says_so(city: City) -> None:
    city.collect(unknown_metric="register").wait_until_connected()
    city.publish("city/150802/air/air-dongsi/reading", reading(city, '"radon": 40.5, "\\u202e": 1, "": 2'))
    city.settle()
    assert [(metric, value) for metric, _, value, _ in city.readings("air-dongsi")] == [("radon", 40.5)]
    assert city.ask("select verified from board_series where metric = 'radon'") == [(False,)]
    assert [reason for reason, _, _ in city.quarantined("city/150802/air/air-dongsi/reading")] == ["unknown_metric"] * 2
    city.check_ledger()


def test_a_flood_of_strangers_takes_nothing_from_those_who_are_listed(city: City) -> None:
    city.collect(unverified_limit=10).wait_until_connected()
    city.settle()
    for number in range(50):
        stranger = f"city/150802/air/stranger-{number}"
        city.publish(f"{stranger}/status", b"online")
        city.publish(f"{stranger}/reading", reading(city, '"nonsense": 1'))
        city.publish(f"{stranger}/reading", reading(city, '"pm25": 1, "pm10": 2, "so2": 3'))
    city.publish("city/150802/air/air-dongsi/reading", reading(city, '"pm25": 35, "pm10": 40, "radon": 1'))
    city.settle()
    assert city.count("select count(*) from device where not verified") == 10
    assert city.count("select count(*) from board_series where not verified") == 10
    assert city.count("select count(*) from quarantine where reason = 'too_many_unknown'") > 100
    assert [value for *_, value, _ in city.readings("air-dongsi")] == [40, 35]
    city.check_ledger()


def test_a_session_in_use_is_not_forgotten(city: City) -> None:
    collector = city.collect().wait_until_connected()
    refused = city.run("sessions", "forget", "city")
    assert refused.returncode == 1
    assert "stop it first" in refused.stderr
    city.settle()
    assert collector.stop() == 0
    # What is published now waits in the session, and goes with it.
    city.publish("city/150802/air/lost/reading", reading(city, '"pm25": 1'))
    assert "city" in city.run("sessions", "list").stdout
    assert city.run("sessions", "forget", "city").returncode == 0
    collector = city.collect().wait_until_connected()
    city.settle()
    assert '"session_present": false' in collector.log.read_text()
    assert not collector.says("session lost")  # it was forgotten on purpose
    assert city.stored("lost") == 0
