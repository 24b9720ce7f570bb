"""Couriers: one for each channel, in a thread of its own, so that a channel that hangs holds up nobody else."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread

from rules.notification.announcement import Announcement
from rules.notification.channel import Channel
from rules.notification.outbox import Outcome

ANSWER_S = 25.0  # seconds; a courier that is away for longer has failed for now
# A courier that does not come back at all is replaced after so long. Its thread ends when its channel lets go.
LOST_S = 300.0


@dataclass(eq=False)
class _Errand:
    route: str
    announcements: Sequence[Announcement]
    begun: float = field(default_factory=time.monotonic)  # seconds
    overdue: bool = False


class Couriers:
    """Carries announcements to channels; not one call of it waits for a channel."""

    def __init__(self, channels: Mapping[str, Channel], answer_s: float = ANSWER_S, lost_s: float = LOST_S) -> None:
        """Couriers of these channels, by route."""
        self._channels = channels
        self._answer_s = answer_s
        self._lost_s = lost_s
        self._away: dict[str, _Errand] = {}
        self._back: SimpleQueue[tuple[_Errand, list[str | None]]] = SimpleQueue()

    @property
    def room(self) -> dict[str, int]:
        """How many announcements each courier who is here can carry."""
        return {route: channel.at_once for route, channel in self._channels.items() if route not in self._away}

    @property
    def away(self) -> bool:
        """Whether any courier is on his way."""
        return bool(self._away)

    def send(self, route: str, announcements: Sequence[Announcement]) -> None:
        """Send a courier who is here on his way."""
        errand = self._away[route] = _Errand(route, announcements)
        # A daemon: a channel that hangs does not keep the process from ending.
        Thread(target=self._carry, args=(errand,), name=f"notify {route}", daemon=True).start()

    def returned(self, patience_s: float) -> list[Outcome]:
        """What came of errands since the last call; waits up to `patience_s` seconds for the first of them."""
        outcomes: list[Outcome] = []
        until = time.monotonic() + patience_s
        while True:
            try:
                errand, errors = self._back.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                return outcomes + self._overdue()
            until = 0.0  # whoever else is here already
            outcomes += self._welcome(errand, errors)

    def _carry(self, errand: _Errand) -> None:
        try:
            errors = self._channels[errand.route].send(errand.announcements)
        except Exception as error:  # A mistake of a channel must not lose the errand; its text may hold secrets.
            errors = [f"The channel failed ({type(error).__name__})."] * len(errand.announcements)
        self._back.put((errand, errors))

    def _welcome(self, errand: _Errand, errors: list[str | None]) -> list[Outcome]:
        if self._away.get(errand.route) is errand:
            del self._away[errand.route]
        outcomes = [
            Outcome(one.id, errand.route, error) for one, error in zip(errand.announcements, errors, strict=True)
        ]
        # That an overdue one failed has been said already; that it came through after all is news.
        return [outcome for outcome in outcomes if outcome.error is None or not errand.overdue]

    def _overdue(self) -> list[Outcome]:
        now = time.monotonic()
        outcomes: list[Outcome] = []
        for route, errand in list(self._away.items()):
            if not errand.overdue and now - errand.begun >= self._answer_s:
                errand.overdue = True
                error = f"The channel did not answer within {self._answer_s:g} seconds."
                outcomes += [Outcome(one.id, route, error) for one in errand.announcements]
            if now - errand.begun >= self._lost_s:
                del self._away[route]
        return outcomes
