"""Signing in and out: who gets in, for how long, and what nobody learns."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any, Protocol

import httpx
import pytest
from argon2 import PasswordHasher

PASSWORD = "a sentence is easy to remember"


class Town(Protocol):
    database_url: str
    administrator: httpx.Client

    def person(self, role: str = "viewer", **scope: Any) -> str: ...
    def browser(self, **headers: str) -> httpx.Client: ...
    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Client: ...
    def execute(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]: ...


def attempt(browser: httpx.Client, name: str, password: str = "wrong") -> httpx.Response:
    return browser.post("/api/v1/session", json={"name": name, "password": password})


def test_who_signs_in_is_known_until_they_sign_out(town: Town) -> None:
    name = town.person("operator", regions=["150802"], domains=["water"], title="李娜", crew="crew-1")
    browser = town.sign_in(name)

    me = browser.get("/api/v1/session").json()
    copied = f"citybrain_session={browser.cookies['citybrain_session']}"

    assert {**me, "expires_at": None, "now": None, "event": None} == {
        "kind": "person",
        "name": name,
        "title": "李娜",
        "role": "operator",
        "place": {"zh": "临河区", "en": "Linhe District"},
        "regions": [{"id": "150802", "title": {"zh": "临河区", "en": "Linhe District"}}],
        "domains": [{"id": "water", "title": {"zh": "供水", "en": "Water supply"}}],
        "crew": "crew-1",
        "expires_at": None,
        "now": None,
        "time_zone": "Asia/Shanghai",
        "grafana": None,
        "event": None,
    }
    assert abs(datetime.fromisoformat(me["now"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert me["event"] == 0, "no alert was ever raised"
    lasts = datetime.fromisoformat(me["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=11.9) < lasts <= timedelta(hours=12)
    assert browser.delete("/api/v1/session").json() == {"ended": True}
    assert not browser.cookies
    assert town.browser(Cookie=copied).get("/api/v1/session").status_code == 401, "a copy is good for nothing"


def test_a_name_may_be_typed_as_people_type_it(town: Town) -> None:
    name = town.person()

    assert attempt(town.browser(), f" {name.upper()} ", PASSWORD).status_code == 200


@pytest.mark.parametrize("secure", [False, True])
def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(town: Town, secure: bool) -> None:
    browser = town.browser(**({"X-Forwarded-Proto": "https"} if secure else {}))

    answer = attempt(browser, town.person(), PASSWORD)

    morsel = SimpleCookie(answer.headers["set-cookie"])["citybrain_session"]
    assert morsel["httponly"] is True
    assert morsel["samesite"].lower() == "lax"
    assert morsel["path"] == "/"
    assert morsel["max-age"] == "43200"
    assert morsel["domain"] == ""
    assert bool(morsel["secure"]) is secure
    assert len(morsel.value) >= 43


def test_a_session_that_was_there_before_is_not_taken_over(town: Town) -> None:
    attacker, victim = town.person(), town.person()
    planted = town.sign_in(attacker).cookies["citybrain_session"]
    browser = town.browser()

    browser.post(
        "/api/v1/session",
        json={"name": victim, "password": PASSWORD},
        headers={"Cookie": f"citybrain_session={planted}"},
    )

    assert browser.cookies["citybrain_session"] != planted
    assert browser.get("/api/v1/session").json()["name"] == victim
    old = town.browser().get("/api/v1/session", headers={"Cookie": f"citybrain_session={planted}"})
    assert old.status_code == 401


def test_only_its_digest_is_stored(town: Town) -> None:
    browser = town.sign_in(town.person())
    secret = browser.cookies["citybrain_session"]

    (found,) = town.execute("select hash from session where hash = sha256(%s)", secret.encode())
    assert len(found[0]) == 32
    assert not town.execute("select 1 from session s where s::text like %s", f"%{secret}%")


def test_a_session_ends_when_its_time_comes(town: Town) -> None:
    browser = town.sign_in(town.person())
    digest = browser.cookies["citybrain_session"].encode()

    town.execute("update session set expires_at = now() - interval '1 s' where hash = sha256(%s)", digest)

    assert browser.get("/api/v1/session").status_code == 401


def test_nobody_learns_who_is_known_here(town: Town) -> None:
    browser = town.browser()
    known, locked, inactive, sign_on = (town.person() for _ in range(4))
    town.execute("update person set locked_until = now() + interval '1 h' where name = %s", locked)
    town.execute("update person set active = false where name = %s", inactive)
    town.execute("update person set password_hash = null where name = %s", sign_on)
    tries = [(known, "wrong"), ("nobody", "wrong"), (locked, PASSWORD), (inactive, PASSWORD), (sign_on, PASSWORD)]

    answers = [attempt(browser, *one) for one in tries]

    told = {(answer.status_code, answer.json()["detail"], answer.json()["type"]) for answer in answers}
    assert len(told) == 1
    assert told.pop()[0] == 401
    assert all("set-cookie" not in answer.headers for answer in answers)


def test_an_unknown_name_takes_as_long_as_a_wrong_password(town: Town) -> None:
    browser = town.browser()
    known = [town.person() for _ in range(7)]
    attempt(browser, known[0])

    def took(name: str) -> float:
        began = time.perf_counter()
        assert attempt(browser, name).status_code == 401
        return time.perf_counter() - began

    pairs = [(took(name), took(f"no-{name}")) for name in known]

    wrong, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert unknown > 0.5 * wrong, "hashing takes nearly all of it, and neither goes without"
    assert wrong > 0.5 * unknown


def test_five_wrong_passwords_lock_for_a_quarter_of_an_hour(town: Town) -> None:
    browser, name = town.browser(), town.person()

    for _ in range(5):
        attempt(browser, name)

    assert attempt(browser, name, PASSWORD).status_code == 401
    ((left,),) = town.execute("select locked_until - now() from person where name = %s", name)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    actions = town.execute("select action from audit where target = %s order by id", f"person {name}")
    assert [action for (action,) in actions] == ["session.refuse"] * 4 + ["session.lock"]

    town.execute("update person set locked_until = now() where name = %s", name)
    assert attempt(browser, name).status_code == 401
    assert attempt(browser, name, PASSWORD).status_code == 200, "after a lock the count begins anew"
    assert town.execute("select failures, locked_until from person where name = %s", name) == [(0, None)]


def test_the_right_password_forgets_the_wrong_ones_before_it(town: Town) -> None:
    browser, name = town.browser(), town.person()

    for _ in range(2):
        for _ in range(4):
            assert attempt(browser, name).status_code == 401
        assert attempt(browser, name, PASSWORD).status_code == 200


def test_tries_at_the_same_moment_are_no_more_than_five(town: Town) -> None:
    name = town.person()
    with ThreadPoolExecutor(16) as pool:
        browsers = [town.browser() for _ in range(16)]
        answers = list(pool.map(lambda browser: attempt(browser, name), browsers))

    assert {answer.status_code for answer in answers} == {401}
    looked_at = town.execute(
        "select count(*) from audit where target = %s and action in ('session.refuse', 'session.lock')",
        f"person {name}",
    )
    assert looked_at == [(5,)]
    assert attempt(town.browser(), name, PASSWORD).status_code == 401


def test_another_site_can_not_sign_in(town: Town) -> None:
    name = town.person()
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        answer = attempt(town.browser(**headers), name, PASSWORD)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_another_site_can_not_act_with_a_session(town: Town) -> None:
    browser = town.sign_in(town.person())
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "same-site"}):
        assert browser.delete("/api/v1/session", headers=headers).status_code == 403
    own = {"Origin": str(browser.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert browser.delete("/api/v1/session", headers=own).status_code == 200


def test_a_form_of_another_site_is_not_understood(town: Town) -> None:
    body = '{"name": "a", "password": "b"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = town.browser().post("/api/v1/session", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 422


def test_another_password_ends_all_other_sessions(town: Town) -> None:
    name = town.person()
    browser, other = town.sign_in(name), town.sign_in(name)

    answer = browser.put("/api/v1/session/password", json={"present": PASSWORD, "new": "another sentence to remember"})

    assert answer.status_code == 200
    assert browser.get("/api/v1/session").status_code == 200
    assert other.get("/api/v1/session").status_code == 401
    assert attempt(town.browser(), name, PASSWORD).status_code == 401
    assert attempt(town.browser(), name, "another sentence to remember").status_code == 200


@pytest.mark.parametrize(
    ("new", "why"),
    [("eleven char", "too short"), ("password1234", "first that anybody"), ("密" * 342, "too long")],
)
def test_a_password_that_is_guessed_is_refused(town: Town, new: str, why: str) -> None:
    browser = town.sign_in(town.person())

    answer = browser.put("/api/v1/session/password", json={"present": PASSWORD, "new": new})

    assert answer.status_code == 422
    assert why in answer.json()["detail"]
    assert new not in answer.text


def test_a_stolen_session_can_not_guess_the_password(town: Town) -> None:
    browser = town.sign_in(name := town.person())
    new = "another sentence to remember"
    for _ in range(5):
        answer = browser.put("/api/v1/session/password", json={"present": "a guess", "new": new})
        assert answer.status_code == 403

    assert browser.put("/api/v1/session/password", json={"present": PASSWORD, "new": new}).status_code == 403
    assert town.execute("select locked_until > now() from person where name = %s", name) == [(True,)]


def test_a_hash_of_other_days_is_made_anew(town: Town) -> None:
    name = town.person()
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    town.execute("update person set password_hash = %s where name = %s", weak, name)

    town.sign_in(name)

    ((stored,),) = town.execute("select password_hash from person where name = %s", name)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    town.sign_in(name)


def test_own_sessions_are_listed_and_ended_one_by_one(town: Town) -> None:
    name = town.person()
    browser, other = town.sign_in(name), town.sign_in(name)
    stranger = town.sign_in(town.person())

    first = browser.get("/api/v1/sessions", params={"limit": 1}).json()
    rest = browser.get("/api/v1/sessions", params={"cursor": first["next"]}).json()
    entries = first["items"] + rest["items"]

    assert [entry["present"] for entry in entries] == [False, True], "the newest first"
    assert rest["next"] is None
    gone = f"/api/v1/sessions/{entries[0]['id']}"
    assert stranger.delete(gone).status_code == 404
    assert browser.delete(gone).status_code == 200
    assert other.get("/api/v1/session").status_code == 401
    assert browser.delete(gone).status_code == 404


def test_a_token_has_no_session(town: Town) -> None:
    assert town.administrator.get("/api/v1/session").json()["kind"] == "token"
    assert town.administrator.get("/api/v1/sessions").status_code == 403
    assert town.administrator.delete("/api/v1/session").status_code == 403


def test_whoever_asks_learns_how_to_sign_in(town: Town) -> None:
    assert town.browser().get("/api/v1/session/options").json() == {"password": True, "single_sign_on": False}
    assert town.browser().get("/api/v1/session/sign-on", follow_redirects=False).status_code == 404


def test_a_name_is_never_more_than_text(town: Town) -> None:
    for name in ("x\r\nSet-Cookie: a=b", "'; drop table person; --", "a" * 64, "李娜", ""):
        answer = attempt(town.browser(), name, PASSWORD)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
    assert attempt(town.browser(), "a\0b").status_code == 422
    assert attempt(town.browser(), "a" * 65).status_code == 422


def test_no_secret_is_in_the_audit(town: Town) -> None:
    name = town.person()
    attempt(town.browser(), "my secret password in the wrong field", "wrong password 123")
    attempt(town.browser(), name, "wrong password 123")
    browser = town.sign_in(name)
    secrets = [PASSWORD, "my secret", "wrong password", browser.cookies["citybrain_session"]]

    everything = str(town.execute("select audit::text from audit"))

    assert f"person {name}" in everything
    assert not [secret for secret in secrets if secret in everything]
