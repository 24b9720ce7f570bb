-- People, systems, what they may see, and what they did.

-- ── who asks ────────────────────────────────────────────────────────────────────────────────────────────

-- name: by_session
-- The person of a session that lasts, with regions expanded to all below them, and shares that last.
select 'person' as kind, p.id, p.name, p.title, p.role, p.crew, p.domains, s.expires_at,
       case when p.regions is not null then regions_below(p.regions) end as regions,
       (select json_agg(json_build_object('domain', g.domain_id, 'metric', g.metric, 'until', g.expires_at,
            'regions', case when g.region_id is not null then regions_below(array[g.region_id]) end))
        from dataset_grant g where g.person_id = p.id and g.revoked_at is null and g.expires_at > %(now)s) as shares
from session s join person p on p.id = s.person_id
where s.hash = %(hash)s and s.expires_at > %(now)s and p.active

-- name: by_token
-- The system of a token that lasts, likewise.
select 'token' as kind, t.id, t.name, t.name as title, t.role, null as crew, t.domains, t.expires_at,
       case when t.regions is not null then regions_below(t.regions) end as regions,
       (select json_agg(json_build_object('domain', g.domain_id, 'metric', g.metric, 'until', g.expires_at,
            'regions', case when g.region_id is not null then regions_below(array[g.region_id]) end))
        from dataset_grant g where g.token_id = t.id and g.revoked_at is null and g.expires_at > %(now)s) as shares
from token t
where t.hash = %(hash)s and t.expires_at > %(now)s and t.revoked_at is null

-- name: mark_token_used
update token set used_on = %(today)s where hash = %(hash)s and used_on is distinct from %(today)s

-- ── audit ───────────────────────────────────────────────────────────────────────────────────────────────

-- name: add_audit
insert into audit (at, actor, action, target, details, address, request_id)
values (%(at)s, %(actor)s, %(action)s, %(target)s, %(details)s, %(address)s, %(request_id)s)

-- name: audit
-- The newest first.
select id, at, actor, action, target, details, address, request_id
from audit
where (%(actor)s::text is null or actor = %(actor)s)
  and (%(action)s::text is null or starts_with(action, %(action)s))
  and (%(target)s::text is null or target = %(target)s)
  and (%(since)s::timestamptz is null or at >= %(since)s)
  and (%(until)s::timestamptz is null or at < %(until)s)
  and (%(after)s::bigint is null or id < %(after)s)
order by id desc limit %(limit)s

-- ── requests that may be repeated ───────────────────────────────────────────────────────────────────────

-- name: claim_request
-- Waits for whoever is at the same request; then there is a row, or it is ours.
select pg_advisory_xact_lock(hashtextextended(%(actor)s || ' ' || %(key)s, 1))

-- name: earlier_request
select digest, status, document from request_key where actor = %(actor)s and key = %(key)s

-- name: keep_request
insert into request_key (actor, key, digest, at, status, document)
values (%(actor)s, %(key)s, %(digest)s, %(at)s, %(status)s, %(document)s)

-- ── tokens ──────────────────────────────────────────────────────────────────────────────────────────────

-- name: add_token
insert into token (name, hash, role, regions, domains, created_at, created_by, expires_at)
values (%(name)s, %(hash)s, %(role)s, %(regions)s, %(domains)s, %(now)s, %(by)s, %(expires)s)

-- name: token
select id, name, role, regions, domains, created_at, created_by, expires_at, revoked_at, revoked_by, used_on
from token where id = %(id)s

-- name: token_by_name
select id, name, role, regions, domains, created_at, created_by, expires_at, revoked_at, revoked_by, used_on
from token where name = %(name)s

-- name: tokens
-- Those whose whole scope is within the caller's, by name.
select id, name, role, regions, domains, created_at, created_by, expires_at, revoked_at, revoked_by, used_on
from token
where (%(regions)s::text[] is null or regions <@ %(regions)s::text[])
  and (%(domains)s::text[] is null or domains <@ %(domains)s::text[])
  and (%(created_by)s::text is null or created_by = %(created_by)s)
  and (%(valid)s::bool is null or (revoked_at is null and expires_at > %(now)s) = %(valid)s)
  and (%(after)s::text is null or name > %(after)s)
order by name limit %(limit)s

-- name: revoke_token
-- Again changes nothing.
update token set revoked_at = %(now)s, revoked_by = %(by)s where id = %(id)s and revoked_at is null

-- ── people ──────────────────────────────────────────────────────────────────────────────────────────────

-- name: any_person
select from person limit 1

-- name: add_person
insert into person (name, title, role, regions, domains, crew, password_hash, created_at, created_by)
values (%(name)s, %(title)s, %(role)s, %(regions)s, %(domains)s, %(crew)s, %(password_hash)s, %(now)s, %(by)s)

