"""Which entry of a limit decided, by series and by the city's date."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from citybrain.catalogue.model import Text
from rules.alerts.provenance import Background, limits
from rules.conditions import Column, parse
from rules.engine.directory import Series
from rules.model import LimitEntry, Rule, Step, Stream
from rules.transition import Transition

KIND = {"site_kind": Column("text"), "site_design": Column("number")}
CHLORINE = (
    LimitEntry(2, source="GB 5749-2022", confidence="C", unit="mg/L", where=parse("site_kind = 'works'", KIND)),
    LimitEntry(2, source="platform default", confidence="S", unit="mg/L", where=parse("site_kind = 'tap'", KIND)),
)
PM25 = (
    LimitEntry(75, source="GB 3095-2012", confidence="A", start=date(2016, 1, 1), end=date(2026, 2, 28)),
    LimitEntry(60, source="GB 3095-2026", clause="4.4", confidence="A", start=date(2026, 3, 1)),
)
DESIGN = (
    LimitEntry(attribute="site_design", source="drawing", where=parse("site_design > 1", KIND)),
    LimitEntry(0.9, source="platform default", confidence="S", where=parse("site_design IS NULL", KIND)),
)


def found(entries: Any, values: dict[str, Any], attributes: dict[str, Any], at: datetime | None = None) -> Any:
    moment = at or datetime(2026, 5, 1, tzinfo=UTC)
    rule = Rule("water.x", Text("", ""), Stream(("m",)), (Step(3, None, limits={"limit": entries}),))
    series = Series(7, "m", "water", "150802", "D", attributes=attributes)
    background = Background({"water.x": rule}, {7: series}, ZoneInfo("Asia/Shanghai"))
    time_us = round(moment.timestamp() * 1_000_000)
    transition = Transition("water.x", 1, "D", "device", "raised", time_us, 3, step=3, series=7, values=values)
    return limits(background, transition).get("limit")


def test_equal_numbers_of_different_origin_are_told_apart() -> None:
    at_works = found(CHLORINE, {"limit": 2.0}, {"site_kind": "works"})
    assert at_works == {"value": 2.0, "unit": "mg/L", "source": "GB 5749-2022", "confidence": "C"}
    assert found(CHLORINE, {"limit": 2.0}, {"site_kind": "tap"})["source"] == "platform default"
    assert found(CHLORINE, {}, {"site_kind": "well"}) is None


@pytest.mark.parametrize(
    ("utc", "source"), [("2026-02-28T15:59", "GB 3095-2012"), ("2026-02-28T16:00", "GB 3095-2026")]
)
def test_the_version_in_force_on_the_citys_day(utc: str, source: str) -> None:
    assert found(PM25, {}, {}, datetime.fromisoformat(utc).replace(tzinfo=UTC))["source"] == source


def test_the_number_of_an_attribute_is_the_one_that_the_engine_used() -> None:
    assert found(DESIGN, {"limit": 1.6}, {"site_design": 1.6}) == {
        "value": 1.6, "source": "drawing", "attribute": "site_design"
    }  # fmt: skip
    assert found(DESIGN, {"limit": 0.9}, {})["source"] == "platform default"


def test_a_rule_that_is_gone_has_no_limits() -> None:
    gone = Transition("water.gone", 1, "D", "device", "cleared", 0, 3, step=None)
    assert limits(Background({}, {}, ZoneInfo("UTC")), gone) == {}
