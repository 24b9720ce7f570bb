"""Who is heard at which alert, and when they are forgotten."""

from __future__ import annotations

from api.live.hub import Hub
from api.live.presence import EXPIRES_S, Beat, Onlooker, Presence
from api.live.selection import Audience, Place, Selection
from api.live.subscription import Subscription
from citybrain.access.model import Scope

from .test_hub import LINHE, WUYUAN, principal

PLACE = Place("150802", "water", "pressure", "pump-1")
LI, WANG = Onlooker("li", "李雪梅"), Onlooker("wang", "王强")


def test_only_who_is_new_is_news() -> None:
    presence = Presence()
    assert presence.hear(Beat(7, PLACE, LI), 0)
    assert not presence.hear(Beat(7, PLACE, LI), 15)
    assert presence.hear(Beat(7, PLACE, WANG), 20)
    assert presence.of(7) == [LI, WANG]
    assert presence.of(8) == []


def test_who_says_nothing_more_is_forgotten() -> None:
    presence = Presence()
    presence.hear(Beat(7, PLACE, LI), 0)
    presence.hear(Beat(7, PLACE, WANG), 15)
    assert presence.forget(EXPIRES_S - 0.1) == []
    assert presence.forget(EXPIRES_S) == [(7, PLACE)]
    assert presence.of(7) == [WANG]
    assert presence.forget(EXPIRES_S + 15) == [(7, PLACE)]
    assert list(presence) == []
    assert presence.hear(Beat(7, PLACE, LI), 100)


def test_it_is_told_to_those_in_scope_who_want_it() -> None:
    hub, presence = Hub(), Presence()
    presence.hear(Beat(7, PLACE, LI), 0)
    ones = {
        name: Subscription(principal(scope), "", Audience(Selection(frozenset(kinds)), scope), 0)
        for name, kinds, scope in (
            ("here", {"presence"}, LINHE),
            ("there", {"presence"}, WUYUAN),
            ("other", {"alert"}, Scope()),
        )
    }
    for one in ones.values():
        hub.add(one)
    hub.tell_presence(PLACE, presence.frame(7))
    expected = 'event: presence\ndata: {"alert":7,"people":[{"name":"li","title":"李雪梅"}]}\n\n'.encode()
    assert {name: one.take() for name, one in ones.items()} == {"here": expected, "there": b"", "other": b""}
