"""Messages of CAP 1.2, checked against the standard's own rules: order, enumerations, times, identifiers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.catalogue.model import Text
from rules.notification.announcement import Announcement, Limit, Mark
from rules.notification.cap import message, sender

NOW = datetime(2026, 11, 21, 2, 0, 0, 123456, tzinfo=UTC)
CITY = ZoneInfo("Asia/Shanghai")
SPACE = "{urn:oasis:names:tc:emergency:cap:1.2}"

# CAP 1.2, 3.4, the schema: the order of elements, and which must be there.
ALERT = (
    "identifier! sender! sent! status! msgType! source scope! restriction addresses code note references incidents info"
)
INFO = (
    "language category! event! responseType urgency! severity! certainty! audience eventCode effective onset expires "
    "senderName headline description instruction web contact parameter resource area"
)
AREA = "areaDesc! polygon circle geocode altitude ceiling"
WORDS = {
    "status": "Actual Exercise System Test Draft",
    "msgType": "Alert Update Cancel Ack Error",
    "scope": "Public Restricted Private",
    "category": "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other",
    "responseType": "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None",
    "urgency": "Immediate Expected Future Past Unknown",
    "severity": "Extreme Severe Moderate Minor Unknown",
    "certainty": "Observed Likely Possible Unlikely Unknown",
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")


def news(**more: Any) -> Announcement:
    given: dict[str, Any] = {
        "id": 9,
        "at": NOW,
        "kind": "raised",
        "severity": 2,
        "region": "150802",
        "domain": "water",
        "text": Text("橙 末梢压力过低，北环", "Orange Low pressure, North Ring"),
        "title": Text("末梢压力过低", "Low pressure"),
        "advice": Text("核实泵站", "Check the pumps"),
        "place": Text("北环末梢", "North Ring"),
        "alert": 17,
        "rule": "water.end_pressure",
        "subject": "150802/water/gw-7/pressure",
        "raised_at": NOW - timedelta(minutes=5),
        "value": 0.125,
        "limits": (Limit(name="limit", value=0.14, unit="MPa", source="CJJ 58", clause="3.1.3", confidence="B"),),
        "event": 41,
        "longitude": 107.417,
        "latitude": 40.757,
        "marks": (Mark(event=41, at=NOW),),
    }
    return Announcement(**{**given, **more})


def parsed(one: Announcement, zone: ZoneInfo = CITY, **more: Any) -> Element:
    root = ElementTree.fromstring(message(one, "citybrain@brain.example.org", zone, **more))
    check(root)
    return root


def check(root: Element) -> None:
    in_order(root, ALERT)
    for info in root.iter(f"{SPACE}info"):
        in_order(info, INFO)
    for area in root.iter(f"{SPACE}area"):
        in_order(area, AREA)
    for element in root.iter():
        name = element.tag.removeprefix(SPACE)
        if name in WORDS:
            assert element.text in WORDS[name].split(), name
        if name in ("sent", "effective", "onset", "expires"):
            assert TIME.fullmatch(element.text or ""), element.text
        if name in ("identifier", "sender"):
            assert not re.search(r"[\s,<&]", element.text or "")
    assert (root.find(f"{SPACE}restriction") is not None) == (said(root, "scope") == "Restricted")


def in_order(element: Element, grammar: str) -> None:
    names = [word.rstrip("!") for word in grammar.split()]
    found = [child.tag.removeprefix(SPACE) for child in element]
    assert [names.index(name) for name in found] == sorted(names.index(name) for name in found)
    assert {word[:-1] for word in grammar.split() if word.endswith("!")} <= set(found)


def said(element: Element, path: str) -> str | None:
    return element.findtext("/".join(SPACE + name for name in path.split("/")))


def test_a_raised_alert_in_both_languages() -> None:
    root = parsed(news(), public_url="https://brain.example.org/")
    assert [said(root, name) for name in ("identifier", "sent", "msgType", "references")] == [
        "alert-17-41",
        "2026-11-21T10:00:00+08:00",
        "Alert",
        None,
    ]
    chinese, english = root.iter(f"{SPACE}info")
    assert [said(info, "event") for info in (chinese, english)] == ["末梢压力过低", "Low pressure"]
    assert [said(english, name) for name in ("language", "category", "urgency", "severity", "certainty", "web")] == [
        "en",
        "Infra",
        "Immediate",
        "Severe",
        "Observed",
        "https://brain.example.org/alerts/17",
    ]
    assert said(english, "area/circle") == "40.757000,107.417000 0"
    assert [said(english, f"area/geocode/{name}") for name in ("valueName", "value")] == ["GB/T 2260", "150802"]
    parameters = {said(one, "valueName"): said(one, "value") for one in english.iter(f"{SPACE}parameter")}
    assert parameters["limit"] == "0.14 MPa (CJJ 58 3.1.3, confidence B)"
    assert parameters["value"] == "0.125"


@pytest.mark.parametrize(("severity", "word"), [(1, "Extreme"), (2, "Severe"), (3, "Moderate"), (4, "Minor")])
def test_four_colours(severity: int, word: str) -> None:
    assert said(parsed(news(severity=severity)), "info/severity") == word


@pytest.mark.parametrize(("kind", "type_"), [("escalated", "Update"), ("deadline", "Update"), ("cleared", "Cancel")])
def test_later_news_refers_to_earlier(kind: str, type_: str) -> None:
    marks = (Mark(event=41, at=NOW), Mark(event=45, at=NOW + timedelta(minutes=1)))
    root = parsed(news(kind=kind, event=45, marks=marks))
    first = parsed(news())
    assert said(root, "msgType") == type_
    assert said(root, "references") == ",".join(str(said(first, name)) for name in ("sender", "identifier", "sent"))


def test_utc_has_no_z() -> None:
    assert said(parsed(news(), ZoneInfo("UTC")), "sent") == "2026-11-21T02:00:00-00:00"


def test_a_flood_and_a_trial() -> None:
    flood = Announcement(
        id=9, at=NOW, kind="flood", severity=2, region="-", domain="water", text=Text("告警洪峰", "Alert flood")
    )
    root = parsed(flood, status="Test")
    assert [said(root, name) for name in ("identifier", "status", "msgType")] == ["announcement-9", "Test", "Alert"]


def test_senders() -> None:
    assert (sender("https://brain.example.org:8443/x"), sender("")) == ("citybrain@brain.example.org", "citybrain")


@given(st.text())
def test_hostile_texts_stay_texts(text: str) -> None:
    hostile = Text(f"</event><x>&{text}", f"<!--{text}]]>")
    root = parsed(news(title=hostile, subject=text, text=hostile))
    assert root.find(f".//{SPACE}x") is None
