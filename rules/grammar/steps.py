"""Reads the steps of a rule: what each takes from the rule, its conditions, limits and holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import nan

from citybrain.catalogue.document import Steps
from rules.conditions import Column, Condition, conflict, ever_true
from rules.grammar import limits
from rules.grammar.entry import Entry
from rules.grammar.schema import RuleEntry, StepEntry
from rules.grammar.sources import Judged
from rules.grammar.terms import Terms, check_free
from rules.model import AT_ONCE, Absence, Hold, Limit, Step


@dataclass(frozen=True)
class _Rung:
    """A step as the file has it, at `steps`; a rule without a ladder is its own."""

    steps: Steps
    file: RuleEntry | StepEntry


def read(
    entry: Entry,
    file: RuleEntry,
    judged: Judged,
    scope: Mapping[str, Column],
    where: Mapping[str, Column],
    terms: Terms,
) -> tuple[Step, ...]:
    """The steps, the most severe first.

    `scope` is what conditions see besides limits, `where` what the condition of a limit's entry sees.
    """
    _check_severities(entry, file)
    if isinstance(judged.source, Absence):
        return (Step(file.severity or 4, None),)
    common = limits.read(entry, (), file, where, terms)
    rungs = [_Rung(("ladder", position), one) for position, one in enumerate(file.ladder or ())] or [_Rung((), file)]
    found = []
    for rung in rungs:
        own = limits.read(entry, rung.steps, rung.file, where, terms) if rung.steps else {}
        known = {**common, **own}
        for name in known if rung is rungs[0] else own:
            key = ("limit",) if name == "limit" else ("limits", name)
            check_free(entry, (*(rung.steps if name in own else ()), *key), name, scope)
        found.append(_step(entry, file, rung, judged, scope, known))
    return tuple(sorted(found, key=lambda step: step.severity))


def _check_severities(entry: Entry, file: RuleEntry) -> None:
    if ("severity" in entry.tree) == ("ladder" in entry.tree):
        entry.report((), "expected exactly one of the keys severity and ladder")
    seen: dict[int, int] = {}
    for position, step in enumerate(file.ladder or ()):
        here: Steps = ("ladder", position, "severity")
        if step.severity is None:
            if not entry.has(here):
                entry.report(here, "the key is missing: expected 1 (red) to 4 (blue)")
        elif step.severity in seen:
            entry.report(here, f"two steps have the severity {step.severity}; expected one of each")
        else:
            seen[step.severity] = position


def _step(
    entry: Entry,
    file: RuleEntry,
    rung: _Rung,
    judged: Judged,
    scope: Mapping[str, Column],
    known: Mapping[str, limits.Read],
) -> Step:
    columns = {**{name: limit.column for name, limit in known.items()}, **scope}
    raise_at, raise_text = _stated(file, rung, "raise_", "raise")
    clear_at, clear_text = _stated(file, rung, "clear", "clear")
    if raise_text is None and not entry.has(raise_at) and not entry.has(("raise",)):
        entry.report((*rung.steps, "raise"), "the key is missing: expected the condition that raises the alert")
    raise_ = entry.condition(raise_at, raise_text, columns, judged.advice)
    clear = entry.condition(clear_at, clear_text, columns, judged.advice)
    for_ = _first(rung.file.for_, file.for_) or AT_ONCE
    keep = _first(rung.file.keep, file.keep)
    if keep is not None and keep.among:
        entry.report(_stated(file, rung, "keep", "keep")[0], "`keep` counts in a row; expected a duration or N samples")
    step = Step(
        severity=rung.file.severity or 4,
        raise_=raise_,
        clear=clear,
        for_=for_,
        keep=_kept(for_) if keep is None else keep,
        limits={name: limit.limit for name, limit in known.items()},
    )
    _check_values(entry, raise_at, clear_at, step, judged)
    return step


def _first(own: Hold | None, common: Hold | None) -> Hold | None:
    return common if own is None else own


def _stated(file: RuleEntry, rung: _Rung, field: str, key: str) -> tuple[Steps, str | None]:
    """Where a step's key stands, its own or the rule's, and the text that it has."""
    own = getattr(rung.file, field)
    return ((*rung.steps, key), own) if own is not None else ((key,), getattr(file, field))


def _kept(for_: Hold) -> Hold:
    """How long clear must have held where the rule does not say: until `K of N` can't be met any more."""
    return Hold(samples=for_.among - for_.samples + 1) if for_.among else AT_ONCE


def _check_values(entry: Entry, raise_at: Steps, clear_at: Steps, step: Step, judged: Judged) -> None:
    """Report conditions on `value` and limits alone that contradict each other, or that nothing plausible meets."""
    conditions = [one for one in (step.raise_, step.clear) if one is not None]
    if not all(on_value(one, step.limits) for one in conditions):
        return
    plausible = f"from {judged.low:g} to {judged.high:g}"
    tried = [(raise_at, "`raise`", step.raise_), (clear_at, "`clear`", step.clear)]
    if step.raise_ and not step.clear:
        tried[1] = (raise_at, "`clear`, which is NOT raise where it is left out,", step.raise_.negated())
    for numbers in versions(step.limits, conditions):
        for steps, key, condition in tried:
            if condition and not ever_true(condition, numbers, judged.low, judged.high):
                entry.report(steps, f"{key} is true for no value {plausible}{_with(numbers)}")
        if step.raise_ and step.clear:
            value = conflict(step.raise_, step.clear, numbers, judged.low, judged.high)
            if value is not None:
                message = (
                    f"both `raise` and `clear` are true for {value:.15g}{_with(numbers)}; leave a gap between them"
                )
                entry.report(clear_at, message)


def on_value(condition: Condition, known: Mapping[str, Limit]) -> bool:
    """Whether a condition reads only `value` and limits whose numbers the rule gives."""
    fixed = {name for name, limit in known.items() if all(one.value is not None for one in limit)}
    return not condition.calls and condition.columns <= {"value"} | fixed


def versions(known: Mapping[str, Limit], conditions: list[Condition]) -> Iterator[dict[str, float]]:
    """The numbers of the limits that conditions read, for each choice of entries that can count at once."""
    read = frozenset().union(*(condition.columns for condition in conditions))
    for chosen in limits.versions({name: limit for name, limit in known.items() if name in read}):
        yield {name: nan if one.value is None else one.value for name, one in chosen.items()}


def _with(numbers: Mapping[str, float]) -> str:
    return f" ({', '.join(f'{name} {number:g}' for name, number in numbers.items())})" if numbers else ""
