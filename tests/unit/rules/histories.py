"""Random rules and random histories: what arrives from a small town on a bad day."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

from citybrain.catalogue.model import Domain, Metric, Region, Text
from citybrain.quality import Flag
from rules.conditions import Column, Condition, parse
from rules.engine.directory import Series
from rules.model import (
    AT_ONCE,
    Calendar,
    Duration,
    Hold,
    Limit,
    LimitEntry,
    Rule,
    RuleSet,
    Season,
    SiteAttribute,
    Step,
    Stream,
    Together,
    Vocabulary,
    With,
)
from rules.testing.history import Event, Message, Reading, Tick

TITLE = Text("测试", "Test")
MINUTE_US = 60_000_000  # microseconds
START = datetime(2026, 4, 15, 14, 0, tzinfo=UTC)  # 22:00 in the city, two hours before the season ends
START_US = int(START.timestamp()) * 1_000_000
STATES = {"closed": 1, "open": 2, "moving": 3}

METRICS = {
    "pressure": Metric("lab", "pressure", TITLE, unit="MPa", interval=timedelta(minutes=1)),
    "flow": Metric("lab", "flow", TITLE, unit="MPa", interval=timedelta(minutes=2)),
    "power": Metric("lab", "power", TITLE, kind="boolean", reports="change"),
    "setting": Metric("lab", "setting", TITLE, unit="MPa", reports="change"),
    "valve": Metric("lab", "valve", TITLE, kind="state", states=STATES, interval=timedelta(minutes=1)),
}
REGIONS = {
    "15": Region("15", TITLE, "province", None),
    "1508": Region("1508", TITLE, "city", "15"),
    "1501": Region("1501", TITLE, "city", "15"),
}
CALENDARS = {
    "winter": Calendar(
        "winter",
        (Season((10, 15), (4, 15)), Season(date(2025, 10, 10), date(2026, 4, 16), "1501")),
    ),
    "night": Calendar("night", hours=((23 * 60, 60),)),
}
VOCABULARY = Vocabulary(
    REGIONS,
    {"lab": Domain("lab", TITLE, METRICS)},
    {"zone": SiteAttribute("text"), "floor": SiteAttribute("number", "MPa"), "old": SiteAttribute("boolean")},
)
SCOPE = {
    "metric": Column("text"),
    **{name: Column("text") for name in ("region", "device_kind", "site_kind", "site_zone")},
    "site_floor": Column("number", "MPa"),
    "site_old": Column("boolean"),
    **{name: Column("boolean") for name in CALENDARS},
}
FLAG_COLUMNS = {name: Column("boolean") for name in ("is_stuck", "is_step", "is_out_of_range", "is_ahead")}


def directory(random: Random) -> list[Series]:
    """Six sites in a row of wells, one or two devices each, behind two gateways."""
    found: list[Series] = []
    for site in range(6):
        attributes: dict[str, str | float | bool] = {
            "region": "1508" if site < 4 else "1501",
            "site_kind": random.choice(["works", "tap"]),
            "site_zone": random.choice(["north", "south"]),
            "site_old": random.random() < 0.5,
        }
        if random.random() < 0.7:
            attributes["site_floor"] = float(random.randrange(2, 7))
        for device in range(random.choice([1, 1, 2])):
            for metric in random.sample(sorted(METRICS), random.randrange(1, 4)):
                interval = METRICS[metric].interval
                found.append(
                    Series(
                        id=2 * len(found) + 3,
                        metric=metric,
                        domain="lab",
                        region=str(attributes["region"]),
                        device=f"d{site}{device}",
                        site=f"s{site}" if site else None,
                        gateway=random.choice([None, "g0", "g1"]),
                        place=(40.75 + 0.001 * site, 107.4) if site != 3 else None,
                        interval_us=interval.total_seconds() * 1e6 if interval else math.inf,
                        reports_change=METRICS[metric].reports == "change",
                        attributes=attributes,
                    )
                )
    return found


def usual(series: int, span_us: int, time_us: int) -> float | None:
    """A habit that changes from hour to hour and is unknown in some."""
    number = (series * 7 + time_us // (60 * MINUTE_US) * 5 + span_us // (86_400 * 1_000_000)) % 9
    return float(number) / 2 + 1 if number else None


# Rules


def rule_set(random: Random, count: int) -> RuleSet:
    rules = [_rule(random, f"lab.r{number}") for number in range(count)]
    return RuleSet({rule.name: rule for rule in rules}, CALENDARS, VOCABULARY)


def _rule(random: Random, name: str) -> Rule:
    metrics = random.choice(_METRICS)
    flags = metrics == ("*",)
    with_ = _with(random) if metrics[0] != "valve" and not flags and random.random() < 0.4 else {}
    any_quality = flags or random.random() < 0.2
    subject = random.choice(["series", "series", "device", "site", "site", "gateway", "region"])
    common = _conditions(random, metrics, with_, any_quality=any_quality)
    steps = []
    for severity in sorted(random.sample(range(1, 5), random.choice([1, 1, 2, 3]))):
        for_ = _hold(random, among=True)
        raise_, clear = (
            common if random.random() < 0.6 else _conditions(random, metrics, with_, any_quality=any_quality)
        )
        keep = Hold(samples=for_.among - for_.samples + 1) if for_.among else _hold(random, among=False)
        steps.append(Step(severity, raise_, clear, for_, keep, {"limit": _limit(random, 6.0 - severity)}))
    return Rule(
        name=name,
        title=TITLE,
        source=Stream(metrics),
        steps=tuple(steps),
        where=parse("site_kind = 'works'", SCOPE) if random.random() < 0.2 else None,
        season="winter" if random.random() < 0.25 else None,
        hours="night" if random.random() < 0.2 else None,
        any_quality=any_quality,
        with_=with_,
        gap=random.choice([Duration(intervals=3)] * 2 + [Duration(us=minutes * MINUTE_US) for minutes in (2, 20)]),
        subject=subject,  # type: ignore[arg-type]  # mypy sees a list of str
        at_least=random.choice([1, 1, 1, 2]) if subject != "series" else 1,
        together=Together(random.choice([120, 250]), random.choice([2, 3]), random.choice([1, 2]))
        if random.random() < 0.4 and subject in ("series", "device", "site")
        else None,
    )


_METRICS: list[tuple[str, ...]] = [*[("pressure",)] * 4, *[("flow",)] * 2, *[("power",)] * 3]
_METRICS += [("pressure", "flow"), ("setting",), ("setting",), ("valve",), ("*",)]


def _with(random: Random) -> dict[str, With]:
    age = random.choice([None, Duration(us=0), Duration(us=3 * MINUTE_US), Duration(us=30 * MINUTE_US)])
    same = random.choice(["device", "site", "site", "gateway", "region", "site_zone"])
    return {"other": With(random.choice(["pressure", "flow", "flow", "setting"]), same, age)}


def _hold(random: Random, *, among: bool) -> Hold:
    kind = random.randrange(6 if among else 5)
    if kind < 1:
        return AT_ONCE
    if kind < 3:
        return Hold(duration=Duration(us=random.choice([1, 2, 3, 5, 10]) * MINUTE_US))
    if kind < 4:
        return Hold(duration=Duration(intervals=random.choice([1, 2, 4])))
    if kind < 5:
        return Hold(samples=random.randrange(1, 5))
    size = random.randrange(2, 7)
    return Hold(samples=random.randrange(1, size + 1), among=size)


def _limit(random: Random, about: float) -> Limit:
    """A number, one by kind of site, one that changes at midnight, or a site's own."""
    one = LimitEntry(value=about, unit="MPa", source="test", confidence="S")
    two = LimitEntry(value=about + 1.5, unit="MPa", source="test", confidence="S")
    works = parse("site_kind = 'works'", SCOPE)
    kind = random.randrange(6)
    if kind == 0:
        return (LimitEntry(value=about, where=works), two)
    if kind == 1:
        return (LimitEntry(value=about, end=date(2026, 4, 15)), LimitEntry(value=about + 1.5, start=date(2026, 4, 16)))
    if kind == 2:
        return (LimitEntry(attribute="site_floor"),)
    return (one,)


