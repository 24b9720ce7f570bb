"""A statement as Grafana's PostgreSQL data source sends it: variables replaced in the browser, macros in the server.

Written from what Grafana documents, in particular "PostgreSQL query editor" (macros), "PostgreSQL template variables"
and "Variable syntax" (formats, custom all value) of version 12, and checked against the tests that Grafana has of them:
pkg/tsdb/grafana-postgresql-datasource/macros_test.go, and interpolationTruthTable.test.ts of that data source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")
_MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class Chosen:
    """What is chosen of a variable: some values; `everything`, the text that stands for all, goes in as it is.

    A variable of one value (`multi` false) is not quoted, unless a format says so.
    """

    values: Sequence[str] = ()
    everything: str | None = None
    multi: bool = True

    def text(self, form: str | None) -> str:
        if self.everything is not None:
            return self.everything
        quoted = ",".join("'" + value.replace("'", "''") + "'" for value in self.values)
        if form == "sqlstring" or (form is None and self.multi):
            return quoted
        assert form is None, f"the format {form} is not known here"
        assert len(self.values) == 1
        return self.values[0].replace("'", "''")


def interpolated(statement: str, chosen: Mapping[str, Chosen], interval: str = "1m") -> str:
    """With variables replaced; names that are none stay, macros among them."""
    known = {**chosen, "__interval": Chosen([interval], multi=False)}

    def put(match: re.Match[str]) -> str:
        braced, form, plain = match.groups()
        found = known.get(braced or plain)
        return match[0] if found is None else found.text(form)

    return _VARIABLE.sub(put, statement)


def expanded(statement: str, start: datetime, end: datetime) -> str:
    """With macros replaced, for a data source that has TimescaleDB switched on.

    Raises:
        ValueError: a macro is not known.
    """

    def put(match: re.Match[str]) -> str:
        name, given = match.groups()
        arguments = [argument.strip() for argument in given.split(",")]
        # An old way to write it: a comma behind the macro makes it a column called time.
        if name == "__timeGroup" and statement[match.end() : match.end() + 1] == ",":
            name = "__timeGroupAlias"
        return _macro(name, arguments, start, end)

    return _MACRO.sub(put, statement)


def _macro(name: str, arguments: list[str], start: datetime, end: datetime) -> str:
    match name:
        case "__time":
            return f'{arguments[0]} AS "time"'
        case "__timeFilter":
            return f"{arguments[0]} BETWEEN '{_instant(start)}' AND '{_instant(end)}'"
        case "__timeFrom":
            return f"'{_instant(start)}'"
        case "__timeTo":
            return f"'{_instant(end)}'"
        case "__timeGroup":
            return f"time_bucket('{_seconds(arguments[1]):.3f}s',{arguments[0]})"
        case "__timeGroupAlias":
            return _macro("__timeGroup", arguments, start, end) + ' AS "time"'
    raise ValueError(f"unknown macro {name}")


def _instant(moment: datetime) -> str:
    """As Go's RFC3339Nano writes it, which leaves zeros at the end out."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return text + "Z"


def _seconds(interval: str) -> float:
    text = interval.strip("'")
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1]) * _SECONDS[text[-1]]
