"""The statements of boards: named blocks of SQL, with what is known when boards are built filled in.

What is known only when a board is looked at stands in them as Grafana's macros (`$__timeFilter(...)`) and variables
(`${region:sqlstring}`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from psycopg.sql import Literal

from citybrain.store.sql import read
from deploy.boards.model import Language

_FOLDER = Path(__file__).parent


class Expression(str):
    """A piece of SQL that is filled in as it is; all else is filled in as a literal."""

    __slots__ = ()


@dataclass(frozen=True)
class Scope:
    """What a board is about: all domains or one, in a language; `by_site` where it has the variable of sites."""

    language: Language
    domain: str | None = None
    by_site: bool = False

    def sql(self, file: str, *names: str, **values: object) -> str:
        """The blocks `names` of `file`.sql, one after the other, with `values` filled in."""
        known = {**self._conditions(), "domain": Literal(self.domain).as_string()}
        given = {name: _filled(value) for name, value in values.items()}
        return "".join(_block(file, name) for name in names) % {**known, **given}

    def _conditions(self) -> dict[str, str]:
        """Which rows the variables of the board choose, and which count, each as a condition."""
        domains = (
            _block("variables", "in_domains")
            if self.domain is None
            else _block("variables", "in_domain") % {"domain": Literal(self.domain).as_string()}
        )
        return {
            "language": self.language,
            "in_regions": _bare(_block("variables", "in_regions")),
            "in_domains": _bare(domains),
            "fresh": _bare(_block("domain", "fresh")),
            "in_sites": _bare(_block("variables", "in_sites" if self.by_site else "anywhere")),
        }


def _block(file: str, name: str) -> str:
    return read(_FOLDER / f"{file}.sql")[name]


def _bare(block: str) -> str:
    """A condition without the comment before it, for it goes into the middle of a line."""
    return " ".join(line.strip() for line in block.splitlines() if not line.startswith("--"))


def _filled(value: object) -> str:
    return str(value) if isinstance(value, Expression) else Literal(value).as_string()
