-- What the pages of domains and the overview show. `regions` and `domains` are the scope of who asks, `within` the
-- regions that are asked for; null: all. A reading is fresh while not more than two of its intervals have passed. A
-- derived one has the time at which its span begins, and is computed when that, or the hour of several, is over: three, or
-- an hour and two. Only fresh and good readings become numbers.

-- name: rules
-- The rules of these domains that are in force.
select rule, title_zh, title_en, definition from board_rule
where split_part(rule, '.', 1) = any(%(named)s::text[])
  and (%(domains)s::text[] is null or split_part(rule, '.', 1) = any(%(domains)s::text[]))
order by rule

-- name: figures
-- Of each figure (a metric of a domain, at sites of some kinds or, empty, anywhere) its newest readings put together;
-- `kept` are those that its limit does not speak against. `lowest`, `highest` and `latest` are series.
select k.n::int as figure, count(*) as of, count(*) filter (where l.fresh) as n, max(l.time) as time,
       avg(l.value) filter (where l.fresh) as mean, sum(l.value) filter (where l.fresh) as sum,
       min(l.value) filter (where l.fresh) as low, max(l.value) filter (where l.fresh) as high,
       last(l.value, l.time) filter (where l.fresh) as newest,
       count(*) filter (where l.fresh and not case k.operator
           when '<' then l.value < k.most when '<=' then l.value <= k.most
           when '>' then l.value > k.most when '>=' then l.value >= k.most end) as kept,
       first(l.series_id, l.value) filter (where l.fresh) as lowest,
       last(l.series_id, l.value) filter (where l.fresh) as highest,
       last(l.series_id, l.time) filter (where l.fresh) as latest
from unnest(%(of_domains)s::text[], %(metrics)s::text[], %(kinds)s::text[], %(operators)s::text[], %(limits)s::float8[])
    with ordinality k (domain, metric, kinds, operator, most, n)
join (
    select *, good and coalesce(%(now)s - time <= case when derived then greatest(3 * expected_interval, interval '1 hour' + 2 * expected_interval)
                                                      else 2 * expected_interval end, true) as fresh
    from board_latest
) l on l.domain_id = k.domain and l.metric = k.metric
where (%(regions)s::text[] is null or l.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or l.domain_id = any(%(domains)s::text[]))
  and (%(within)s::text[] is null or l.region_id = any(%(within)s::text[]))
  -- No join: few figures ask for kinds, and those that don't shall not look sites up.
  and (k.kinds = '' or exists (
      select from board_site t where t.id = l.site_id and t.kind = any(string_to_array(k.kinds, ','))))
group by k.n

-- name: places
-- Where these series are measured.
select s.series_id, coalesce(t.id, s.device) as id, coalesce(t.title_zh, s.device) as zh,
       coalesce(t.title_en, s.device) as en
from board_series s left join board_site t on t.id = s.site_id
where s.series_id = any(%(series)s::int4[])

-- name: region_hours
-- The hourly means of each figure's metric, of all series of all regions together.
select k.n::int as figure, h.hour, h.mean
from unnest(%(of_domains)s::text[], %(metrics)s::text[]) with ordinality k (domain, metric, n)
cross join lateral (
    select hour, sum(s) / sum(n) as mean
    from board_region_hour
    where domain_id = k.domain and metric = k.metric and hour >= %(start)s and hour < %(end)s
      and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(within)s::text[] is null or region_id = any(%(within)s::text[]))
    group by hour having sum(n) > 0
) h
where %(domains)s::text[] is null or k.domain = any(%(domains)s::text[])

-- name: hours
-- The hourly means of series, those of one key put together as it says.
select k.key, h.hour,
       case min(k.across) when 'sum' then sum(h.mean) when 'low' then min(h.mean) when 'high' then max(h.mean)
                          else avg(h.mean) end as value
