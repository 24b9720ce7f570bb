-- What could not be understood, with its bytes. `regions` and `domains` are the scope of who asks; null: all. An entry is
-- within where its topic, city/<region>/<domain>/<device>/..., names what is; one that names nothing is seen by those
-- who see everything.

-- name: add
insert into quarantine (received, topic, reason, detail, payload, size, device_id)
values (%(received)s, %(topic)s, %(reason)s, %(detail)s, %(payload)s, %(size)s, %(device)s)

-- name: summary
-- How much waits, by reason.
select reason, count(*) as entries, min(received) as first, max(received) as last, min(detail) as example
from quarantine
where replayed is null
  and (%(regions)s::text[] is null or split_part(topic, '/', 2) = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or split_part(topic, '/', 3) = any(%(domains)s::text[]))
group by reason order by entries desc, reason

-- name: entries
-- What waits, oldest first.
select id, received, topic, reason, detail, payload, size
from quarantine
where replayed is null and id > %(after)s and id <= %(until)s and (%(reason)s::text is null or reason = %(reason)s)
  and (%(regions)s::text[] is null or split_part(topic, '/', 2) = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or split_part(topic, '/', 3) = any(%(domains)s::text[]))
order by id limit %(limit)s

-- name: bound_time
-- Whoever looks for what there is none of would read all of it.
set local statement_timeout = '10s'

-- name: page
-- What is in quarantine, replayed or not, before %(before)s, the newest first; of each payload the beginning.
select id, received, topic, reason, detail, substring(payload for %(shown)s) as payload, size, replayed
from quarantine
where (%(regions)s::text[] is null or split_part(topic, '/', 2) = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or split_part(topic, '/', 3) = any(%(domains)s::text[]))
  and (%(before)s::int8 is null or id < %(before)s)
  and (%(reason)s::text[] is null or reason = any(%(reason)s::text[]))
  and (%(topic)s::text is null or starts_with(topic, %(topic)s))
  and (%(since)s::timestamptz is null or received >= %(since)s)
  and (%(until)s::timestamptz is null or received < %(until)s)
  and (%(is_replayed)s::boolean is null or (replayed is not null) = %(is_replayed)s)
order by id desc limit %(most)s

-- name: lock_replay
-- One replays at a time: two would publish everything twice.
select pg_try_advisory_xact_lock(hashtextextended('citybrain quarantine replay', 0))

-- name: newest
select coalesce(max(id), 0) from quarantine

-- name: replayed
-- These went back to the broker; what still can't be understood comes in again as a new entry.
update quarantine set replayed = %(now)s where id = any(%(ids)s)

-- name: expire
delete from quarantine where received < %(before)s
