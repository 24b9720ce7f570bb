"""What Prometheus is told of backups: what the repository holds."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.backup import report


def backup(kind: str, stop: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "timestamp": {"stop": stop}, "info": {"repository": {"delta": 10 * stop}}, **more}


def told(backups: list[dict[str, Any]]) -> dict[tuple[str, str], float]:
    families = text_string_to_metric_families(report.text(backups))
    return {(one.name, one.labels.get("kind", "")): one.value for family in families for one in family.samples}


def test_the_newest_of_each_kind_counts() -> None:
    samples = told([backup("full", 100), backup("diff", 200), backup("full", 300), backup("diff", 400)])
    assert samples["citybrain_backup_finished_timestamp_seconds", "full"] == 300
    assert samples["citybrain_backup_finished_timestamp_seconds", "diff"] == 400
    assert samples["citybrain_backup_bytes", "diff"] == 4000


def test_a_backup_with_broken_pages_does_not_count() -> None:
    samples = told([backup("full", 100), backup("full", 200, error=True)])
    assert samples["citybrain_backup_finished_timestamp_seconds", "full"] == 100


@pytest.mark.parametrize("backups", [[], [backup("full", 1, error=True)]])
def test_without_a_good_backup_nothing_is_told_of_any_so_that_the_alert_sees_it(backups: list[dict[str, Any]]) -> None:
    assert told(backups) == {}
