"""What people read: short, what happened, where, since when, against which limit, what to do, where to look.

Names of subjects come from whoever may publish, so every text is cleaned and bounded before it is sent: what looks like
markup, mentions somebody or turns the direction of writing has no place in a message.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from citybrain.catalogue.model import Text
from rules.alerts.wording import SEVERITY
from rules.notification.announcement import Announcement, Limit
from rules.notification.routes import Language

TITLE_CHARACTERS = 80
LINE_CHARACTERS = 160
BODY_BYTES = 1700  # A WeCom bot takes 2,048 bytes of text, the title among them.
DIGEST_CHARACTERS = 72  # of each line of a digest

# Signs that chats and mail take for markup or a mention, and what stands for them.
_PLAIN = str.maketrans("<>@[]`", "＜＞＠［］｀")
_CONTROL = ("C", "Zl", "Zp")  # Unicode categories: control, format, surrogate, private; line and paragraph separators

_WORDS: Mapping[str, Text] = MappingProxyType(
    {
        "escalated": Text("升级", "escalated"),
        "downgraded": Text("降级", "downgraded"),
        "cleared": Text("已恢复", "cleared"),
        "reopened": Text("再次出现", "again"),
        "deadline": Text("超时", "overdue"),
        "colon": Text("：", ": "),
        "place": Text("地点", "Where"),
        "since": Text("起始", "Since"),
        "until": Text("恢复", "Cleared"),
        "value": Text("数值", "Value"),
        "limit": Text("限值", "Limit"),
        "confidence": Text("置信度", "confidence"),
        "advice": Text("处置", "What to do"),
        "link": Text("详情", "Details"),
        "digest": Text("告警汇总", "Digest of alerts"),
        "more": Text("其余", "More"),
        "test": Text("测试消息：此路由可用，无需处置", "Test: this route works, nothing needs to be done"),
    }
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message, in plain text."""

    title: str
    body: str


def compose(announcements: Sequence[Announcement], language: Language, zone: ZoneInfo, public_url: str = "") -> Message:
    """The message about one announcement, or the digest of several.

    Args:
        announcements: One or more.
        language: Whose words to use.
        zone: The city's zone; times are shown in it.
        public_url: What links to pages begin with; empty: they are shown as paths.
    """
    if len(announcements) == 1:
        (one,) = announcements
        return Message(_title(one, language), _bounded(_lines(one, language, zone, public_url)))
    return Message(f"{_word('digest', language)} ({len(announcements)})", _digest(announcements, language, zone))


def trial(route: str, language: Language, now: datetime, zone: ZoneInfo) -> Message:
    """The message by which somebody tests a route."""
    return Message(f"citybrain {clean(route, LINE_CHARACTERS)}", f"{_word('test', language)} ({_clock(now, zone)})")


def clean(text: str, characters: int) -> str:
    """A text of one line, without anything that a chat could take for more than text, and so long at most."""
    visible = "".join(" " if unicodedata.category(sign).startswith(_CONTROL) else sign for sign in text)
    line = " ".join(visible.split()).translate(_PLAIN)
    return line if len(line) <= characters else line[: characters - 1] + "…"


def _title(one: Announcement, language: Language) -> str:
    marks = [_in(SEVERITY[one.severity], language)]
    if one.kind in _WORDS:  # of one raised, or of many, there is no more to say
        marks.append(_word(one.kind, language))
    return clean(f"【{'·'.join(marks)}】{_in(one.title or one.text, language)}", TITLE_CHARACTERS)


def _lines(one: Announcement, language: Language, zone: ZoneInfo, public_url: str) -> Iterator[str]:
    """The lines of a message, the most important first."""
    if one.title is None or one.kind == "deadline":
        yield clean(_in(one.text, language), LINE_CHARACTERS)
    if place := _place(one, language):
        yield _labelled("place", place, language)
    if one.raised_at is not None:
        yield _labelled("since", _clock(one.raised_at, zone), language)
    if one.cleared_at is not None and one.kind == "cleared":
        yield _labelled("until", _clock(one.cleared_at, zone), language)
    if one.value is not None:
        yield _labelled("value", _number(one.value), language)
    for limit in one.limits:
        if limit.value is not None:
            yield _labelled("limit", _limit(limit, language), language)
    if one.advice is not None and one.kind != "cleared":
        yield _labelled("advice", _in(one.advice, language), language)
    if one.link is not None:
        yield f"{_word('link', language)}{_word('colon', language)}{public_url.rstrip('/')}{one.link}"


def _place(one: Announcement, language: Language) -> str:
    place = _in(one.place, language) if one.place else ""
    return " ".join(part for part in (place, one.subject and f"({one.subject})") if part)


def _limit(limit: Limit, language: Language) -> str:
    source = " ".join(part for part in (limit.source or limit.plan, limit.clause) if part)
    confidence = f"{_word('confidence', language)} {limit.confidence}" if limit.confidence else ""
    origin = ", ".join(part for part in (source, confidence) if part)
    number = " ".join(part for part in (_number(limit.value), limit.unit) if part)
    return f"{number} ({origin})" if origin else number


def _labelled(label: str, text: str, language: Language) -> str:
    return clean(f"{_word(label, language)}{_word('colon', language)}{text}", LINE_CHARACTERS)


def _digest(announcements: Sequence[Announcement], language: Language, zone: ZoneInfo) -> str:
    """A line for each as far as there is room, the most severe first, and how many more there are."""
    lines: list[str] = []
    room = BODY_BYTES
    for one in sorted(announcements, key=lambda one: one.severity):
        line = f"{_title(one, language)} {_place(one, language)} {_clock(one.at, zone)}"
        lines.append(clean(line, DIGEST_CHARACTERS))
        room -= len(lines[-1].encode()) + 1
        if room < 0:
            lines[-1] = _labelled("more", str(len(announcements) - len(lines) + 1), language)
            break
    return "\n".join(lines)


def _bounded(lines: Iterator[str]) -> str:
    """The lines as far as there is room; the last of them, where to look, has its place first."""
    *others, last = lines
    kept: list[str] = []
    room = BODY_BYTES - len(last.encode()) - 1
    for line in others:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join([*kept, last])


def _number(value: float | str | bool | None) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _clock(time: datetime, zone: ZoneInfo) -> str:
    return time.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _in(text: Text, language: Language) -> str:
    return text.zh if language == "zh" else text.en


def _word(name: str, language: Language) -> str:
    return _in(_WORDS[name], language)
