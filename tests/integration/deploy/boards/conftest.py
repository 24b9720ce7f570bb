"""A city with readings, alerts and their handling, plans and an account, to ask what boards ask."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT
from citybrain.store.connection import connect
from deploy.boards.build import bundle
from deploy.boards.model import Bundle
from deploy.local.servers import Database
from rules import sets
from rules.grammar.load import load as load_rules
from rules.plans.load import indicators
from rules.plans.load import load as load_plans
from tests.integration.api.pages.conftest import alert, fill, now

# A reading each minute of two hours, of what is measured at the inlets of the first zones.
READINGS = """
insert into reading (time, value, series_id, lag_s)
select at, 100 + s.id %% 7, s.id, 1
from series s join device d on d.id = s.device_id
cross join generate_series(%(now)s - interval '2 hours', %(now)s, interval '1 minute') at
where d.name = 'inlet-1'
"""
LEDGER = """
insert into ledger (hour, device_id, received, stored, duplicate, quarantined, revised)
select hour, d.id, 60, 58, 1, 1, 0
from device d
cross join generate_series(date_trunc('hour', %(now)s) - interval '30 hours', %(now)s, interval '1 hour') hour
"""
INDICATORS = """
insert into plan_indicator (id, plan, plan_zh, plan_en, title_zh, title_en, unit, direction, binding, clause, target)
select 'water/' || n, 'water', '供水规划', 'Water plan', '漏损率' || n, 'Leakage ' || n, '%%', 'at_most',
       'expected', '1', 9
from generate_series(1, 3) n
"""
# What the city of the API's tests need not measure.
MORE = """
insert into series (device_id, metric_id)
select d.id, m.id from device d join site t on t.id = d.site_id join metric m on m.domain_id = d.domain_id
where (t.kind, m.name) in (('sewer_well', 'sewer_level'), ('gas_well', 'oxygen'), ('heat_well', 'well_temperature'))
on conflict do nothing
"""
MORE_STATE = """
insert into series_state (series_id, time, value, good_time, good_value)
select id, %(now)s, 1, %(now)s, 1 from series where id not in (select series_id from series_state)
"""
HEAT = """
insert into site (id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude, attributes)
values ('hot-1', '150802', 'sentinel', 'heat_well', 'hot-1', 'hot-1', 107.4, 40.7, '{}');
insert into device (region_id, domain_id, name, site_id, verified, first_seen, online)
values ('150802', 'sentinel', 'hot-1', 'hot-1', true, '2026-01-01Z', true);
"""
OPENED = """
update series_state set value = 1 from series s, device d, metric m
where s.id = series_id and d.id = s.device_id and m.id = s.metric_id and m.name = 'cover_open' and d.name = 'gas-1'
"""
COURSE = """
insert into plan_course (day, indicator, region_id, actual, as_of, path, target, shortfall, verdict)
select (%(now)s at time zone 'Asia/Shanghai')::date - ago, i.id, '150802', 12 - ago * 0.01, null, 11, 9, 1, 'at_risk'
from (select id from plan_indicator order by id limit 3) i cross join generate_series(0, 200) ago
"""
HANDLED = """
insert into alert_event (alert_id, at, kind, actor, note) values (%(id)s, %(at)s, %(kind)s, 'li', 'seen')
"""


@pytest.fixture(scope="module")
def city(database_server: Database, template: str, catalogue: Catalogue) -> Iterator[psycopg.Connection[Any]]:
    """A connection to it, with the rights of Grafana's user and no others."""
    name = f"test_boards_{uuid4().hex}"
    with psycopg.connect(database_server.url, autocommit=True) as connection:
        copy = sql.SQL("create database {} template {}")
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    url = f"postgresql://postgres@/{name}?host={conninfo_to_dict(database_server.url)['host']}"
    plans = load_plans(PROJECT, catalogue)
    checked = load_rules(PROJECT, catalogue, {id: one.unit for id, one in indicators(plans).items()})
    with connect(url, "writer", "test") as connection:
        sets.apply(connection, checked, plans, "test", now())
    with psycopg.connect(url) as connection:
        _live(connection)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set role citybrain_board")
        yield connection


def _live(connection: psycopg.Connection[Any]) -> None:
    """Thirty days of what happens."""
    fill(connection, 2)
    connection.execute(HEAT)
    for statement in (MORE, MORE_STATE, READINGS, LEDGER, INDICATORS, COURSE):
        connection.execute(statement.encode(), {"now": now()})
    connection.execute(OPENED)
    handled = alert(connection, "end-1", 2, timedelta(hours=3), handling="confirmed")
    for ago, kind in ((150, "confirm"), (140, "dispatch"), (20, "close")):
        at = now() - timedelta(minutes=ago)
        connection.execute(HANDLED, {"id": handled, "at": at, "kind": kind})
    alert(connection, "station-1", 1, timedelta(hours=30), rule="heating.indoor_low")
    alert(connection, "air-sim-1", 3, timedelta(minutes=50), rule="air.aqi")
    chattering = alert(connection, "gas-1", 1, timedelta(minutes=9), rule="sentinel.methane")
    for minutes in (8, 7, 6):
        again = "insert into alert_event (alert_id, at, kind, severity) values (%s, %s, 'reopened', 1)"
        connection.execute(again, (chattering, now() - timedelta(minutes=minutes)))
    for n in range(1, 9):
        alert(connection, f"sewer-{n}", 4, timedelta(minutes=5), rule="sentinel.h2s")


@pytest.fixture(scope="session")
def built(catalogue: Catalogue) -> Bundle:
    """The boards of what ships."""
    units = {id: one.unit for id, one in indicators(load_plans(PROJECT, catalogue)).items()}
    rules = load_rules(PROJECT, catalogue, units).rules.rules.values()
    return bundle(catalogue, rules, "Asia/Shanghai", now().astimezone(ZoneInfo("Asia/Shanghai")).date())
