-- The account of everything received: received = stored + duplicate + quarantined, per device and hour of receipt.

-- name: add
-- `heard` is when the newest message came, -infinity where none did.
insert into ledger as l (hour, device_id, received, stored, duplicate, quarantined, revised, heard)
select * from unnest(%(hour)s::timestamptz[], %(device)s::int4[], %(received)s::int4[], %(stored)s::int4[],
    %(duplicate)s::int4[], %(quarantined)s::int4[], %(revised)s::int4[], %(heard)s::timestamptz[])
on conflict (hour, device_id) do update set received = l.received + excluded.received,
    stored = l.stored + excluded.stored, duplicate = l.duplicate + excluded.duplicate,
    quarantined = l.quarantined + excluded.quarantined, revised = l.revised + excluded.revised,
    heard = greatest(l.heard, excluded.heard)

-- name: hours
-- The account by device and hour of receipt.
select hour, device_id, coalesce(device, '-') as device, coalesce(region_id, '-') as region,
       coalesce(domain_id, '-') as domain, received, stored, duplicate, quarantined, revised, missing
from board_ledger
where hour >= %(since)s
order by hour, region, domain, device

-- name: received
-- How much was received from an hour on, by all devices together.
select coalesce(sum(received), 0)::bigint from board_ledger where hour >= %(since)s

-- name: totals
-- One row for everything ever received.
select coalesce(sum(received), 0)::bigint as received, coalesce(sum(stored), 0)::bigint as stored,
       coalesce(sum(duplicate), 0)::bigint as duplicate, coalesce(sum(quarantined), 0)::bigint as quarantined,
       coalesce(sum(revised), 0)::bigint as revised, count(*) filter (where missing <> 0) as unbalanced
from board_ledger

-- name: verify
-- Devices whose account differs from the tables. Stored readings that replaced others added no row; what
-- retention dropped is counted in `expired`.
with account as (
    select device_id, sum(stored - revised)::bigint as stored, sum(quarantined)::bigint as quarantined
    from ledger group by device_id
), rows as (
    select s.device_id, sum(r.n)::bigint as n
    from (
        select series_id, count(*) as n from reading group by series_id
        union all
        select series_id, readings from expired
    ) r join series s on s.id = r.series_id
    group by s.device_id
), rolled as (
    select s.device_id, sum(r.n)::bigint as n
    from (
        select series_id, n + n_doubtful as n from rollup
        union all
        select series_id, n + n_doubtful from series_state
        union all
        select series_id, rollup_readings from expired
    ) r join series s on s.id = r.series_id
    group by s.device_id
)
select device_id, coalesce(d.region_id || '/' || d.domain_id || '/' || d.name, '-') as device,
       coalesce(a.stored, 0) as stored, coalesce(rows.n, 0) as rows, coalesce(rolled.n, 0) as rolled
from account a full join rows using (device_id) full join rolled using (device_id)
left join device d on d.id = device_id
where coalesce(a.stored, 0) <> coalesce(rows.n, 0) or coalesce(a.stored, 0) <> coalesce(rolled.n, 0)
order by device
