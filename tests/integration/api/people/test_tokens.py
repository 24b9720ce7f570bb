"""Tokens of systems: made within one's own scope, told once, good until they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

import httpx
import pytest

PASSWORD = "a sentence is easy to remember"
TOKENS = "/api/v1/tokens"


class Town(Protocol):
    database_url: str
    administrator: httpx.Client

    def person(self, role: str = "viewer", **scope: Any) -> str: ...
    def browser(self, **headers: str) -> httpx.Client: ...
    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Client: ...
    def execute(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]: ...


def make(client: httpx.Client, **fields: Any) -> httpx.Response:
    return client.post(TOKENS, json={"name": f"t-{uuid4().hex[:12]}", "role": "viewer", **fields})


def test_a_token_is_told_once_and_opens_the_door(town: Town) -> None:
    made = make(town.administrator, regions=["150802"]).json()

    assert made["secret"].startswith("cbt_")
    me = town.browser(Authorization=f"Bearer {made['secret']}").get("/api/v1/session").json()
    assert (me["kind"], me["name"], me["role"]) == ("token", made["token"]["name"], "viewer")
    lasts = datetime.fromisoformat(made["token"]["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=364) < lasts <= timedelta(days=365)
    assert made["secret"] not in town.administrator.get(TOKENS).text
    assert not town.execute("select 1 from token t where t::text like %s", f"%{made['secret']}%")
    assert made["secret"] not in str(town.execute("select audit::text from audit"))


def test_a_token_that_is_revoked_is_good_for_nothing(town: Town) -> None:
    made = make(town.administrator).json()
    system = town.browser(Authorization=f"Bearer {made['secret']}")
    before = datetime.now(UTC).date()
    assert system.get("/api/v1/session").status_code == 200
    after = datetime.now(UTC).date()

    first = town.administrator.delete(f"{TOKENS}/{made['token']['id']}")
    again = town.administrator.delete(f"{TOKENS}/{made['token']['id']}")

    assert first.status_code == again.status_code == 200
    assert again.json()["revoked_at"] == first.json()["revoked_at"] is not None
    assert again.json()["used_on"] in (before.isoformat(), after.isoformat())
    assert system.get("/api/v1/session").status_code == 401


def test_a_token_that_is_over_is_good_for_nothing(town: Town) -> None:
    made = make(town.administrator).json()
    town.execute("update token set expires_at = now() where id = %s", made["token"]["id"])

    assert town.browser(Authorization=f"Bearer {made['secret']}").get("/api/v1/session").status_code == 401
    over = town.administrator.get(TOKENS, params={"valid": False, "limit": 1000}).json()["items"]
    assert made["token"]["id"] in [token["id"] for token in over]


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer cbt_{forged}",
        "Bearer {other_prefix}",
        "Bearer {cut}",
        "Bearer {more}",
        "Bearer",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        "Basic {secret}",
        "Token {secret}",
        "{secret}",
    ],
)
def test_what_is_not_a_token_opens_nothing(town: Town, authorization: str) -> None:
    secret = make(town.administrator).json()["secret"]
    words = {
        "secret": secret,
        "forged": "x" * 43,
        "other_prefix": secret.replace("cbt_", "cbs_"),
        "cut": secret[:-1],
        "more": secret + "x",
    }

    answer = town.browser(Authorization=authorization.format(**words)).get("/api/v1/session")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert secret not in answer.text


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        (timedelta(seconds=-1), 422),
        (timedelta(minutes=1), 201),
        (timedelta(days=3 * 365 - 1), 201),
        (timedelta(days=3 * 365 + 1), 422),
    ],
    ids=str,
)
def test_a_token_has_an_end_within_three_years(town: Town, ends: timedelta, status: int) -> None:
    assert make(town.administrator, expires_at=(datetime.now(UTC) + ends).isoformat()).status_code == status


def test_an_end_needs_a_zone(town: Town) -> None:
    assert make(town.administrator, expires_at="2027-01-01T00:00:00").status_code == 422


def test_an_administrator_of_a_city_makes_and_sees_tokens_of_it_only(town: Town) -> None:
    bayannur = town.sign_in(town.person("administrator", regions=["150800"], domains=["water"]))
    wide = make(town.administrator).json()["token"]
    own = make(bayannur, role="administrator", regions=["150802"], domains=["water"])

    assert own.status_code == 201
    assert make(bayannur, regions=["150802"]).status_code == 403
    assert make(bayannur, domains=["water"]).status_code == 403
    assert make(bayannur, regions=["150102"], domains=["water"]).status_code == 403
    listed = [token["id"] for token in bayannur.get(TOKENS, params={"limit": 1000}).json()["items"]]
    assert own.json()["token"]["id"] in listed
    assert wide["id"] not in listed
    assert bayannur.delete(f"{TOKENS}/{wide['id']}").status_code == 404
    assert bayannur.delete(f"{TOKENS}/2147483647").status_code == 404


def test_names_are_taken_once(town: Town) -> None:
    name = make(town.administrator).json()["token"]["name"]

    assert make(town.administrator, name=name).status_code == 409
    assert make(town.administrator, name="Not A Name").status_code == 422
    assert make(town.administrator, regions=["atlantis"]).status_code == 422


def test_nobody_below_an_administrator_makes_tokens(town: Town) -> None:
    engineer = town.sign_in(town.person("engineer"))

    assert make(engineer).status_code == 403
    assert engineer.get(TOKENS).status_code == 403
