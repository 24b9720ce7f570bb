-- After the migrations: what depends on settings or on the edition of TimescaleDB. Idempotent; runs as the owner.

-- name: grants
-- The writer reads and writes base tables; boards read the views named board_* and nothing else.
grant select, insert, update, delete on
    installation, region, domain, metric, site, device, series, reading, rollup, region_hour, series_state, quarantine,
    ledger, expired, collector, untimed, derivation_due, rule_set, rule_version, rule_set_member, rule_state,
    rule_engine, rule_run, alert, announcement, alert_event, shelf, maintenance_window, flood, alert_place, alert_activation,
    delivery, plan_value, plan_course, plan_indicator, person, session, token, dataset_grant, device_credential, audit,
    request_key, crew, duty, handover, handover_taken, alert_watch
    to citybrain_writer;
revoke insert, update, delete on installation from citybrain_writer;
grant update (catalogue_version) on installation to citybrain_writer;  -- a device that is added is news to collectors
grant usage on sequence alert_id_seq to citybrain_writer;
-- What was said and done stays as it was said and done.
revoke update, delete on alert_event, plan_value, rule_set, rule_version, rule_set_member, audit, handover, handover_taken
    from citybrain_writer;

-- name: standbys
-- Who follows the server's log, and how far behind they are: bytes not yet replayed (written, by who only keeps them;
-- sent, by who has not answered yet), and seconds from a commit here to its replay there. A function of the owner, which
-- may see this (prepare.sql), so that boards need not be shown the queries of others with it.
create or replace function standbys() returns table (name text, streaming boolean, lag_bytes float8, lag_s float8)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select application_name, state = 'streaming',
           pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(replay_lsn, flush_lsn, sent_lsn)),
           coalesce(extract(epoch from replay_lag), 0)  -- null while there is nothing to replay
    from pg_stat_replication where state in ('catchup', 'streaming')
$$;
revoke execute on function standbys() from public;
grant execute on function standbys() to citybrain_board;

-- name: board_views
-- Every view that boards may read.
select viewname from pg_views where schemaname = 'public' and starts_with(viewname, 'board_') order by 1;

-- name: rule_views
-- Every view that query rules may read.
select viewname from pg_views where schemaname = 'public' and starts_with(viewname, 'rule_') order by 1;

-- name: chunk_interval
-- New chunks of readings span so long; old ones stay as they are.
select set_chunk_time_interval('reading', make_interval(hours => %(hours)s));

-- name: edition
-- 'timescale' where the community features are there, 'apache' where they are not.
select current_setting('timescaledb.license') as license,
       (select extversion from pg_extension where extname = 'timescaledb') as version,
       current_setting('server_version_num')::int as server;

-- name: columnstore
-- Community: chunks older than a week are compressed by series, 8 to 12 times smaller. A late row is taken
-- like any other; the nightly policy compresses its chunk again.
alter table reading set (
    timescaledb.compress, timescaledb.compress_segmentby = 'series_id', timescaledb.compress_orderby = 'time'
);

-- name: columnstore_policy
-- The policy that does so; kept when it is there.
select add_compression_policy('reading', compress_after => interval '7 days', if_not_exists => true);
