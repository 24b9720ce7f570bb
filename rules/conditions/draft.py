"""A condition while it is being read: what it has been found to read, and all that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from citybrain.catalogue.messages import hint
from rules.conditions import syntax
from rules.conditions.model import Call, Column, Mistake
from rules.conditions.terms import WRONG, Kind, Term, as_kind, number

_ARTICLES: Mapping[Kind, str] = {"number": "a number", "boolean": "true or false", "text": "a text", "state": "a state"}


@dataclass
class Draft:
    """What one condition has been found to read, to hold and to get wrong."""

    scope: Mapping[str, Column]
    advice: Mapping[str, str] = field(default_factory=dict)  # for names that are no columns here
    columns: set[str] = field(default_factory=set)
    calls: dict[str, Call] = field(default_factory=dict)  # by text
    literals: set[float] = field(default_factory=set)
    mistakes: list[Mistake] = field(default_factory=list)

    def wrong(self, node: exp.Expr, message: str) -> Term:
        """Note a mistake; the term that stands for what was wrong fits everywhere."""
        self.mistakes.append(Mistake(syntax.offset(node), message))
        return WRONG

    def column(self, node: exp.Expr) -> Column | None:
        """What a name is; an unknown one is a mistake."""
        name = node.name.lower()
        if name not in self.scope:
            self.wrong(node, f"unknown column `{name}`{self._advice(name)}")
        return self.scope.get(name)

    def _advice(self, name: str) -> str:
        if name in self.advice:
            return f": {self.advice[name]}"
        if any(name in (column.values or column.codes or ()) for column in self.scope.values()):
            return f": a text stands in single quotes, '{name}'"
        return hint(name, self.scope)

    def number(self, literal: float) -> Term:
        """A number that the condition names."""
        self.literals.add(literal)
        return number(literal)

    def expect(self, kind: Kind, node: exp.Expr, term: Term) -> Term | None:
        """The term as that kind, where it can be; None after a mistake."""
        if term.kind == "wrong":
            return None
        if converted := as_kind(kind, term):
            return converted
        advice = ": compare it with something" if kind == "boolean" else ""
        self.wrong(node, f"{syntax.name(node)} is {_ARTICLES[term.kind]} where {_ARTICLES[kind]} is needed{advice}")
        return None

    def agree(self, nodes: Sequence[exp.Expr], terms: Sequence[Term]) -> tuple[list[Term], str | None] | None:
        """The terms as one kind, and their unit: what is compared, added or chosen from. None after a mistake."""
        if any(term.kind == "wrong" for term in terms):
            return None
        known = [(node, term) for node, term in zip(nodes, terms, strict=True) if term.kind != "null"]
        if not known:
            return list(terms), None
        first_node, first = known[0]
        kind = first.kind
        if kind == "state" and any(term.kind != "state" or term.codes != first.codes for term in terms):
            kind = "text"
        for node, term in known:
            if not as_kind(kind, term):
                self.wrong(
                    node,
                    f"{syntax.name(node)} is {_ARTICLES[term.kind]} and {syntax.name(first_node)} is "
                    f"{_ARTICLES[first.kind]}: they don't go together{_in_quotes(first, term)}",
                )
                return None
        with_unit = [(node, term.unit) for node, term in known if term.unit]
        for node, unit in with_unit:
            first_node, first_unit = with_unit[0]
            if unit != first_unit:
                self.wrong(
                    node,
                    f"{syntax.name(node)} is in {unit} and {syntax.name(first_node)} in {first_unit}: "
                    "give both in one unit, nothing is converted",
                )
                return None
        same = [converted for term in terms if (converted := as_kind(kind, term))]
        return same, with_unit[0][1] if with_unit else None


def _in_quotes(one: Term, other: Term) -> str:
    """What to do where a number stands for a text, such as the id of a region."""
    numbers = [term for term in (one, other) if term.kind == "number" and isinstance(term.literal, float)]
    return "; a text stands in single quotes" if numbers and "text" in (one.kind, other.kind) else ""
