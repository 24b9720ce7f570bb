-- What could not be understood, with its bytes.

-- name: add
insert into quarantine (received, topic, reason, detail, payload, size, device_id)
values (%(received)s, %(topic)s, %(reason)s, %(detail)s, %(payload)s, %(size)s, %(device)s)

-- name: summary
-- How much waits, by reason.
select reason, count(*) as entries, min(received) as first, max(received) as last, min(detail) as example
from quarantine where replayed is null group by reason order by entries desc

-- name: entries
-- What waits, oldest first.
select id, received, topic, reason, detail, payload, size
from quarantine
where replayed is null and id > %(after)s and id <= %(until)s and (%(reason)s::text is null or reason = %(reason)s)
order by id limit %(limit)s

-- name: newest
select coalesce(max(id), 0) from quarantine

-- name: replayed
-- These went back to the broker; what still can't be understood comes in again as a new entry.
update quarantine set replayed = %(now)s where id = any(%(ids)s)

-- name: expire
delete from quarantine where received < %(before)s
