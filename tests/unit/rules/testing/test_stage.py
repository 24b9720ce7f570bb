from __future__ import annotations

import math
from typing import Any

import pytest

from citybrain.quality import Flag
from rules.testing import notation
from rules.testing.engine import engine
from rules.testing.history import Heard, History, Message, Reading, Rows, Tick
from rules.testing.moments import shown
from rules.testing.run import run
from rules.testing.sequence import Unreadable
from rules.testing.stage import check, stage
from tests.unit.rules.testing.rulebook import one_rule

PRESSURE = """
rule: water.low
metric: pressure
where: site_kind = 'tap' AND (region = '150802' OR site_kind = 'works')
raise: value < 0.2
severity: 3
"""
BURST = """
rule: water.burst
metric: pressure
with: {inflow: {metric: zone_inflow, same: SAME}}
raise: value < 0.2 AND inflow > 3
severity: 3
"""
LEAKAGE = "inner-mongolia-city-quality-2025/leakage_rate"
PLAN = f"rule: plan.off\nplan: {LEAKAGE}\nevery: day at 07:00\nraise: actual > path\nseverity: 4"


def staged(rule_text: str, given: Any, **keys: str) -> History:
    rule, rule_set = one_rule(rule_text)
    return stage(
        notation.read({"name": "n", "given": given, "expect": "none", **keys}, rule), rule, rule_set.vocabulary
    )


def arrived(history: History) -> list[tuple[str, float, int]]:
    start = notation.read({"name": "n", "given": "1", "expect": "none"}, one_rule(PRESSURE)[0]).start
    messages = [event for event in history.events if isinstance(event, Message)]
    return [(shown(r.time_us, start), r.value, r.flags) for message in messages for r in message.readings]


def test_positions_follow_each_other_at_the_expected_interval() -> None:
    assert arrived(staged(PRESSURE, "0.2 - 0.3")) == [("00:00", 0.2, 0), ("00:02", 0.3, 0)]
    assert arrived(staged(PRESSURE, "0.2 - 0.3", every="5m", start="06:00"))[-1] == ("06:10", 0.3, 0)


def test_going_back_writes_a_late_reading_and_repeating_one_a_duplicate() -> None:
    found = arrived(staged(PRESSURE, "0.2 0.3 @00:00 0.4 @00:00:30 0.5 @00:02 0.6"))
    assert found == [("00:00", 0.2, 0), ("00:01", 0.3, 0), ("00:00:30", 0.5, int(Flag.LATE)), ("00:02", 0.6, 0)]


def test_a_reading_from_the_future_makes_none_late() -> None:
    history = staged(PRESSURE, "@12:00 0.2!ahead @00:01 0.3")
    assert arrived(history) == [("12:00", 0.2, int(Flag.AHEAD)), ("00:01", 0.3, 0)]
    assert [event.arrival_us for event in history.events if isinstance(event, Message)] == sorted(
        {history.events[1].arrival_us - 60_000_000, history.events[1].arrival_us}  # type: ignore[union-attr]
    )


def test_attributes_that_where_asks_for_are_given_unless_stated() -> None:
    (series,) = staged(PRESSURE, "1").directory
    assert (series.attributes["site_kind"], series.region) == ("tap", "150802")
    (series,) = staged(PRESSURE, {"value": "1", "site_kind": "works", "region": "150100"}).directory
    assert (series.attributes["site_kind"], series.region) == ("works", "150100")


def test_columns_at_one_position_are_one_message() -> None:
    history = staged(BURST.replace("SAME", "site"), {"value": "1 2 -", "inflow": "5"})
    messages = [event for event in history.events if isinstance(event, Message)]
    assert [[reading.value for reading in message.readings] for message in messages] == [[1, 5], [2, 5], [5]]


@pytest.mark.parametrize("same", ["device", "site", "gateway", "region", "site_zone"])
def test_the_other_series_shares_with_the_judged_one_what_same_says(same: str) -> None:
    given = {"W1": {"value": "1", "inflow": "2", "gateway": "G"}, "W2": {"value": "1"}}
    history = staged(BURST.replace("SAME", same), given)
    judged, other, apart = history.directory
    assert other.metric == "zone_inflow"
    if same == "site_zone":
        assert judged.attributes[same] == other.attributes[same] != apart.attributes[same]
    else:
        assert judged.subject(same) == other.subject(same)  # type: ignore[arg-type]


def test_a_subject_goes_by_its_name_or_by_that_which_a_constant_gives() -> None:
    text = PRESSURE + "subject: site\nat_least: 2"
    history = staged(text, {"P1": {"value": "1", "site": "pump house"}, "P2": {"value": "1", "site": "pump house"}})
    assert history.labels == {"pump house": "pump house"}
    assert set(staged(PRESSURE, {"P1": {"value": "1"}}).labels.values()) == {"P1"}


