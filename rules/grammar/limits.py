"""Reads limits: numbers with their origin, by kind of series and by date."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations

from citybrain.catalogue.document import Steps
from rules.conditions import Column, Condition
from rules.grammar.entry import Entry
from rules.grammar.schema import LimitEntry, RuleEntry, StepEntry
from rules.grammar.terms import NO_READING, Terms, refer
from rules.model import Limit
from rules.model import LimitEntry as Resolved

DEFAULT = "platform default"  # the source of a number that no standard has
MAX_VERSIONS = 256  # choices of entries that are tried for one step


@dataclass(frozen=True)
class Read:
    """A limit with the column that it is in conditions."""

    limit: Limit
    column: Column


def read(
    entry: Entry, steps: Steps, holder: RuleEntry | StepEntry, scope: Mapping[str, Column], terms: Terms
) -> dict[str, Read]:
    """The limits of a rule or of one of its steps, which stands at `steps`; `scope` is what their `where` sees."""
    if holder.limit is not None and "limit" in holder.limits:
        entry.report((*steps, "limit"), "`limits` has a limit of that name, too; remove one of them")
    named = {name: ((*steps, "limits", name), entries) for name, entries in holder.limits.items()}
    if holder.limit is not None:
        named["limit"] = ((*steps, "limit"), holder.limit)
    found = {name: _limit(entry, way, entries, scope, terms) for name, (way, entries) in named.items()}
    # A limit that is wrong from the ground up has been reported, and still has its name.
    wrong = [*entry.keys((*steps, "limits")), *(["limit"] if entry.has((*steps, "limit")) else [])]
    return {name: Read((), Column("number")) for name in wrong} | found


def _limit(entry: Entry, steps: Steps, entries: list[LimitEntry], scope: Mapping[str, Column], terms: Terms) -> Read:
    found = []
    for position, one in enumerate(entries):
        here = (*steps, position)
        _check_origin(entry, here, one)
        found.append(_resolved(entry, here, one, scope, terms))
    for (before, first), (position, second) in combinations(enumerate(found), 2):
        # Where a condition can't be read it is not known which series it is for.
        readable = all((entries[n].where is None) == (found[n].where is None) for n in (before, position))
        if readable and _text(first.where) == _text(second.where) and _overlap(first, second):
            message = "this entry and one before it count on the same days for the same series; let them not overlap"
            entry.report((*steps, position), message)
    units = list(dict.fromkeys(one.unit for one in found if one.unit is not None))
    if len(units) > 1:
        entry.report(steps, f"the entries of a limit need one unit, found {' and '.join(units)}")
    return Read(tuple(found), Column("number", units[0] if len(units) == 1 else None))


def _check_origin(entry: Entry, steps: Steps, one: LimitEntry) -> None:
    # What a key says wrongly has been reported, and counts as said.
    sources = [key for key in ("value", "attribute", "plan") if entry.has((*steps, key))]
    if len(sources) != 1:
        entry.report(steps, "expected exactly one of the keys value, attribute and plan")
    if one.source is None and "plan" not in sources and not entry.has((*steps, "source")):
        entry.report((*steps, "source"), f"the key is missing: name the standard that has the number, or {DEFAULT}")
    if one.confidence is None and "value" in sources and not entry.has((*steps, "confidence")):
        entry.report((*steps, "confidence"), "the key is missing: expected A, B or C, or S for a platform default")
    if one.source is None or one.confidence is None:
        return
    mark = one.confidence[0]
    if DEFAULT in one.source.lower() and mark != "S":
        entry.report((*steps, "confidence"), f"a {DEFAULT} has the confidence S, found {one.confidence}")
    elif DEFAULT not in one.source.lower() and mark in "SDX":
        advice = f"find the number in the source, or call it {DEFAULT} with S"
        entry.report((*steps, "confidence"), f"a number of {one.source} can't have the confidence {mark}; {advice}")


def _resolved(entry: Entry, steps: Steps, one: LimitEntry, scope: Mapping[str, Column], terms: Terms) -> Resolved:
    unit = _known_unit(entry, steps, one.unit, scope, terms)
    if one.attribute is not None and refer(entry, (*steps, "attribute"), one.attribute, terms.attributes, "attribute"):
        column = terms.attributes[one.attribute]
        if column.kind != "number":
            entry.report((*steps, "attribute"), f"{one.attribute} is a {column.kind}; a limit needs a number")
        unit = _same_unit(entry, steps, unit, column.unit, one.attribute)
    if one.plan is not None and refer(entry, (*steps, "plan"), one.plan, terms.plans, "indicator"):
        unit = _same_unit(entry, steps, unit, terms.plans[one.plan], one.plan)
    if one.start is not None and one.end is not None and one.end < one.start:
        entry.report((*steps, "to"), f"expected a day not before {one.start}, found {one.end}")
    return Resolved(
        value=one.value,
        attribute=one.attribute,
        plan=one.plan,
        use=one.use,
        unit=unit,
        source=one.source or "",
        clause=one.clause,
        confidence=one.confidence,
        where=entry.condition((*steps, "where"), one.where, scope, NO_READING),
        start=one.start,
        end=one.end,
    )


def _known_unit(
    entry: Entry, steps: Steps, stated: str | None, scope: Mapping[str, Column], terms: Terms
) -> str | None:
    """The unit; None after the mistake that it is a known one in another spelling."""
    known = terms.units | {column.unit for column in scope.values() if column.unit}
    if stated is None or stated in known:
        return stated
    meant = next((unit for unit in sorted(known) if _spelt(unit) == _spelt(stated)), None)
    if meant is None:
        return stated
    entry.report((*steps, "unit"), f"unknown unit {stated}; did you mean {meant}?")
    return None


def _spelt(unit: str) -> str:
    """A unit without what its spellings differ in: capitals, superscripts, the signs of degrees and of micro."""
    plain = unicodedata.normalize("NFKC", unit.replace("°", "deg")).casefold()
    return plain.replace("μ", "u").replace(" ", "")


def _same_unit(entry: Entry, steps: Steps, stated: str | None, own: str | None, name: str) -> str | None:
    if stated is not None and stated != own:
        entry.report((*steps, "unit"), f"expected {own or 'none'} as {name} has, found {stated}")
    return own


def versions(limits: Mapping[str, Limit]) -> Iterator[dict[str, Resolved]]:
    """Each choice of one entry per limit that can count at once for a reading, as far as texts and dates tell."""
    chosen: list[dict[str, Resolved]] = [{}]
    for name, limit in limits.items():
        chosen = [
            {**others, name: one}
            for others in chosen
            for one in limit
            if all(_overlap(one, other) and _compatible(one, other) for other in others.values())
        ][:MAX_VERSIONS]
    yield from chosen


def _compatible(first: Resolved, second: Resolved) -> bool:
    return first.where is None or second.where is None or _text(first.where) == _text(second.where)


def _text(where: Condition | None) -> str | None:
    return where.text if where else None


def _overlap(first: Resolved, second: Resolved) -> bool:
    start = max(first.start or date.min, second.start or date.min)
    return start <= min(first.end or date.max, second.end or date.max)
