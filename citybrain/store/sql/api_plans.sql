-- Plans as the API tells them.

-- name: documents
-- The plans that the set in force goes by, as JSON; no row before the first `rules apply`.
select plans::text as text from board_rule_set

-- name: standings
-- Where indicators stood in regions when it was looked at last, in the order given; of each pair with a verdict.
select k.indicator, k.region, c.day, c.actual, c.as_of, c.path, c.target, c.shortfall, c.verdict
from unnest(%(indicator)s::text[], %(region)s::text[]) with ordinality k (indicator, region, position)
cross join lateral (
    select * from board_plan_course o
    where o.indicator = k.indicator and o.region_id = k.region
    order by o.day desc limit 1
) c
where %(verdict)s::text[] is null or c.verdict = any(%(verdict)s::text[])
order by k.position
limit %(most)s

-- name: values
-- What was entered for an indicator in these regions, before (day, region), the newest day first.
select region_id as region, day, value, note, entered_by, entered_at
from board_plan_value
where indicator = %(indicator)s and region_id = any(%(region)s::text[])
  and (%(since)s::date is null or day >= %(since)s) and (%(until)s::date is null or day <= %(until)s)
  and (%(day)s::date is null or day < %(day)s or day = %(day)s and region_id > %(after)s)
order by day desc, region_id
limit %(most)s

-- name: course
-- Where an indicator stood in these regions day by day, likewise.
select %(indicator)s::text as indicator, region_id as region, day, actual, as_of, path, target, shortfall, verdict
from board_plan_course
where indicator = %(indicator)s and region_id = any(%(region)s::text[])
  and (%(since)s::date is null or day >= %(since)s) and (%(until)s::date is null or day <= %(until)s)
  and (%(day)s::date is null or day < %(day)s or day = %(day)s and region_id > %(after)s)
order by day desc, region_id
limit %(most)s
