"""Messages: short, in the reader's language, and harmless whatever a subject is called."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.catalogue.model import Text
from rules.notification.announcement import Announcement, Limit
from rules.notification.message import LINE_CHARACTERS, TITLE_CHARACTERS, clean, compose, trial
from rules.notification.schema import schemas

CITY = ZoneInfo("Asia/Shanghai")
RAISED = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)  # ten o'clock in the city
WECOM_BYTES = 2048  # of a text message of a WeCom bot


def news(**other: Any) -> Announcement:
    known: dict[str, Any] = {
        "id": 7,
        "at": RAISED + timedelta(minutes=1),
        "kind": "raised",
        "severity": 2,
        "region": "150802",
        "domain": "water",
        "text": Text(zh="临河区：管网末梢压力过低", en="Linhe District: low pressure at the end of the network"),
        "alert": 17,
        "rule": "water.end_pressure",
        "version": 3,
        "subject": "150802/water/gw-7/pressure",
        "place": Text(zh="北环末梢", en="North ring end"),
        "title": Text(zh="管网末梢压力过低", en="Low pressure at the end of the network"),
        "advice": Text(zh="核实泵站出口压力与夜间流量", en="Check pump outlet pressure and night flow"),
        "raised_at": RAISED,
        "value": 0.125,
        "limits": (Limit(name="limit", value=0.14, unit="MPa", source="CJJ 58", clause="3.1.3", confidence="B"),),
    }
    return Announcement(**known | other)


def test_a_chinese_message_says_what_where_since_when_and_what_to_do() -> None:
    message = compose([news()], "zh", CITY, "https://brain.example/")
    assert message.title == "【橙】管网末梢压力过低"
    assert message.body.splitlines() == [
        "地点：北环末梢 (150802/water/gw-7/pressure)",
        "起始：2026-11-21 10:00",
        "数值：0.125",
        "限值：0.14 MPa (CJJ 58 3.1.3, 置信度 B)",
        "处置：核实泵站出口压力与夜间流量",
        "详情：https://brain.example/alerts/17",
    ]


def test_an_english_message() -> None:
    message = compose([news(kind="escalated", severity=1)], "en", CITY)
    assert message.title == "【Red·escalated】Low pressure at the end of the network"
    assert message.body.splitlines() == [
        "Where: North ring end (150802/water/gw-7/pressure)",
        "Since: 2026-11-21 10:00",
        "Value: 0.125",
        "Limit: 0.14 MPa (CJJ 58 3.1.3, confidence B)",
        "What to do: Check pump outlet pressure and night flow",
        "Details: /alerts/17",
    ]


def test_what_has_cleared_needs_no_advice() -> None:
    body = compose([news(kind="cleared", cleared_at=RAISED + timedelta(minutes=42))], "zh", CITY).body
    assert "恢复：2026-11-21 10:42" in body
    assert "处置" not in body


def test_a_flood_is_told_by_its_text_alone() -> None:
    flood = Announcement(
        id=8,
        at=RAISED,
        kind="flood",
        severity=3,
        region="150802",
        domain="water",
        text=Text(zh="10 分钟内 14 条", en="14"),
    )
    message = compose([flood], "zh", CITY)
    assert message.title == "【黄】10 分钟内 14 条"
    assert message.body == "10 分钟内 14 条"


def test_a_deadline_says_which_step_is_overdue() -> None:
    words = Text(zh="派单超时 10 分钟", en="Dispatch is 10 minutes overdue")
    assert compose([news(kind="deadline", text=words)], "zh", CITY).body.startswith("派单超时 10 分钟\n地点")


def test_a_digest_names_the_most_severe_first() -> None:
    message = compose([news(), news(severity=1, place=None, subject="gw")], "zh", CITY)
    assert message.title == "告警汇总 (2)"
    assert message.body.splitlines() == [
        "【红】管网末梢压力过低 (gw) 2026-11-21 10:01",
        "【橙】管网末梢压力过低 北环末梢 (150802/water/gw-7/pressure) 2026-11-21 10:01",
    ]


def test_a_digest_counts_what_it_has_no_room_for() -> None:
    lines = compose([news(id=number) for number in range(200)], "zh", CITY).body.splitlines()
    assert len(lines) > 10
    assert lines[-1] == f"其余：{200 - len(lines) + 1}"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("gw-7\nlimit: 99", "gw-7 limit: 99"),
        ("a\x00b\x1b[31mc", "a b ［31mc"),
        ("\u202eevil\u200b", "evil"),
        ("<at user_id='all'>@all [here](x)", "＜at user_id='all'＞＠all ［here］(x)"),
        ("line\u2028two", "line two"),
    ],
)
def test_a_name_cannot_be_more_than_text(name: str, shown: str) -> None:
    assert clean(name, 100) == shown


@given(st.text(), st.text(), st.text(max_size=3000))
def test_whatever_names_say_messages_stay_short_and_plain(subject: str, place: str, advice: str) -> None:
    one = news(subject=subject, place=Text(zh=place, en=place), advice=Text(zh=advice, en=advice))
    for announcements in ([one], [one] * 30):
        message = compose(announcements, "zh", CITY)
        lines = message.body.split("\n")
        assert len(message.title) <= TITLE_CHARACTERS
        assert all(len(line) <= LINE_CHARACTERS + 140 for line in lines)
        assert len(message.title.encode()) + len(message.body.encode()) < WECOM_BYTES
        assert len(announcements) > 1 or lines[-1] == "详情：/alerts/17"
        assert not any(unicodedata.category(sign).startswith("C") for line in lines for sign in line)
        assert not set("<>@[]`") & set(message.title + message.body)


def test_the_published_schema_describes_what_the_topic_carries() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(schemas()["alert.schema.json"]))
    document = json.loads(news().model_dump_json())
    validator.validate(document)
    assert document["link"] == "/alerts/17"
    assert document["raised_at"] == "2026-11-21T02:00:00Z"
    assert document["limits"][0]["source"] == "CJJ 58"
    assert news().topic == "city/150802/water/alert"


def test_a_trial_names_the_route_and_the_time() -> None:
    message = trial("night <b>", "zh", RAISED, CITY)
    assert message.title == "citybrain night ＜b＞"
    assert "2026-11-21 10:00" in message.body