def _conditions(
    random: Random, metrics: tuple[str, ...], with_: dict[str, With], *, any_quality: bool
) -> tuple[Condition, Condition | None]:
    scope = {**SCOPE, "limit": Column("number", "MPa"), **(FLAG_COLUMNS if any_quality else {})}
    if metrics == ("*",):
        return parse(random.choice(_ON_FLAGS), {**SCOPE, **FLAG_COLUMNS}), None
    kind = METRICS[metrics[0]].kind
    if kind == "number":
        scope["value"] = Column("number", "MPa", spans=True, interval_us=MINUTE_US)
    else:
        scope["value"] = Column(kind, codes=STATES) if kind == "state" else Column("boolean")
    scope |= {alias: Column("number", "MPa", spans=True, interval_us=MINUTE_US) for alias in with_}
    choices = list(_BY_KIND[kind])
    if with_:
        choices += _WITH_OTHER * 2 if kind == "number" else [("value AND other > 2", None), ("NOT value", "other < 2")]
    if any_quality:
        choices += [("is_stuck", None), ("is_ahead OR is_out_of_range", "NOT is_ahead"), ("NOT is_step", None)]
    raise_, clear = random.choice(choices)
    return parse(raise_, scope), parse(clear, scope) if clear else None


_ON_FLAGS = ["is_stuck OR is_step", "is_ahead", "is_out_of_range AND night", "NOT is_stuck AND site_kind = 'tap'"]
_BY_KIND: dict[str, list[tuple[str, str | None]]] = {
    "boolean": [("NOT value", None), ("value", None), ("value AND night", "NOT value"), ("value OR winter", None),
                ("value", "NOT value AND site_old")],
    "state": [("value = 'open'", None), ("value <> 'closed'", "value IN ('closed')"),
              ("value IN ('open', 'moving')", None)],
    "number": [
        ("value > limit", None),
        ("value > limit", "value < limit - 1"),
        ("value > limit", "value <= limit"),
        ("value > limit", "value < limit + 1"),
        ("value < limit", "value >= limit + 0.5"),
        ("value BETWEEN 2 AND 4", "value > 4.5"),
        ("value > site_floor OR value > 6", "value < site_floor"),
        ("CASE WHEN site_kind = 'works' THEN value > 3 WHEN site_old THEN value > 4 END", "value < 2"),
        ("value > limit AND night", None),
        ("CASE WHEN winter THEN value > 3 ELSE value > 5 END", None),
        ("value > 1.5 * usual(value, '7d')", "value < 1.2 * usual(value, '4w')"),
        ("avg(value, '5m') > limit", "avg(value, '5m') < limit - 0.5"),
        ("delta(value, '4m') <= -2", "value >= 3"),
        ("delta(value, '3m') > 1 OR value > limit", None),
        ("rate(value, '10m') > 15", "rate(value, '4m') < 0"),
        ("max(value, '6m') - min(value, '6m') > 2", None),
        ("sum(value, '10m') > 30", "count(value, '10m') < 4"),
        ("count(value, '5m') >= 4 AND value > 2", "min(value, '3m') <= 3"),
    ],
}  # fmt: skip
_WITH_OTHER: list[tuple[str, str | None]] = [
    ("value > limit AND other > 2", "value < limit OR other < 1"),
    ("value - other > 1", None),
    ("other IS NULL AND value > 2", "other IS NOT NULL"),
    ("delta(other, '6m') < -1 AND value > 1", "value < 3"),
    ("avg(other, '8m') > value", None),
    ("value > coalesce(other, limit)", "value < other"),
    ("sum(other, '6m') < value * 2", "other >= value"),
    ("value > usual(other, '7d')", "value < 2"),
    ("rate(other, '5m') > 10 OR max(other, '5m') > 6", "min(other, '5m') < 3"),
]


