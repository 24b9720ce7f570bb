"""A city as the simulators leave it: zones, stations, air and wells in two counties, with eight days of hours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT
from citybrain.store.connection import connect
from deploy.local.servers import Broker, Database
from rules import sets
from rules.grammar.load import load
from rules.plans.load import indicators
from rules.plans.load import load as load_plans
from tests.integration.conftest import new_database

LINHE, WUYUAN = "150802", "150821"


def now() -> datetime:
    """The present, asked when it is needed: modules are imported long before their tests run."""
    return datetime.now(UTC).replace(microsecond=0)


# Odd numbers lie in the first county, even ones in the second; each site has one device of its name.
SITES = """
insert into site (id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude, attributes)
select %(prefix)s || n, case when n %% 2 = 1 then '150802' else '150821' end, %(domain)s, %(kind)s,
       %(prefix)s || n, %(prefix)s || n, 107.4 + n * 1e-5, 40.75,
       case when %(zones)s > 0 then jsonb_build_object('zone', 'z' || (n - 1) %% %(zones)s + 1) else '{}' end
from generate_series(1, %(count)s) n;
"""
DEVICES = """
insert into device (region_id, domain_id, name, site_id, verified, first_seen, online)
select region_id, domain_id, id, id, true, '2026-01-01Z', true from site
where id like %(prefix)s || '%%' and not exists (select from device where site_id = site.id);
"""
SERIES = """
insert into series (device_id, metric_id)
select d.id, m.id from device d join metric m on m.domain_id = d.domain_id
where d.name like %(prefix)s || '%%' and m.name = any(%(metrics)s)
"""
# A value that is higher by day, and differs a little from series to series.
HOURS = """
insert into rollup (series_id, bucket, n, s, mn, mx)
select s.id, hour, 4, 4 * v, v - 1, v + 1
from series s join metric m on m.id = s.metric_id
cross join generate_series(%(start)s, %(end)s - interval '1 second', interval '1 hour') hour
cross join lateral (
    select %(level)s * (1 + 0.1 * sin(extract(hour from hour at time zone 'UTC') / 24 * 6.283)
                          + (s.id %% 5) * 0.01) as v
) v
where m.name = %(metric)s and m.domain_id = %(domain)s
"""
STATE = """
insert into series_state (series_id, time, value, good_time, good_value, bucket, n, s, mn, mx)
select s.id, %(time)s, %(level)s + (s.id %% 5) * %(step)s, %(time)s, %(level)s, date_trunc('hour', %(time)s), 1,
       %(level)s + (s.id %% 5) * %(step)s, %(level)s, %(level)s
from series s join metric m on m.id = s.metric_id where m.name = %(metric)s and m.domain_id = %(domain)s
on conflict (series_id) do nothing
"""
REGION_HOURS = """
insert into region_hour (metric_id, region_id, bucket, n, n_doubtful, s)
select metric_id, region_id, bucket, sum(n), sum(n_doubtful), sum(s)
from rollup join series on series.id = series_id join device on device.id = device_id
group by 1, 2, 3 order by 3, 1, 2
"""
ALERT = """
insert into alert (rule, subject, subject_kind, region_id, domain_id, site_id, device, mode, version, title_zh,
    title_en, severity, worst, condition, raised_at, last_time, changed_at, past, due_at, handling)
select %(rule)s, id, 'site', region_id, domain_id, id, id, 'live', 1, %(zh)s, %(en)s, %(severity)s, %(severity)s,
       'raised', %(at)s, %(at)s, %(at)s, false, %(due)s, %(handling)s
