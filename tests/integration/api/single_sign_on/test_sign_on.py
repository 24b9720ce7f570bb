"""To the city's single sign-on and back: who gets in, and who does not."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

CALLBACK = "/api/v1/session/sign-on/callback"


class Town(Protocol):
    issuer: str
    administrator: httpx.Client

    def person(self, name: str) -> str: ...
    def browser(self) -> httpx.Client: ...
    def begin(self, browser: httpx.Client, lang: str = "zh") -> str: ...
    def at_the_provider(self, browser: httpx.Client, address: str, login: str) -> str: ...
    def execute(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]: ...


@pytest.fixture
def name() -> str:
    return f"p-{uuid4().hex[:12]}"


def come_back(town: Town, login: str, lang: str = "zh") -> tuple[httpx.Client, httpx.Response]:
    """A browser that went the whole way, and the answer that it came back to."""
    browser = town.browser()
    return browser, browser.get(town.at_the_provider(browser, town.begin(browser, lang), login))


def test_who_was_added_signs_on_and_is_bound_to_the_account(town: Town, name: str) -> None:
    town.person(name)

    browser, answer = come_back(town, name, "en")

    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=en")
    assert browser.get("/api/v1/session").json()["name"] == name
    assert town.execute("select issuer, subject from person where name = %s", name) == [(town.issuer, name)]
    assert town.execute("select action from audit where actor = %s", name) == [("session.sign_on",)]
    browser, answer = come_back(town, name)
    assert answer.headers["location"] == "/"
    assert browser.get("/api/v1/session").status_code == 200


def test_another_account_with_the_same_name_is_not_the_person(town: Town, name: str) -> None:
    come_back(town, town.person(name))

    browser, answer = come_back(town, f"{name}@elsewhere")

    assert answer.headers["location"] == "/?sign_on=unknown"
    assert browser.get("/api/v1/session").status_code == 401


def test_a_person_keeps_the_account_when_the_name_here_is_another(town: Town, name: str) -> None:
    come_back(town, town.person(name))
    town.execute("update person set name = 'was-' || name where name = %s", name)

    browser, _ = come_back(town, name)

    assert browser.get("/api/v1/session").json()["name"] == f"was-{name}"


@pytest.mark.parametrize("why", ["nobody", "password", "inactive"])
def test_who_was_not_added_for_it_stays_outside(town: Town, name: str, why: str) -> None:
    if why != "nobody":
        town.person(name)
    if why == "password":  # the account of the provider must not take over a person with a password
        town.execute("update person set password_hash = 'x' where name = %s", name)
    if why == "inactive":
        town.execute("update person set active = false where name = %s", name)

    browser, answer = come_back(town, name)

    assert answer.headers["location"] == "/?sign_on=unknown"
    assert browser.get("/api/v1/session").status_code == 401
    assert town.execute("select 1 from person where name = %s and subject is not null", name) == []


def test_what_goes_out_is_new_each_time_and_says_no_secret(town: Town) -> None:
    first, second = (urlsplit(town.begin(town.browser())) for _ in range(2))
    asked, other = parse_qs(first.query), parse_qs(second.query)

    assert f"{first.scheme}://{first.netloc}" == town.issuer
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid profile"]
    assert asked["redirect_uri"] == [f"https://citybrain.test{CALLBACK}"]
    for new in ("state", "nonce", "code_challenge"):
        assert asked[new] != other[new]
    assert not {"code_verifier", "client_secret"} & set(asked)


def test_the_cookie_of_a_sign_on_goes_nowhere_else_and_ends_soon(town: Town) -> None:
    answer = town.browser().get("/api/v1/session/sign-on")

    morsel = SimpleCookie(answer.headers["set-cookie"])["citybrain_sign_on"]
    assert morsel["httponly"] is True
    assert morsel["samesite"].lower() == "lax", "strict: it would not come along from the provider"
    assert morsel["path"] == "/api/v1/session/sign-on"
    assert morsel["max-age"] == "600"


def test_a_code_of_another_browser_is_refused(town: Town, name: str) -> None:
    """An attacker has the victim's browser end a sign-on that the attacker began."""
    attacker, victim = town.browser(), town.browser()
    stolen = town.at_the_provider(attacker, town.begin(attacker), town.person(name))
    town.begin(victim)

    for browser in (victim, town.browser()):
        answer = browser.get(stolen)
        assert answer.headers["location"] == "/?sign_on=refused"
        assert browser.get("/api/v1/session").status_code == 401


def test_a_code_is_good_once(town: Town, name: str) -> None:
    browser = town.browser()
    back = town.at_the_provider(browser, town.begin(browser), town.person(name))
    cookie = browser.cookies["citybrain_sign_on"]
    assert browser.get(back).headers["location"] == "/"

    again = town.browser().get(back, headers={"Cookie": f"citybrain_sign_on={cookie}"})

    assert again.headers["location"] == "/?sign_on=refused"


def test_a_code_without_its_verifier_or_of_another_nonce_is_refused(town: Town, name: str) -> None:
    browser, other = town.browser(), town.browser()
    back = town.at_the_provider(browser, town.begin(browser), town.person(name))
    state = parse_qs(urlsplit(town.begin(other)).query)["state"][0]
    code = parse_qs(urlsplit(back).query)["code"][0]

    answer = other.get(CALLBACK, params={"code": code, "state": state})

    assert answer.headers["location"] == "/?sign_on=refused"


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"code": "x"},
        {"state": "x", "code": "x"},
        {"error": "access_denied"},
        {"state": "ü\r\nSet-Cookie: a=b", "code": "x"},
        {"iss": "https://elsewhere.example", "code": "x"},
    ],
    ids=str,
)
def test_whatever_comes_back_leads_to_our_own_page(town: Town, parameters: dict[str, str]) -> None:
    browser = town.browser()
    state = parse_qs(urlsplit(town.begin(browser)).query)["state"][0]

    for sent in (parameters, {"state": state, **parameters}):
        answer = browser.get(CALLBACK, params=sent)
        assert (answer.status_code, answer.headers["location"]) == (303, "/?sign_on=refused")
        assert "citybrain_session" not in answer.headers["set-cookie"]


def test_nobody_is_led_elsewhere(town: Town) -> None:
    answer = town.browser().get(
        "/api/v1/session/sign-on", params={"next": "https://elsewhere.example", "lang": "//elsewhere.example"}
    )

    assert answer.status_code == 422


def test_a_session_that_was_there_before_is_over(town: Town, name: str) -> None:
    town.person(name)
    first, _ = come_back(town, name)
    before = first.cookies["citybrain_session"]

    first.get(town.at_the_provider(first, town.begin(first), name))

    assert first.cookies["citybrain_session"] != before
    old = town.browser().get("/api/v1/session", headers={"Cookie": f"citybrain_session={before}"})
    assert old.status_code == 401


def test_the_page_learns_that_there_is_one(town: Town) -> None:
    assert town.browser().get("/api/v1/session/options").json()["single_sign_on"] is True
