-- Who has an alert in hand, who watches one, and when the last one was closed.
-- depends: 0016_pages

set local role citybrain_owner;

-- ── in hand (经办) ──────────────────────────────────────────────────────────────────────────────────────
alter table alert_event add column operator text;  -- of a handing over: who has the alert in hand from now on

create or replace view board_alert_event as
    select e.id, e.alert_id, e.at, e.kind, e.event_time, e.past, e.severity, e.version, e.reason, e.handling, e.actor, e.note,
           e.crew, e.announcement_id, e.values, e.operator
    from alert_event e join alert a on a.id = e.alert_id
    where a.mode = 'live';

-- A calm overview says when somebody closed an alert last, among years of events.
create index alert_event_closed on alert_event (id) where kind = 'close';

-- ── watching (关注) ─────────────────────────────────────────────────────────────────────────────────────
create table alert_watch (
    person_id int not null references person on delete cascade,
    alert_id bigint not null references alert,
    primary key (person_id, alert_id)
);

create view board_alert_watch as
    select person_id, alert_id from alert_watch;
comment on view board_alert_watch is 'Which person watches which alert';
