"""Checks the SELECT of a query rule before any database sees it.

The role in which queries run reads the rule_ views and nothing else, in transactions that are read-only; these checks
say it earlier and in plainer words.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from citybrain.catalogue.messages import hint
from rules.conditions import Mistake
from rules.grammar.terms import SUBJECTS

VIEWS = ("rule_series", "rule_reading", "rule_hour", "rule_latest", "rule_device", "rule_ledger", "rule_refusal")
_FORBIDDEN = re.compile(
    r"pg_|lo_|dblink|set_config$|current_setting$|nextval$|setval$|txid_|(query|table|schema|database|cursor)_to_xml"
)
_CHANGES = (exp.DML, exp.DDL, exp.Command, exp.Into, exp.Lock, exp.Drop, exp.Alter, exp.Copy, exp.Set)
# Functions that may stand where a table does: they only make rows of what they are given.
_ROW_FUNCTIONS = re.compile(r"(exploding)?_?generate_?series|unnest|jsonb_(each|array_elements)(_text)?")

# sqlglot warns of statements that it does not know; they are reported as mistakes.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


def check(sql: str, columns: Collection[str], subject: str) -> list[Mistake]:
    """What is wrong with a query whose rows have these columns and name a subject of that kind."""
    try:
        statements = [statement for statement in sqlglot.parse(sql, dialect="postgres") if statement is not None]
    except SqlglotError as error:
        return [_syntax(sql, error)]
    except RecursionError:
        return [Mistake(0, "nested too deeply; write a simpler query")]
    query = statements[0] if len(statements) == 1 else None
    if not isinstance(query, (exp.Select, exp.SetOperation)):
        return [Mistake(0, "expected exactly one SELECT, which may begin with WITH")]
    mistakes = [
        *_escapes(sql),
        *_changes(query, sql),
        *_tables(query),
        *_functions(query, sql),
        *_parameters(query, sql),
    ]
    return mistakes or [*_columns(query, columns, subject)]


def _syntax(sql: str, error: SqlglotError) -> Mistake:
    found = (getattr(error, "errors", None) or [{}])[0]
    line, column = found.get("line"), found.get("col")
    if line is None or column is None:
        return Mistake(0, "not valid SQL: " + str(error).splitlines()[0])
    lines = sql.split("\n")
    # sqlglot names the last character of the word at which it stopped.
    offset = sum(len(text) + 1 for text in lines[: line - 1]) + column - len(found.get("highlight") or " ")
    what = re.sub(r" (but got|for) <.*", "", str(found.get("description", "")), flags=re.DOTALL).strip().rstrip(".")
    return Mistake(max(offset, 0), f"not valid SQL near {found.get('highlight', '')!r}: {what}")


def _escapes(sql: str) -> Iterator[Mistake]:
    """Names and texts in escapes say something else to the database than to these checks."""
    for found in re.finditer(r"""\bu&["']""", sql, re.IGNORECASE):
        yield Mistake(found.start(), f"{found.group()} begins an escaped text; write the characters themselves")


def _changes(query: exp.Expr, sql: str) -> Iterator[Mistake]:
    words: dict[type[exp.Expr], tuple[str, str]] = {
        exp.Into: ("INTO", "INTO"),
        exp.Lock: ("FOR", "a lock such as FOR UPDATE"),
    }
    for node in query.find_all(*_CHANGES):
        word, what = words.get(type(node), (node.key.upper(), node.key.upper()))
        yield Mistake(_find(word, sql), f"{what} is not allowed: a query only reads")


def _tables(query: exp.Expr) -> Iterator[Mistake]:
    for table in query.find_all(exp.Table, exp.Lateral):
        if isinstance(table.parent, exp.Into):
            continue  # That is reported as what it is.
        source = table.this
        if isinstance(source, exp.Func):
            name = source.name if isinstance(source, exp.Anonymous) else source.sql_name()
            if not _ROW_FUNCTIONS.fullmatch(name.lower()) or table.args.get("db"):
                yield Mistake(_offset(table), f"{name.lower()} is no table that a query may read")
        elif isinstance(table, exp.Table):
            qualified = table.args.get("db") or table.args.get("catalog")
            if qualified or not (_folded(table) in VIEWS or _is_common(table)):
                advice = hint(table.name, VIEWS) or f"; expected one of {', '.join(VIEWS)}"
                yield Mistake(_offset(table), f"{table.sql()} is no view that a query may read{advice}")


def _folded(table: exp.Table) -> str:
    """A name as the database takes it: without quotes its capitals are none."""
    return table.name if table.this.args.get("quoted") else table.name.lower()


def _is_common(table: exp.Table) -> bool:
    """Whether a name is that of a WITH query that can be seen from where it stands."""
    node: exp.Expr = table
    while parent := node.parent:
        seen: list[exp.Expr] = []
        if isinstance(parent, exp.With):
            position = parent.expressions.index(node)
            seen = parent.expressions[: position + bool(parent.args.get("recursive"))]
        elif (common := parent.args.get("with_")) is not None and common is not node:
            seen = common.expressions
        if any(one.alias_or_name.lower() == table.name.lower() for one in seen):
            return True
        node = parent
    return False


def _functions(query: exp.Expr, sql: str) -> Iterator[Mistake]:
    for node in query.find_all(exp.Func):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        if _FORBIDDEN.match(name):
            yield Mistake(_find(name, sql), f"the function {name} is not allowed in a query")


def _parameters(query: exp.Expr, sql: str) -> Iterator[Mistake]:
    for node in query.find_all(exp.Placeholder, exp.Parameter):
        if not (isinstance(node, exp.Placeholder) and node.this == "now"):
            text = f":{node.this}" if isinstance(node.this, str) else node.sql("postgres")
            yield Mistake(max(sql.find(text), 0), f"unknown parameter {text}; the only one is :now")


def _columns(query: exp.Select | exp.SetOperation, columns: Collection[str], subject: str) -> Iterator[Mistake]:
    if query.is_star:
        return  # Which columns that are is known only to the database.
    selected = [expression.output_name.lower() for expression in query.selects]
    if "" in selected:
        yield Mistake(0, "an expression of the select list has no name; give it one with AS")
        return
    for name in columns:
        if name not in selected:
            yield Mistake(0, f"the column {name} is declared and not selected{hint(name, selected)}")
    for name in selected:
        if name not in columns and name not in SUBJECTS:
            yield Mistake(0, f"the column {name} is selected and not declared in `columns`{hint(name, columns)}")
    own = {"subject"} if subject == "text" else {"subject", subject}
    if own.isdisjoint(selected):
        yield Mistake(0, f"no column names the subject of a row; select a column {' or '.join(sorted(own))}")


def _find(word: str, sql: str) -> int:
    """Where a word stands first; sqlglot keeps the places of names only."""
    found = re.search(rf"\b{re.escape(word)}\b", sql, re.IGNORECASE)
    return found.start() if found else 0


def _offset(node: exp.Expr) -> int:
    return next((part.meta["start"] for part in node.walk() if "start" in part.meta), 0)
