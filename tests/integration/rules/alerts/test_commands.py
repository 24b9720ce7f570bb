"""The command `citybrain alert`, and the explanation of an alert."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from citybrain.settings import settings
from rules.alerts.commands import alert
from rules.alerts.model import AlertError
from rules.alerts.silence import shelve

from .conftest import NOW, Desk, transition

Run = Callable[..., str]


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs the command; what it printed, or the error it failed with."""
    monkeypatch.setenv("CITYBRAIN_DATABASE_URL", database)
    monkeypatch.setenv("COLUMNS", "200")
    settings.cache_clear()

    def run_one(*words: str) -> str:
        result = CliRunner().invoke(alert, words)
        if isinstance(result.exception, AlertError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    yield run_one
    settings.cache_clear()


def test_an_alert_is_seen_handled_and_closed(desk: Desk, run: Run) -> None:
    now = datetime.now(UTC)
    desk.record(transition("raised", 2, time=now), now=now)
    assert "0.12 / 0.14 MPa" in run("list", "--domain", "water", "--region", "150800", "--rule", "water.*")
    assert "No alerts" in run("list", "--handling", "closed")
    assert "Alert 1 is confirmed; next: dispatch by" in run("confirm", "1", "--by", "李雪梅")
    assert "accept" in run("dispatch", "1", "--by", "李雪梅", "--crew", "一班")
    for action in ("accept", "start"):
        run(action, "1", "--by", "王强")
    run("feed-back", "1", "--by", "王强", "--note", "换了阀门")
    with pytest.raises(AlertError, match="Possible: close, return"):
        run("refute", "1", "--by", "李雪梅", "--note", "?")
    assert "Alert 1 is closed." in run("close", "1", "--by", "李雪梅", "--note", "已核查")
    desk.record(transition("cleared", 2, time=now), now=now)
    assert "No alerts" in run("list")
    assert "closed" in run("list", "--all")


def test_alerts_are_silenced(desk: Desk, run: Run) -> None:
    desk.record(transition("raised", 2))
    assert "Shelf 1: water.end_pressure on 150802/water/P-7/pressure until" in run(
        "shelve", "1", "--by", "李雪梅", "--reason", "换表", "--for", "1"
    )
    assert "(shelved)" in run("list")
    run("unshelve", "1", "--by", "李雪梅")
    assert "(shelved)" not in run("list")
    until = (datetime.now(settings().zone) + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S")
    run("maintenance", "--by", "王强", "--reason", "检修", "--until", until, "--region", "150800")
    assert "(maintenance)" in run("list")
    assert "about 1, at most 2" in run("statistics")


def test_an_alert_is_explained(desk: Desk, database: str, run: Run) -> None:
    with psycopg.connect(database) as owner:
        owner.execute(
            "insert into device (region_id, domain_id, name, verified, first_seen)"
            " values ('150802', 'water', 'P-7', true, now())"
        )
        owner.execute(
            "insert into metric (domain_id, name, title_zh, title_en, kind, unit)"
            " values ('water', 'pressure', 'z', 'e', 'number', 'MPa') on conflict do nothing"
        )
        owner.execute(
            "insert into series (device_id, metric_id) select d.id, m.id from device d, metric m"
            " where d.name = 'P-7' and m.name = 'pressure' and m.domain_id = 'water'"
        )
        row = owner.execute("select id from series").fetchone()
        assert row is not None
        for minute, value in ((-20, 0.3), (-10, 0.2), (0, 0.12), (10, 0.11)):
            owner.execute(
                "insert into reading (time, value, series_id) values (%s, %s, %s)",
                (NOW + timedelta(minutes=minute), value, row[0]),
            )
        definition = {
            "raise": "value < limit",
            "for": "5m",
            "ladder": [{"severity": "2", "clear": "value > limit + 0.02"}, {"severity": "3", "clear": "no"}],
        }
        owner.execute(
            "insert into rule_version values ('water.end_pressure', 1, %s, '末梢', 'end', now())", (Jsonb(definition),)
        )
    desk.record(transition("raised", 2, series=row[0]))
    shelve(desk.connection, "*", "*", NOW + timedelta(hours=1), "换表", "李雪梅", NOW)
    desk.announce(60)
    text = run("explain", "1")
    for line in (
        "Alert 1: 橙 water.end_pressure 告警 (Orange, Alert water.end_pressure)",
        "of water.end_pressure, version 1, on 150802/water/P-7/pressure",
        "raised at 2026-11-22 12:00:00; handling: new",
        "raise: value < limit",
        "for: 5m",
        "clear: value > limit + 0.02",
        "value = 0.12 MPa",
        "limit = 0.14 MPa, CJJ 58 3.1.3, confidence B (one source)",
        "Readings of 150802/water/P-7/pressure:",
        "2026-11-22 11:50:00  0.2",
        "2026-11-22 12:00:00  0.12  <- raised",
        "2026-11-22 12:10:00  0.11",
        "2026-11-22 12:00:00  shelved by 李雪梅: 换表",
        "Nobody is told now: an operator has shelved it.",
    ):
        assert f"  {line}\n" in text or f"{line}\n" in text, f"{line}\n---\n{text}"
    desk.announce(3600)
    with psycopg.connect(database) as owner:
        owner.execute(
            "insert into delivery (announcement_id, route, status, attempts, created_at, next_try, error)"
            " values (1, 'duty', 'failed', 9, now(), now(), 'no answer')"
        )
    assert "raised, 2026-11-22 13:00:00: duty: failed after 9 attempts (no answer)" in run("explain", "1")
