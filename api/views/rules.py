"""Rules as the API tells them: what a definition, a tree of texts, says in numbers and names. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from rules.model import Mode

Source = Literal["stream", "absence", "query", "plan"]
Definition = Mapping[str, Any]

_SOURCES: dict[str, Source] = {"silent": "absence", "query": "query", "plan": "plan"}


class RuleLimit(BaseModel):
    """A limit of a rule, and where its number comes from: a value, an attribute of the site, or a plan's indicator."""

    name: str = Field(description="As conditions call it.", examples=["limit"])
    severity: int | None = Field(description="The step of the ladder that it belongs to; null: the rule's own.")
    value: float | None = Field(examples=[0.2])
    attribute: str | None
    plan: str | None
    use: str | None = Field(description="Of a plan's indicator: `target` or `path`.")
    unit: str | None = Field(examples=["MPa"])
    source: str | None = Field(examples=["CJJ 58"])
    clause: str | None = Field(examples=["3.1.3"])
    confidence: str | None = Field(
        description="A two independent sources, B one, C from memory of the text, S a platform default.", examples=["B"]
    )
    where: str | None = Field(description="The series that it counts for; null: all.")
    since: str | None = Field(description="First day on which it counts.", examples=["2026-10-15"])
    until: str | None = Field(description="Last day on which it counts.")


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


def limits(definition: Definition) -> list[RuleLimit]:
    """Its limits, those of the rule itself first."""
    own = [] if "ladder" in definition else [definition.get("severity")]
    holders = [(next(iter(own), None), definition)]
    holders += [(step.get("severity"), step) for step in definition.get("ladder", [])]
    return [found for severity, holder in holders for found in _limits(holder, severity)]


def _limits(holder: Definition, severity: str | None) -> Iterator[RuleLimit]:
    named = {**({"limit": holder["limit"]} if "limit" in holder else {}), **holder.get("limits", {})}
    for name, entries in named.items():
        for entry in _listed(entries):
            yield RuleLimit(
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
