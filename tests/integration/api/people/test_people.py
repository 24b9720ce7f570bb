"""Administrators manage people within their own scope, and nobody locks the door behind everybody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from uuid import uuid4

import httpx
import pytest

PASSWORD = "a sentence is easy to remember"
PEOPLE = "/api/v1/people"


class Town(Protocol):
    database_url: str
    administrator: httpx.Client

    def person(self, role: str = "viewer", **scope: Any) -> str: ...
    def browser(self, **headers: str) -> httpx.Client: ...
    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Client: ...
    def execute(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]: ...


@pytest.fixture
def bayannur(town: Town) -> httpx.Client:
    """An administrator of the water of 巴彦淖尔市 and all below it."""
    return town.sign_in(town.person("administrator", regions=["150800"], domains=["water"]))


def named() -> str:
    return f"n-{uuid4().hex[:12]}"


def test_a_person_is_made_with_a_password_that_is_told_once(town: Town) -> None:
    name = named()
    body = {"name": name, "title": "李娜", "role": "operator", "regions": ["150802"], "domains": None}

    answer = town.administrator.post(PEOPLE, json=body, headers={"Idempotency-Key": name})

    assert answer.status_code == 201
    made = answer.json()
    assert made["person"]["regions"][0]["title"]["zh"] == "临河区"
    assert made["person"]["domains"] is None
    assert town.sign_in(name, made["password"]).get("/api/v1/session").json()["title"] == "李娜"
    assert town.administrator.get(f"{PEOPLE}/{name}").json() == made["person"]
    again = town.administrator.post(PEOPLE, json=body, headers={"Idempotency-Key": name})
    assert again.status_code == 409
    assert town.administrator.post(PEOPLE, json=body).status_code == 409, "the name is taken"
    assert made["password"] not in str(
        town.execute("select row(audit.*)::text, (select string_agg(r::text, '') from request_key r) from audit")
    )


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Li.Na"},
        {"name": "li na"},
        {"name": "a\r\nSet-Cookie: b=c"},
        {"name": "good\n"},
        {"name": "a" * 65},
        {"name": ""},
        {"role": "king"},
        {"regions": ["atlantis"]},
        {"regions": []},
        {"domains": ["magic"]},
        {"title": "a\0b"},
        {"crew": ""},
    ],
    ids=str,
)
def test_what_can_not_be_a_person_is_refused(town: Town, body: dict[str, Any]) -> None:
    answer = town.administrator.post(PEOPLE, json={"name": named(), "role": "viewer", **body})

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_people_are_listed_by_name_page_by_page(town: Town) -> None:
    crew = named()
    names = sorted(town.person("operator", crew=crew) for _ in range(5))
    found: list[str] = []
    asked: dict[str, str | int] = {"crew": crew, "limit": 2}
    while True:
        page = town.administrator.get(PEOPLE, params=asked).json()
        found += [person["name"] for person in page["items"]]
        if page["next"] is None:
            break
        asked["cursor"] = page["next"]

    assert found == names
    assert town.administrator.get(PEOPLE, params={"crew": crew, "role": "viewer"}).json()["items"] == []
    assert town.administrator.get(PEOPLE, params={"cursor": "nonsense"}).status_code == 400


def test_only_administrators_know_people(town: Town) -> None:
    engineer = town.sign_in(town.person("engineer"))

    for method, path in (("GET", PEOPLE), ("POST", PEOPLE), ("GET", f"{PEOPLE}/x"), ("PATCH", f"{PEOPLE}/x")):
        assert engineer.request(method, path, json={}).status_code == 403
        assert town.browser().request(method, path, json={}).status_code == 401


def test_who_is_beyond_the_scope_is_not_there(town: Town, bayannur: httpx.Client) -> None:
    within = town.person("operator", regions=["150802"], domains=["water"])
    beyond = [
        town.person("operator"),
        town.person("operator", regions=["150802"]),
        town.person("operator", regions=["150102"], domains=["water"]),
        town.person("operator", regions=["150802", "150102"], domains=["water"]),
        town.person("operator", regions=["150000"], domains=["water"]),
        town.person("operator", domains=["water"]),
    ]

    listed = {person["name"] for person in bayannur.get(PEOPLE, params={"limit": 1000}).json()["items"]}

    assert within in listed
    assert not listed & set(beyond)
    assert bayannur.get(f"{PEOPLE}/{within}").status_code == 200
    for name in [*beyond, "nobody"]:
        assert bayannur.get(f"{PEOPLE}/{name}").status_code == 404
        assert bayannur.patch(f"{PEOPLE}/{name}", json={"active": False}).status_code == 404
        assert bayannur.post(f"{PEOPLE}/{name}/password").status_code == 404
        assert bayannur.post(f"{PEOPLE}/{name}/single-sign-on").status_code == 404


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({"regions": ["150802"], "domains": ["water"]}, 200),
        ({"regions": ["150800"], "domains": ["water"]}, 200),
        ({"regions": None, "domains": ["water"]}, 403),
        ({"regions": ["150802"], "domains": None}, 403),
        ({"regions": ["150000"], "domains": ["water"]}, 403),
        ({"regions": ["150802", "150102"], "domains": ["water"]}, 403),
        ({"regions": ["150802"], "domains": ["air"]}, 403),
    ],
    ids=str,
)
def test_nobody_gives_more_than_they_have(
    town: Town, bayannur: httpx.Client, scope: dict[str, Any], status: int
) -> None:
    other = town.person("viewer", regions=["150821"], domains=["water"])

    made = bayannur.post(PEOPLE, json={"name": named(), "role": "administrator", **scope})
    changed = bayannur.patch(f"{PEOPLE}/{other}", json=scope)

    assert made.status_code == (201 if status == 200 else status)
    assert changed.status_code == status
    me = bayannur.get("/api/v1/session").json()["name"]
    assert bayannur.patch(f"{PEOPLE}/{me}", json=scope).status_code == status, "nor to themselves"


def test_a_change_is_in_force_at_once_and_in_the_audit(town: Town) -> None:
    name = town.person("operator", regions=["150802"])
    browser = town.sign_in(name)

    answer = town.administrator.patch(f"{PEOPLE}/{name}", json={"role": "viewer", "regions": ["150821"]})

    assert answer.status_code == 200
    me = browser.get("/api/v1/session").json()
    assert (me["role"], [region["id"] for region in me["regions"]]) == ("viewer", ["150821"])
    entry = town.execute(
        "select action, details from audit where target = %s order by id desc limit 1", f"person {name}"
    )
    assert entry == [("person.change", {"role": "viewer", "regions": ["150821"]})]


def test_who_is_deactivated_is_signed_out_for_good(town: Town) -> None:
    name = town.person()
    browser = town.sign_in(name)

    town.administrator.patch(f"{PEOPLE}/{name}", json={"active": False})

    assert browser.get("/api/v1/session").status_code == 401
    town.administrator.patch(f"{PEOPLE}/{name}", json={"active": True})
    assert browser.get("/api/v1/session").status_code == 401, "a session of before does not come back"
    assert town.sign_in(name)


def test_another_password_by_an_administrator_signs_out_and_ends_a_lock(town: Town) -> None:
    name = town.person()
    browser = town.sign_in(name)
    town.execute("update person set locked_until = now() + interval '1 h' where name = %s", name)

    answer = town.administrator.post(f"{PEOPLE}/{name}/password")

    assert browser.get("/api/v1/session").status_code == 401
    assert town.sign_in(name, answer.json()["password"])
    assert answer.json()["person"]["locked_until"] is None


def test_who_is_left_to_the_single_sign_on_has_no_password(town: Town) -> None:
    name = town.person()
    browser = town.sign_in(name)

    person = town.administrator.post(f"{PEOPLE}/{name}/single-sign-on").json()

    assert (person["password"], person["bound"]) == (False, False)
    assert browser.get("/api/v1/session").status_code == 401
    answer = town.browser().post("/api/v1/session", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 401


def test_the_last_administrator_of_everything_stays(town: Town) -> None:
    town.execute("update person set active = false where role = 'administrator'")
    first, second = town.person("administrator"), town.person("administrator")
    changes: list[dict[str, Any]] = [{"active": False}, {"role": "engineer"}, {"regions": ["150802"]}]
    with ThreadPoolExecutor(2) as pool:  # each removes the other, at the same moment
        browsers = [town.sign_in(first), town.sign_in(second)]
        others = [second, first]
        answers = list(
            pool.map(lambda i: browsers[i].patch(f"{PEOPLE}/{others[i]}", json={"active": False}).status_code, [0, 1])
        )

    left = town.execute(
        "select name from person where active and role = 'administrator' and regions is null and domains is null"
    )
    assert len(left) == 1
    assert sorted(answers) in ([200, 401], [200, 409])
    for change in changes:
        answer = town.administrator.patch(f"{PEOPLE}/{left[0][0]}", json=change)
        assert answer.status_code == 409
        assert "last administrator" in answer.json()["detail"]
    assert town.administrator.patch(f"{PEOPLE}/{left[0][0]}", json={"title": "still here"}).status_code == 200
