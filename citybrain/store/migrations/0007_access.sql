-- Who may come in, what they may see and do, what they did: people, systems, devices, shared datasets, the audit.
-- depends: 0006_notification

set local role citybrain_owner;

create function regions_below(outer_regions text[]) returns text[] language sql stable parallel safe as $$
    with recursive below as (
        select id from region where id = any(outer_regions)
        union
        select r.id from region r join below b on r.parent_id = b.id
    )
    select coalesce(array_agg(id order by id), '{}') from below
$$;

-- ── people and systems ──────────────────────────────────────────────────────────────────────────────────
-- Both have one role, within regions (each with all below it) and domains; null: all of them.
create table person (
    id int generated always as identity primary key,
    name text not null unique check (name ~ '^[a-z0-9][a-z0-9._@-]{0,63}$'),
    title text not null default '',              -- what others call them
    role text not null check (role in ('viewer', 'operator', 'engineer', 'administrator')),
    regions text[] check (regions <> '{}'),
    domains text[] check (domains <> '{}'),
    crew text,                                   -- a member of a crew acts only on what that crew was sent
    password_hash text,                          -- argon2id; null: single sign-on only
    issuer text,                                 -- of the single sign-on, set with the first sign-in
    subject text,
    failures int not null default 0,             -- wrong passwords in a row
    locked_until timestamptz,
    active boolean not null default true,
    created_at timestamptz not null,
    created_by text not null,
    unique (issuer, subject)
);

-- Secrets of sessions and tokens are random, so a plain SHA-256 of them can't be guessed back.
create table session (
    hash bytea primary key,
    person_id int not null references person on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    address text not null,
    agent text not null
);
create index session_person on session (person_id);
create index session_expires on session (expires_at);

create table token (
    id int generated always as identity primary key,
    name text not null unique check (name ~ '^[a-z0-9][a-z0-9._@-]{0,63}$'),
    hash bytea not null unique,
    role text not null check (role in ('viewer', 'operator', 'engineer', 'administrator')),
    regions text[] check (regions <> '{}'),
    domains text[] check (domains <> '{}'),
    created_at timestamptz not null,
    created_by text not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked_by text,
    used_on date                                 -- the day it was last used, UTC: a day, so that use costs no write
);

-- ── shared datasets (数据目录) ──────────────────────────────────────────────────────────────────────────
-- A dataset is a domain's metric, `water.pressure`; who is granted it may read its series in those regions.
create table dataset_grant (
    id int generated always as identity primary key,
    domain_id text not null references domain,
    metric text not null,
    region_id text references region,            -- with all below it; null: everywhere
    person_id int references person on delete cascade,
    token_id int references token on delete cascade,
    reason text not null,
    granted_at timestamptz not null,
    granted_by text not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    revoked_by text,
    check (num_nonnulls(person_id, token_id) = 1),
    check (expires_at > granted_at)
);
create index dataset_grant_person on dataset_grant (person_id);
create index dataset_grant_token on dataset_grant (token_id);

-- ── devices ─────────────────────────────────────────────────────────────────────────────────────────────
-- The broker keeps the passwords; this says which devices have one, and since when.
create table device_credential (
    device_id int primary key references device,
    username text not null unique,
    created_at timestamptz not null,
    created_by text not null,
    rotated_at timestamptz,
    revoked_at timestamptz,
    revoked_by text
);

-- ── what was done, and by whom ──────────────────────────────────────────────────────────────────────────
create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    actor text not null,                         -- a person's NAME, token:NAME or command:USER
    action text not null,                        -- alert.confirm, person.add, session.begin ...
    target text not null,
    details jsonb not null default '{}',         -- never a secret
    address text,
    request_id text
);
create index audit_at on audit (at);
create index audit_actor on audit (actor, id);
create trigger append_only before update or delete or truncate on audit
    for each statement execute function refuse_change();

-- The answers to requests that may be repeated, for a day.
create table request_key (
    actor text not null,
    key text not null,
    digest bytea not null,                       -- of method, path and body
    at timestamptz not null,
    status int not null,
    document jsonb,
    primary key (actor, key)
);
create index request_key_at on request_key (at);

-- ── hints to those who wait ─────────────────────────────────────────────────────────────────────────────
-- A notification carries nothing: whoever hears it looks for himself, and looks now and then without one.
create function hint() returns trigger language plpgsql as $$
begin
    perform pg_notify(tg_argv[0], '');
    return null;
end $$;
create trigger hint after insert on alert_event for each statement execute function hint('citybrain_alerts');
create trigger hint after insert or update of role, regions, domains, crew, active or delete on person
    for each statement execute function hint('citybrain_access');
create trigger hint after delete on session for each statement execute function hint('citybrain_access');
create trigger hint after insert or update of role, regions, domains, expires_at, revoked_at or delete on token
    for each statement execute function hint('citybrain_access');
create trigger hint after insert or update or delete on dataset_grant
    for each statement execute function hint('citybrain_access');

-- ── boards ──────────────────────────────────────────────────────────────────────────────────────────────
create view board_credential as
    select device_id, username, created_at, rotated_at, revoked_at from device_credential;
comment on view board_credential is 'Devices that have credentials for the broker; the broker keeps the passwords';

create view board_rule_version as
    select rule, version, title_zh, title_en, definition, applied_at from rule_version;
comment on view board_rule_version is 'Every version of every rule';
