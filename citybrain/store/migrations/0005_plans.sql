-- Plans: values that people enter, where each indicator stood day by day, and what boards show of it.
-- depends: 0004_alerts

set local role citybrain_owner;

-- Values of indicators that no sensor measures. Never changed: who corrects one enters the day again, and the
-- newest entry of a day counts.
create table plan_value (
    id bigint generated always as identity primary key,
    indicator text not null,  -- plan/indicator
    region_id text not null references region,
    day date not null,
    value float8 not null check (value > '-Infinity' and value < 'Infinity'),
    note text,
    entered_by text not null,
    entered_at timestamptz not null
);
create index plan_value_key on plan_value (indicator, region_id, day, id);

-- What the plans' files said when they were last evaluated.
create table plan_indicator (
    id text primary key,  -- plan/indicator
    plan text not null,
    plan_zh text not null,
    plan_en text not null,
    title_zh text not null,
    title_en text not null,
    unit text not null,
    direction text not null check (direction in ('at_most', 'at_least', 'about')),
    binding text not null check (binding in ('binding', 'expected', 'not_stated')),
    clause text not null,
    baseline float8,
    baseline_year int,
    target float8,
    target_year int,
    words text
);

-- Where each indicator stood, one row a city day.
create table plan_course (
    day date not null,
    indicator text not null references plan_indicator,
    region_id text not null references region,
    actual float8,
    as_of date,  -- the day that an entered value is of; null: measured, or no value
    path float8,
    target float8,
    shortfall float8,
    verdict text not null check (verdict in ('on_course', 'at_risk', 'off_course', 'unknown')),
    primary key (indicator, region_id, day)
);

-- ── boards ──────────────────────────────────────────────────────────────────────────────────────────────
create view board_region_within as
    with recursive within (region_id, within_id) as (
        select id, id from region
        union all
        select w.region_id, r.id from within w join region r on r.parent_id = w.within_id
    )
    select region_id, within_id from within;
comment on view board_region_within is 'Every region with itself and each region in it, at any depth: to sum up over the tree';

create view board_plan_value as
    select distinct on (indicator, region_id, day)
           indicator, region_id, day, value, note, entered_by, entered_at
    from plan_value order by indicator, region_id, day, id desc;
comment on view board_plan_value is 'Values that people entered for indicators: the newest entry of each day';

create view board_plan_course as
    select c.day, c.indicator, c.region_id, c.actual, c.as_of, c.path, c.target, c.shortfall, c.verdict
    from plan_course c;
comment on view board_plan_course is 'Where each indicator stood, day by day';

create view board_plan as
    select distinct on (c.indicator, c.region_id)
           c.indicator, c.region_id, i.plan, i.plan_zh, i.plan_en, i.title_zh, i.title_en, i.unit, i.direction,
           i.binding, i.clause, i.baseline, i.baseline_year, i.target_year, i.words,
           c.day, c.actual, c.as_of, c.path, c.target, c.shortfall, c.verdict
    from plan_course c join plan_indicator i on i.id = c.indicator
    order by c.indicator, c.region_id, c.day desc;
comment on view board_plan is 'The newest verdict of each indicator and region, with what the plan says; day tells how old it is';
