"""The digest of a handover: of its content, and of nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from citybrain.duty.handovers import Handover, digest

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_the_digest_is_that_of_compact_json_with_sorted_keys() -> None:
    assert digest({"note": "平稳", "begin": 1}) == sha256('{"begin":1,"note":"平稳"}'.encode()).hexdigest()
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_what_was_changed_afterwards_is_no_longer_intact() -> None:
    content = {"note": "平稳"}
    signed = Handover(1, NOW, "li", content, digest(content), None, None, None, None, None)
    assert signed.intact
    assert not signed._replace(content={"note": "有事"}).intact
    assert not signed._replace(taken_at=NOW, taken_by="wang", taken_digest="0" * 64).intact
