"""Announcements as messages of the Common Alerting Protocol, version 1.2 (OASIS CAP-v1.2-os, 2010-07-01). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring
from zoneinfo import ZoneInfo

from citybrain.catalogue.model import Text
from rules.notification.announcement import Announcement, Limit

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"

KINDS = ("raised", "reopened", "escalated", "downgraded", "cleared", "overdue", "refute", "reopen")
"""Kinds of events that make a message: what an announcement tells of, and what people judge."""

# The four colours of China's warnings in the words of CAP, 3.2.3: red 1 to blue 4.
SEVERITY = {1: "Extreme", 2: "Severe", 3: "Moderate", 4: "Minor"}

# The categories of CAP, 3.2.2, by domain; of any other domain nothing is known.
CATEGORY = {"water": "Infra", "heating": "Infra", "sentinel": "Infra", "air": "Env"}

# What XML 1.0, 2.2, has no place for, not even escaped.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# CAP, 3.2.1: identifiers and senders hold no spaces, commas, < or &.
_NO_ID = re.compile(r"[\s,<&]+")

_GB_CODE = re.compile(r"\d{6}(\d{3}){0,2}")  # GB/T 2260 and 10114: county, street, community

Status = Literal["Actual", "Test"]


def message(one: Announcement, sender: str, zone: ZoneInfo, public_url: str = "", status: Status = "Actual") -> bytes:
    """The message that tells `one`, in UTF-8.

    The severity is that of the colour; what is raised is immediate, observed, and what has cleared is past.

    Args:
        one: What is told.
        sender: Who tells it; see `sender`.
        zone: The city's zone: times are in it, with its offset.
        public_url: What links begin with; empty: there is none.
        status: `Test` for a trial.
    """
    kind = _kind(one)
    alert = Element("alert", xmlns=NAMESPACE)
    _add(alert, "identifier", _identifier(one, one.event))
    _add(alert, "sender", _plain(sender))
    # By the event, not by when it was told: whoever is told later, or asks, gets the same message.
    _add(alert, "sent", _time(one.marks[-1].at if one.marks else one.at, zone))
    _add(alert, "status", status)
    _add(alert, "msgType", kind)
    _add(alert, "source", one.rule)
    _add(alert, "scope", "Restricted")
    _add(alert, "restriction", "For the city's own services and whom they work with.")
    if kind != "Alert" and (earlier := one.marks[:-1]):
        references = (f"{_plain(sender)},{_identifier(one, e.event)},{_time(e.at, zone)}" for e in earlier)
        _add(alert, "references", " ".join(references))
    for language in ("zh-CN", "en"):
        _info(alert, one, language, zone, public_url)
    declared: bytes = tostring(alert, encoding="utf-8", xml_declaration=True)
    return declared


def sender(public_url: str) -> str:
    """What a platform at this address calls itself: `citybrain@HOST`."""
    host = urlsplit(public_url).hostname if public_url else None
    return f"citybrain@{host}" if host else "citybrain"


def _kind(one: Announcement) -> Literal["Alert", "Update", "Cancel"]:
    if one.kind in ("raised", "flood"):
        return "Alert"
    return "Cancel" if one.kind == "cleared" else "Update"


def _identifier(one: Announcement, event: int | None) -> str:
    """The same for the same news, however it is told: by the event of the alert; a digest, by its own number."""
    return f"announcement-{one.id}" if one.alert is None else f"alert-{one.alert}-{event or 0}"


def _info(alert: Element, one: Announcement, language: str, zone: ZoneInfo, public_url: str) -> None:
    def said(text: Text) -> str:
        return text.en if language == "en" else text.zh

    info = SubElement(alert, "info")
    past = one.kind == "cleared"
    _add(info, "language", language)
    _add(info, "category", CATEGORY.get(one.domain, "Other"))
    _add(info, "event", said(one.title or one.text))
    _add(info, "responseType", "AllClear" if past else "Assess")
    _add(info, "urgency", "Past" if past else "Immediate")
    _add(info, "severity", SEVERITY[one.severity])
    _add(info, "certainty", "Observed")
    if one.rule is not None:
        _named(info, "eventCode", "rule", one.rule)
    if one.raised_at is not None:
        _add(info, "onset", _time(one.raised_at, zone))
    _add(info, "senderName", "citybrain")
    _add(info, "headline", said(one.text))
    _add(info, "description", said(_description(one)))
    if one.advice is not None and not past:
        _add(info, "instruction", said(one.advice))
    if public_url and one.link is not None:
        _add(info, "web", public_url.rstrip("/") + one.link)
    for name, value in _parameters(one, zone):
        _named(info, "parameter", name, value)
    _area(info, one, said(one.place) if one.place else one.subject or one.region)


def _area(info: Element, one: Announcement, description: str) -> None:
    area = SubElement(info, "area")
    _add(area, "areaDesc", description)
    if one.latitude is not None and one.longitude is not None:
        _add(area, "circle", f"{one.latitude:.6f},{one.longitude:.6f} 0")  # a point; the radius is in kilometres
    if _GB_CODE.fullmatch(one.region):
        _named(area, "geocode", "GB/T 2260", one.region)


def _description(one: Announcement) -> Text:
    where = f" ({one.subject})" if one.subject else ""
    return Text(one.text.zh + where, one.text.en + where)


def _parameters(one: Announcement, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """What the elements of CAP have no place for."""
    if one.subject is not None:
        yield "subject", one.subject
    if one.value is not None:
        yield "value", _number(one.value)
    for limit in one.limits:
        if limit.value is not None:
            yield limit.name, _limit(limit)
    if one.cleared_at is not None and one.kind == "cleared":
        yield "cleared_at", _time(one.cleared_at, zone)


def _limit(limit: Limit) -> str:
    source = " ".join(filter(None, [limit.source or limit.plan, limit.clause]))
    confidence = f"confidence {limit.confidence}" if limit.confidence else ""
    number = " ".join(filter(None, [_number(limit.value), limit.unit]))
    origin = ", ".join(filter(None, [source, confidence]))
    return f"{number} ({origin})" if origin else number


def _number(value: float | str | bool | None) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _time(moment: datetime, zone: ZoneInfo) -> str:
    """As CAP, 3.2.1, has it: whole seconds with an offset; UTC is -00:00, and Z is not allowed."""
    text = moment.astimezone(zone).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "-00:00" if text.endswith("+00:00") else text


def _named(parent: Element, tag: str, name: str, value: str) -> None:
    child = SubElement(parent, tag)
    _add(child, "valueName", name)
    _add(child, "value", value)


def _add(parent: Element, tag: str, text: str | None) -> None:
    if text is not None:
        SubElement(parent, tag).text = _NO_XML.sub(" ", text)


def _plain(name: str) -> str:
    return _NO_ID.sub("-", name)
