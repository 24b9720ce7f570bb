"""Who listens, and what of all that happens each of them is told. In memory, in one event loop, without a lock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from api.live import feed
from api.live.selection import Audience, Kind, Place
from api.live.subscription import Subscription
from api.web.problems import Refusal
from citybrain.access.model import Principal

MOST = 2000  # open streams; each takes a file descriptor, of which a process has a limited number
EACH = 1000  # of these, open streams of one person or token
BUSY_S = "60"  # seconds, for the header Retry-After

PIECE = 1000  # values in one event


class Hub:
    """All subscriptions by their audience: what happens is chosen once for each audience, and made bytes once."""

    def __init__(self) -> None:
        self._audiences: defaultdict[Audience, set[Subscription]] = defaultdict(set)
        self.closed = False

    def __len__(self) -> int:
        return sum(map(len, self._audiences.values()))

    def __iter__(self) -> Iterator[Subscription]:
        return iter([one for listeners in self._audiences.values() for one in listeners])

    def listeners(self, kind: Kind) -> list[Subscription]:
        """Those who want events of this kind."""
        return [one for audience in self._of(kind) for one in self._audiences[audience]]

    def check_room(self, principal: Principal) -> None:
        """See that there is room for one more stream.

        Raises:
            Refusal: 503 or 429, too many are open, or the server is about to stop.
        """
        if self.closed or len(self) >= MOST:
            raise Refusal(
                503,
                "The server can open no more streams at present: try again in a minute.",
                "服务器暂时无法建立更多实时连接：请一分钟后重试。",
                kind="streams",
                headers={"Retry-After": BUSY_S},
            )
        if sum(one.belongs_to(principal) for one in self) >= EACH:
            raise Refusal(
                429,
                f"{principal.label} has {EACH} streams open: close some of them.",
                f"{principal.label} 已打开 {EACH} 个实时连接：请先关闭一部分。",
                kind="streams",
                headers={"Retry-After": BUSY_S},
            )

    def add(self, subscription: Subscription) -> None:
        """From now on it is told what its audience hears."""
        self._audiences[subscription.audience].add(subscription)

    def remove(self, subscription: Subscription) -> None:
        """It is told nothing more."""
        listeners = self._audiences[subscription.audience]
        listeners.discard(subscription)
        if not listeners:
            del self._audiences[subscription.audience]

    def admit(self, subscription: Subscription, principal: Principal | None) -> None:
        """From now on it may hear what `principal` may see; None: nothing, and it ends."""
        if principal is None:
            subscription.end("access")
            return
        subscription.principal = principal
        selection, scope = subscription.audience
        if principal.scope != scope and subscription in self._audiences.get(subscription.audience, ()):
            self.remove(subscription)
            subscription.audience = Audience(selection, principal.scope)
            self.add(subscription)
            if "latest" in selection.kinds:
                subscription.fall_behind()  # there may be more to see than before

    def close(self) -> None:
        """End every stream, and take no more: the server is about to stop."""
        self.closed = True
        for one in self:
            one.end("restart")

    def tell_events(self, events: Iterable[feed.Event]) -> None:
        """Tell of events, in their order."""
        told = [(event.place, event.frame()) for event in events]
        for audience in self._of("alert"):
            if heard := b"".join(frame for place, frame in told if audience.hears_alert(place)):
                for one in self._audiences[audience]:
                    one.put(heard)

    def tell_values(self, values: Iterable[feed.Value]) -> None:
        """Tell of newest values."""
        places: defaultdict[Place, list[bytes]] = defaultdict(list)
        for value in values:
            places[value.place].append(value.document())
        for audience in self._of("latest"):
            heard = [document for place, group in places.items() if audience.hears_value(place) for document in group]
            for start in range(0, len(heard), PIECE):
                piece = feed.latest(heard[start : start + PIECE])
                for one in self._audiences[audience]:
                    one.put_latest(piece)

    def tell_presence(self, place: Place, frame: bytes) -> None:
        """Tell who looks at an alert that lies there."""
        for audience in self._of("presence"):
            if audience.hears_presence(place):
                for one in self._audiences[audience]:
                    one.put(frame)

    def _of(self, kind: Kind) -> list[Audience]:
        return [audience for audience in self._audiences if kind in audience.selection.kinds]
