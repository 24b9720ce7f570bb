"""docs/alerts.md says what the code does."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import get_args

from citybrain.catalogue.schema import duration
from citybrain.settings import PROJECT
from rules.alerts.deadlines import load
from rules.alerts.decision import Why
from rules.alerts.handling import STEPS
from rules.alerts.model import AnnouncementKind, Handling

TEXT = (PROJECT / "docs" / "alerts.md").read_text(encoding="utf-8")


def rows(first: str) -> dict[str, list[str]]:
    """The rows of the table whose first column has that title, by that column."""
    table = TEXT.split(f"| {first} |", 1)[1].split("\n\n", 1)[0]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:])
    return {name.split("`")[1]: rest for name, *rest in cells}


def test_every_action() -> None:
    documented = rows("action")
    assert documented.keys() == STEPS.keys()
    for action, step in STEPS.items():
        _, origins, to, needs, by_crew = documented[action]
        assert origins == ("any" if len(step.origins) == len(get_args(Handling)) else ", ".join(step.origins))
        assert to == (step.to or "unchanged")
        assert needs == ("crew" if step.crew else "operator" if step.operator else "note" if step.note else "")
        assert by_crew == ("yes" if step.by_crew else "")


def test_every_deadline() -> None:
    documented = rows("step")
    entries = load().entries
    assert documented.keys() == entries.keys()
    for step, entry in entries.items():
        _, *times, source = documented[step]
        given = [timedelta(days=3) if text == "3d" else duration(text) for text in times]
        assert given == [entry.of(severity) for severity in (1, 2, 3, 4)]
        assert source.endswith(entry.confidence)


def test_every_reason_kind_and_view() -> None:
    assert set(rows("reason")) == set(get_args(Why))
    for word in (*get_args(Handling), *(kind for kind in get_args(AnnouncementKind) if kind != "flood")):
        assert f"`{word}`" in TEXT
    migration = (PROJECT / "citybrain/store/migrations/0004_alerts.sql").read_text(encoding="utf-8")
    for view in re.findall(r"create view (board_\w+)", migration):
        assert f"`{view}`" in TEXT
