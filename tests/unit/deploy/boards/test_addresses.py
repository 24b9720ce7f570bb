"""Where a city's Grafana is, and what it reaches: checked before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from citybrain.settings import Settings
from deploy.boards.addresses import Unaddressed, addressed, grafana, secret
from deploy.boards.model import Bundle, ContactPoint, Source

DATABASE = Bundle((), (Source("citybrain-postgres", {"type": "grafana-postgresql-datasource"}),), (), ())


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("glsa_1\n")
    return file


@pytest.mark.parametrize("url", ["https://grafana.example.org/board", "http://127.0.0.1:3000", "http://[::1]:3000"])
def test_a_token_goes_over_tls_or_stays_on_the_machine(url: str, token: Path) -> None:
    assert grafana(Settings(grafana_url=url + "/", grafana_token_file=token)) == (url, "glsa_1")


def test_a_token_goes_nowhere_else_unless_that_is_said(token: Path) -> None:
    plain = Settings(grafana_url="http://grafana:3000", grafana_token_file=token)
    with pytest.raises(Unaddressed, match="the token would go there without TLS"):
        grafana(plain)
    assert grafana(plain.model_copy(update={"grafana_plain_http": True}))[0] == "http://grafana:3000"


def test_no_address_is_a_sentence() -> None:
    with pytest.raises(Unaddressed, match="Set CITYBRAIN_GRAFANA_URL"):
        grafana(Settings())


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (None, "which can't be read: No such file"),
        (b"", "holds no secret"),
        (b"a\nb", "no secret"),
        ("令".encode(), "no secret"),
    ],
)
def test_a_file_that_holds_no_secret_is_a_sentence(tmp_path: Path, held: bytes | None, said: str) -> None:
    file = tmp_path / "secret"
    if held is not None:
        file.write_bytes(held)
    with pytest.raises(Unaddressed, match=f"CITYBRAIN_X is .*{said}"):
        secret(file, "CITYBRAIN_X")


@pytest.mark.parametrize(
    ("url", "host", "user", "database"),
    [
        ("postgresql://grafana@db/city", "db:5432", "grafana", "city"),
        ("postgresql://gra%40fana@[::1]:6432/city", "[::1]:6432", "gra@fana", "city"),
    ],
)
def test_the_database_as_grafana_reaches_it(url: str, host: str, user: str, database: str, token: Path) -> None:
    chosen = Settings(grafana_database_url=url, grafana_database_password_file=token)
    ((_, document),) = addressed(DATABASE, chosen, set()).sources

    assert (document["url"], document["user"], document["jsonData"]) == (host, user, {"database": database})


@pytest.mark.parametrize(
    ("contact", "way"),
    [
        ("mailto:a@example.org", {"type": "email", "settings": {"addresses": "a@example.org"}}),
        ("mailto:a@x.org,b@x.org", {"type": "email", "settings": {"addresses": "a@x.org;b@x.org"}}),
        ("https://h.org/1", {"type": "webhook", "settings": {"url": "https://h.org/1", "httpMethod": "POST"}}),
    ],
)
def test_whom_grafana_tells(contact: str, way: dict[str, object]) -> None:
    bundle = Bundle((), (), (), (ContactPoint("citybrain-duty", {"name": "duty"}),))
    ((_, document),) = addressed(bundle, Settings(grafana_contact_url=contact), set()).contact_points

    assert document == {"name": "duty", **way}
    assert addressed(bundle, Settings(), set()).contact_points == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("grafana_url", "grafana.example.org"),
        ("grafana_url", "https://admin:admin@grafana.example.org"),
        ("grafana_url", "https://grafana.example.org?verify=false"),
        ("grafana_database_url", "postgresql://grafana:secret@db/city"),
        ("grafana_database_url", "postgresql://db/city"),
        ("grafana_contact_url", "mailto:nobody"),
        ("grafana_contact_url", "http://hooks.example.org"),
    ],
)
def test_an_address_that_cant_be_is_refused_at_start(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        Settings(**{name: value})
