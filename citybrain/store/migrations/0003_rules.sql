-- Rules: what was applied and when, the engine's state, and the views that query rules read.
-- depends: 0002_boards

set local role citybrain_owner;

-- ── what is in force ────────────────────────────────────────────────────────────────────────────────────
-- Each `rules apply` makes a set; the newest is in force. A set is everything that the rules need to be compiled:
-- engines never read files, so that a broken file can't stop one.
create table rule_set (
    id int generated always as identity primary key,
    applied_at timestamptz not null,
    applied_by text not null,
    calendars jsonb not null,
    vocabulary jsonb not null,
    plans jsonb not null
);

-- One row a rule and version; `versions` counts by rule. What an old alert was raised by stays readable here.
create table rule_version (
    rule text not null,
    version int not null,
    definition jsonb not null,
    title_zh text not null,
    title_en text not null,
    applied_at timestamptz not null,
    primary key (rule, version)
);

create table rule_set_member (
    set_id int not null references rule_set,
    rule text not null,
    version int not null,
    position int not null,
    primary key (set_id, rule),
    foreign key (rule, version) references rule_version
);

-- ── the engine's state: pairs of step and series (of a query: subject) that are not idle ────────────────
-- Times in microseconds since 1970, as the engine has them. `code`: 0 idle with bits, 1 pending, 2 raised, 3 clearing.
create table rule_state (
    rule text not null,
    severity smallint not null,
    series_id int not null,  -- 0: a scheduled rule's subject
    subject text not null default '',
    code smallint not null check (code between 0 and 3),
    since bigint not null,
    last bigint not null,
    run int not null,
    bits bigint not null,
    bits_at bigint not null,
    primary key (rule, severity, series_id, subject)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Which set a process has compiled its state for, so that `rule changed` is decided once.
create table rule_engine (
    unit text primary key,
    set_id int not null
);

-- ── scheduled rules: the newest instant of each, and how it went ────────────────────────────────────────
create table rule_run (
    rule text primary key,
    version int not null,  -- of the rule; what is remembered of its subjects belongs to it
    instant timestamptz not null,
    took_ms float8 not null,
    rows int not null,
    error text,
    failing_since timestamptz
);

-- ── who was heard when: the ledger's rows are written with each batch anyway ────────────────────────────
-- "Heard" is any message, whatever its time stamps say.
alter table ledger add column heard timestamptz;

-- ── what query rules see, and nothing else ──────────────────────────────────────────────────────────────
create function metres(a point, b point) returns float8 language sql immutable strict parallel safe
    -- Great-circle distance by the haversine formula on a sphere of 6,371,009 m; points are (longitude, latitude).
    return 2 * 6371009 * asin(least(1, sqrt(
        sin(radians(b[1] - a[1]) / 2) ^ 2
        + cos(radians(a[1])) * cos(radians(b[1])) * sin(radians(b[0] - a[0]) / 2) ^ 2)));

create view rule_series as
    select d.region_id || '/' || d.domain_id || '/' || d.name || '/' || m.name as series,
           d.region_id || '/' || d.domain_id || '/' || d.name as device, s.id as series_id, d.id as device_id,
           m.name as metric, m.unit, m.expected_interval, d.domain_id as domain, d.region_id as region,
           coalesce(d.site_id, d.region_id || '/' || d.domain_id || '/' || d.name) as site, t.kind as site_kind,
           case when t.id is not null then point(t.longitude, t.latitude) end as place,
           coalesce(t.attributes, '{}') as attributes, d.verified and m.verified as verified
    from series s join device d on d.id = s.device_id join metric m on m.id = s.metric_id
    left join site t on t.id = d.site_id;
comment on view rule_series is 'One row a series, named region/domain/device/metric, with its site''s kind, place and attributes';

create view rule_reading as
    select s.series, s.metric, s.domain, s.region, s.device, s.site, r.time, r.value, r.quality,
           r.time + make_interval(secs => r.lag_s) as arrived
    from reading r join rule_series s on s.series_id = r.series_id
    where r.quality & 30 = 0;
comment on view rule_reading is 'Good readings; bound the time on both sides';

create view rule_hour as
    select s.series, s.metric, s.domain, s.region, s.device, s.site, s.site_kind, s.place, s.attributes,
           h.bucket as hour, h.s / h.n as value, h.mn as low, h.mx as high, h.n
    from rule_series s cross join lateral (
        select bucket, sum(n)::int as n, sum(s) as s, min(mn) as mn, max(mx) as mx
        from (
            select r.bucket, r.n, r.s, r.mn, r.mx from rollup r where r.series_id = s.series_id
            union all
            select o.bucket, o.n, o.s, o.mn, o.mx from series_state o where o.series_id = s.series_id
        ) parts
        group by bucket
    ) h
    where h.n > 0;
comment on view rule_hour is 'Hourly mean (value), low, high and count of good readings; bound the hour';

create view rule_latest as
    select s.series, s.metric, s.domain, s.region, s.device, s.site, s.site_kind, s.place, s.attributes,
           l.good_time as time, l.good_value as value
    from rule_series s join series_state l on l.series_id = s.series_id
    where l.good_time > '-infinity';
comment on view rule_latest is 'The newest good reading of each series';

create view rule_device as
    select d.region_id || '/' || d.domain_id || '/' || d.name as device, d.region_id as region, d.domain_id as domain,
           d.site_id as site, d.gateway, d.verified, d.online,
           (select max(l.heard) from ledger l where l.device_id = d.id and l.hour > now() - interval '2 days') as heard
    from device d;
comment on view rule_device is 'Devices with the time of their newest message of the last two days';

create view rule_ledger as
    select l.hour, d.region_id || '/' || d.domain_id || '/' || d.name as device, d.region_id as region,
           d.domain_id as domain, d.site_id as site, l.received, l.stored, l.duplicate, l.quarantined
    from ledger l join device d on d.id = l.device_id;
comment on view rule_ledger is 'Per device and hour of receipt: what was received and what became of it';

-- ── boards ──────────────────────────────────────────────────────────────────────────────────────────────
create view board_rule as
    select v.rule, v.version, v.title_zh, v.title_en, v.definition, v.applied_at, r.instant as last_run,
           r.took_ms, r.error, r.failing_since
    from rule_set_member m join rule_version v using (rule, version) left join rule_run r using (rule)
    where m.set_id = (select max(id) from rule_set);
comment on view board_rule is 'The rules in force, and how the newest run of a scheduled one went';
