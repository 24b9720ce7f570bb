from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from api.live import hub
from api.live.feed import Alert, Event, Value, Words
from api.live.hub import Hub
from api.live.selection import Audience, Kind, Selection
from api.live.subscription import Subscription
from api.web.problems import Refusal
from citybrain.access.model import Principal, Scope

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
LINHE, WUYUAN = Scope(regions=frozenset({"150802"})), Scope(regions=frozenset({"150821"}))


def principal(scope: Scope = LINHE, id: int = 1) -> Principal:
    return Principal("token", id, "test", "test", "viewer", None, scope, NOW)


def listener(hub: Hub, kinds: set[Kind], scope: Scope = LINHE) -> Subscription:
    one = Subscription(principal(scope), "secret", Audience(Selection(frozenset(kinds)), scope), 0)
    hub.add(one)
    return one


def event(id: int, region: str = "150802") -> Event:
    words = Words("测", "Test")
    alert = Alert(
        id=1, rule="r", subject="s", title=words, place=words, region=region, region_title=words, domain="water",
        site=None, device=None, metric=None, severity=2, attention=2, condition="raised", handling="new", open=True,
        revision=0, crew=None, crew_title=None, raised_at=NOW, cleared_at=None, changed_at=NOW, due_step=None,
        due_at=None,
    )  # fmt: skip
    return Event(id, "raised", NOW, NOW, False, 2, None, None, None, None, alert)


def value(series: int, region: str = "150802") -> Value:
    return Value(series, "gauge", region, "water", None, "pressure", "MPa", NOW, 0.3, True, [])


def test_each_audience_hears_its_events_in_order() -> None:
    hub = Hub()
    linhe, wuyuan, health = (
        listener(hub, {"alert"}),
        listener(hub, {"alert"}, WUYUAN),
        listener(hub, {"health"}),
    )
    hub.tell_events([event(1), event(2, "150821"), event(3)])

    assert linhe.take() == event(1).frame() + event(3).frame()
    assert wuyuan.take() == event(2, "150821").frame()
    assert health.take() == b""


def test_values_go_out_together_in_bounded_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PIECE", 2)
    a_hub = Hub()
    one = listener(a_hub, {"latest"})
    a_hub.tell_values([value(1), value(2, "150821"), value(3), value(4)])

    pieces = [block.partition(b"data: ")[2] for block in one.take().split(b"\n\n") if block]
    assert [[v["series"] for v in msgspec.json.decode(piece)["values"]] for piece in pieces] == [[1, 3], [4]]


def test_a_scope_that_changed_holds_from_then_on_and_values_begin_anew() -> None:
    hub = Hub()
    one = listener(hub, {"alert", "latest"})
    hub.admit(one, principal(LINHE))
    assert not one.behind
    hub.admit(one, principal(WUYUAN))
    hub.tell_events([event(1), event(2, "150821")])

    assert one.behind
    assert one.take() == event(2, "150821").frame()
    hub.remove(one)
    assert len(hub) == 0


def test_who_is_nobody_any_more_is_ended() -> None:
    hub = Hub()
    one = listener(hub, {"alert"})
    hub.admit(one, None)

    assert one.ended == "access"


def test_there_is_a_bound_for_each_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "EACH", 2)
    monkeypatch.setattr(hub, "MOST", 3)
    a_hub = Hub()
    first = listener(a_hub, {"alert"})
    listener(a_hub, {"health"})
    with pytest.raises(Refusal, match="close some") as each:
        a_hub.check_room(principal())
    a_hub.check_room(principal(id=2))
    listener(a_hub, {"latest"})
    with pytest.raises(Refusal, match="no more streams") as most:
        a_hub.check_room(principal(id=2))
    a_hub.remove(first)
    a_hub.check_room(principal(id=2))

    assert (each.value.status, most.value.status) == (429, 503)


def test_when_it_closes_all_end_and_nobody_new_comes() -> None:
    hub = Hub()
    one = listener(hub, {"alert"})
    hub.close()

    assert one.ended == "restart"
    with pytest.raises(Refusal):
        hub.check_room(principal(id=2))
