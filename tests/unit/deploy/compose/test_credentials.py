"""The files of secrets: random, kept, closed to all but their owner and the containers."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from citybrain.errors import Correctable
from deploy.compose import credentials

NOW = datetime(2026, 11, 22, tzinfo=UTC)
HOSTS = ["broker.example.org", "10.0.0.5"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_is_its_owners_and_containers_read_each_file(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    credentials.make(folder, HOSTS, NOW)
    assert mode(folder) == mode(folder / "tls") == 0o700
    closed = {path.name for path in folder.rglob("*") if path.is_file() and mode(path) != 0o444}
    assert closed == {"ca.crt", "ca.key"}
    assert mode(folder / "tls" / "ca.key") == 0o600  # no container gets it


def test_every_password_is_another_and_long(tmp_path: Path) -> None:
    made = credentials.make(tmp_path, HOSTS, NOW)
    texts = {(tmp_path / name).read_text() for name in made}
    assert len(texts) == len(made) == len(credentials.PASSWORDS + credentials.TOKENS)
    assert all(len(text) >= 40 and text == text.strip() for text in texts)


def test_addresses_hold_the_passwords_as_they_are(tmp_path: Path) -> None:
    credentials.make(tmp_path, HOSTS, NOW)
    for name, password in {
        "database_url": "database_password",
        "database_admin_url": "postgres_password",
        "mqtt_url": "mosquitto_password",
        "mqtt_admin_url": "mosquitto_admin_password",
    }.items():
        assert urlsplit((tmp_path / name).read_text()).password == (tmp_path / password).read_text()


def test_again_it_changes_nothing(tmp_path: Path) -> None:
    credentials.make(tmp_path, HOSTS, NOW)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert credentials.make(tmp_path, [], NOW) == []
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_password_whose_file_is_removed_becomes_another_one_everywhere(tmp_path: Path) -> None:
    credentials.make(tmp_path, HOSTS, NOW)
    old = (tmp_path / "database_password").read_text()
    (tmp_path / "database_password").unlink()
    assert credentials.make(tmp_path, [], NOW) == ["database_password"]
    assert old not in (tmp_path / "database_url").read_text()


def test_a_password_of_ones_own_may_end_with_a_newline(tmp_path: Path) -> None:
    (tmp_path / "database_password").write_text("chosen\n")
    credentials.make(tmp_path, HOSTS, NOW)
    assert (tmp_path / "database_url").read_text() == "postgresql://citybrain:chosen@timescaledb:5432/citybrain"


def test_the_cities_own_certificate_stays(tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    for name in ("server.crt", "server.key"):
        (tmp_path / "tls" / name).write_text("the city's")
    credentials.make(tmp_path, [], NOW)
    assert (tmp_path / "tls/server.crt").read_text() == "the city's"
    assert mode(tmp_path / "tls/server.key") == 0o444


def test_without_a_certificate_it_asks_for_a_host_and_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(Correctable, match="give --host"):
        credentials.make(tmp_path, [], NOW)
    assert list(tmp_path.iterdir()) == []