# Histories


@dataclass
class _Sent:
    arrival_us: int
    readings: list[Reading]


def history(random: Random, series: list[Series], minutes: int) -> list[Event]:
    """What arrives, with the flags that ingest gives: gaps, buffers, late and doubtful readings, unordered messages."""
    readings = [reading for one in series for reading in _measured(random, one, minutes)]
    readings.sort(key=lambda reading: reading.time_us)
    waiting: dict[str, list[Reading]] = {}
    sent: list[_Sent] = []
    by_id = {one.id: one for one in series}
    for reading in readings:
        one = by_id[reading.series]
        sender = one.gateway or one.device
        waiting.setdefault(sender, []).append(reading)
        if random.random() < 0.5:
            buffered = waiting.pop(sender)
            random.shuffle(buffered)
            delay = random.choice([0, 0, 0, 1, 1, 3, random.randrange(40)]) * MINUTE_US
            if len(buffered) > 2 and random.random() < 0.3:
                # A gateway that sends its buffer in two parts, the second of them much later.
                sent.append(_Sent(reading.time_us + delay + 7 * MINUTE_US, buffered[1:]))
                buffered = buffered[:1]
            sent.append(_Sent(reading.time_us + delay, buffered))
    sent += [_Sent(buffered[-1].time_us, buffered) for buffered in waiting.values()]
    sent.sort(key=lambda message: message.arrival_us)
    return list(_arrived(random, sent))


