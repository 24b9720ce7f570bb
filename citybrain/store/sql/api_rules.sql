-- Rules as the API tells them. `regions` and `domains` are the scope of who asks; null: all. A rule's domain is the part
-- of its name before the dot; of its alerts only those within the scope are counted.

-- name: rules
-- The rules in force after %(after)s.
with standing as (
    select rule, region_id, domain_id from board_alert where condition = 'raised'
    union all
    select rule, region_id, domain_id from board_alert where condition = 'cleared' and handling not in ('false', 'closed')
), counted as (
    select rule, count(*) as open
    from standing
    where (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
    group by rule
)
select r.rule, r.version, r.title_zh, r.title_en, r.definition, r.applied_at, r.last_run, r.took_ms, r.error,
       r.failing_since, coalesce(c.open, 0) as open
from board_rule r left join counted c using (rule)
where (%(domains)s::text[] is null or split_part(r.rule, '.', 1) = any(%(domains)s::text[]))
  and (%(rule)s::text is null or r.rule = %(rule)s)
  and (%(after)s::text is null or r.rule > %(after)s)
  and (%(domain)s::text[] is null or split_part(r.rule, '.', 1) = any(%(domain)s::text[]))
  and (%(mode)s::text[] is null or coalesce(r.definition ->> 'mode', 'live') = any(%(mode)s::text[]))
  and (%(metric)s::text is null or r.definition -> 'metric' ? %(metric)s)
  and (%(failing)s::boolean is null or (r.failing_since is not null) = %(failing)s)
  and (%(severity)s::text[] is null or r.definition ->> 'severity' = any(%(severity)s::text[])
       or exists (select from jsonb_array_elements(r.definition -> 'ladder') step
                  where step ->> 'severity' = any(%(severity)s::text[])))
order by r.rule
limit %(most)s

-- name: versions
-- Versions of a rule below %(before)s, newest first.
select v.version, v.title_zh, v.title_en, v.definition, v.applied_at, f.version is not null as in_force
from board_rule_version v left join board_rule f on f.rule = v.rule and f.version = v.version
where v.rule = %(rule)s
  and (%(domains)s::text[] is null or split_part(v.rule, '.', 1) = any(%(domains)s::text[]))
  and (%(version)s::int4 is null or v.version = %(version)s)
  and (%(before)s::int4 is null or v.version < %(before)s)
order by v.version desc
limit %(most)s
