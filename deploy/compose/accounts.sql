-- The accounts of the programs in compose.yaml. Idempotent; runs as a superuser.

-- name: there
select from pg_roles where rolname = %(login)s

-- name: make
create role {login}

-- name: let_in
-- The password is what SCRAM keeps of it: the text is in no log.
alter role {login} with login password {verifier}

-- name: belong
grant {roles} to {login}

-- name: only_read
-- Who looks at boards changes nothing, and waits for no answer longer than a person does.
alter role {login} set default_transaction_read_only = on;
alter role {login} set statement_timeout = '30s';
alter role {login} connection limit 20

-- name: token
-- A token whose secret is in a file: good for as long as any may be, renewed in time; who revoked it keeps it out until the
-- file is another. A row comes back where something changed.
insert into token (name, hash, role, created_at, created_by, expires_at)
values (%(name)s, %(hash)s, 'viewer', %(now)s, %(by)s, %(expires)s)
on conflict (name) do update set
    hash = excluded.hash,
    expires_at = excluded.expires_at,
    revoked_at = case when token.hash = excluded.hash then token.revoked_at end,
    revoked_by = case when token.hash = excluded.hash then token.revoked_by end
where token.hash <> excluded.hash or token.expires_at < %(now)s + interval '1 year'
returning id
