"""Settings come from the environment, then from files of secrets, and tell no secret when they are wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from citybrain import settings as module
from citybrain.settings import SettingsError, settings

URL = "postgresql://citybrain:s3cret@db/citybrain"

Write = Callable[[str, str], Path]


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a secret where systemd would."""
    for name in os.environ:
        if name.startswith("CITYBRAIN_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    settings.cache_clear()

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    yield write
    settings.cache_clear()


def test_a_file_gives_a_setting_without_the_newline_at_its_end(secret: Write) -> None:
    secret("citybrain_database_url", URL + "\n")
    assert settings().database_url == URL


def test_containers_have_their_secrets_elsewhere(
    secret: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret("citybrain_database_url", URL)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    monkeypatch.setattr(module, "CONTAINER_SECRETS", tmp_path)
    assert settings().database_url == URL


def test_no_folder_of_secrets_is_no_mistake(secret: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "nowhere"))
    assert settings().database_url == ""


def test_the_environment_wins(secret: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    secret("citybrain_http_port", "9000")
    monkeypatch.setenv("CITYBRAIN_HTTP_PORT", "9001")
    assert settings().http_port == 9001


@pytest.mark.parametrize(
    ("name", "value"),
    [("database_url", "mysql://citybrain:s3cret@db"), ("http_port", "s3cret"), ("log_level", "s3cret")],
)
def test_what_is_in_a_file_is_not_shown_when_it_is_wrong(secret: Write, name: str, value: str) -> None:
    secret(f"citybrain_{name}", value)
    with pytest.raises(SettingsError, match=f"CITYBRAIN_{name.upper()} is set: ") as raised:
        settings()
    assert "s3cret" not in str(raised.value)


def test_what_is_in_the_environment_is_shown(secret: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYBRAIN_HTTP_PORT", "many")
    with pytest.raises(SettingsError, match="CITYBRAIN_HTTP_PORT is 'many': "):
        settings()


def test_a_folder_in_a_secrets_place_stops_the_start(secret: Write, tmp_path: Path) -> None:
    (tmp_path / "citybrain_database_url").mkdir()  # what an engine mounts when the file is missing
    with pytest.raises(SettingsError, match="found a directory instead"):
        settings()


def test_a_secret_that_is_no_text_stops_the_start(secret: Write) -> None:
    secret("citybrain_database_url", "").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="files of UTF-8 text"):
        settings()


def test_a_secret_that_is_not_ours_to_read_stops_the_start(secret: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = secret("citybrain_database_url", URL)
    path.chmod(0)

    def refused(self: Path, *_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied", str(self))

    if os.geteuid() == 0:  # root reads everything
        monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(SettingsError, match=r"Permission denied.*citybrain_database_url"):
        settings()
