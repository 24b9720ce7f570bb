-- Alerts page by page: the order in which people work them off, and shelves that reach no further than who made them.
-- depends: 0008_queries

set local role citybrain_owner;

-- ── the order of the page ───────────────────────────────────────────────────────────────────────────────
-- What needs attention first: every part of it ascends, so that one comparison of rows finds where a page begins.
-- `age` falls with the time of the raise; the moment it counts back from is beyond all readings (0001_base).
create index alert_attention on alert (
    greatest(1, severity - missed), coalesce(due_at, 'infinity'), ('2100-01-01Z'::timestamptz - raised_at), id
) where mode = 'live' and (condition = 'raised' or handling not in ('false', 'closed'));
create index alert_due_by on alert (coalesce(due_at, 'infinity'), id)
    where mode = 'live' and (condition = 'raised' or handling not in ('false', 'closed'));
create index alert_changed on alert (changed_at, id)
    where mode = 'live' and (condition = 'raised' or handling not in ('false', 'closed'));
drop index alert_raised;
create index alert_raised on alert (raised_at, id);
-- The history of one device, however many alerts all others had.
create index alert_device on alert (region_id, domain_id, device, raised_at) where mode = 'live';

-- ── shelves within a scope ──────────────────────────────────────────────────────────────────────────────
-- Regions, all below them named too, and domains; null: all. A shelf reaches no alert outside of them.
alter table shelf add column regions text[], add column domains text[];

create or replace function shelved_until(a alert, moment timestamptz) returns timestamptz
    language sql stable parallel safe security definer set search_path = public, pg_temp as $$
    select max(until) from shelf
    where until > moment and at <= moment and matches_pattern(rule, a.rule) and matches_pattern(subject, a.subject)
      and (regions is null or a.region_id = any(regions)) and (domains is null or a.domain_id = any(domains))
$$;

create or replace view board_shelf as
    select id, rule, subject, until, reason, by, at, ended_by, regions, domains from shelf;

-- ── boards ──────────────────────────────────────────────────────────────────────────────────────────────
create or replace view board_alert as
    select a.id, a.rule, a.version, a.subject, a.subject_kind, a.region_id, a.domain_id, a.site_id, a.device,
           a.title_zh, a.title_en, a.advice_zh, a.advice_en, t.title_zh as site_zh, t.title_en as site_en,
           a.severity, a.worst, greatest(1, a.severity - a.missed) as attention,
           a.condition, a.raised_at, a.cleared_at, a.clear_reason, a.last_time, a.changed_at, a.past, a.reopened,
           a.step, a.series_id, a.values, a.limits,
           a.handling, a.revision, a.operator, a.crew, a.due_step, a.due_at, a.missed_step, a.missed,
           a.told_at, a.withheld, shelved_until(a, now()) as shelved_until,
           maintained_until(a, now()) as maintained_until,
           a.condition = 'raised' or a.handling not in ('false', 'closed') as open,
           coalesce(a.due_at, 'infinity') as due_by, '2100-01-01Z'::timestamptz - a.raised_at as age
    from alert a left join site t on t.id = a.site_id
    where a.mode = 'live';

create view board_alert_card as
    select a.id, a.rule, a.version, a.subject, a.domain_id as domain, a.severity, a.title_zh, a.title_en,
           a.advice_zh, a.advice_en,
           coalesce(a.site_zh, case when a.subject_kind = 'region' then r.title_zh end, a.subject) as place_zh,
           coalesce(a.site_en, case when a.subject_kind = 'region' then r.title_en end, a.subject) as place_en,
           r.title_zh as region_zh, r.title_en as region_en, a.condition = 'raised' as raised, a.raised_at,
           a.cleared_at, a.handling, a.crew, a.due_step, a.due_at, a.missed_step is not null as overdue,
           a.shelved_until, a.maintained_until, a.values, a.limits, a.step,
           s.title_zh as metric_zh, s.title_en as metric_en, s.kind as metric_kind, s.unit,
           v.definition, coalesce(u.failing_since is not null, false) as failing,
           a.attention, a.revision, a.region_id as region, a.site_id as site, a.device, a.open, a.changed_at,
           a.subject_kind, a.worst, a.reopened, a.clear_reason, a.last_time, a.past, a.operator, a.missed,
           a.told_at, a.withheld
    from board_alert a
    left join board_region r on r.id = a.region_id
    left join board_series s on s.series_id = a.series_id
    left join board_rule u on u.rule = a.rule
    left join board_rule_version v on v.rule = a.rule and v.version = a.version;
comment on view board_alert_card is 'Alerts with all that is shown of one: place, metric, rule; take it for those that are shown only';
