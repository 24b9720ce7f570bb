"""A lost database comes back as it was at an instant, to the row."""

from __future__ import annotations

import pytest

from deploy.backup.drill import Outcome, run


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run(tmp_path_factory.mktemp("drill"), 50_000)


def test_every_table_is_as_it_was_to_the_row_and_the_ledger_agrees(outcome: Outcome) -> None:
    assert outcome.failures == []
    assert outcome.state["public.reading"].rows >= 50_000


def test_tables_of_every_kind_had_something_to_lose(outcome: Outcome) -> None:
    # The last one is that of migrations: a restored database knows which release it is of.
    for table in ("alert", "alert_event", "rule_state", "ledger", "series_state", "rollup", "_yoyo_migration"):
        assert outcome.state[f"public.{table}"].rows > 0


def test_what_came_meanwhile_is_stored_and_what_is_sent_again_is_counted_as_duplicate(outcome: Outcome) -> None:
    assert outcome.waited == 5_000
    assert outcome.lost == 5_000
    assert outcome.duplicate >= 5_000
