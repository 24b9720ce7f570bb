-- The end of a flood is looked for once for all: from each moment to the end of 30 days it took 16 s of 10,000 alerts.
-- depends: 0020_site_order

set local role citybrain_owner;

create or replace view board_alert_flood as
    with change as (
        select scope, moment, step from alert_activation a
        cross join lateral (values ('all'), (coalesce(a.region_id, '-'))) as s (scope)
        cross join lateral (values (a.at, 1), (a.at + interval '10 minutes', -1)) as c (moment, step)
        where a.at > now() - interval '30 days'
    ), counted as (
        select scope, moment, sum(sum(step)) over (partition by scope order by moment) as n
        from change group by scope, moment
    ), marked as (
        select scope, moment, n, case when n > 10 then true when n < 5 then false end as mark,
               count(*) filter (where n > 10 or n < 5) over (partition by scope order by moment) as part
        from counted
    ), judged as (
        select scope, moment, n, bool_or(mark) over (partition by scope, part) as flooded from marked
    ), numbered as (
        select scope, moment, n, flooded,
               count(*) filter (where not flooded) over (partition by scope order by moment) as part,
               -- The first calm moment after this one: going back in time, the least of those that were seen.
               min(moment) filter (where not flooded) over (
                   partition by scope order by moment desc rows between unbounded preceding and 1 preceding) as calm_at
        from judged where flooded is not null
    )
    select scope, min(moment) as started_at, nullif(least(min(calm_at), now()), now()) as ended_at, max(n) as most
    from numbered where flooded group by scope, part;
