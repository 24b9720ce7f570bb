"""Colours of severities, and the limits of rules as the steps that Grafana colours a value by. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models.dashboard import FieldColorModeId, Threshold, ThresholdsMode

from deploy.boards.words import Words
from rules.levels import Level

# The cockpit's fills of its light theme, which stand out on Grafana's dark pages, too.
SEVERITIES = {1: "#C2151B", 2: "#E87B00", 3: "#F0C400", 4: "#1D6FD0"}
NORMAL = "#7C8895"  # grey: what is normal is quiet
INK = "#8A98A5"  # of lines and numbers that say nothing about well or ill
NONE = "transparent"


def constant(levels: Iterable[Level], metric: str) -> list[Level]:
    """The limits that are one number for all series of a metric, wherever they are; the mildest first.

    A limit that is an attribute of the site, a plan's target or another number at each kind of site is none.
    """
    return [level for level in levels if level.value is not None and level.where in (None, f"metric = '{metric}'")]


def steps(levels: Sequence[Level], normal: str = NONE) -> list[Threshold]:
    """The colour of each span of values: that of the worst severity that a limit raises there; else `normal`.

    A step of Grafana's holds from its value on, so at the limit itself a `>` is coloured as a `>=`.
    """
    bounds = {sign * level.value for level in levels if level.value is not None for sign in _signs(level)}
    edges = [float("-inf"), *sorted(bounds), float("inf")]
    found: list[Threshold] = []
    for low, high in pairwise(edges):
        colour = _colour(levels, _between(low, high), normal)
        if not found or found[-1].color != colour:
            found.append(Threshold(value=None if low == float("-inf") else low, color=colour))
    return found


def config(steps: list[Threshold]) -> build.ThresholdsConfig:
    """Steps as panels take them."""
    return build.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def painted() -> build.FieldColor:
    """A colour that follows the steps."""
    return build.FieldColor().mode(FieldColorModeId.THRESHOLDS)


def told(levels: Iterable[Level], words: Words) -> str:
    """What limits stand behind the colours, and where they are from: a line each, for a panel's description."""
    lines = []
    for level in levels:
        line = words(
            "domain.limit",
            operator=f"|x| {level.operator}" if level.absolute else level.operator,
            value=f"{level.value:g}",
            unit=level.unit or "",
            severity=words.group("severity").get(str(level.severity), ""),
            rule=words.of(level.rule_title),
            source=" ".join(part for part in (level.source, level.clause) if part),
            confidence=level.confidence,
        )
        if level.series_where:
            line += " " + words("domain.for", where=f"`{level.series_where}`")
        lines.append(f"- {line}")
    return "\n".join([words("domain.limits"), "", *lines]) if lines else ""


def _signs(level: Level) -> tuple[int, ...]:
    return (-1, 1) if level.absolute else (1,)


def _between(low: float, high: float) -> float:
    """A number of a span that has at most one end."""
    if low == float("-inf"):
        return high - 1
    return low + 1 if high == float("inf") else (low + high) / 2


def _colour(levels: Iterable[Level], value: float, normal: str) -> str:
    raised = [level.severity for level in levels if level.severity and _beyond(level, value)]
    return SEVERITIES[min(raised)] if raised else normal


def _beyond(level: Level, value: float) -> bool:
    limit = level.value or 0.0
    measured = abs(value) if level.absolute else value
    return measured < limit if level.operator in ("<", "<=") else measured > limit
