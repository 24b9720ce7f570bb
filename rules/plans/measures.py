"""What computes an indicator from readings: a block of `plans.sql`, over the views that boards read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from citybrain.store.connection import Connection
from citybrain.store.sql import query

INDOOR_DUTY_C = 18.0  # degC that a dwelling must have in the heating season (regional heating rule, B-)
GOOD_AQI = 100  # a day of this index or less is excellent or good (HJ 633-2012 and HJ 633-2026, A)

# The kinds of sites, as (domain, kind), at which the four lifelines that have sensors are watched: gas, water,
# drainage and heat. Which kind belongs to which is a platform default (S). Utility galleries belong to none of
# the four; dwellings and weather stations are watched for heating, but are no part of its pipes.
LIFELINES: Mapping[str, Sequence[tuple[str, str]]] = {
    "gas": (("sentinel", "gas_well"), ("sentinel", "nearby_well")),
    "water": (
        ("sentinel", "water_well"),
        ("water", "works"),
        ("water", "pump_house"),
        ("water", "tank"),
        ("water", "zone_inlet"),
        ("water", "zone"),
        ("water", "pressure_point"),
        ("water", "critical_point"),
        ("water", "network_end"),
        ("water", "tap"),
    ),
    "drainage": (("sentinel", "sewer_well"), ("sentinel", "ponding_point"), ("sentinel", "rain_gauge")),
    "heat": (
        ("sentinel", "heat_well"),
        ("heating", "source"),
        ("heating", "heat_exchange_station"),
        ("heating", "network_point"),
    ),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A block of `plans.sql` that gives rows (region, value), with what it is told besides now and zone."""

    block: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def _lifeline(block: str, *lifelines: str) -> Measure:
    kinds = [kind for lifeline in lifelines for kind in LIFELINES[lifeline]]
    domains, names = zip(*kinds, strict=True)
    return Measure(block, {"domains": list(domains), "kinds": list(names)})


MEASURES: Mapping[str, Measure] = {
    "good_air_days": Measure("good_air_days", {"good": GOOD_AQI}),
    "leakage_rate": Measure("volume_share", {"part": "billed_volume", "whole": "supply_volume", "rest": True}),
    "reclaimed_water_rate": Measure(
        "volume_share", {"part": "reclaimed_volume", "whole": "wastewater_volume", "rest": False}
    ),
    "indoor_temperature_compliance": Measure("indoor_temperature_compliance", {"duty": INDOOR_DUTY_C}),
    "lifeline_coverage": _lifeline("site_coverage", *LIFELINES),
    "lifeline_online": _lifeline("device_online", *LIFELINES),
    **{f"{name}_coverage": _lifeline("site_coverage", name) for name in LIFELINES},
    **{f"{name}_online": _lifeline("device_online", name) for name in LIFELINES},
}


def measured(connection: Connection, measure: str, now: datetime, zone: ZoneInfo) -> dict[str, float]:
    """The measure's value by region, in percent, from what was read up to `now`; a region without data is not there.

    Days and years are those of the city's `zone`.
    """
    chosen = MEASURES[measure]
    parameters = {"now": now, "zone": zone.key, **chosen.parameters}
    rows = connection.execute(query("plans", chosen.block), parameters).fetchall()
    return {region: float(value) for region, value in rows if value is not None}
