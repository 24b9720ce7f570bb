"""Rules that raise where a part of another rule counts: a test that they stay silent in does not cover that part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from sqlglot import exp

from rules.conditions import Column, Condition, parse, syntax
from rules.grammar.terms import FLAGS, Terms, value_column
from rules.model import AT_ONCE, Limit, LimitEntry, PlanIndicator, Query, Rule, RuleSet, Step, Stream

SEVERITY = 1  # of a probe's only step; no other would do worse


@dataclass(frozen=True)
class Probe:
    """A rule, the kind of transition that shows the part at work, and what to say where no test gives one."""

    rule: Rule
    kind: Literal["raised", "cleared"]
    gap: str


def probes(rule: Rule, rule_set: RuleSet) -> list[Probe]:
    """A probe for each step up and down, each entry of a limit, each branch of a CASE."""
    return [*_steps(rule), *_entries(rule), *_branches(rule, rule_set)]


def _steps(rule: Rule) -> Iterator[Probe]:
    for step in rule.steps:
        alone = replace(rule, steps=(step,), together=None)
        which = f"step {step.severity}" if len(rule.steps) > 1 else "the rule"
        yield Probe(alone, "raised", f"{which} is never raised")
        yield Probe(alone, "cleared", f"{which} is never cleared")


def _entries(rule: Rule) -> Iterator[Probe]:
    """A limit of a single entry for all series and days needs no probe: it counts whenever the step does."""
    seen = set()
    for step in rule.steps:
        for name, limit in step.limits.items():
            for position, entry in enumerate(limit):
                conditional = len(limit) > 1 or entry.where or entry.start or entry.end
                if conditional and (name, entry) not in seen:
                    seen.add((name, entry))
                    used = parse(f"{name} = 1", {name: Column("number")})
                    yield Probe(
                        _instead(rule, used, {name: _marked(limit, position)}),
                        "raised",
                        f"{name} {_number(entry)} is never used",
                    )


def _branches(rule: Rule, rule_set: RuleSet) -> Iterator[Probe]:
    seen = set()
    for step in rule.steps:
        scope = {**dict.fromkeys(step.limits, Column("number")), **_scope(rule, rule_set)}
        for condition in (step.raise_, step.clear):
            for case in syntax.tree(condition.text).find_all(exp.Case) if condition else ():
                for shown, taken in _taken(case):
                    if taken not in seen:
                        seen.add(taken)
                        probe = _instead(rule, parse(taken, scope), step.limits)
                        yield Probe(probe, "raised", f"the branch {shown} is never taken")


def _taken(case: exp.Case) -> Iterator[tuple[str, str]]:
    """Each branch of a CASE as it is written, with the condition on which it is taken."""
    before = ""
    for branch in case.args["ifs"]:
        when = f"({syntax.sql(branch.this)})"
        if case.this is not None:
            when = f"({syntax.sql(case.this)}) = {when}"
        yield f"WHEN {syntax.sql(branch.this)}", f"{before}{when}"
        before += f"({when}) IS NOT TRUE AND "
    yield "ELSE" if case.args.get("default") else "of no WHEN", before.removesuffix(" AND ")


def _instead(rule: Rule, condition: Condition, limits: Mapping[str, Limit]) -> Rule:
    """The rule, raising at once on another condition."""
    step = Step(SEVERITY, condition, for_=AT_ONCE, keep=AT_ONCE, limits=limits)
    return replace(rule, steps=(step,), at_least=1, together=None)


def _marked(limit: Limit, position: int) -> Limit:
    """The limit with 1 for one of its entries, and 0 for the others."""
    return tuple(
        replace(entry, value=float(number == position), attribute=None, plan=None) for number, entry in enumerate(limit)
    )


def _number(entry: LimitEntry) -> str:
    value = entry.attribute or entry.plan if entry.value is None else f"{entry.value:g} {entry.unit or ''}".strip()
    where = f" where {entry.where.text}" if entry.where else ""
    since = f" from {entry.start}" if entry.start else ""
    until = f" to {entry.end}" if entry.end else ""
    return f"{value} ({entry.source}{where}{since}{until})"


def _scope(rule: Rule, rule_set: RuleSet) -> dict[str, Column]:
    """What the rule's conditions read besides limits."""
    terms = Terms(rule_set.vocabulary, rule_set.calendars, {})
    metrics = {**terms.every_metric, **terms.metrics(rule.domain)}
    found = {**terms.calendar_columns, **terms.attributes, **FLAGS, "metric": Column("text")}
    found |= {alias: value_column(metrics[with_.metric]) for alias, with_ in rule.with_.items()}
    if isinstance(rule.source, Query):
        return {**found, **rule.source.columns}
    if isinstance(rule.source, PlanIndicator):
        numbers = dict.fromkeys(("actual", "path", "target", "shortfall"), Column("number"))
        return {**found, **numbers, "verdict": Column("text")}
    known = [metric for name in _named(rule) for metric in metrics[name]]
    return {**found, "value": value_column(known) if known else Column("number", spans=True)}


def _named(rule: Rule) -> tuple[str, ...]:
    return tuple(name for name in rule.source.metrics if name != "*") if isinstance(rule.source, Stream) else ()
