"""Alerts and transitions for tests that need no database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rules.alerts.model import Alert

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def alert(**columns: Any) -> Alert:
    """An alert that was raised at NOW and of which nothing was told."""
    given: dict[str, Any] = {
        "id": 1,
        "rule": "water.end_pressure",
        "subject": "S",
        "subject_kind": "text",
        "region_id": "150802",
        "domain_id": "water",
        "site_id": None,
        "device": None,
        "mode": "live",
        "version": 1,
        "title_zh": "末梢压力过低",
        "title_en": "Low pressure",
        "advice_zh": None,
        "advice_en": None,
        "severity": 3,
        "worst": 3,
        "condition": "raised",
        "raised_at": NOW,
        "cleared_at": None,
        "clear_reason": None,
        "last_time": NOW,
        "changed_at": NOW,
        "past": False,
    }
    return Alert(**{**given, **columns})
