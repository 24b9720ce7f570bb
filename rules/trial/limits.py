"""A rule's definition with other numbers for its limits. Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from citybrain.errors import Correctable
from rules.grammar.limits import DEFAULT
from rules.trial.job import ChangedLimit

_ORIGIN = ("value", "attribute", "plan", "use", "source", "clause", "confidence")  # of the number that is replaced


class NoSuchLimit(Correctable):
    """A rule has no such limit, or one that is more than one number."""


def changed(definition: Mapping[str, Any], limits: Iterable[ChangedLimit]) -> dict[str, Any]:
    """The definition with these numbers, as platform defaults; the tests, which hold for the old ones, are left out.

    Raises:
        NoSuchLimit: it has no such limit, or the limit depends on series or dates.
    """
    found: dict[str, Any] = copy.deepcopy({key: value for key, value in definition.items() if key != "tests"})
    for one in limits:
        holder = _holder(found, one)
        before = holder.get(one.name)
        if isinstance(before, list) and len(before) == 1:
            before = before[0]
        if before is None:
            raise NoSuchLimit(
                f"{found['rule']} has no limit {one.name}{_at(one)}.",
                f"规则 {found['rule']} 没有{_at_zh(one)}限值 {one.name}。",
            )
        if not isinstance(before, Mapping):
            raise NoSuchLimit(
                f"The limit {one.name} of {found['rule']} depends on series or dates: send the rule as YAML.",
                f"规则 {found['rule']} 的限值 {one.name} 因序列或日期而异：请以 YAML 提交整条规则。",
            )
        kept = {key: value for key, value in before.items() if key not in _ORIGIN}
        holder[one.name] = {**kept, "value": repr(one.value), "source": DEFAULT, "confidence": "S"}
    return found


def _holder(definition: dict[str, Any], one: ChangedLimit) -> dict[str, Any]:
    """The mapping that has the limit by its name; an empty one where there is none."""
    steps = [step for step in definition.get("ladder", []) if str(step.get("severity")) == str(one.severity)]
    rung = definition if one.severity is None else next(iter(steps), {})
    if one.name == "limit" and "limit" in rung:
        return rung
    named: dict[str, Any] = rung.get("limits", {})
    return named


def _at(one: ChangedLimit) -> str:
    return f" at severity {one.severity}" if one.severity is not None else ""


def _at_zh(one: ChangedLimit) -> str:
    return f"{one.severity} 级的" if one.severity is not None else ""
