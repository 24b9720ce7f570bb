"""Named SQL: `query("ledger", "by_hour")` is the block `-- name: by_hour` of `ledger.sql`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def blocks(file: str) -> dict[str, LiteralString]:
    """The blocks of `file`.sql by name, in the order written."""
    return read(Path(__file__).parent / f"{file}.sql")


@cache
def read(path: Path) -> dict[str, LiteralString]:
    """The blocks of a file of named SQL by name, in the order written.

    They ship with the package and are never built from input, which is what LiteralString stands for.
    """
    text = path.read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    return {name: cast(LiteralString, sql) for name, sql in zip(parts[::2], parts[1::2], strict=True)}


def query(file: str, name: str) -> LiteralString:
    """The block `name` of `file`.sql."""
    return blocks(file)[name]
