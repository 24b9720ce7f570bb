"""What a rule's definition, its file's tree of texts, says in numbers and names. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rules.model import Mode

Source = Literal["stream", "absence", "query", "plan"]
Definition = Mapping[str, Any]

_SOURCES: dict[str, Source] = {"silent": "absence", "query": "query", "plan": "plan"}


@dataclass(frozen=True)
class StatedLimit:
    """A limit as a definition states it; one of `value`, `attribute` and `plan` says where its number comes from.

    Attributes:
        name: As conditions call it.
        severity: The step of the ladder that it belongs to; None: the rule's own.
        value: The number itself, in `unit`.
        attribute: The site's attribute that has the number.
        plan: The plan's indicator that has it, `plan/indicator`.
        use: Of an indicator: `target` or `path`.
        unit: Of the number.
        source: The standard that has the number.
        clause: Of the standard.
        confidence: A two independent sources, B one, C from memory of the text, S a platform default.
        where: The series that it counts for, as a condition; None: all.
        since: First day on which it counts, as `2026-10-15`.
        until: Last day on which it counts.
    """

    name: str
    severity: int | None
    value: float | None
    attribute: str | None
    plan: str | None
    use: str | None
    unit: str | None
    source: str | None
    clause: str | None
    confidence: str | None
    where: str | None
    since: str | None
    until: str | None


def source(definition: Definition) -> Source:
    """What the rule judges: readings, silence, rows of a query, or a plan's indicator."""
    return next((kind for key, kind in _SOURCES.items() if key in definition), "stream")


def mode(definition: Definition) -> Mode:
    """`live`, `shadow` (recorded, nobody is told) or `off`."""
    found: Mode = definition.get("mode", "live")
    return found


def metrics(definition: Definition) -> list[str]:
    """The metrics that a stream rule judges; `*` is every metric."""
    return [str(one) for one in _listed(definition.get("metric"))]


def severities(definition: Definition) -> list[int]:
    """The severities that it may raise, the worst first."""
    steps = definition.get("ladder") or [definition]
    return sorted(int(step["severity"]) for step in steps if "severity" in step)


def step(definition: Definition, severity: int | None) -> Definition:
    """What the step of a severity says, and for what it leaves out the rule; of a rule without a ladder the rule."""
    steps = [one for one in definition.get("ladder", ()) if one.get("severity") == str(severity)]
    return {**definition, **(steps[0] if steps else {})}


def limits(definition: Definition) -> list[StatedLimit]:
    """Its limits, those of the rule itself first."""
    own = None if "ladder" in definition else definition.get("severity")
    holders = [(own, definition), *((one.get("severity"), one) for one in definition.get("ladder", ()))]
    return [found for severity, holder in holders for found in _limits(holder, severity)]


def _limits(holder: Definition, severity: str | None) -> Iterator[StatedLimit]:
    named = {**({"limit": holder["limit"]} if "limit" in holder else {}), **holder.get("limits", {})}
    for name, entries in named.items():
        for entry in _listed(entries):
            yield StatedLimit(
                name=name,
                severity=None if severity is None else int(severity),
                value=None if "value" not in entry else float(entry["value"]),
                since=entry.get("from"),
                until=entry.get("to"),
                **{key: entry.get(key) for key in _TEXTS},
            )


_TEXTS = ("attribute", "plan", "use", "unit", "source", "clause", "confidence", "where")


def _listed(found: Any) -> list[Any]:
    if found is None:
        return []
    return found if isinstance(found, list) else [found]