from unnest(%(keys)s::int4[], %(series)s::int4[], %(across)s::text[]) k (key, id, across)
cross join lateral (
    select hour, sum(s) / sum(n) as mean
    from (
        select hour, s, n from board_hour_closed where series_id = k.id and hour >= %(start)s and hour < %(end)s
        union all
        select hour, s, n from board_hour_open where series_id = k.id and hour >= %(start)s and hour < %(end)s
    ) parts
    group by hour having sum(n) > 0
) h
group by k.key, h.hour

-- name: days
-- Likewise the means of days of the city.
select k.key, h.day,
       case min(k.across) when 'sum' then sum(h.mean) when 'low' then min(h.mean) when 'high' then max(h.mean)
                          else avg(h.mean) end as value
from unnest(%(keys)s::int4[], %(series)s::int4[], %(across)s::text[]) k (key, id, across)
cross join lateral (
    select (hour at time zone %(zone)s)::date as day, sum(s) / sum(n) as mean
    from (
        select hour, s, n from board_hour_closed where series_id = k.id and hour >= %(start)s and hour < %(end)s
        union all
        select hour, s, n from board_hour_open where series_id = k.id and hour >= %(start)s and hour < %(end)s
    ) parts
    group by 1 having sum(n) > 0
) h
group by k.key, h.day

-- name: ranked
-- The subjects of a table, the worst first: sites, each with what is measured at itself or, with `gather`, at all sites
-- with the same value of that attribute. `shown` are metrics of which one at least is measured there; null: none need be.
with subject as (
    select id,
           case when %(gather)s::text is null then id else attributes ->> %(gather)s::text end as key
    from board_site
    where domain_id = %(domain)s
      and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
      and (%(within)s::text[] is null or region_id = any(%(within)s::text[]))
      and (%(kinds)s::text[] is null or kind = any(%(kinds)s::text[]))
), member as (
    select s.id as subject, m.id as site, m.kind
    from subject s join board_site m
        on s.key = case when %(gather)s::text is null then m.id else m.attributes ->> %(gather)s::text end
    where m.domain_id = %(domain)s and (%(regions)s::text[] is null or m.region_id = any(%(regions)s::text[]))
), standing as (
    select site_id, severity, handling from board_alert where condition = 'raised'
    union all
    select site_id, severity, handling from board_alert
    where condition = 'cleared' and handling not in ('false', 'closed')
), judged as (
    -- One grouping of all parts: joins of groups, whose number the planner can't know, would be nested loops.
    select subject, min(severity) as severity, count(severity) as alerts, coalesce(bool_or(unjudged), false) as unjudged,
           case %(across)s::text when 'sum' then sum(value) when 'low' then min(value) when 'high' then max(value)
                                 else avg(value) end as value
    from (
        select id as subject, null::int as severity, null::boolean as unjudged, null::float8 as value from subject
        union all
        select m.subject, a.severity, a.handling = 'new', null from member m join standing a on a.site_id = m.site
        union all
        select m.subject, null, null, l.value
        from member m join board_latest l on l.site_id = m.site
        where l.domain_id = %(domain)s and l.metric = %(metric)s and l.good
          and coalesce(%(now)s - l.time <= case when l.derived then greatest(3 * l.expected_interval, interval '1 hour' + 2 * l.expected_interval)
                                               else 2 * l.expected_interval end, true)
          and (%(measured_at)s::text[] is null or m.kind = any(%(measured_at)s::text[]))
    ) parts
    where %(shown)s::text[] is null or subject in (
        select m.subject from member m join board_series l on l.site_id = m.site
        where l.domain_id = %(domain)s and l.metric = any(%(shown)s::text[]))
    group by subject
), first as (
    select *, count(*) over () as total,
           row_number() over (
               order by severity nulls last,
                        case %(worst)s::text when 'low' then value when 'high' then -value else -abs(value) end nulls last,
                        subject) as place
    from judged order by place limit %(most)s
)
select s.id, s.title_zh as zh, s.title_en as en, s.kind, s.region_id as region, r.title_zh as region_zh,
       r.title_en as region_en, f.severity, f.alerts, f.unjudged, f.total
