"""Tells people: from the table of announcements to the channels, until everybody was told or it is news no more."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from threading import Event, Thread
from zoneinfo import ZoneInfo

import paho.mqtt.client as paho
import psycopg
import structlog

from citybrain import metrics
from citybrain.store.connection import Connection, connect
from rules.notification.channel import AppriseChannel, Channel, ChannelError, MqttChannel, found_at
from rules.notification.couriers import Couriers
from rules.notification.outbox import Outcome, dispatch, give_up, record, take
from rules.notification.routes import MQTT, Route
from rules.notification.webhook import WebhookChannel

log = structlog.get_logger()

POLL_S = 0.5  # seconds between two looks for what is to be told
RECONNECT_S = 2.0  # seconds between two tries to reach the database
FAREWELL_S = 2.0  # seconds that `stop` waits for couriers who are on their way


class Notifier:
    """Works in a thread of its own from `start` to `stop`.

    An announcement reaches a route once, but for one case: a process that dies, or loses the database for longer than
    its lease, between a channel's yes and the record of it; then it is told again.
    """

    def __init__(
        self,
        database_url: str,
        routes: Sequence[Route],
        mqtt: paho.Client,
        zone: ZoneInfo,
        public_url: str = "",
    ) -> None:
        """A notifier.

        Args:
            database_url: The store.
            routes: Who is told, beside the MQTT topic.
            mqtt: A client that the caller connects and runs; its `on_publish` is the notifier's.
            zone: The city's zone.
            public_url: What links in messages begin with.
        """
        self._database_url = database_url
        self._routes = routes
        self._zone = zone
        channels: Mapping[str, Channel] = {
            MQTT: MqttChannel(mqtt),
            **{route.name: _channel(route, zone, public_url) for route in routes},
        }
        self._couriers = Couriers(channels)
        self._outcomes: list[Outcome] = []  # kept until the database has them
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="notifier", daemon=True)

    def start(self) -> None:
        """Begin; routes whose channel has no address are named in the log, and tried all the same."""
        for route in self._routes:
            try:
                for place in filter(None, (route.url_from, route.secret_from)):
                    found_at(place, route.name)
            except ChannelError as error:
                log.error("route without a channel", route=route.name, reason=str(error))
        self._thread.start()

    def stop(self) -> None:
        """End; what is on its way has a moment to arrive, and the rest is left to whoever comes next."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._database_url, "writer", "notify") as connection:
                    while not self._stopping.is_set():
                        self._round(connection)
                    self._part(connection)
            except psycopg.Error as error:
                log.warning("database away", error=str(error).strip().replace("\n", " ")[:200])
                self._stopping.wait(RECONNECT_S)
            except Exception:  # A mistake of ours is to be seen in the log, not to silence every alert from now on.
                log.exception("notifier failed")
                self._stopping.wait(RECONNECT_S)

    def _round(self, connection: Connection) -> None:
        """One look: record how couriers fared, choose routes, send couriers."""
        # What was told while the database was away is recorded before anything is taken: it is not told again.
        self._collect(connection, POLL_S)
        now = datetime.now(UTC)
        dispatch(connection, self._routes, now, self._zone)
        for route in give_up(connection, now):
            metrics.NOTIFICATIONS.labels(route, "given_up").inc()
            log.error("announcement given up", route=route)
        for route, announcements in take(connection, self._couriers.room, now).items():
            self._couriers.send(route, announcements)

    def _part(self, connection: Connection) -> None:
        """Wait a moment for couriers who are on their way."""
        until = time.monotonic() + FAREWELL_S
        while self._couriers.away and (left := until - time.monotonic()) > 0:
            self._collect(connection, left)

    def _collect(self, connection: Connection, patience_s: float) -> None:
        returned = self._couriers.returned(patience_s)
        for outcome in returned:
            metrics.NOTIFICATIONS.labels(outcome.route, "failed" if outcome.error else "sent").inc()
            if outcome.error:
                log.warning("not told", **outcome._asdict())
        self._outcomes += returned
        if self._outcomes:
            record(connection, self._outcomes, datetime.now(UTC))
            self._outcomes.clear()


def try_route(routes: Sequence[Route], name: str, now: datetime, zone: ZoneInfo, public_url: str = "") -> None:
    """Send a test message by the route `name`; whether its hours are open does not matter.

    Raises:
        ChannelError: there is no such route, or its channel did not take the message; the text says why.
    """
    route = next((route for route in routes if route.name == name), None)
    if route is None:
        known = ", ".join(route.name for route in routes) or "none"
        raise ChannelError(f"There is no route {name}; the file of routes has {known}.")
    _channel(route, zone, public_url).test(now)


def _channel(route: Route, zone: ZoneInfo, public_url: str) -> AppriseChannel | WebhookChannel:
    kind = WebhookChannel if route.kind == "webhook" else AppriseChannel
    return kind(route, zone, public_url)
