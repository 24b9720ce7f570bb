-- What the lists above a board offer: `__text` is shown, `__value` goes into queries. Grafana leaves out entries whose
-- text was there before, so what is called like another one has its id behind its name.

-- name: region
select case when count(*) over (partition by title_%(language)s) > 1 then title_%(language)s || ' · ' || id
            else title_%(language)s end as __text, id as __value
from board_region order by id

-- name: domain
select title_%(language)s as __text, id as __value from board_domain order by id

-- name: site
-- The sites of the chosen regions and domains.
select case when count(*) over (partition by text) > 1 then text || ' · ' || id else text end as __text, id as __value
from (
    select s.id, s.title_%(language)s || ' · ' || r.title_%(language)s as text
    from board_site s join board_region r on r.id = s.region_id
    where %(in_regions)s and %(in_domains)s
) named
order by 1

-- name: indicator
-- The indicators of plans, by plan.
select case when count(*) over (partition by title_%(language)s) > 1 then title_%(language)s || ' · ' || plan_%(language)s
            else title_%(language)s end as __text, indicator as __value
from (select distinct indicator, title_%(language)s, plan_%(language)s from board_plan where %(in_regions)s) named
order by 1

-- name: in_regions
-- Whether a row lies in the chosen regions or below them. What stands for all is a text that no region is called, so
-- that the planner leaves the whole condition out; an array may be empty, as a list may not; and that of regions is
-- looked up before the rows are.
('*' = any(array[${region:sqlstring}]::text[]) or region_id = any(array(
    select within_id from board_region_within where region_id = any(array[${region:sqlstring}]::text[]))))

-- name: in_domains
('*' = any(array[${domain:sqlstring}]::text[]) or domain_id = any(array[${domain:sqlstring}]::text[]))

-- name: in_domain
domain_id = %(domain)s

-- name: in_sites
('*' = any(array[${site:sqlstring}]::text[]) or site_id = any(array[${site:sqlstring}]::text[]))

-- name: anywhere
true