from first f join board_site s on s.id = f.subject join board_region r on r.id = s.region_id
order by f.place

-- name: cells
-- What is measured at these subjects: for each of them and each column its newest readings put together.
with subject as (
    select id, case when %(gather)s::text is null then id else attributes ->> %(gather)s::text end as key
    from board_site where id = any(%(subjects)s::text[])
), member as (
    select s.id as subject, m.id as site, m.kind
    from subject s join board_site m
        on s.key = case when %(gather)s::text is null then m.id else m.attributes ->> %(gather)s::text end
    where m.domain_id = %(domain)s and (%(regions)s::text[] is null or m.region_id = any(%(regions)s::text[]))
)
select m.subject, k.n::int as column, count(*) as of, count(*) filter (where l.fresh) as n, max(l.time) as time,
       avg(l.value) filter (where l.fresh) as mean, sum(l.value) filter (where l.fresh) as sum,
       min(l.value) filter (where l.fresh) as low, max(l.value) filter (where l.fresh) as high,
       last(l.value, l.time) filter (where l.fresh) as newest, array_agg(l.series_id) as series
from member m
join (
    select *, good and coalesce(%(now)s - time <= case when derived then greatest(3 * expected_interval, interval '1 hour' + 2 * expected_interval)
                                                      else 2 * expected_interval end, true) as fresh
    from board_latest
) l on l.site_id = m.site and l.domain_id = %(domain)s
join unnest(%(metrics)s::text[], %(measured_at)s::text[]) with ordinality k (metric, kinds, n)
    on k.metric = l.metric and (k.kinds = '' or m.kind = any(string_to_array(k.kinds, ',')))
group by m.subject, k.n

-- name: subject
-- One site of a domain, with its region; no row where the caller sees none.
select id, title_zh as zh, title_en as en, kind, region_id as region
from board_site
where id = %(sel)s and domain_id = %(domain)s
  and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))

-- name: members
-- The series of these metrics at a subject, in the order of the metrics; where there are too many, as many of each.
select series, metric, site, zh, en
from (
    select l.series_id as series, l.metric, m.id as site, m.title_zh as zh, m.title_en as en,
           row_number() over (partition by l.metric order by m.title_zh, l.series_id) as turn
    from board_site s
    join board_site m on m.domain_id = s.domain_id
        and case when %(gather)s::text is null then s.id else s.attributes ->> %(gather)s::text end
            = case when %(gather)s::text is null then m.id else m.attributes ->> %(gather)s::text end
    join board_series l on l.site_id = m.id and l.domain_id = m.domain_id
    where s.id = %(sel)s and l.metric = any(%(metrics)s::text[])
      and (%(regions)s::text[] is null or m.region_id = any(%(regions)s::text[]))
    order by turn, array_position(%(metrics)s::text[], l.metric)
    limit %(most)s
) chosen
order by array_position(%(metrics)s::text[], metric), turn

-- name: curve
-- The newest y of each subject with its deviation, and the mean of the newest x of its region; furthest away first.
with outside as (
    select region_id, avg(value) as value
    from board_latest
    where domain_id = %(domain)s and metric = %(over)s and good
      and coalesce(%(now)s - time <= case when derived then greatest(3 * expected_interval, interval '1 hour' + 2 * expected_interval)
                                                      else 2 * expected_interval end, true)
    group by region_id
), device as (
    select device_id, min(site_id) as site_id, max(value) filter (where metric = %(metric)s) as y,
           max(value) filter (where metric = %(deviation)s) as deviation, max(time) as time
    from board_latest
    where domain_id = %(domain)s and metric in (%(metric)s, %(deviation)s) and good
      and coalesce(%(now)s - time <= case when derived then greatest(3 * expected_interval, interval '1 hour' + 2 * expected_interval)
                                                      else 2 * expected_interval end, true)
    group by device_id
)
select t.id, t.title_zh as zh, t.title_en as en, o.value as x, d.y, d.y - d.deviation as reference, d.time
from device d join board_site t on t.id = d.site_id join outside o on o.region_id = t.region_id
where d.y is not null and d.deviation is not null
  and (%(regions)s::text[] is null or t.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or t.domain_id = any(%(domains)s::text[]))
  and (%(within)s::text[] is null or t.region_id = any(%(within)s::text[]))
  and (%(kinds)s::text[] is null or t.kind = any(%(kinds)s::text[]))
