from __future__ import annotations

from rules.testing.coverage import gaps
from rules.testing.engine import engine
from rules.testing.notation import CITY
from rules.testing.run import run
from tests.unit.rules.testing.rulebook import one_rule

LADDER = """
rule: water.low
metric: pressure
raise: value < limit
clear: CASE WHEN site_kind = 'tap' THEN value > limit + 0.1 WHEN night THEN value > limit + 0.05 ELSE value > limit END
ladder:
  - {severity: 3, limit: [
      {where: "site_kind = 'tap'", value: 0.2, unit: MPa, source: platform default, confidence: S},
      {value: 0.3, unit: MPa, source: platform default, confidence: S, to: 2026-02-28},
      {value: 0.4, unit: MPa, source: platform default, confidence: S, from: 2026-03-01}]}
  - {severity: 2, limit: {value: 0.1, unit: MPa, source: platform default, confidence: S}}
"""


def missing(*tests: dict[str, object]) -> list[str]:
    rule, rule_set = one_rule(LADDER)
    results = [run(rule, rule_set, {"name": "n", "expect": "none", **test}, engine(CITY)) for test in tests]
    return gaps(rule, rule_set, results, engine(CITY))


def test_a_rule_without_a_test_says_no_more() -> None:
    assert missing() == ["no test"]


def test_steps_entries_and_branches_that_no_test_shows_are_named() -> None:
    assert missing({"given": "0.5 0.25", "start": "12:00"}) == [
        "step 2 is never raised",
        "step 2 is never cleared",
        "step 3 is never cleared",
        "limit 0.2 MPa (platform default where site_kind = 'tap') is never used",
        "limit 0.4 MPa (platform default from 2026-03-01) is never used",
        "the branch WHEN site_kind = 'tap' is never taken",
        "the branch WHEN night is never taken",
    ]


def test_nothing_is_missing_where_all_is_shown() -> None:
    assert not missing(
        {"given": "0.5 0.05 0.5", "start": "12:00"},
        {"given": {"value": "0.5 0.15", "site_kind": "tap"}, "start": "03-01 02:00"},
        {"given": {"value": "0.5", "site_kind": "works"}, "start": "03-01 02:00"},
    )


def test_a_test_that_fails_covers_as_well_and_one_with_a_mistake_covers_nothing() -> None:
    assert "step 2 is never raised" not in missing({"given": "0.05", "expect": ["00:00 raised 3"]})
    assert "step 2 is never raised" in missing({"given": "0.05 what"})


def test_the_end_of_a_season_shows_no_clear() -> None:
    rule, rule_set = one_rule(
        "rule: heating.cold\nmetric: indoor_temp\nseason: heating\nraise: value < 18\nseverity: 4"
    )
    test = {"name": "n", "start": "04-15 23:00", "given": "17x4", "expect": "none"}
    results = [run(rule, rule_set, test, engine(CITY))]
    assert [one.kind for one in results[0].fired] == ["raised", "cleared"]
    assert gaps(rule, rule_set, results, engine(CITY)) == ["the rule is never cleared"]
