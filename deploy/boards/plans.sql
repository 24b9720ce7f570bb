-- Indicators of plans: where they stand, and how they came there.

-- name: verdicts
-- How many indicators have which verdict; those without a target are told apart from those without data.
select count(*) filter (where verdict = 'off_course') as off_course, count(*) filter (where verdict = 'at_risk') as at_risk,
       count(*) filter (where verdict = 'on_course') as on_course,
       count(*) filter (where verdict = 'unknown' and target is not null) as unknown,
       count(*) filter (where verdict = 'unknown' and target is null) as no_target
from board_plan where %(in_regions)s

-- name: indicators
-- What is off its course first.
select case when p.verdict = 'unknown' and p.target is null then 'no_target' else p.verdict end as verdict,
       p.title_%(language)s as title, r.title_%(language)s as region, p.actual, p.unit, p.path, p.target, p.target_year,
       p.shortfall, p.as_of, p.plan_%(language)s as plan_title, p.clause, p.plan,
       substr(p.indicator, length(p.plan) + 2) as name, p.region_id
from (select * from board_plan where %(in_regions)s) p join board_region r on r.id = p.region_id
order by array_position(array['off_course', 'at_risk', 'on_course'], p.verdict), p.target is null, p.plan, p.title_%(language)s
limit %(most)s

-- name: course
-- Day by day: where the chosen indicators stood, the path to the target, and the target.
select c.day::timestamp at time zone %(zone)s as time,
       p.title_%(language)s || ' · ' || r.title_%(language)s || ' · ' || (%(names)s::text[])[k.n] as metric, k.value
from (select * from board_plan_course where %(in_regions)s) c
join board_plan p on p.indicator = c.indicator and p.region_id = c.region_id
join board_region r on r.id = c.region_id
cross join lateral (values (1, c.actual), (2, c.path), (3, c.target)) k (n, value)
where $__timeFilter(c.day::timestamp at time zone %(zone)s) and c.indicator = any(array[${indicator:sqlstring}]::text[]) and k.value is not null
order by 1, 2
