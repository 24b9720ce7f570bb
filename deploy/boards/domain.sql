-- What the board of a domain shows. Only fresh and good readings become numbers. Where sites `gather`, to each belongs
-- what is measured at any site of the domain with the same value of that attribute.

-- name: fresh
-- Whether a row of board_latest counts: its reading is good, and not more than two of its intervals have passed. A
-- derived one has the time at which its span begins, and is computed when that, or the hour of several, is over: three,
-- or an hour and two.
good and coalesce(now() - time <= case when derived then greatest(3 * expected_interval, interval '1 hour' + 2 * expected_interval)
                                       else 2 * expected_interval end, true)

-- name: figure
-- The newest readings of a metric as one number.
select %(number)s as value
from board_latest
where domain_id = %(domain)s and metric = %(metric)s and %(fresh)s
  and (%(kinds)s::text[] is null or site_id in (select id from board_site where kind = any(%(kinds)s::text[])))
  and %(in_regions)s

-- name: mean
-- The hourly mean of all series of the last day, and the present one. Regions keep means: a sum is that of the hour
-- for as many series as report now.
with newest as (
    select count(*) as n, %(number)s as value
    from board_latest
    where domain_id = %(domain)s and metric = %(metric)s and %(fresh)s
      and %(in_regions)s
)
select h.hour as time, h.mean * case when %(summed)s then newest.n else 1 end as value
from newest cross join (
    select hour, sum(s) / sum(n) as mean
    from board_region_hour
    where domain_id = %(domain)s and metric = %(metric)s and hour >= now() - interval '24 hours' and hour < date_trunc('hour', now())
      and %(in_regions)s
    group by hour having sum(n) > 0
) h
union all
select now(), value from newest where value is not null
order by time

-- name: leader
-- The hourly mean of the last day of the series that has the highest, lowest or newest reading now, and that reading.
with newest as (
    select series_id, value
    from board_latest
    where domain_id = %(domain)s and metric = %(metric)s and %(fresh)s
      and (%(kinds)s::text[] is null or site_id in (select id from board_site where kind = any(%(kinds)s::text[])))
      and %(in_regions)s
    order by case %(across)s when 'low' then value when 'high' then -value end, time desc, series_id limit 1
)
select hour as time, sum(s) / sum(n) as value
from (
    select hour, s, n from board_hour_closed
    where series_id = (select series_id from newest)
      and hour >= now() - interval '24 hours' and hour < date_trunc('hour', now())
    union all
    select hour, s, n from board_hour_open
    where series_id = (select series_id from newest) and hour < date_trunc('hour', now())
) parts
group by hour having sum(n) > 0
union all
select now(), value from newest
order by time

-- name: ranked
-- The subjects of a table or of tiles: those with open alerts first, then the worst by a metric. `first` has their
-- places, `fellow` the sites that belong to each; `shown` are metrics of which one at least is measured there, null: none
-- need be. All parts are grouped at once: joins of groups, whose number the
-- planner can't know, would be nested loops.
with subject as (
    select id, site_id, case when %(gather)s::text is null then id else attributes ->> %(gather)s::text end as key
    from (select *, id as site_id from board_site where domain_id = %(domain)s) s
    where (%(kinds)s::text[] is null or kind = any(%(kinds)s::text[])) and %(in_regions)s and %(in_sites)s
), member as (
    select s.id as subject, m.id as site, m.kind
    from subject s join board_site m
        on s.key = case when %(gather)s::text is null then m.id else m.attributes ->> %(gather)s::text end
    where m.domain_id = %(domain)s
), standing as (
    select site_id, severity from board_alert where condition = 'raised'
    union all
    select site_id, severity from board_alert where condition = 'cleared' and handling not in ('false', 'closed')
), judged as (
    select subject, min(severity) as severity, count(severity) as alerts,
           case %(across)s when 'sum' then sum(value) when 'low' then min(value) when 'high' then max(value)
                           else avg(value) end as value
    from (
        select id as subject, null::int as severity, null::float8 as value from subject
        union all
        select m.subject, a.severity, null from member m join standing a on a.site_id = m.site
        union all
        select m.subject, null, l.value
        from member m join board_latest l on l.site_id = m.site
        where l.domain_id = %(domain)s and l.metric = %(metric)s and %(fresh)s
          and (%(measured_at)s::text[] is null or m.kind = any(%(measured_at)s::text[]))
    ) parts
    group by subject
), first as (
    select subject, severity, alerts, row_number() over (
        order by severity nulls last,
                 case %(worst)s when 'low' then value when 'high' then -value else -abs(value) end nulls last, subject) as place
    from judged
    where %(shown)s::text[] is null or subject in (
        select m.subject from member m join board_series l on l.site_id = m.site
        where l.domain_id = %(domain)s and l.metric = any(%(shown)s::text[]))
    order by place limit %(most)s
), fellow as (
    select m.subject, m.site, m.kind from member m where m.subject in (select subject from first)
)

