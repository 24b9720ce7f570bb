"""Webhooks: announcements for other systems as CloudEvents 1.0 or CAP 1.2, signed as Standard Webhooks says."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx

from citybrain.catalogue.model import Text
from rules.notification import cap
from rules.notification.announcement import Announcement
from rules.notification.channel import ChannelError, found_at
from rules.notification.routes import Route

TIMEOUT_S = 10.0  # seconds for each of connecting, sending and the answer; shorter than a courier's patience
SECRET_BYTES = range(24, 65)  # that Standard Webhooks allows a secret
PREFIX = "whsec_"

CLOUD_EVENT = "application/cloudevents+json"


class WebhookChannel:
    """The channel of a route of kind webhook: one POST an announcement."""

    at_once = 1

    def __init__(self, route: Route, zone: ZoneInfo, public_url: str = "") -> None:
        """The channel of a route; it reads address and secret with each message, so that new ones need no restart."""
        self._route = route
        self._zone = zone
        self._public_url = public_url

    def send(self, announcements: Sequence[Announcement]) -> list[str | None]:
        """Post each; the same one has the same id whenever it is posted."""
        return [self._told(one) for one in announcements]

    def test(self, now: datetime) -> None:
        """Post a trial, which receivers know by its type (CloudEvents) or status (CAP).

        Raises:
            ChannelError: it was not taken.
        """
        text = Text("测试消息：此路由可用，无需处置", "Test: this route works, nothing needs to be done")
        trial = Announcement(
            id=0, at=now, kind="raised", severity=4, region="-", domain="platform", text=text, title=text
        )
        self._post(trial, f"test-{now:%Y%m%dT%H%M%S%f}", now, trial=True)

    def _told(self, one: Announcement) -> str | None:
        try:
            self._post(one, f"announcement-{one.id}", datetime.now(UTC))
        except ChannelError as error:
            return str(error)
        return None

    def _post(self, one: Announcement, id: str, now: datetime, trial: bool = False) -> None:
        url, secrets = self._url(), self._secrets()
        if self._route.format == "cap":
            status: cap.Status = "Test" if trial else "Actual"
            body = cap.message(one, cap.sender(self._public_url), self._zone, self._public_url, status)
            media_type = cap.MEDIA_TYPE
        else:
            body = cloud_event(one, id, "test" if trial else one.kind, self._public_url)
            media_type = CLOUD_EVENT
        headers = {"Content-Type": media_type, "User-Agent": "citybrain", **signed(id, now, body, secrets)}
        try:
            with (
                httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client,
                client.stream("POST", url, content=body, headers=headers) as response,
            ):
                _check(response.status_code)  # what it says beyond that is nobody's business, and may be long
        except httpx.TimeoutException:
            raise ChannelError("The webhook did not answer in time.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Its text may hold the address.
            certificate = "CERTIFICATE_VERIFY_FAILED" in str(error)
            raise ChannelError(
                "The webhook's certificate can't be verified."
                if certificate
                else f"The webhook can't be reached ({type(error).__name__})."
            ) from None

    def _url(self) -> str:
        """Where to post.

        Raises:
            ChannelError: nothing stands there, or no address that is safe.
        """
        place = self._route.url_from
        url = found_at(place, self._route.name)
        try:
            parts = urlsplit(url)
            safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
        except ValueError:
            safe = False
        if not safe or not parts.hostname:
            raise ChannelError(f"What {place} holds is no https:// address; http:// is for this machine only.")
        return url

    def _secrets(self) -> list[bytes]:
        place = self._route.secret_from or ""
        return [_secret(text, place) for text in found_at(place, self._route.name).split()]


def cloud_event(one: Announcement, id: str, kind: str, public_url: str) -> bytes:
    """An announcement as a CloudEvent 1.0 in structured mode (JSON format), in UTF-8."""
    event = {
        "specversion": "1.0",
        "id": id,
        "source": public_url or "/citybrain",
        "type": f"org.citybrain.alert.{kind}",
        "time": one.at.isoformat(),
        "datacontenttype": "application/json",
        "data": one.model_dump(mode="json"),
    }
    if one.alert is not None:
        event["subject"] = f"alerts/{one.alert}"
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def signed(id: str, now: datetime, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """The headers of Standard Webhooks 1.0: id, time and, for each secret, the HMAC-SHA256 of `id.time.body`."""
    timestamp = str(int(now.timestamp()))
    content = b".".join((id.encode(), timestamp.encode(), body))
    signatures = (base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode() for secret in secrets)
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _secret(text: str, place: str) -> bytes:
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(PREFIX) or len(secret) not in SECRET_BYTES:
        raise ChannelError(
            f"What {place} holds is no secret of a webhook: expected {PREFIX} and the base64 of 24 to 64 bytes, "
            "such as `openssl rand -base64 32` makes."
        )
    return secret


def _check(status: int) -> None:
    if 300 <= status < 400:
        raise ChannelError(f"The webhook redirects ({status}), which is not followed: correct its address.")
    if not 200 <= status < 300:
        raise ChannelError(f"The webhook answered with the error {status}.")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
