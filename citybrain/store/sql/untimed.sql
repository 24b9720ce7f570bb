-- Messages without a time that were committed while the broker may not have learnt of it.

-- name: save
insert into untimed (session, packet_id, digest, received)
values (%(session)s, %(packet_id)s, %(digest)s, %(received)s)
on conflict (session, packet_id) do update set digest = excluded.digest, received = excluded.received

-- name: load
select packet_id, digest, received from untimed where session = %(session)s

-- name: confirmed
-- The broker has read our acknowledgements of everything received up to then.
delete from untimed where session = %(session)s and received <= %(until)s
