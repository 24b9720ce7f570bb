-- Who is there for alerts: crews that are sent, people on duty, and what one shift hands over to the next.
-- depends: 0013_region_hours

set local role citybrain_owner;

-- ── crews (班组) ────────────────────────────────────────────────────────────────────────────────────────
-- An alert names its crew by this id, or, where nobody listed that crew, by whatever it is called.
create table crew (
    id text primary key check (id ~ '^[a-z0-9][a-z0-9._@-]{0,63}$'),
    title_zh text not null,
    title_en text not null,
    regions text[] check (regions <> '{}'),      -- that it goes to, each with all below it; null: all of them
    domains text[] check (domains <> '{}'),
    longitude float8 check (longitude between -180 and 180),  -- of the place it sets out from, WGS 84
    latitude float8 check (latitude between -90 and 90),
    contact text,                                -- its duty phone; only administrators see all of it
    channel text,                                -- how else it is reached, in words
    active boolean not null default true,        -- false: retired; alerts still name it
    created_at timestamptz not null,
    created_by text not null,
    check (num_nulls(longitude, latitude) <> 1)
);

create view board_crew as
    select id, title_zh, title_en, regions, domains, active from crew;
comment on view board_crew is 'Crews that alerts are dispatched to; without their phones';

create view board_person as
    select name, title from person where title <> '';
comment on view board_person is 'What people are called, for the names in events';

-- ── duty (值班) ─────────────────────────────────────────────────────────────────────────────────────────
create table duty (
    id bigint generated always as identity primary key,
    person_id int not null references person on delete cascade,
    begun_at timestamptz not null,
    ended_at timestamptz,
    check (ended_at >= begun_at)
);
create unique index duty_open on duty (person_id) where ended_at is null;
create index duty_begun on duty (begun_at);

-- ── handovers (交接班) ──────────────────────────────────────────────────────────────────────────────────
-- Neither row ever changes: the first is the signature of who hands over, the second of who takes over.
create table handover (
    id bigint generated always as identity primary key,
    regions text[],                              -- what its maker saw, those below named too; null: all
    domains text[],
    made_at timestamptz not null,
    made_by text not null,
    content jsonb not null,
    digest text not null                         -- SHA-256 of the content, see citybrain/duty/handovers.py
);
create table handover_taken (
    handover_id bigint primary key references handover,
    taken_at timestamptz not null,
    taken_by text not null,
    title text not null,                         -- what others call them
    note text,
    digest text not null                         -- SHA-256 of the handover's digest and of this
);
create trigger append_only before update or delete or truncate on handover
    for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on handover_taken
    for each statement execute function refuse_change();
