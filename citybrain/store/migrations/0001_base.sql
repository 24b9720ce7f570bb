-- The base: catalogue, readings, their rollup and latest values, quarantine and ledger.
-- Runs as the login role; everything it makes belongs to citybrain_owner (made by prepare.sql beforehand).
-- depends:

set local role citybrain_owner;

-- ── installation ────────────────────────────────────────────────────────────────────────────────────────
create table installation (
    only_row boolean primary key default true check (only_row),
    -- MQTT session ids carry it: who knows a session id can take the session and empty its queue.
    session_secret text not null default replace(gen_random_uuid()::text, '-', ''),
    -- Counts the times the catalogue was written, so that collectors notice.
    catalogue_version int not null default 0
);
insert into installation default values;

-- ── catalogue, written by `citybrain db migrate` from the YAML files ────────────────────────────────────
create table region (
    id text primary key,
    level text not null,
    parent_id text references region,
    title_zh text not null,
    title_en text not null
);

create table domain (
    id text primary key,
    title_zh text not null,
    title_en text not null
);

create table metric (
    id int generated always as identity primary key,
    domain_id text not null references domain,
    name text not null,
    title_zh text not null,
    title_en text not null,
    kind text not null check (kind in ('number', 'boolean', 'state', 'flags')),
    unit text,
    low float8,
    high float8,
    max_step float8,
    stuck_after interval,
    expected_interval interval,
    reports text not null default 'interval' check (reports in ('interval', 'change')),
    revises boolean not null default false,
    derived boolean not null default false,
    states jsonb not null default '{}',
    feeds text[] not null default '{}',  -- derivations (modules of citybrain.derived) that it is an input of
    verified boolean not null default true,
    unique (domain_id, name)
);

create table site (
    id text primary key,
    region_id text not null references region,
    domain_id text not null references domain,
    kind text not null,
    title_zh text not null,
    title_en text not null,
    longitude float8 not null check (longitude between -180 and 180),
    latitude float8 not null check (latitude between -90 and 90),
    attributes jsonb not null default '{}'
);

create table device (
    id int generated always as identity primary key,
    region_id text not null references region,
    domain_id text not null references domain,
    name text not null,
    site_id text references site,
    gateway text,
    verified boolean not null,
    first_seen timestamptz not null,
    online boolean,
    status_at timestamptz,
    unique (region_id, domain_id, name)
);

create table series (
    id int generated always as identity primary key,
    device_id int not null references device,
    metric_id int not null references metric,
    unique (device_id, metric_id)
);

-- ── readings ────────────────────────────────────────────────────────────────────────────────────────────
-- Column order and the covering index keep a row at 52 bytes and a day of one series at 5 buffers. No foreign
-- key: it would treble the cost of a row. The check is the last fence; ingest quarantines such times before.
create table reading (
    time timestamptz not null,
    value float8 not null,
    series_id int not null,
    quality smallint not null default 0,
    lag_s smallint not null default 0,
    check (time >= '2000-01-01Z' and time < '2100-01-01Z')
);
do $$ begin
    perform create_hypertable('reading', by_range('time', interval '7 days'), create_default_indexes => false);
end $$;
create unique index reading_key on reading (series_id, time) include (value, quality);

create table rollup (
    bucket timestamptz not null,
    s float8 not null,
    mn float8,
    mx float8,
    series_id int not null,
    n int not null,
    n_doubtful int not null default 0,
    primary key (series_id, bucket)
);
do $$ begin
    perform create_hypertable('rollup', by_range('bucket', interval '90 days'), create_default_indexes => false);
end $$;

-- The newest reading and the open hour of each series: one update a batch serves both. Times are the
-- series' own (event) time; 'NaN' and '-infinity' stand for "none yet", so that every column is fixed width.
create table series_state (
    series_id int primary key,
    time timestamptz not null default '-infinity',
    value float8 not null default 'NaN',
    quality smallint not null default 0,
    before float8 not null default 'NaN',
    same_since timestamptz not null default '-infinity',
    good_time timestamptz not null default '-infinity',
    good_value float8 not null default 'NaN',
    ahead_until timestamptz not null default '-infinity',
    bucket timestamptz not null default '-infinity',
    n int not null default 0,
    n_doubtful int not null default 0,
    s float8 not null default 0,
    mn float8 not null default 'Infinity',
    mx float8 not null default '-Infinity'
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

-- ── what could not be understood, and the account of everything received ────────────────────────────────
create table quarantine (
    id bigint generated always as identity primary key,
    received timestamptz not null,
    topic text not null,
    reason text not null,
    detail text not null,
    payload bytea not null,
    size int not null,
    device_id int not null,
    replayed timestamptz
);
create index quarantine_received on quarantine (received);
create index quarantine_open on quarantine (reason, id) where replayed is null;

-- device_id 0 is "no device": topics that name none we know.
create table ledger (
    hour timestamptz not null,
    device_id int not null,
    received int not null,
    stored int not null,
    duplicate int not null,
    quarantined int not null,
    revised int not null,
    primary key (hour, device_id)
) with (fillfactor = 70);

-- Readings that retention dropped, so that the ledger can still be proven against the tables.
create table expired (
    series_id int primary key,
    readings bigint not null,
    rollup_readings bigint not null
);

-- ── collectors ──────────────────────────────────────────────────────────────────────────────────────────
create table collector (
    unit text primary key,
    holder text not null,
    since timestamptz not null,
    heartbeat timestamptz not null,
    connected boolean not null,
    queued int not null
);

-- Messages without a time carry nothing that tells a redelivery from a new one but packet id and payload.
create table untimed (
    session text not null,
    packet_id int not null,
    digest bytea not null,
    received timestamptz not null,
    primary key (session, packet_id)
) with (fillfactor = 70);

-- ── derived series: hours whose inputs changed, to be computed at `due` ─────────────────────────────────
create table derivation_due (
    function text not null,
    device_id int not null,
    span text not null check (span in ('hour', 'day')),
    time timestamptz not null,
    due timestamptz not null,
    version int not null default 0,  -- raised whenever the mark is renewed
    primary key (function, device_id, span, time)
);
create index derivation_due_due on derivation_due (due);
