"""What becomes of readings: nothing but what the account says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decoders import Undecodable, decode
from simulators.devices import faults
from simulators.devices.behaviour import Behaviour
from simulators.devices.faults import DeviceFault
from simulators.devices.life import Life, Sent
from simulators.devices.outages import Cut
from simulators.devices.roster import Roster
from simulators.model import DAY, HOUR, MINUTE, SECOND, Happening, SimulationError, Span

START = 1_767_225_600_000_000
Measure = Callable[[Span], pl.DataFrame]
Reading = tuple[str, str, int, float]  # device, metric, ms, value

shares = st.floats(0, 0.25)
rates = st.floats(0, 1)
behaviours = st.fixed_dictionaries(
    {
        **dict.fromkeys(("lost", "duplicates", "malformed", "delayed"), shares),
        **dict.fromkeys(("outages", "resets"), rates),
        "outage": st.just("2h"),
        "reset": st.just("1h"),
        "clock_drift": st.floats(0, 60),
    }
).map(Behaviour.model_validate)
DAY_ONE = Span(START, START + DAY)


def happening(fault: DeviceFault, start: int = START + 2 * HOUR, end: int = START + 4 * HOUR) -> Happening:
    return Happening("one", fault, start, end)


def lived(
    life: Life, measure: Measure, cuts: Iterable[int] = (), pack: timedelta = timedelta(), span: Span = DAY_ONE
) -> pl.DataFrame:
    """The messages of a time that is cut at these instants."""
    edges = [span.start, *sorted({cut for cut in cuts if span.start < cut < span.end}), span.end]
    spans = [Span(*edge) for edge in pairwise(edges)]
    return pl.concat([*(life.messages(measure(part), part, pack) for part in spans), life.rest(span.end)])


def told(messages: pl.DataFrame) -> tuple[list[Reading], int]:
    """The readings that the platform would take, by order of arrival, and how many entries would be in quarantine."""
    found: list[Reading] = []
    refused = 0
    for topic, payload in messages.filter(~pl.col("foreign")).select("topic", "payload").iter_rows():
        device = topic.split("/")[3]
        try:
            records = decode(payload.encode())
        except Undecodable:
            refused += 1
            continue
        for record in records:
            assert isinstance(record.time, int)
            if record.time < 1_000_000_000_000:
                refused += 1
                continue
            for metric, value in record.values.items():
                if isinstance(value, str) or value != value:
                    refused += 1
                else:
                    assert isinstance(value, bool) == (metric == "cover_open")
                    found.append((device, metric, record.time, float(value or 0)))
    return found, refused


def truth(roster: Roster, frame: pl.DataFrame) -> set[Reading]:
    return {
        (roster.keys[device][2], roster.metrics[metric].name, time // 1000, value)
        for device, metric, time, value in frame.select("device", "metric", "time", "value").iter_rows()
    }


def test_calm_devices_send_exactly_what_they_measure(roster: Roster, measured: Measure) -> None:
    life = Life(roster, Behaviour.calm(), 1)
    messages = lived(life, measured)
    readings, refused = told(messages)
    assert refused == 0
    assert set(readings) == truth(roster, measured(DAY_ONE))
    assert len(readings) == len(set(readings)) == life.sent.stored == life.sent.readings == 5 * 3 * 288
    assert life.sent == Sent(messages.height, life.sent.readings, life.sent.stored)
    assert messages["due"].is_sorted()


@settings(max_examples=40, deadline=None)
@given(
    behaviours,
    st.integers(0, 2**32),
    st.sampled_from([timedelta(), timedelta(minutes=7), timedelta(hours=6)]),
    st.lists(st.integers(0, DAY), max_size=4),
)
def test_the_account_is_what_the_platform_sees(
    roster: Roster, measured: Measure, behaviour: Behaviour, seed: int, pack: timedelta, cuts: list[int]
) -> None:
    life = Life(roster, behaviour, seed)
    messages = lived(life, measured, [START + cut for cut in cuts], pack)
    readings, refused = told(messages)
    sent = life.sent
    assert refused == sent.quarantined
    assert len(readings) == sent.stored + sent.duplicates
    assert len(set(readings)) >= sent.stored
    assert sum(messages["readings"]) == sent.readings
    measured_values = Counter((device, metric, value) for device, metric, _, value in truth(roster, measured(DAY_ONE)))
    assert {(device, metric, value) for device, metric, _, value in readings} <= set(measured_values)
    if not behaviour.clock_drift:
        assert set(readings) <= truth(roster, measured(DAY_ONE))
    assert sent.stored + sent.lost <= 5 * 3 * 288


@settings(max_examples=25, deadline=None)
@given(behaviours, st.sampled_from([timedelta(), timedelta(hours=1)]), st.lists(st.integers(0, DAY), max_size=6))
def test_it_does_not_matter_how_time_is_cut(
    roster: Roster, measured: Measure, behaviour: Behaviour, pack: timedelta, cuts: list[int]
) -> None:
    happenings = [
        happening(faults.Outage(place="a", order="newest"), START + HOUR, START + 3 * HOUR),
        happening(faults.Malformed(place="b", share=0.5)),
        happening(faults.Flood(place="d", times=5)),
    ]

    def run(instants: Sequence[int]) -> tuple[pl.DataFrame, Sent]:
        life = Life(roster, behaviour, 7)
        life.begin(happenings)
        return lived(life, measured, instants, pack), life.sent

    whole, account = run([])
    parts, other = run([START + cut for cut in cuts])
    assert parts.equals(whole)
    assert account == other


def test_a_backlog_is_sent_after_the_outage_in_its_order(roster: Roster, measured: Measure) -> None:
    ordered = {}
    for order in ("oldest", "newest", "mixed"):
        life = Life(roster, Behaviour.calm(), 1)
        life.begin([happening(faults.Outage(place="c", order=order))])
        messages = lived(life, measured).filter(pl.col("topic").str.contains("/c/"))
        away = messages.filter(pl.col("due").is_between(START + 2 * HOUR, START + 4 * HOUR, closed="left"))
        assert away.height == 0
        backlog = messages.filter(pl.col("due").is_between(START + 4 * HOUR, START + 4 * HOUR + 2 * MINUTE))
        times = [json.loads(payload)["time"] * 1000 for payload in backlog["payload"]]
        ordered[order] = [time for time in times if time < START + 4 * HOUR]
        assert len(ordered[order]) == 24
        assert life.sent.stored == 5 * 3 * 288
    assert ordered["oldest"] == sorted(ordered["mixed"]) == ordered["newest"][::-1]
    assert ordered["mixed"] not in (ordered["oldest"], ordered["newest"])


def test_an_outage_without_a_buffer_and_a_dead_device_lose_it(roster: Roster, measured: Measure) -> None:
    for fault in (faults.Outage(place="c", resend=False), faults.Silent(place="c")):
        life = Life(roster, Behaviour.calm(), 1)
        life.begin([happening(fault)])
        readings, _ = told(lived(life, measured))
        assert life.sent.lost == 3 * 24
        gone = truth(roster, measured(DAY_ONE)) - set(readings)
        assert {device for device, *_ in gone} == {"c"}
        assert all(START + 2 * HOUR <= ms * 1000 < START + 4 * HOUR for _, _, ms, _ in gone)


def test_a_gateway_takes_its_devices_along(roster: Roster, measured: Measure) -> None:
    life = Life(roster, Behaviour.calm(), 1)
    fault = faults.Outage(place="gw", resend=False)
    life.begin([happening(fault)])
    readings, _ = told(lived(life, measured))
    gone = truth(roster, measured(DAY_ONE)) - set(readings)
    assert {device for device, *_ in gone} == {"gw", "a", "b"}
    assert life.subjects(fault) == {"cabinet", "well-a", "well-b"}
    connection = roster.connections.tolist().index(0)
    assert life.cuts(DAY_ONE) == [Cut(connection, START + 2 * HOUR, START + 4 * HOUR)]
    assert life.cuts(Span(START, START + 2 * HOUR)) == []


def test_a_device_behind_a_gateway_cuts_no_connection(roster: Roster) -> None:
    life = Life(roster, Behaviour.calm(), 1)
    life.begin([happening(faults.Silent(place="a"))])
    assert life.cuts(DAY_ONE) == []


def test_a_gateways_devices_share_its_outages_and_its_clock(roster: Roster, measured: Measure) -> None:
    life = Life(roster, Behaviour.calm().model_copy(update={"clock_drift": 60.0}), 3)
    offsets: dict[str, set[int]] = {}
    for device, _, ms, _ in told(lived(life, measured, span=Span(START, START + HOUR)))[0]:
        offsets.setdefault(device, set()).add((ms - 1000 + 150_000) % 300_000 - 150_000)
    assert offsets["a"] == offsets["b"] == offsets["gw"]
    assert offsets["c"] != offsets["d"]
    assert max(abs(offset) for one in offsets.values() for offset in one) <= 60_000


@pytest.mark.parametrize("year", [1970, 2000])
def test_a_wrong_year(roster: Roster, measured: Measure, year: int) -> None:
    life = Life(roster, Behaviour.calm(), 1)
    life.begin([happening(faults.WrongYear(place="c", year=year))])
    messages = lived(life, measured).filter(pl.col("topic").str.contains("/c/"))
    times = [json.loads(payload)["time"] for payload in messages["payload"]]
    wrong = [time for time in times if time < START // 1000]
    began = {1970: 0, 2000: 946_684_800_000}[year]
    assert len(wrong) == 24
    assert all(began <= time < began + 2 * 3_600_000 for time in wrong)
    assert life.sent.quarantined == 24


def test_a_clock_that_is_ahead(roster: Roster, measured: Measure) -> None:
    life = Life(roster, Behaviour.calm(), 1)
    life.begin([happening(faults.ClockAhead(place="c"))])
    readings, _ = told(lived(life, measured))
    extra = set(readings) - truth(roster, measured(DAY_ONE))
    back = {(device, metric, ms - 1_813_000, value) for device, metric, ms, value in extra}
    assert back < truth(roster, measured(DAY_ONE))
    assert len(back) == life.sent.ahead == 3 * 24


def test_a_flood_a_doubling_and_a_foreign_topic(roster: Roster, measured: Measure) -> None:
    life = Life(roster, Behaviour.calm(), 1)
    life.begin(
        [
            happening(faults.Flood(place="c", times=60)),
            happening(faults.Duplicates(place="d", share=1)),
            happening(faults.ForeignTopic(place="b", victim="d")),
        ]
    )
    messages = lived(life, measured)
    assert life.sent.duplicates == 3 * 24 * 59 + 3 * 24
    assert life.sent.foreign == 24
    foreign = messages.filter("foreign")
    assert set(foreign["topic"]) == {"city/150802/sentinel/d/reading"}
    assert set(foreign["connection"]) == {roster.connection[2]}
    flood = messages.filter(pl.col("topic").str.contains("/c/") & (pl.col("due") > START + 2 * HOUR))
    assert flood["due"].diff()[1:59].is_between(SECOND - 1, SECOND).all()
    assert set(told(messages)[0]) == truth(roster, measured(DAY_ONE))


def test_all_ways_of_spoiling_end_in_quarantine(roster: Roster, measured: Measure) -> None:
    life = Life(roster, Behaviour.calm(), 1)
    life.begin([happening(faults.Malformed(place="c", share=1), START, START + DAY)])
    messages = lived(life, measured).filter(pl.col("topic").str.contains("/c/"))
    readings, refused = told(messages)
    assert not readings
    assert refused == life.sent.quarantined
    payloads = messages["payload"]
    assert payloads.str.contains("NaN").any()
    assert payloads.str.contains(r'"methane":"[\d.]+%LEL"').any()
    assert payloads.eq("ERR").any()
    assert (payloads.str.starts_with("{") & ~payloads.str.ends_with("}")).any()


def test_a_battery_waits_for_its_next_waking_but_not_with_what_is_urgent(roster: Roster, measured: Measure) -> None:
    life = Life(roster, Behaviour.calm().model_copy(update={"wake": timedelta(minutes=30)}), 1)
    frame = measured(DAY_ONE).with_columns(urgent=pl.col("time") == START + 65 * MINUTE + SECOND)
    messages = life.messages(frame, DAY_ONE).filter(pl.col("topic").str.contains("/a/"))
    urgent = messages.filter(pl.col("due") == START + 65 * MINUTE + SECOND + 1)
    assert urgent["readings"].to_list() == [3]
    others = messages.filter(pl.col("due") != START + 65 * MINUTE + SECOND + 1)["due"]
    assert others.diff()[1:].eq(30 * MINUTE).all()


@settings(max_examples=25, deadline=None)
@given(behaviours, st.integers(0, 2**32), st.integers(1, DAY - 1))
def test_where_long_messages_end_nothing_is_lost_doubled_or_kept_back(
    roster: Roster, measured: Measure, behaviour: Behaviour, seed: int, seam: int
) -> None:
    spans = Span(START, START + seam), Span(START + seam, START + DAY)
    life, single = Life(roster, behaviour, seed), Life(roster, behaviour, seed)
    first = life.messages(measured(spans[0]), spans[0], timedelta(hours=6))
    then = life.messages(measured(spans[1]), spans[1])
    together = pl.concat([first, then, life.rest(START + DAY)])

    assert Counter(told(together)[0]) == Counter(told(lived(single, measured))[0])
    assert (life.sent.readings, life.sent.lost) == (single.sent.readings, single.sent.lost)
    assert then["due"].is_sorted()
    assert life.sent.messages == together.height


def test_what_was_collected_leaves_where_long_messages_end(roster: Roster, measured: Measure) -> None:
    life = Life(roster, Behaviour.calm(), 1)
    spans = Span(START, START + 7 * HOUR), Span(START + 7 * HOUR, START + 8 * HOUR)
    life.messages(measured(spans[0]), spans[0], timedelta(hours=6))
    then = life.messages(measured(spans[1]), spans[1])

    collected = then.filter(due=spans[1].start)
    assert collected.height == len(roster)
    assert set(collected["readings"]) == {12 * 3}
    assert [device for device, _, time, _ in told(then)[0] if time < spans[1].start // 1000 - 1] == [
        device for device, _, _, _ in told(collected)[0]
    ]


def test_labels_of_an_hour_are_not_moved_by_a_drifting_clock(roster: Roster, measured: Measure) -> None:
    life = Life(roster, Behaviour.calm().model_copy(update={"clock_drift": 60.0}), 1)
    frame = measured(Span(START, START + 2 * HOUR)).with_columns(time=pl.lit(START), due=pl.lit(START + HOUR))
    messages = life.messages(frame.unique(("device", "metric")), Span(START, START + 2 * HOUR))
    assert all(json.loads(payload)["time"] == START // 1000 for payload in messages["payload"])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (faults.Silent(place="gww"), "no device and no site 'gww'; did you mean gw?"),
        (faults.ForeignTopic(place="a", victim="nobody"), "no device and no site 'nobody'"),
    ],
)
def test_a_place_that_is_not_there(roster: Roster, fault: DeviceFault, message: str) -> None:
    life = Life(roster, Behaviour.calm(), 1)
    with pytest.raises(SimulationError, match=message):
        life.subjects(fault)


def test_shares_that_are_more_than_all() -> None:
    with pytest.raises(ValueError, match="1 at most together"):
        Behaviour(lost=0.6, malformed=0.6)