def test_metrics_that_report_on_change_have_ticks_and_no_interval() -> None:
    power = "rule: water.power\nmetric: mains_power\nraise: NOT value\nfor: 1m\nseverity: 2"
    history = staged(power, "on @00:05 off", until="01:00")
    assert [type(event) for event in history.events] == [Message, Tick, Message, Tick]
    assert history.events[-1].now_us - history.events[0].arrival_us == 3_610_000_000  # type: ignore[union-attr]
    assert math.isinf(history.directory[0].interval_us)
    with pytest.raises(Unreadable, match="write every"):
        staged(power, "on off")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("on", "expected a number"),
        ("'open'", "expected a number"),
        ({"value": "1", "place": "here"}, "no place"),
        ({"value": "1", "interval": "often"}, "given.interval"),
        ({"value": "1", "usual(value)": "much"}, "no number"),
        ({"value": "1", "metric": "presure"}, "no metric"),
    ],
)
def test_values_that_can_not_be_are_mistakes(given: Any, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        staged(PRESSURE, given)


def test_rows_have_a_line_for_each_subject_that_has_a_value() -> None:
    text = (
        "rule: air.apart\nquery: SELECT series, value, n FROM rule_hour WHERE hour < :now\nevery: 1h\n"
        "columns: {value: ug/m3, n: number}\nraise: value > 3 AND n > 2\nseverity: 4"
    )
    history = staged(text, {"A": {"value": "1 - 3", "n": "4"}, "B": {"value": "5", "n": "6"}}, start="00:20")
    rows = [event.rows for event in history.events if isinstance(event, Rows)]
    always = {"value": 5.0, "n": 6.0}
    assert rows == [
        {"A": {"value": 1.0, "n": 4.0}, "B": always},
        {"B": always},
        {"A": {"value": 3.0, "n": 4.0}, "B": always},
    ]
    assert history.events[1].time_us - history.events[0].time_us == 3_600_000_000  # type: ignore[union-attr]


def test_silence_is_judged_at_every_position() -> None:
    text = "rule: platform.gone\nsilent: device\nafter: 5m\nseverity: 4"
    history = staged(text, {"D": {"heard": "1 - 1", "gateway": "G"}, "G": {"heard": "1x2"}}, every="1m", until="00:03")
    start = history.events[0].time_us  # type: ignore[union-attr]
    heard = [event for event in history.events if isinstance(event, Heard)]
    assert [(one.last_us["D"] - start) // 60_000_000 for one in heard] == [0, 0, 2, 2]
    assert history.things["D"].parent == "G"
    with pytest.raises(Unreadable, match="needs every"):
        staged(text, {"heard": "1x3"})


def test_readings_are_those_of_the_series() -> None:
    history = staged(PRESSURE, {"W1": {"value": "1"}, "W2": {"value": "2 3!stuck"}})
    readings = [reading for event in history.events if isinstance(event, Message) for reading in event.readings]
    assert [reading[::2] for reading in readings] == [(0, 1.0), (1, 2.0), (0, 1.0), (1, 3.0)]
    assert isinstance(readings[0], Reading)
    assert readings[3].flags == Flag.STUCK


@pytest.mark.parametrize(
    ("source", "column"),
    [
        ("metric: leakage_rate\nsubject: region", "value"),
        (f"plan: {LEAKAGE}\nevery: day at 07:00", "actual"),
        (
            "query: SELECT region, v FROM rule_hour WHERE hour < :now\nevery: 1d\nsubject: region\ncolumns: {v: '%'}",
            "v",
        ),
    ],
    ids=["metric", "plan", "query"],
)
def test_limits_of_a_plan_count_as_they_are_given(source: str, column: str) -> None:
    text = (
        f"rule: plan.leak\n{source}\nlimits: {{now: {{plan: {LEAKAGE}, use: path}}, goal: {{plan: {LEAKAGE}}}}}\n"
        f"raise: {column} > now AND {column} > goal\nseverity: 4"
    )
    rule, rule_set = one_rule(text)

    def fired(**limits: str) -> list[str]:
        test = {"name": "n", "every": "1d", "given": {"150800": {column: "10", **limits}}, "expect": "none"}
        result = run(rule, rule_set, test, engine(notation.CITY))
        assert result.mistake is None
        return [transition.kind for transition in result.fired]

    assert fired(now="9", goal="8") == ["raised"]
    assert fired(now="11", goal="8") == fired(now="9", goal="11") == fired(now="9", goal="-") == []


def test_a_plan_has_one_number_in_a_test() -> None:
    text = f"rule: plan.leak\nmetric: leakage_rate\nlimit: {{plan: {LEAKAGE}}}\nraise: value > limit\nseverity: 4"
    assert staged(text, {"A": {"value": "1", "limit": "9"}, "B": {"value": "1"}}).indicators == {(LEAKAGE, "target"): 9}
    with pytest.raises(Unreadable, match="has two numbers"):
        staged(text, {"A": {"value": "1", "limit": "9"}, "B": {"value": "1", "limit": "8"}})


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        (PRESSURE, "on off", "on is no value of pressure: expected a number"),
        (PRESSURE, {"value": "1", "place": "here"}, "no place"),
        (PRESSURE, "zero", "'zero' is no reading"),
        (PLAN, {"150800": {"actual": "on", "path": "1"}}, "on is no value of actual: expected a number"),
        (PLAN, {"150800": {"actual": "1", "verdict": "2"}}, "2 is no value of verdict: expected a text in quotes"),
        ("rule: platform.gone\nsilent: device\nafter: 5m\nseverity: 4", {"heard": "1x3"}, "needs every"),
    ],
)
def test_what_a_test_can_not_mean_is_found_without_running_it(text: str, given: Any, message: str) -> None:
    rule, rule_set = one_rule(text)
    (mistake,) = check({"name": "n", "given": given, "expect": "none"}, rule, rule_set.vocabulary)
    assert message in mistake


def test_a_test_that_can_run_has_no_mistake() -> None:
    rule, rule_set = one_rule(PRESSURE)
    assert check({"name": "n", "given": "0.3 0.1", "expect": "none"}, rule, rule_set.vocabulary) == []
