"""How long it takes to build Grafana's boards, and to answer what they ask on a full store.

    python -m bench.boards [--readings N] [--rounds N]

The boards and the catalogue are those that ship; 4,000 sites of all kinds of its domains, 20,000 series, readings at
5 minutes, 30 days of hourly rollups, alerts, the account and the course of plans. Each query is asked as the role of
Grafana's user, over a connection of its own as Grafana has them, for all regions and sites and for one, over a day and
over 30 days. Each line gives p50 and p95 of an answer with all its rows in milliseconds, the slowest first.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg

from bench.query import fill
from citybrain.catalogue.load import load
from citybrain.settings import PROJECT, settings
from citybrain.store.migrate import migrate
from deploy.boards.build import files
from deploy.boards.commands import built_of
from deploy.local.servers import postgres
from tests.integration.deploy.boards.datasource import Chosen, expanded, interpolated
from tests.integration.deploy.boards.questions import Question, questions

REACH_MS = 300  # an answer may take, on 50 million readings
SLOWEST = 15  # lines that are printed

# Sites take the kinds of their domain in turn, and the counties; their devices measure five metrics in turn.
SEED = """
insert into site (id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude, attributes)
select d.id || '-' || n, r.ids[n % cardinality(r.ids) + 1], d.id, k.kinds[n % cardinality(k.kinds) + 1],
       d.id || n, d.id || n, 106 + n % 400 * 0.01, 40 + n % 300 * 0.01, jsonb_build_object('zone', 'z' || n % 50)
from (values ('water', array['zone', 'zone_inlet', 'network_end', 'pressure_point']),
             ('heating', array['heat_exchange_station', 'dwelling', 'weather_station']),
             ('air', array['station', 'micro_station']),
             ('sentinel', array['gas_well', 'sewer_well', 'ponding_point', 'heat_well'])) k (domain, kinds)
join domain d on d.id = k.domain
cross join (select array_agg(id order by id) as ids from region where level = 'county') r
cross join generate_series(1, 1000) n;

insert into device (region_id, domain_id, name, site_id, verified, first_seen, online)
select region_id, domain_id, id, id, true, now(), true from site order by id;

insert into series (device_id, metric_id)
select d.id, m.ids[(d.id * 5 + k) % cardinality(m.ids) + 1]
from device d
join (select domain_id, array_agg(id order by id) as ids from metric group by domain_id) m on m.domain_id = d.domain_id
cross join generate_series(0, 4) k order by d.id, k;

insert into alert (rule, subject, subject_kind, region_id, domain_id, site_id, device, mode, version, title_zh,
    title_en, severity, worst, condition, raised_at, cleared_at, last_time, changed_at, past, handling)
select 'water.end_pressure', s.id || '/' || n, 'site', s.region_id, s.domain_id, s.id, s.id, 'live', 1, '压力',
       'Pressure', 1 + n % 4, 1 + n % 4, case when n < 500 then 'raised' else 'cleared' end,
       now() - n * interval '4 minutes',
       case when n >= 500 then now() - n * interval '4 minutes' + interval '1 hour' end, now(), now(), false,
       case when n < 500 then 'new' else 'closed' end
from generate_series(1, 10000) n
join (select *, row_number() over (order by id) as place from site) s on s.place = n * 7 % 4000 + 1;

insert into alert_event (alert_id, at, kind, severity)
select id, raised_at + k * interval '1 minute', (array['raised', 'confirm', 'dispatch', 'close'])[k + 1], severity
from alert cross join generate_series(0, 3) k order by 2;

insert into ledger (hour, device_id, received, stored, duplicate, quarantined, revised)
select hour, id, 60, 59, 1, 0, 0 from device cross join
    generate_series(date_trunc('hour', now()) - interval '30 days', now(), interval '1 hour') hour;

insert into plan_indicator (id, plan, plan_zh, plan_en, title_zh, title_en, unit, direction, binding, clause, target)
select 'plan/' || n, 'plan', '规划', 'Plan', '指标' || n, 'Indicator ' || n, '-', 'at_most', 'expected', '1', 9
from generate_series(1, 30) n;

insert into plan_course (day, indicator, region_id, actual, path, target, verdict)
select current_date - ago, i.id, r.id, 10, 9.5, 9, 'at_risk'
from plan_indicator i cross join region r cross join generate_series(0, 364) ago;
"""


class Case(NamedTuple):
    """What is chosen above the board, and how far it reaches back."""

    name: str
    days: int
    chosen: dict[str, Chosen]


class Line(NamedTuple):
    """How long a query took, in milliseconds, and how many rows it gave."""

    p50: float
    p95: float
    rows: int
    case: str
    question: Question


def cases() -> list[Case]:
    """All, and one region with one site, over a day and over 30."""
    everything = Chosen(everything="'*'")
    fixed = {"cockpit": Chosen(["http://127.0.0.1:8000"], multi=False), "indicator": Chosen(["plan/1", "plan/2"])}
    whole = {**fixed, **dict.fromkeys(("region", "domain", "site"), everything)}
    sites = Chosen([f"{domain}-{n}" for domain in ("water", "heating", "air", "sentinel") for n in range(4, 16)])
    one = {**fixed, "region": Chosen(["150800"]), "domain": Chosen(["water"]), "site": sites}
    return [
        Case(f"{name}, {days} d", days, chosen) for days in (1, 30) for name, chosen in (("all", whole), ("one", one))
    ]


def measure(url: str, rounds: int) -> list[Line]:
    """Ask everything `rounds` times."""
    lines = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set role citybrain_board")
        asked = [one for one in questions() if one.board.endswith("-zh")]
        for case in cases():
            for question in asked:
                took, rows = [], 0
                for _ in range(rounds):
                    end = datetime.now(UTC)
                    interval = "1m" if case.days == 1 else "1h"
                    text = interpolated(question.statement, case.chosen, interval)
                    statement = expanded(text, end - timedelta(days=case.days), end)
                    began = time.perf_counter()
                    rows = len(connection.execute(statement.encode()).fetchall())
                    took.append(1000 * (time.perf_counter() - began))
                p95 = statistics.quantiles(took, n=20, method="inclusive")[-1]
                lines.append(Line(statistics.median(took), p95, rows, case.name, question))
    return sorted(lines, key=lambda line: -line.p95)


def main() -> None:
    """Build, fill, ask and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readings", type=int, default=50_000_000, help="at least a million")
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    began = time.perf_counter()
    built = built_of(settings())
    size = sum(map(len, files(built).values()))
    print(f"{len(built.boards)} boards, {size / 1000:.0f} kB, built in {time.perf_counter() - began:.2f} s")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    millions = max(1, given.readings // 1_000_000)
    with tempfile.TemporaryDirectory() as name, postgres(Path(name)) as server:
        migrate(server.url, load(PROJECT), chunk_hours=24)
        began = time.perf_counter()
        fill(server.url, millions, now - timedelta(minutes=now.minute % 5), SEED)
        print(f"{millions} million readings in {time.perf_counter() - began:.0f} s")
        lines = measure(server.url, given.rounds)
    for line in lines[:SLOWEST]:
        question = line.question
        print(
            f"{line.p50:8.1f} {line.p95:8.1f} ms {line.rows:7,} rows  {line.case:10}  {question.board}: {question.name}"
        )
    late = sum(line.p95 > REACH_MS for line in lines)
    print(f"{len(lines)} queries, {late} with a p95 over {REACH_MS} ms")


if __name__ == "__main__":
    main()
