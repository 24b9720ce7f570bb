-- Plans. Measures give (region, value in percent) for each region that has data, summed up over the tree; they read
-- board_* views only, and only what listed devices sent. A region that lacks data is not there, never 0.

-- name: good_air_days
-- Of the station days of the running city year, the share whose daily index is %(good)s or less. By station day, so
-- that it means the same for a district and for a province; micro stations don't count.
with counted as (
    select s.region_id, count(*) filter (where r.value <= %(good)s) as good, count(*) as days
    from board_series s
    join board_site t on t.id = s.site_id and t.kind = 'station'
    cross join lateral (
        select value from board_reading
        where series_id = s.series_id and good and time <= %(now)s
          and time >= date_trunc('year', %(now)s::timestamptz at time zone %(zone)s) at time zone %(zone)s
        offset 0  -- keeps the look-up a look-up: flattened, it would read all series first
    ) r
    where s.domain_id = 'air' and s.metric = 'aqi_day' and s.verified
    group by s.region_id
)
select w.region_id as region, 100.0 * sum(c.good) / sum(c.days) as value
from counted c join board_region_within w on w.within_id = c.region_id
group by w.region_id

-- name: volume_share
-- Of the volume %(whole)s of the last 12 months, the share that is %(part)s, or where %(rest)s the share that is not.
-- A day of a region counts where both volumes are known: else a missing bill would look like a leak. (CJJ 92-2016,
-- 5.3.3, weighs areas by their supply likewise, A.)
with volume as (
    select s.region_id, (r.time at time zone %(zone)s)::date as day,
           sum(r.value) filter (where s.metric = %(part)s) as part,
           sum(r.value) filter (where s.metric = %(whole)s) as whole
    from board_series s
    cross join lateral (
        select time, value from board_reading
        where series_id = s.series_id and good
          and time > %(now)s::timestamptz - interval '1 year' and time <= %(now)s
        offset 0  -- as above
    ) r
    where s.domain_id = 'water' and s.metric in (%(part)s, %(whole)s) and s.verified
    group by 1, 2
)
select w.region_id as region,
       100 * sum(case when %(rest)s then v.whole - v.part else v.part end) / nullif(sum(v.whole), 0) as value
from volume v join board_region_within w on w.within_id = v.region_id
where v.part is not null and v.whole is not null
group by w.region_id

-- name: indoor_temperature_compliance
-- Of the hours of dwellings in the last 30 days, the share whose mean indoor temperature is %(duty)s degC or more.
with counted as (
    select s.region_id, count(*) filter (where h.mean >= %(duty)s) as warm, count(*) as hours
    from board_series s
    cross join lateral (
        select mean from board_hour
        where series_id = s.series_id and hour > %(now)s::timestamptz - interval '30 days' and hour <= %(now)s
        offset 0  -- as above
    ) h
    where s.domain_id = 'heating' and s.metric = 'indoor_temp' and s.verified and h.mean is not null
    group by s.region_id
)
select w.region_id as region, 100.0 * sum(c.warm) / sum(c.hours) as value
from counted c join board_region_within w on w.within_id = c.region_id
group by w.region_id

-- name: site_coverage
-- Of the listed sites of these kinds, the share with a listed device one of whose series sent a reading within three
-- of its intervals, or that only reports changes and says that it is on line.
select w.region_id as region, 100.0 * count(*) filter (where c.covered) / count(*) as value
from unnest(%(domains)s::text[], %(kinds)s::text[]) as k (domain_id, kind)
join board_site t on t.domain_id = k.domain_id and t.kind = k.kind
cross join lateral (
    select exists (
        select from board_device d
        where d.site_id = t.id and d.verified
          and (exists (select from board_latest l
                       where l.device_id = d.id and not l.derived and l.time <= %(now)s
                         and l.time > %(now)s::timestamptz - 3 * l.expected_interval)
               or d.online and not exists (select from board_series s
                                           where s.device_id = d.id and s.expected_interval is not null))
    ) as covered
) c
join board_region_within w on w.within_id = t.region_id
group by w.region_id

-- name: device_online
-- Of the listed devices at sites of these kinds, the share with a reading of the last hour, or that only report
-- changes and say that they are on line.
select w.region_id as region, 100.0 * count(*) filter (where c.heard) / count(*) as value
from unnest(%(domains)s::text[], %(kinds)s::text[]) as k (domain_id, kind)
join board_site t on t.domain_id = k.domain_id and t.kind = k.kind
join board_device d on d.site_id = t.id and d.verified
cross join lateral (
    select exists (select from board_latest l
                   where l.device_id = d.id and not l.derived and l.time <= %(now)s
                     and l.time > %(now)s::timestamptz - interval '1 hour')
        or coalesce(d.online, false) and not exists (select from board_series s
                                                     where s.device_id = d.id and s.expected_interval is not null)
        as heard
) c
join board_region_within w on w.within_id = d.region_id
group by w.region_id

-- name: entered
-- The newest value that was entered for each indicator and region, of a day up to %(day)s.
select distinct on (indicator, region_id) indicator, region_id as region, day, value
from board_plan_value where day <= %(day)s
order by indicator, region_id, day desc

-- name: enter
insert into plan_value (indicator, region_id, day, value, note, entered_by, entered_at)
values (%(indicator)s, %(region)s, %(day)s, %(value)s, %(note)s, %(by)s, %(at)s)

-- name: describe
-- What an indicator's plan says of it.
insert into plan_indicator (id, plan, plan_zh, plan_en, title_zh, title_en, unit, direction, binding, clause,
                            baseline, baseline_year, target, target_year, words)
values (%(id)s, %(plan)s, %(plan_zh)s, %(plan_en)s, %(zh)s, %(en)s, %(unit)s, %(direction)s, %(binding)s, %(clause)s,
        %(baseline)s, %(baseline_year)s, %(target)s, %(target_year)s, %(words)s)
on conflict (id) do update set
    plan = excluded.plan, plan_zh = excluded.plan_zh, plan_en = excluded.plan_en, title_zh = excluded.title_zh,
    title_en = excluded.title_en, unit = excluded.unit, direction = excluded.direction, binding = excluded.binding,
    clause = excluded.clause, baseline = excluded.baseline, baseline_year = excluded.baseline_year,
    target = excluded.target, target_year = excluded.target_year, words = excluded.words

-- name: record
-- Where an indicator stands on a day; a second look on the same day replaces the first.
insert into plan_course (day, indicator, region_id, actual, as_of, path, target, shortfall, verdict)
values (%(day)s, %(indicator)s, %(region)s, %(actual)s, %(as_of)s, %(path)s, %(target)s, %(shortfall)s, %(verdict)s)
on conflict (indicator, region_id, day) do update set
    actual = excluded.actual, as_of = excluded.as_of, path = excluded.path, target = excluded.target,
    shortfall = excluded.shortfall, verdict = excluded.verdict
