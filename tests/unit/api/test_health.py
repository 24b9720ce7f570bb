from __future__ import annotations

from datetime import UTC, datetime

from api.health import collecting, running
from citybrain.store.boards import Collector, Rules

SINCE = datetime(2026, 11, 21, tzinfo=UTC)


def collector(unit: str, *, heard_s: float = 0.5, connected: bool = True) -> Collector:
    return Collector(unit, SINCE, heard_s, connected, 0)


def test_all_units_are_collected() -> None:
    assert collecting([collector("150802"), collector("150821", heard_s=9.9)]).ok


def test_nobody_has_ever_collected() -> None:
    check = collecting([])

    assert not check.ok
    assert "`citybrain collect`" in check.detail


def test_one_of_two_is_gone() -> None:
    check = collecting([collector("150802"), collector("150821", heard_s=41)])

    assert not check.ok
    assert "150821 has not been heard for 41 s" in check.detail
    assert "150802" not in check.detail


def test_one_lacks_the_broker() -> None:
    check = collecting([collector("city", connected=False)])

    assert not check.ok
    assert check.detail == "The collector of city is not connected to the broker."


def test_without_rules_nobody_needs_to_run_them() -> None:
    assert running(Rules(0, running=False)).ok


def test_rules_that_nobody_runs() -> None:
    check = running(Rules(39, running=False))

    assert not check.ok
    assert "`citybrain rules run`" in check.detail


def test_rules_that_run() -> None:
    assert running(Rules(39, running=True)).detail == "39 rules are in force, and a runner is at work."
