-- Notification: what is delivered of each announcement, to which route, and how that went.
-- depends: 0005_plans

set local role citybrain_owner;

-- Null: no route has been chosen yet. An announcement and its deliveries are written in one transaction each, so that
-- none is left out and none is chosen for twice.
alter table announcement add column dispatched_at timestamptz;
create index announcement_waiting on announcement (id) where dispatched_at is null;

-- One row an announcement and route. `next_try`: whoever takes a delivery moves it into the future, so that nobody
-- else takes it meanwhile, and somebody does if he who took it dies.
create table delivery (
    announcement_id bigint not null references announcement,
    route text not null,
    status text not null default 'waiting' check (status in ('waiting', 'sent', 'failed')),
    attempts int not null default 0,
    created_at timestamptz not null,
    next_try timestamptz not null,
    tried_at timestamptz,
    sent_at timestamptz,
    error text,                                  -- of the newest attempt, without secrets; null: it was taken
    primary key (announcement_id, route),
    check ((status = 'sent') = (sent_at is not null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create index delivery_waiting on delivery (route, announcement_id) where status = 'waiting';

create view board_delivery as
    select d.announcement_id, n.alert_id, n.kind, d.route, d.status, d.attempts, d.created_at, d.next_try, d.tried_at,
           d.sent_at, d.error
    from delivery d join announcement n on n.id = d.announcement_id;
comment on view board_delivery is 'Who was told of what: one row an announcement and route; mqtt is the topic of the broker';
