-- The ledger as the API tells it. `regions` and `domains` are the scope of who asks; null: all. What names no device that
-- is known has no region, and is seen by those who see everything.

-- name: hours
-- The account by hour of receipt and device after (hour, device), the newest hour first.
select l.hour, l.device_id, l.device, l.region_id as region, l.domain_id as domain, l.received, l.stored, l.duplicate,
       l.quarantined, l.revised, l.missing
from board_ledger l
where l.hour >= %(since)s and l.hour < %(until)s
  and (%(regions)s::text[] is null or l.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or l.domain_id = any(%(domains)s::text[]))
  and (%(within)s::text[] is null or l.region_id = any(%(within)s::text[]))
  and (%(domain)s::text is null or l.domain_id = %(domain)s)
  and (%(device)s::text is null or l.device = %(device)s)
  and (not %(unbalanced)s or l.missing <> 0)
  and (%(hour)s::timestamptz is null or (l.hour, l.device_id) < (%(hour)s, %(after)s::int4))
order by l.hour desc, l.device_id desc
limit %(most)s

-- name: totals
-- The account of all of that together.
select coalesce(sum(l.received), 0)::bigint as received, coalesce(sum(l.stored), 0)::bigint as stored,
       coalesce(sum(l.duplicate), 0)::bigint as duplicate, coalesce(sum(l.quarantined), 0)::bigint as quarantined,
       coalesce(sum(l.revised), 0)::bigint as revised, count(*) filter (where l.missing <> 0) as unbalanced
from board_ledger l
where l.hour >= %(since)s and l.hour < %(until)s
  and (%(regions)s::text[] is null or l.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or l.domain_id = any(%(domains)s::text[]))
  and (%(within)s::text[] is null or l.region_id = any(%(within)s::text[]))
  and (%(domain)s::text is null or l.domain_id = %(domain)s)
  and (%(device)s::text is null or l.device = %(device)s)