-- name: table
-- A row for each of these subjects. Cells are picked from the parts below by column; a part that no column of the table
-- picks from is not computed. `cell`: the newest readings put together. `hourly` and `daily`: their hours of eight days
-- and, of a column that shows so many, days of the city; `usual` the mean of the same hour of seven days, `reach` the lowest
-- and highest hour of the last day, `spread` median and standard deviation of days, estimated from the median absolute
-- deviation, of which a normal distribution's is 1.4826 (Rousseeuw and Croux, 1993).
, asked as (
    select n, metric, kinds, across, days
    from unnest(%(metrics)s::text[], %(places)s::text[], %(acrosses)s::text[], %(days)s::int[])
        with ordinality k (metric, kinds, across, days, n)
), cell as (
    select c.subject, k.n, k.across, k.days, array_agg(l.series_id) as series,
           case k.across when 'sum' then sum(l.value) filter (where l.fresh) when 'low' then min(l.value) filter (where l.fresh)
                         when 'high' then max(l.value) filter (where l.fresh)
                         when 'newest' then last(l.value, l.time) filter (where l.fresh)
                         else avg(l.value) filter (where l.fresh) end as value
    from fellow c
    join (
        select *, %(fresh)s as fresh
        from board_latest where site_id in (select site from fellow)
    ) l on l.site_id = c.site and l.domain_id = %(domain)s
    join asked k on k.metric = l.metric and (k.kinds = '' or c.kind = any(string_to_array(k.kinds, ',')))
    group by c.subject, k.n, k.across, k.days
), hourly as (
    select c.subject, c.n, h.hour,
           case c.across when 'sum' then sum(h.mean) when 'low' then min(h.mean) when 'high' then max(h.mean)
                         else avg(h.mean) end as value
    from cell c cross join lateral unnest(c.series) as s (id) cross join lateral (
        select hour, sum(s) / sum(n) as mean
        from (
            select hour, s, n from board_hour_closed where series_id = s.id and hour >= now() - interval '8 days'
            union all
            select hour, s, n from board_hour_open where series_id = s.id and hour >= now() - interval '8 days'
        ) parts
        group by hour having sum(n) > 0
    ) h
    where c.n = any(%(hourly)s::int[])
    group by c.subject, c.n, c.across, h.hour
), usual as (
    select subject, n, avg(value) as value from hourly
    where extract(hour from hour) = extract(hour from now()) and hour < date_trunc('hour', now())
      and hour >= date_trunc('hour', now()) - interval '7 days'
    group by subject, n
), reach as (
    select subject, n, min(value) as low, max(value) as high from hourly
    where hour > now() - interval '24 hours' group by subject, n
), daily as (
    select c.subject, c.n, d.day,
           case c.across when 'sum' then sum(d.mean) when 'low' then min(d.mean) when 'high' then max(d.mean)
                         else avg(d.mean) end as value
    from cell c cross join lateral unnest(c.series) as s (id) cross join lateral (
        select (hour at time zone %(zone)s)::date as day, sum(s) / sum(n) as mean
        from board_hour_closed
        where series_id = s.id and hour >= now() - c.days * interval '1 day'
        group by 1 having sum(n) > 0
    ) d
    where c.days > 0
    group by c.subject, c.n, c.across, d.day
), middle as (
    select subject, n, percentile_cont(0.5) within group (order by value) as median from daily group by subject, n
), spread as (
    select d.subject, d.n, m.median, 1.4826 * percentile_cont(0.5) within group (order by abs(d.value - m.median)) as sigma
    from daily d join middle m on m.subject = d.subject and m.n = d.n
    group by d.subject, d.n, m.median having count(*) >= 7
)
select f.severity, s.title_%(language)s as title, r.title_%(language)s as region, %(picks)s, s.id as site
from first f join board_site s on s.id = f.subject join board_region r on r.id = s.region_id
order by f.place

