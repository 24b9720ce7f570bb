"""New versions of rules under running holds and open alerts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from citybrain.settings import PROJECT
from rules import sets
from rules.grammar.errors import RulesError
from rules.grammar.load import load
from rules.plans.load import indicators
from rules.plans.load import load as load_plans
from tests.integration.rules.conftest import DAY, at

if TYPE_CHECKING:
    from tests.integration.rules.conftest import Town

MINUTE = timedelta(minutes=1)
LOW = """
- rule: water.low
  metric: pressure
  raise: value < 0.2
  clear: value >= 0.25
  for: 3 samples
  severity: 3
"""
LADDER = """
- rule: water.low
  metric: pressure
  ladder:
    - {severity: 3, raise: value < 0.2, clear: value >= 0.25}
    - {severity: 2, raise: value < 0.1, clear: value >= 0.15}
"""


def low(town: Town, start: str, *values: float, device: str = "water/p1") -> None:
    town.series(device, "pressure", start, MINUTE, values)


def test_apply_is_idempotent_and_counts_versions_by_rule(town: Town) -> None:
    other = LOW.replace("water.low", "water.other")
    assert town.apply(LOW + other).added == ("water.low", "water.other")
    again = town.apply(LOW + other)
    assert again.nothing
    assert town.ask("select count(*) from rule_set") == [(1,)]
    changed = town.apply(LOW.replace("0.2", "0.21") + other)
    assert (changed.added, changed.changed, changed.removed) == ((), ("water.low",), ())
    assert town.apply(other).removed == ("water.low",)
    # What comes back as it was keeps its number, what comes back as another gets a new one.
    assert town.apply(LOW.replace("0.2", "0.21") + other).added == ("water.low",)
    town.apply(LOW + other)
    assert town.ask("select rule, version from rule_version order by 1, 2") == [
        ("water.low", 1),
        ("water.low", 2),
        ("water.low", 3),
        ("water.other", 1),
    ]


def test_a_broken_file_leaves_everything_as_it_was(town: Town) -> None:
    town.apply(LOW)
    low(town, "10:00", 0.1, 0.1)
    with pytest.raises(RulesError):
        town.apply(LOW.replace("0.2", "0.21") + "- rule: water.broken\n  metric: presure\n  raise: value <\n")
    town.refresh(at("10:02"))
    low(town, "10:02", 0.1)
    assert [(one.at, one.version) for one in town.said("water.low")] == [("10:02", 1)]


def test_the_shipped_rules_come_back_from_the_store_as_they_were_checked(town: Town) -> None:
    plans = load_plans(PROJECT, town.catalogue)
    checked = load(PROJECT, town.catalogue, {name: found.unit for name, found in indicators(plans).items()})
    applied = sets.apply(town.connection, checked, plans, "test", DAY)
    stored = sets.load(town.connection, applied.set_id)
    assert stored.plans == plans
    assert list(stored.rules.rules) == list(checked.rules.rules)
    for name, rule in checked.rules.rules.items():
        found = stored.rules.rules[name]
        assert (found.source, len(found.steps)) == (rule.source, len(rule.steps))
        assert found.definition == rule.definition


def test_a_change_of_words_keeps_running_holds(town: Town) -> None:
    town.apply(LOW)
    low(town, "10:00", 0.1, 0.1)
    town.apply(LOW + "  title: {zh: 新, en: New}\n  advice: {zh: 看, en: Look}\n  mode: shadow\n")
    low(town, "10:02", 0.1)
    assert [(one.at, one.kind, one.version) for one in town.said("water.low")] == [("10:02", "raised", 2)]


def test_a_change_of_another_rule_or_of_an_unused_calendar_keeps_running_holds(town: Town) -> None:
    other = LOW.replace("water.low", "water.other")
    town.apply(LOW + other, "night: {hours: '02:00-04:00'}\n")
    low(town, "10:00", 0.1, 0.1)
    town.apply(LOW + other.replace("0.2", "0.21"), "night: {hours: '01:00-04:00'}\n")
    low(town, "10:02", 0.1)
    assert town.brief("water.low") == ["10:02 raised 3"]
    assert town.brief("water.other") == []
    low(town, "10:03", 0.1, 0.1)
    assert [(one.at, one.version) for one in town.said("water.other")] == [("10:04", 2)]


def test_a_change_of_judging_drops_running_holds(town: Town) -> None:
    town.apply(LOW)
    low(town, "10:00", 0.1, 0.1)
    town.apply(LOW.replace("0.2", "0.21"))
    low(town, "10:02", 0.1, 0.1)
    assert town.brief("water.low") == []
    low(town, "10:04", 0.1)
    assert [(one.at, one.version) for one in town.said("water.low")] == [("10:04", 2)]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_new_clear_decides_about_an_open_alert_which_keeps_its_version(town: Town, *, restarts: bool) -> None:
    town.apply(LOW)
    low(town, "10:00", 0.1, 0.1, 0.1, 0.26)
    low(town, "10:04", 0.1, 0.1, 0.1)
    town.apply(LOW.replace("0.25", "0.4"))
    if restarts:
        town.restart()
    low(town, "10:07", 0.3)
    assert [one.kind for one in town.said("water.low")] == ["raised", "cleared", "reopened"]
    assert town.ask("select version from alert") == [(1,)]
    low(town, "10:08", 0.4)
    assert [(one.kind, one.version) for one in town.said("water.low")[2:]] == [("reopened", 1), ("cleared", 2)]
    assert town.ask("select version from alert") == [(1,)]


def test_the_definition_that_raised_an_alert_stays_readable(town: Town) -> None:
    town.apply(LOW)
    low(town, "10:00", 0.1, 0.1, 0.1)
    town.apply(LOW.replace("0.2", "0.15"))
    assert town.ask("select v.definition ->> 'raise' from alert a join rule_version v using (rule, version)") == [
        ("value < 0.2",)
    ]


def test_a_rule_that_is_gone_clears_its_alerts_and_comes_back_without_memory(town: Town) -> None:
    other = LOW.replace("water.low", "water.other").replace("pressure", "flow")
    town.apply(LOW + other)
    low(town, "10:00", 0.1, 0.1, 0.1)
    town.apply(other, now=at("10:02"))
    assert town.brief("water.low")[1:] == ["10:02 cleared 3 (rule removed)"]
    assert town.remembered() == []
    town.apply(LOW + other, now=at("10:02"))
    low(town, "10:03", 0.1, 0.1)
    assert len(town.said("water.low")) == 2
    low(town, "10:05", 0.1)
    assert [one.kind for one in town.said("water.low")[2:]] == ["reopened"]


def test_a_set_without_rules_clears_everything(town: Town) -> None:
    town.apply(LOW)
    low(town, "10:00", 0.1, 0.1, 0.1)
    town.apply(LOW.replace("severity: 3", "severity: 3\n  mode: 'off'"), now=at("10:02"))
    assert town.brief("water.low")[1:] == ["10:02 cleared 3 (rule removed)"]
    assert town.remembered() == []


def test_a_step_that_is_gone_releases_its_latch(town: Town) -> None:
    town.apply(LADDER)
    low(town, "10:00", 0.18, 0.05)
    assert town.brief("water.low") == ["10:00 raised 3", "10:01 escalated 2"]
    three = LADDER.replace("    - {severity: 2, raise: value < 0.1, clear: value >= 0.15}\n", "")
    town.apply(three, now=at("10:01:30"))
    assert town.brief("water.low")[2:] == ["10:01:30 downgraded 3 (rule changed)"]
    two = three.replace("severity: 3", "severity: 2")
    town.apply(two, now=at("10:01:40"))
    assert town.brief("water.low")[3:] == ["10:01:40 cleared 3 (rule changed)"]
    low(town, "10:02", 0.05)
    assert town.brief("water.low")[4:] == ["10:02 reopened 2"]


def test_a_subject_that_left_clears_with_its_reason(town: Town) -> None:
    town.apply(LOW)
    low(town, "10:00", 0.1, 0.1, 0.1)
    low(town, "10:00", 0.1, 0.1, 0.1, device="water/p2")
    town.apply(LOW.replace("severity: 3", "severity: 3\n  where: \"site_kind = 'network_end'\""), now=at("10:03"))
    reasons = {one.subject.split("/")[2]: one.reason for one in town.said("water.low") if one.kind == "cleared"}
    assert reasons == {"p1": "rule changed", "p2": "rule changed"}


def test_a_device_that_moved_to_a_place_the_rule_is_not_for_left(town: Town) -> None:
    town.do(
        "insert into site values ('s1', '150802', 'water', 'network_end', '末', 'End', 107, 40, '{}'), "
        "('s2', '150802', 'water', 'works', '厂', 'Works', 107, 40, '{}')"
    )
    town.apply(LOW.replace("severity: 3", "severity: 3\n  where: \"site_kind = 'network_end'\""))
    low(town, "10:00", 0.1)
    town.do("update device set site_id = 's1'; update installation set catalogue_version = catalogue_version + 1")
    town.refresh(at("10:01"))
    low(town, "10:01", 0.1, 0.1, 0.1)
    assert town.brief("water.low") == ["10:03 raised 3"]
    town.do("update device set site_id = 's2'; update installation set catalogue_version = catalogue_version + 1")
    town.refresh(at("10:04"))
    assert town.brief("water.low")[1:] == ["10:04 cleared 3 (subject left)"]
    assert town.remembered() == []


def test_another_kind_of_subject_moves_the_alert_to_it(town: Town) -> None:
    town.apply(LOW)
    low(town, "10:00", 0.1, 0.1, 0.1)
    town.apply(LOW.replace("severity: 3", "severity: 3\n  subject: device"), now=at("10:02"))
    changes = [(one.subject, one.kind, one.reason) for one in town.said("water.low")]
    assert sorted(changes[1:]) == [
        ("150802/water/p1", "raised", "rule changed"),
        ("150802/water/p1/pressure", "cleared", "rule changed"),
    ]
    # The new one can be found on the board by where it is.
    assert town.ask("select region_id, device from alert where condition = 'raised'") == [("150802", "p1")]
    low(town, "10:03", 0.3)
    assert town.brief("water.low")[3:] == ["10:03 cleared 3"]


def test_at_least_is_counted_anew(town: Town) -> None:
    both = LOW.replace("metric: pressure", "metric: '*'").replace("severity: 3", "severity: 3\n  subject: device")
    both = both.replace("3 samples", "1 samples")
    town.apply(both + "  at_least: 2\n")
    town.say("water/p1", "10:00", {"pressure": 0.1})
    assert town.said("water.low") == []
    town.apply(both + "  at_least: 1\n", now=at("10:01"))
    assert town.brief("water.low") == ["10:01 raised 3 (rule changed)"]
    assert town.ask("select region_id from alert") == [("150802",)]
    town.apply(both + "  at_least: 2\n", now=at("10:02"))
    assert town.brief("water.low")[1:] == ["10:02 cleared 3 (rule changed)"]
    town.say("water/p1", "10:03", {"flow": 0.1})
    assert town.brief("water.low")[2:] == ["10:03 reopened 3"]


def test_modes_change_who_is_told_and_not_what_is_judged(town: Town) -> None:
    town.apply(LOW + "  mode: shadow\n")
    low(town, "10:00", 0.1, 0.1, 0.1)
    turn = town.runner()
    turn.take(at("10:02:01"))
    assert town.ask("select mode, condition from alert") == [("shadow", "raised")]
    assert town.ask("select count(*) from announcement") == [(0,)]
    town.apply(LOW, now=at("10:02:02"))
    turn.take(at("10:02:03"))
    assert town.ask("select mode, condition from alert") == [("live", "raised")]
    assert town.ask("select kind from announcement") == [("raised",)]
    low(town, "10:03", 0.3)
    assert town.brief("water.low") == ["10:02 raised 3", "10:03 cleared 3"]
    town.apply(LOW + "  mode: 'off'\n", now=at("10:04"))
    low(town, "10:05", 0.1, 0.1, 0.1)
    assert len(town.said("water.low")) == 2


def test_a_set_that_this_release_cannot_read_stops_no_ingest_and_a_new_one_mends_it(town: Town) -> None:
    town.apply(LOW)
    low(town, "10:00", 0.1, 0.1, 0.1)
    town.do("alter table rule_version disable trigger all")
    town.do('update rule_version set definition = definition || \'{"unheard": "of"}\'')
    town.restart()
    low(town, "10:03", 0.3)
    assert len(town.said("water.low")) == 1
    town.apply(LOW)
    low(town, "10:04", 0.3)
    assert [(one.kind, one.version) for one in town.said("water.low")[1:]] == [("cleared", 2)]
