"""Who looks at an alert: the same at every API process, told by the stream, forgotten after a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import eventually, grant, serving
from tests.integration.api.desk import LINHE, WUYUAN, Desk, at_desk
from tests.integration.api.test_stream import listening

EXPIRES_S = 10.0  # instead of 40, for nobody shall wait so long
HASTY = {"api.live.presence.EXPIRES_S": EXPIRES_S}


@pytest.fixture
def desk(database: str) -> Iterator[Desk]:
    with at_desk(database, constants=HASTY) as desk:
        yield desk


def names(client: httpx.Client, id: int) -> list[str]:
    return [one["title"] for one in client.get(f"alerts/{id}/presence").json()["people"]]


def test_two_processes_tell_the_same_until_nobody_is_heard(desk: Desk) -> None:
    id = desk.raise_("150802/water/a/pressure")
    li, wang = desk.person("li", title="李雪梅"), desk.person("wang", title="王强")
    with serving(desk.url, constants=HASTY) as other:
        there = httpx.Client(base_url=f"{other.client.base_url}/api/v1/", headers=other.client.headers, trust_env=False)
        abroad = grant(desk.url, "viewer", [WUYUAN])
        with (
            there,
            listening(other, kinds="presence", region=LINHE) as stream,
            listening(other, abroad, kinds="presence") as foreign,
        ):
            assert li.put(f"alerts/{id}/presence").json() == {"people": [{"name": "li", "title": "李雪梅"}]}
            began = time.monotonic()
            eventually(lambda: names(there, id) == names(wang, id) == ["李雪梅"])
            assert wang.put(f"alerts/{id}/presence").status_code == 200
            eventually(lambda: names(there, id) == ["李雪梅", "王强"])
            time.sleep(EXPIRES_S / 3)
            li.put(f"alerts/{id}/presence").raise_for_status()
            with listening(other, kinds="presence") as late:
                eventually(lambda: late.of("presence") == [told(id, "李雪梅", "王强")])
            time.sleep(EXPIRES_S - (time.monotonic() - began) - 1)
            assert names(there, id) == ["李雪梅", "王强"]
            eventually(lambda: names(there, id) == names(wang, id) == ["李雪梅"])
            eventually(lambda: names(there, id) == names(wang, id) == [])
        expected = [told(id, *people) for people in (["李雪梅"], ["李雪梅", "王强"], ["李雪梅"], [])]
        assert stream.of("presence") == expected
        assert foreign.of("presence") == []


def told(id: int, *titles: str) -> dict[str, Any]:
    known = {"李雪梅": "li", "王强": "wang"}
    return {"alert": id, "people": [{"name": known[title], "title": title} for title in titles]}


def test_only_who_may_see_the_alert_looks_at_it(desk: Desk) -> None:
    id = desk.raise_("150802/water/a/pressure")
    abroad, viewer = desk.who(regions=[WUYUAN]), desk.who("viewer")
    assert abroad.put(f"alerts/{id}/presence").status_code == 404
    assert abroad.get(f"alerts/{id}/presence").status_code == 404
    assert viewer.put(f"alerts/{id}/presence").status_code == 403
    assert viewer.get(f"alerts/{id}/presence").json() == {"people": []}
    assert desk.do("select from audit") == [], "looking is no change"
