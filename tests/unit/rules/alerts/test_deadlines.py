"""The deadlines that ship, and what is wrong with others."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from rules.alerts.deadlines import DEFAULT, DeadlinesError, load

from .rows import NOW


def test_the_figures_of_one_city_hold_where_they_are_cited() -> None:
    entries = load().entries
    for severity, minutes in ((1, 10), (2, 10), (3, 30), (4, 30)):
        assert entries["judge"].of(severity) + entries["dispatch"].of(severity) == timedelta(minutes=minutes)
        assert entries["verify"].of(severity) == timedelta(hours=1)
    assert {entry.confidence for entry in entries.values() if entry.source == "platform default"} == {"S"}
    assert {entry.confidence for entry in entries.values() if entry.source != "platform default"} == {"B"}


def test_the_next_step_and_until_when() -> None:
    deadlines = load()
    assert deadlines.next("dispatched", 2, NOW) == ("accept", NOW + timedelta(minutes=15))
    assert deadlines.next("closed", 2, NOW) == (None, None)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = DEFAULT.read_text(encoding="utf-8")
    bad = tmp_path / "deadlines.yaml"
    bad.write_text(text.replace("red: 5m", "red: soon", 1).replace("verify:", "verfy:"), encoding="utf-8")
    with pytest.raises(DeadlinesError) as caught:
        load(bad)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "deadlines.yaml:4:" in lines[1]
    assert "judge.red: expected a duration such as 30s" in lines[1]
    assert "did you mean verify?" in lines[2]