from site where id = %(site)s returning id
"""


@dataclass(frozen=True)
class Kind:
    """Sites of one kind, and what each of them measures: by metric the level and, in hours, how often."""

    prefix: str
    domain: str
    kind: str
    count: int
    levels: dict[str, float]
    zones: int = 0


def kinds(scale: int) -> list[Kind]:
    """A city of about 25 sites for each of `scale`."""
    zones = 2 * scale
    air = {"aqi": 80, "pm25": 40, "pm10": 60, "o3": 90, "no2": 20, "aqi_category": 2, "primary_pollutant": 1}
    station = {"supply_temp": 50, "return_temp": 40, "supply_temp_deviation": -1, "makeup_flow": 1, "pump_running": 1}
    return [
        Kind("zone-", "water", "zone", zones, {"leakage_rate": 9}, zones),
        Kind("inlet-", "water", "zone_inlet", zones, {"zone_inflow": 100, "pressure": 0.4, "night_flow": 30}, zones),
        Kind("end-", "water", "network_end", 4 * scale, {"pressure": 0.25}, zones),
        Kind("station-", "heating", "heat_exchange_station", 2 * scale, station),
        Kind("dwelling-", "heating", "dwelling", 4 * scale, {"indoor_temp": 20}),
        Kind("weather-", "heating", "weather_station", 2, {"outdoor_temp": -5}),
        Kind("air-sim-", "air", "station", scale, air),
        Kind("gas-", "sentinel", "gas_well", 4 * scale, {"methane": 2, "cover_open": 0, "cover_tilt": 1}),
        Kind(
            "sewer-",
            "sentinel",
            "sewer_well",
            4 * scale,
            {"h2s": 1, "sewer_level": 1, "cover_open": 0, "cover_tilt": 1},
        ),
        Kind("pond-", "sentinel", "ponding_point", scale, {"ponding_depth": 0}),
    ]


def fill(connection: psycopg.Connection[Any], scale: int) -> None:
    """The city with 8 days of hours, 28 nights, and newest readings of a minute ago."""
    hour = now().replace(minute=0, second=0)
    levels: dict[tuple[str, str], float] = {}
    for one in kinds(scale):
        names = {**one.__dict__, "metrics": list(one.levels)}
        for statement in (SITES, DEVICES, SERIES):
            connection.execute(statement.encode(), names)
        levels |= {(one.domain, metric): level for metric, level in one.levels.items()}
    for (domain, metric), level in levels.items():
        hours = {"domain": domain, "metric": metric, "level": level, "start": hour - timedelta(days=8), "end": hour}
        if metric == "night_flow":
            hours |= {"start": hour - timedelta(days=28)}
        connection.execute(HOURS.encode(), hours)
        newest = {"domain": domain, "metric": metric, "level": level, "step": level * 0.02}
        connection.execute(STATE.encode(), {**newest, "time": now() - timedelta(minutes=1)})
    # A night has one value, at 04:00 of the city.
    connection.execute(
        "delete from rollup using series s, metric m where s.id = series_id and m.id = s.metric_id "
        "and m.name = 'night_flow' and extract(hour from bucket at time zone 'UTC') <> 20"
    )
    connection.execute(REGION_HOURS.encode())


def alert(connection: psycopg.Connection[Any], site: str, severity: int, age: timedelta, **more: Any) -> int:
    """An open alert of a site; its id."""
    rule = more.get("rule", "water.end_pressure")
    values = {
        "rule": rule,
        "zh": "压力过低",
        "en": "Low pressure",
        "handling": "new",
        "due": now() + timedelta(hours=1),
    }
    values |= {"site": site, "severity": severity, "at": now() - age, **more}
    row = connection.execute(ALERT.encode(), values).fetchone()
    assert row is not None
    connection.execute(
        "insert into alert_event (alert_id, at, kind, severity) values (%s, %s, 'raised', %s)",
        (row[0], values["at"], severity),
    )
    return int(row[0])


@dataclass
class Town:
    """The API over that city, and systems that ask it."""

    database_url: str
    client: httpx.Client
    grant: Callable[..., str]
    clients: list[httpx.Client] = field(default_factory=list)

    def ask(self, regions: list[str] | None = None, domains: list[str] | None = None) -> httpx.Client:
        """A viewer of that scope."""
        headers = {"Authorization": f"Bearer {self.grant(self.database_url, 'viewer', regions, domains)}"}
        self.clients.append(httpx.Client(base_url=self.client.base_url, trust_env=False, headers=headers))
        return self.clients[-1]

    def get(self, path: str, **parameters: str) -> Any:
        """What is answered to an administrator."""
        answer = self.client.get(f"/api/v1/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def town(
    database_server: Database,
    template: str,
    catalogue: Catalogue,
    broker: Broker,
    grant: Callable[..., str],
    serve: Callable[[str, str], AbstractContextManager[Any]],
) -> Iterator[Town]:
    url = new_database(database_server.url, f"test_pages_{uuid4().hex}", template)
    plans = load_plans(PROJECT, catalogue)
    checked = load(PROJECT, catalogue, {id: one.unit for id, one in indicators(plans).items()})
    with connect(url, "writer", "test") as connection:
        sets.apply(connection, checked, plans, "test", now())
    with psycopg.connect(url) as connection:
        fill(connection, 4)
    with serve(url, broker.collector_url) as api:
        town = Town(url, api.client, grant)
        try:
            yield town
        finally:
            for client in town.clients:
                client.close()


@pytest.fixture(autouse=True)
def fresh(town: Town) -> None:
    """What reports is as fresh as it was when the first test began."""
    with psycopg.connect(town.database_url) as connection:
        connection.execute(
            "update series_state set time = now(), good_time = now() where time > now() - interval '30 minutes'"
        )