def _measured(random: Random, series: Series, minutes: int) -> Iterator[Reading]:
    kind = METRICS[series.metric].kind
    step = series.interval_us if math.isfinite(series.interval_us) else 4 * MINUTE_US
    time_us, value = START_US + random.randrange(60) * 1_000_000, float(random.randrange(2, 6))
    while time_us < START_US + minutes * MINUTE_US:
        if kind == "number":
            value = min(8.0, max(0.0, value + random.choice([-2, -1, -0.5, 0, 0, 0.5, 1, 2])))
            if random.random() < 0.05:
                value += 0.1
        else:
            value = float(random.choice([0, 1] if kind == "boolean" else list(STATES.values())))
        if random.random() < 0.93:
            yield Reading(series.id, time_us, value, _doubt(random))
        pause = (
            random.choice([1] * 12 + [3, 3.5, 12]) if not series.reports_change else random.choice([0.25, 0.5, 1, 4])
        )
        time_us += int(step * pause)
        if random.random() < 0.1:
            time_us += random.choice([1, 20_000_000])


def _doubt(random: Random) -> int:
    if random.random() < 0.92:
        return 0
    return int(random.choice([Flag.STUCK, Flag.STEP, Flag.OUT_OF_RANGE, Flag.AHEAD]))


def _arrived(random: Random, sent: list[_Sent]) -> Iterator[Event]:
    ticks = random.choice([0.0, 0.0, 0.02, 0.2])
    newest: dict[int, int] = {}
    stored: set[tuple[int, int]] = set()
    for message in sent:
        kept = []
        for reading in sorted(message.readings, key=lambda reading: reading.time_us):
            if reading.flags & Flag.AHEAD:
                # A wrong clock: some minutes ahead of its arrival.
                reading = reading._replace(time_us=message.arrival_us + random.randrange(2, 30) * MINUTE_US)
            if (reading.series, reading.time_us) in stored:
                continue
            stored.add((reading.series, reading.time_us))
            if not reading.flags & Flag.AHEAD:
                if reading.time_us <= newest.get(reading.series, -1):
                    reading = reading._replace(flags=reading.flags | Flag.LATE)
                else:
                    newest[reading.series] = reading.time_us
            kept.append(reading)
        if random.random() < ticks:
            yield Tick(message.arrival_us)
        if kept:
            random.shuffle(kept)
            yield Message(message.arrival_us, tuple(kept))
    if sent:
        yield Tick(sent[-1].arrival_us + 30 * MINUTE_US)
        yield Tick(sent[-1].arrival_us + 30 * 60 * MINUTE_US)


def cuts(random: Random, events: list[Event], likely: float) -> list[list[Event]]:
    """Batches: a border between two messages is so likely, and there is one around each tick."""
    batches: list[list[Event]] = []
    for event in events:
        joins = batches and isinstance(event, Message) and isinstance(batches[-1][-1], Message)
        if joins and random.random() >= likely:
            batches[-1].append(event)
        else:
            batches.append([event])
    return batches
