"""The short texts of announcements, in both languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from citybrain.catalogue.model import Text
from rules.alerts.model import Alert, AnnouncementKind

SEVERITY = {1: Text("红", "Red"), 2: Text("橙", "Orange"), 3: Text("黄", "Yellow"), 4: Text("蓝", "Blue")}
STEP = {
    "judge": Text("研判", "judgement"),
    "dispatch": Text("派单", "dispatch"),
    "accept": Text("签收", "acceptance"),
    "start": Text("开始处置", "start of work"),
    "feed_back": Text("反馈", "report"),
    "verify": Text("核查", "verification"),
}
_KIND: dict[AnnouncementKind, Text] = {
    "raised": Text("", ""),
    "reopened": Text("再次出现：", "Again: "),
    "escalated": Text("升级：", "Escalated: "),
    "downgraded": Text("降级：", "Downgraded: "),
    "cleared": Text("已恢复：", "Cleared: "),
}


def single(kind: AnnouncementKind, severity: int, title: Text, place: Text, missed_step: str | None = None) -> Text:
    """The text that announces one alert; `place` is what its site, or else its subject, is called."""
    if kind == "deadline":
        step = STEP[missed_step or "judge"]
        before = Text(f"{step.zh}超时：", f"Overdue ({step.en}): ")
    else:
        before = _KIND[kind]
    colour = SEVERITY[severity]
    return Text(f"{before.zh}{colour.zh} {title.zh}，{place.zh}", f"{before.en}{colour.en} {title.en}, {place.en}")


def digest(alerts: Sequence[Alert]) -> Text:
    """The text that announces many alerts at once: how many, of each severity, and the three most frequent titles."""
    cleared = sum(not alert.raised for alert in alerts)
    by_severity = sorted(Counter(alert.severity for alert in alerts).items())
    titles = Counter((alert.title_zh, alert.title_en) for alert in alerts).most_common(3)
    zh = "，".join(f"{SEVERITY[severity].zh} {count}" for severity, count in by_severity)
    en = ", ".join(f"{SEVERITY[severity].en} {count}" for severity, count in by_severity)
    return Text(
        f"告警洪峰：{len(alerts)} 条（{zh}）{f'，其中已恢复 {cleared} 条' * bool(cleared)}："
        + "；".join(f"{title} {count}" for (title, _), count in titles),
        f"Alert flood: {len(alerts)} alerts ({en}){f', {cleared} of them cleared' * bool(cleared)}: "
        + "; ".join(f"{title} {count}" for (_, title), count in titles),
    )
