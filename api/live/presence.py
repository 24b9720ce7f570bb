"""Who looks at which alert. Pages say so again and again; the database passes it on to all API processes (NOTIFY) and
keeps nothing. Each process remembers what it heard, for a while, so all of them soon agree, whoever was restarted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic

import msgspec

from api.live import frames
from api.live.hints import PRESENCE, Hints
from api.live.hub import Hub
from api.live.selection import Place
from citybrain.access.model import Principal, Scope
from citybrain.store.pools import Reader
from citybrain.store.sql import query

EXPIRES_S = 40.0  # seconds after which who said nothing more has gone; pages speak every 15
LOOK_S = 1.0  # seconds between two looks for who has gone


class Onlooker(msgspec.Struct, frozen=True, order=True):
    """Somebody who looks at an alert; `title` is what others call them."""

    name: str
    title: str


class Beat(msgspec.Struct, frozen=True):
    """What a page says: this person looks at this alert, which lies there."""

    alert: int
    place: Place
    who: Onlooker


class Presence:
    """Who was heard at which alert. Pure: `now` is in seconds of any clock that does not jump."""

    def __init__(self) -> None:
        self._heard: dict[int, dict[Onlooker, float]] = {}
        self._places: dict[int, Place] = {}

    def __iter__(self) -> Iterator[tuple[int, Place]]:
        return iter(list(self._places.items()))

    def of(self, alert: int) -> list[Onlooker]:
        """Who looks at an alert, by name."""
        return sorted(self._heard.get(alert, ()))

    def hear(self, beat: Beat, now: float) -> bool:
        """Remember it; whether that is news."""
        heard = self._heard.setdefault(beat.alert, {})
        is_new = beat.who not in heard
        heard[beat.who] = now
        self._places[beat.alert] = beat.place
        return is_new

    def forget(self, now: float) -> list[tuple[int, Place]]:
        """Forget those who were not heard for long; the alerts that they looked at."""
        left = []
        for alert, place in self:
            heard = self._heard[alert]
            gone = [who for who, at in heard.items() if now - at >= EXPIRES_S]
            for who in gone:
                del heard[who]
            if gone:
                left.append((alert, place))
            if not heard:
                del self._heard[alert], self._places[alert]
        return left

    def frame(self, alert: int) -> bytes:
        """Who looks at an alert, as clients get it."""
        return frames.event("presence", msgspec.json.encode({"alert": alert, "people": self.of(alert)}))


class Onlookers:
    """Follows what all processes are told, and tells streams who comes and goes."""

    def __init__(self, hub: Hub, hints: Hints) -> None:
        self._hub = hub
        self._hints = hints
        self.presence = Presence()

    async def follow(self) -> None:
        """Wait for a beat, or some time; tell of it where it is news, and of those who have gone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                beat = msgspec.json.decode(await self._hints.beats.get(), type=Beat)
                if self.presence.hear(beat, monotonic()):
                    self._hub.tell_presence(beat.place, self.presence.frame(beat.alert))
        for alert, place in self.presence.forget(monotonic()):
            self._hub.tell_presence(place, self.presence.frame(alert))


def onlooker(principal: Principal) -> Onlooker:
    """What others are told of who asks."""
    return Onlooker(principal.label, principal.title)


async def attend(connection: Reader, scope: Scope, alert: int, who: Onlooker) -> bool:
    """Tell all processes that somebody looks at an alert; False: there is none, or none in that scope."""
    parameters = {**scope.parameters(), "id": alert, "channel": PRESENCE, "name": who.name, "title": who.title}
    return await (await connection.execute(query("api_live", "attend"), parameters)).fetchone() is not None
