-- Before the migrations: the extension and the four roles. Idempotent; runs as the login role.

-- name: extension
-- TimescaleDB itself, and its newest version that is installed.
create extension if not exists timescaledb;

-- name: roles
-- An owner of everything, a writer for collectors, a reader for boards, one for query rules; nobody logs in as one. The owner has the
-- right to, but room for no connection: TimescaleDB's background jobs run as the owner of their table. Two
-- installations may share a cluster and come at the same time, hence the two ways of being there already.
do $$
declare name text;
begin
    foreach name in array array['citybrain_owner', 'citybrain_writer', 'citybrain_board', 'citybrain_rules'] loop
        if not exists (select from pg_roles where rolname = name) then
            begin
                execute format('create role %I %s', name,
                    case name when 'citybrain_owner' then 'login connection limit 0' else 'nologin' end);
            exception when duplicate_object or unique_violation then null;
            end;
        end if;
        if not pg_has_role(current_user, name, 'set') then
            begin
                execute format('grant %I to %I', name, current_user);
            exception when unique_violation then null;
            end;
        end if;
    end loop;
end $$;

-- name: schema
-- The owner makes tables here; the others only look.
grant usage, create on schema public to citybrain_owner;
grant usage on schema public to citybrain_writer, citybrain_board, citybrain_rules;

-- name: quiet_readers
-- Who only reads can neither call pg_notify in a query, nor change settings, nor take the collectors' locks (the statement NOTIFY needs no
-- right, so nothing may trust a notification). Where the login role may not take these rights
-- away, the server says so in a warning, and boards keep them.
do $$
declare name regprocedure;
begin
    for name in
        select p.oid from pg_proc p
        where p.pronamespace = 'pg_catalog'::regnamespace and (p.proname in ('pg_notify', 'set_config') or p.proname ~ 'advisory')
    loop
        execute format('revoke execute on function %s from public', name);
        execute format('grant execute on function %s to citybrain_owner, citybrain_writer', name);
    end loop;
exception when insufficient_privilege then
    raise warning 'boards may notify and lock: %', sqlerrm;
end $$;

-- name: statistics
-- The owner may see how far standbys are, for `standbys` of reconcile.sql. Where the login role may not grant that, the
-- server says so in a warning, and the metrics of replication stay empty.
do $$ begin
    if not pg_has_role('citybrain_owner', 'pg_read_all_stats', 'usage') then
        grant pg_read_all_stats to citybrain_owner;
    end if;
exception when insufficient_privilege then
    raise warning 'the metrics will not show standbys: %', sqlerrm;
end $$;
