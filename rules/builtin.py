"""Alerts that the platform raises about its own rules. They have no source, so no file can hold them."""

from __future__ import annotations

from datetime import datetime

from citybrain.catalogue.model import Text
from rules.model import Rule, Step, Stream
from rules.transition import Cell, Transition

FAILED = Rule(
    name="platform.rule_failed",
    title=Text("规则运行失败", "A scheduled rule failed"),
    source=Stream(()),
    steps=(Step(3, None),),
    advice=Text(
        "查看规则运行错误（citybrain rules list），修正查询后重新发布",
        "See its error (`citybrain rules list`), correct the query and apply it again",
    ),
    subject="text",
)

BLIND = Rule(
    name="platform.rule_blind",
    title=Text("规则一天中多数读数无法判断", "A rule could not judge most readings of a day"),
    source=Stream(()),
    steps=(Step(4, None),),
    advice=Text(
        "检查规则引用的其他指标、限值和站点属性是否有值：缺一项即为空值",
        "Look whether the other metrics, limits and attributes of sites that it reads have values: one missing is NULL",
    ),
    subject="text",
)

BUILTIN = {rule.name: rule for rule in (FAILED, BLIND)}


def about(
    rule: Rule, subject: str, now: datetime, *, raised: bool, values: dict[str, Cell] | None = None
) -> Transition:
    """A transition of a built-in alert about the rule `subject`."""
    severity = rule.steps[0].severity
    return Transition(
        rule=rule.name,
        version=0,
        subject=subject,
        subject_kind="text",
        kind="raised" if raised else "cleared",
        time_us=int(now.timestamp() * 1_000_000),
        severity=severity,
        before=None if raised else severity,
        domain="platform",
        values=values or {},
    )