-- name: strips
-- The hours of the last day of the span, of these subjects.
select h.hour as time, p.title_%(language)s || ' · ' || r.title_%(language)s as metric,
       case %(across)s when 'sum' then sum(h.mean) when 'low' then min(h.mean) when 'high' then max(h.mean)
                       else avg(h.mean) end as value
from first f
join fellow c on c.subject = f.subject
join board_series l on l.site_id = c.site and l.domain_id = %(domain)s and l.metric = %(metric)s
join board_site p on p.id = f.subject
join board_region r on r.id = p.region_id
cross join lateral (
    select hour, sum(s) / sum(n) as mean
    from (
        select hour, s, n from board_hour_closed
        where series_id = l.series_id and $__timeFilter(hour) and hour > $__timeTo()::timestamptz - interval '24 hours'
        union all
        select hour, s, n from board_hour_open
        where series_id = l.series_id and $__timeFilter(hour) and hour > $__timeTo()::timestamptz - interval '24 hours'
    ) parts
    group by hour having sum(n) > 0
) h
group by h.hour, f.place, p.title_%(language)s, r.title_%(language)s
order by h.hour, f.place

-- name: series
-- The course of metrics. Of chosen sites each series by itself, as many of each metric as a chart can show: readings in
-- steps of the chart's interval for up to a day, hours beyond. Where no site is chosen, the hourly mean of all series
-- of the regions.
with member as (
    select m.id as site, m.title_%(language)s as title
    from (select *, id as site_id from board_site) s
    join board_site m on m.domain_id = s.domain_id
        and case when %(gather)s::text is null then s.id else s.attributes ->> %(gather)s::text end
            = case when %(gather)s::text is null then m.id else m.attributes ->> %(gather)s::text end
    where s.domain_id = %(domain)s and (%(kinds)s::text[] is null or s.kind = any(%(kinds)s::text[]))
      and '*' <> all(array[${site:sqlstring}]::text[]) and %(in_sites)s
), chosen as (
    select series_id, title_%(language)s || ' · ' || title as name
    from (
        select l.series_id, l.title_%(language)s, m.title,
               row_number() over (partition by l.metric order by m.title, l.series_id) as turn
        from member m join board_series l on l.site_id = m.site
        where l.domain_id = %(domain)s and l.metric = any(%(metrics)s::text[])
    ) turned
    where turn <= 10
)
select time, metric, value
from (
    select h.hour as time, m.title_%(language)s as metric, sum(h.s) / sum(h.n) as value
    from board_region_hour h join board_metric m on m.domain_id = h.domain_id and m.name = h.metric
    where '*' = any(array[${site:sqlstring}]::text[]) and h.domain_id = %(domain)s and h.metric = any(%(metrics)s::text[])
      and $__timeFilter(h.hour) and %(in_regions)s
    group by h.hour, m.title_%(language)s having sum(h.n) > 0
    union all
    select h.hour, c.name, h.mean
    from chosen c cross join lateral (
        select hour, sum(s) / sum(n) as mean
        from (
            select hour, s, n from board_hour_closed where series_id = c.series_id and $__timeFilter(hour)
            union all
            select hour, s, n from board_hour_open where series_id = c.series_id and $__timeFilter(hour)
        ) parts
        group by hour having sum(n) > 0
    ) h
    where $__timeTo()::timestamptz - $__timeFrom()::timestamptz > interval '25 hours'
    union all
    select r.bucket, c.name, r.mean
    from chosen c cross join lateral (
        select $__timeGroup(time, $__interval) as bucket, avg(value) as mean
        from board_reading where series_id = c.series_id and $__timeFilter(time) and good group by 1
    ) r
    where $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '25 hours'
) drawn
order by time, metric

