"""Other numbers for the limits of a rule."""

from __future__ import annotations

import pytest

from rules.trial.job import ChangedLimit
from rules.trial.limits import NoSuchLimit, changed

LADDER = {
    "rule": "water.low",
    "ladder": [
        {
            "severity": "3",
            "limit": {"value": "0.2", "unit": "MPa", "source": "CJJ 58", "clause": "3", "confidence": "B"},
        },
        {"severity": "2", "limits": {"low": [{"value": "0.1", "unit": "MPa"}]}},
    ],
    "limits": {"high": [{"value": "1"}, {"value": "2", "where": "site_kind = 'tap'"}]},
    "tests": [{"name": "x"}],
}


def test_a_number_is_replaced_with_its_origin() -> None:
    found = changed(LADDER, [ChangedLimit(severity=3, value=0.25), ChangedLimit(severity=2, name="low", value=0.15)])
    assert found["ladder"][0]["limit"] == {
        "value": "0.25",
        "unit": "MPa",
        "source": "platform default",
        "confidence": "S",
    }
    assert found["ladder"][1]["limits"]["low"]["value"] == "0.15"
    assert "tests" not in found
    assert LADDER["ladder"][0]["limit"]["value"] == "0.2"  # type: ignore[index]  # a tree of texts


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (ChangedLimit(severity=1, value=1), "no limit limit at severity 1"),
        (ChangedLimit(value=1), "no limit limit"),
        (ChangedLimit(severity=3, name="low", value=1), "no limit low"),
        (ChangedLimit(name="high", value=1), "depends on series or dates"),
    ],
)
def test_a_limit_that_is_not_one_number_is_refused(limit: ChangedLimit, words: str) -> None:
    with pytest.raises(NoSuchLimit, match=words) as caught:
        changed(LADDER, [limit])
    assert caught.value.zh != str(caught.value)