order by abs(d.deviation) desc, t.id
limit %(most)s

-- name: states
-- Sites by kind and state: that of a metric, by its code, or, without one, their worst open alert; `silent` where each
-- series that has an interval has been without a reading for two of them, `unheard` where nothing ever came. Of those
-- that are not normal the first are listed.
with standing as (
    select site_id, severity, raised_at from board_alert where condition = 'raised'
    union all
    select site_id, severity, raised_at from board_alert
    where condition = 'cleared' and handling not in ('false', 'closed')
), worst as (
    select site_id, min(severity) as severity, min(raised_at) as since from standing group by site_id
), heard as (
    select site_id, max(time) as time, bool_and(%(now)s - time > 2 * expected_interval) as overdue,
           last(value, time) filter (where metric = %(metric)s) as code,
           max(time) filter (where metric = %(metric)s) as told_at
    from board_latest where domain_id = %(domain)s and site_id is not null and not derived
    group by site_id
), judged as (
    select t.id, t.title_zh, t.title_en, t.kind, t.region_id, w.severity,
           case when %(metric)s::text is null and w.severity is not null then 'alert_' || w.severity
                when h.time is null then 'unheard'
                when h.overdue then 'silent'
                when %(metric)s::text is null then 'normal'
                else coalesce((select name from unnest(%(names)s::text[], %(codes)s::float8[]) as s (name, code)
                               where s.code = h.code), h.code::text) end as state,
           case when %(metric)s::text is null and w.severity is not null then w.since
                when %(metric)s::text is null or h.overdue then h.time else h.told_at end as since
    from board_site t left join worst w on w.site_id = t.id left join heard h on h.site_id = t.id
    where t.domain_id = %(domain)s and (%(metric)s::text is null or h.told_at is not null)
      and (%(regions)s::text[] is null or t.region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or t.domain_id = any(%(domains)s::text[]))
      and (%(within)s::text[] is null or t.region_id = any(%(within)s::text[]))
      and (%(kinds)s::text[] is null or t.kind = any(%(kinds)s::text[]))
)
select kind, state, count(*) as sites,
       case when state = any(%(normal)s::text[]) then '[]'::jsonb else (
           select jsonb_agg(jsonb_build_object('id', id, 'zh', title_zh, 'en', title_en, 'region', region_id,
                                               'severity', severity, 'since', since) order by severity, since, id)
           from (select * from judged j where j.kind = g.kind and j.state = g.state
                 order by severity, since, id limit %(most)s) first) end as listed
from judged g group by kind, state order by kind, state

-- name: sites
-- The sites of a map, with their worst open alert and the newest value of a metric.
with standing as (
    select site_id, severity from board_alert where condition = 'raised'
    union all
    select site_id, severity from board_alert where condition = 'cleared' and handling not in ('false', 'closed')
), worst as (
    select site_id, min(severity) as severity from standing group by site_id
), newest as (
    select site_id, last(value, time) as value, max(time) as time
    from board_latest where domain_id = %(domain)s and metric = %(metric)s and good group by site_id
)
select t.id, t.longitude, t.latitude, w.severity, n.value, n.time
from board_site t left join worst w on w.site_id = t.id left join newest n on n.site_id = t.id
where t.domain_id = %(domain)s
  and (%(regions)s::text[] is null or t.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or t.domain_id = any(%(domains)s::text[]))
  and (%(within)s::text[] is null or t.region_id = any(%(within)s::text[]))
  and (%(kinds)s::text[] is null or t.kind = any(%(kinds)s::text[]))
order by t.id