-- name: curve
-- What each subject has, and what it should have, over the newest mean of its region; furthest away first.
with outside as (
    select region_id, avg(value) as value
    from board_latest
    where domain_id = %(domain)s and metric = %(over)s and %(fresh)s
    group by region_id
), measured as (
    select device_id, min(site_id) as site_id, max(value) filter (where metric = %(metric)s) as y,
           max(value) filter (where metric = %(deviation)s) as deviation
    from board_latest
    where domain_id = %(domain)s and metric in (%(metric)s, %(deviation)s) and %(fresh)s
      and %(in_regions)s and %(in_sites)s
    group by device_id
)
select o.value as x, d.y as actual, d.y - d.deviation as reference, t.title_%(language)s as title, t.id as site
from measured d join board_site t on t.id = d.site_id join outside o on o.region_id = t.region_id
where d.y is not null and d.deviation is not null and (%(kinds)s::text[] is null or t.kind = any(%(kinds)s::text[]))
order by abs(d.deviation) desc, t.id limit 500

-- name: states
-- The state of each site: that of a metric, by its name, or, without one, its worst open alert; `silent` where each
-- series that has an interval has been without a reading for two of them, `unheard` where nothing ever came.
with standing as (
    select site_id, severity, raised_at from board_alert where condition = 'raised'
    union all
    select site_id, severity, raised_at from board_alert where condition = 'cleared' and handling not in ('false', 'closed')
), worst as (
    select site_id, min(severity) as severity, min(raised_at) as since from standing group by site_id
), heard as (
    select site_id, max(time) as time, bool_and(now() - time > 2 * expected_interval) as overdue,
           last(value, time) filter (where metric = %(metric)s) as code,
           max(time) filter (where metric = %(metric)s) as told_at
    from board_latest where domain_id = %(domain)s and site_id is not null and not derived
    group by site_id
), judged as (
    select t.id, t.title_%(language)s as title, t.kind, t.region_id, w.severity,
           case when %(metric)s::text is null and w.severity is not null then 'alert_' || w.severity
                when h.time is null then 'unheard'
                when h.overdue then 'silent'
                when %(metric)s::text is null then 'normal'
                else coalesce((select name from unnest(%(names)s::text[], %(codes)s::float8[]) as s (name, code)
                               where s.code = h.code), h.code::text) end as state,
           case when %(metric)s::text is null and w.severity is not null then w.since
                when %(metric)s::text is null or h.overdue then h.time else h.told_at end as since
    from (
        select id, title_%(language)s, kind, region_id
        from (select *, id as site_id from board_site where domain_id = %(domain)s) every
        where (%(kinds)s::text[] is null or kind = any(%(kinds)s::text[])) and %(in_regions)s and %(in_sites)s
    ) t left join worst w on w.site_id = t.id left join heard h on h.site_id = t.id
    where %(metric)s::text is null or h.told_at is not null
)

-- name: counted
-- How many sites of each kind are in which state.
select kind, %(picks)s from judged group by kind order by kind

-- name: listed
-- Those that are not as they should be.
select j.state, j.title, j.kind, r.title_%(language)s as region, j.since, j.id as site
from judged j join board_region r on r.id = j.region_id
where j.state <> all(%(normal)s::text[])
order by j.severity, j.since, j.id limit %(most)s

-- name: measured
-- The sites of a map with the newest good value of a metric.
select s.longitude, s.latitude, n.value, s.title_%(language)s as title, n.time, s.id as site
from (
    select * from (select *, id as site_id from board_site) every
    where domain_id = %(domain)s and longitude is not null and (%(kinds)s::text[] is null or kind = any(%(kinds)s::text[]))
      and %(in_regions)s and %(in_sites)s
) s join (
    select site_id, last(value, time) as value, max(time) as time
    from board_latest where domain_id = %(domain)s and metric = %(metric)s and good group by site_id
) n on n.site_id = s.id
order by s.id