-- name: person
select id, name, title, role, regions, domains, crew, active, password_hash is not null as password,
       subject is not null as bound, locked_until, created_at, created_by
from person where name = %(name)s

-- name: lock_person
-- The same, until the end of the transaction as it is.
select id, name, title, role, regions, domains, crew, active, password_hash is not null as password,
       subject is not null as bound, locked_until, created_at, created_by
from person where name = %(name)s for update

-- name: people
-- Those whose whole scope is within the caller's, by name.
select id, name, title, role, regions, domains, crew, active, password_hash is not null as password,
       subject is not null as bound, locked_until, created_at, created_by
from person
where (%(regions)s::text[] is null or regions <@ %(regions)s::text[])
  and (%(domains)s::text[] is null or domains <@ %(domains)s::text[])
  and (%(role)s::text is null or role = %(role)s)
  and (%(crew)s::text is null or crew = %(crew)s)
  and (%(active)s::bool is null or active = %(active)s)
  and (%(after)s::text is null or name > %(after)s)
order by name limit %(limit)s

-- name: lock_people
-- One change of people at a time.
select pg_advisory_xact_lock(hashtextextended('citybrain people', 0))

-- name: other_chiefs
-- Administrators of everything, apart from one.
select count(*) from person
where id <> %(id)s and active and role = 'administrator' and regions is null and domains is null

-- name: change_person
update person
set title = %(title)s, role = %(role)s, regions = %(regions)s, domains = %(domains)s, crew = %(crew)s,
    active = %(active)s
where id = %(id)s

-- name: set_password
update person set password_hash = %(password_hash)s, failures = 0, locked_until = null where id = %(id)s

-- name: unbind_person
update person set password_hash = null, issuer = null, subject = null, failures = 0, locked_until = null
where id = %(id)s

-- name: unknown_regions_and_domains
select id from unnest(%(regions)s::text[]) id where not exists (select from region r where r.id = id.id)
union all
select id from unnest(%(domains)s::text[]) id where not exists (select from domain d where d.id = id.id)

-- name: granted_beyond
-- Whether a person may read a dataset, at present, that lies outside of a scope.
select from dataset_grant g
where g.person_id = %(id)s and g.revoked_at is null and g.expires_at > now() and not (
    (%(regions)s::text[] is null or coalesce(g.region_id = any(%(regions)s::text[]), false))
    and (%(domains)s::text[] is null or g.domain_id = any(%(domains)s::text[]))
)
limit 1

-- ── sessions ────────────────────────────────────────────────────────────────────────────────────────────

-- name: without_waiting
-- For this transaction: who commits need not wait for the disk.
set local synchronous_commit = off

-- name: try_password
-- Counts a wrong password before it is looked at; the last of them locks. After a lock the count begins anew.
update person
set failures = case when locked_until <= %(now)s then 1 else failures + 1 end,
    locked_until = case when locked_until is null and failures + 1 >= %(tries)s then %(until)s::timestamptz end
where name = %(name)s and active and password_hash is not null
  and (locked_until is null or locked_until <= %(now)s)
returning id as person_id, name, password_hash, locked_until is not null as locks

-- name: password_was_right
update person set failures = 0, locked_until = null, password_hash = coalesce(%(renewed)s, password_hash)
where id = %(id)s and active and password_hash = %(seen)s
returning id

-- name: begin_session
insert into session (hash, person_id, created_at, expires_at, address, agent)
values (%(hash)s, %(person)s, %(now)s, %(expires)s, %(address)s, %(agent)s)

-- name: end_session
delete from session where hash = %(hash)s

-- name: end_sessions
delete from session where person_id = %(person)s and hash is distinct from %(but)s

-- name: end_session_by_id
delete from session where person_id = %(person)s and substr(hash, 1, 8) = %(id)s returning hash

-- name: sessions_of_person
select encode(substr(hash, 1, 8), 'hex') as id, created_at, expires_at, address, agent, hash = %(hash)s as present
from session
where person_id = %(person)s and expires_at > %(now)s
  and (%(after_at)s::timestamptz is null
       or (created_at, encode(substr(hash, 1, 8), 'hex')) < (%(after_at)s::timestamptz, %(after_id)s::text))
order by created_at desc, encode(substr(hash, 1, 8), 'hex') desc limit %(limit)s

-- name: person_of_subject
select id as person_id, name from person where issuer = %(issuer)s and subject = %(subject)s and active

-- name: bind_subject
-- Only who has no password waits for a single sign-on, and only the first subject is bound.
update person set issuer = %(issuer)s, subject = %(subject)s
where name = %(name)s and active and password_hash is null and subject is null
  and not exists (select from person where issuer = %(issuer)s and subject = %(subject)s)
returning id as person_id, name
