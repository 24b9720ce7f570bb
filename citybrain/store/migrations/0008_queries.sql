-- What the API asks of the store: hours of many series at once, and the catalogue as the database knows it.
-- depends: 0007_access

set local role citybrain_owner;

-- Thirty days of 400 series are 288,000 hours, which lie all over the table: the index holds all that readers ask for,
-- as that of `reading` does. It takes the place of the primary key, which had the same columns.
create unique index rollup_key on rollup (series_id, bucket) include (s, mn, mx, n, n_doubtful);
alter table rollup drop constraint rollup_pkey;
-- An index answers alone only for pages that vacuum has seen: it comes after each hundredth of a chunk that is added.
alter table rollup set (autovacuum_vacuum_insert_scale_factor = 0.01, autovacuum_vacuum_insert_threshold = 10000);

create view board_domain as
    select id, title_zh, title_en from domain;
comment on view board_domain is 'Domains (water, heating ...)';

create view board_metric as
    select domain_id, name, title_zh, title_en, kind, unit, low, high, max_step, stuck_after, expected_interval, reports,
           revises, derived, states, verified
    from metric;
comment on view board_metric is 'Metrics of each domain with their limits of plausibility; states: codes by name';

-- What board_hour is summed up from. Apart, the server sums up hundreds of thousands of hours of many series in half the
-- time: from the index alone, and on several processors.
create view board_hour_closed as
    select series_id, bucket as hour, n, n_doubtful, s, mn as low, mx as high from rollup;
comment on view board_hour_closed is 'Hours that are over: good readings (n, their sum s, low, high) and doubtful ones (n_doubtful); an open hour may have readings here, too';

create view board_hour_open as
    select series_id, bucket as hour, n, n_doubtful, s, nullif(mn, 'Infinity') as low, nullif(mx, '-Infinity') as high
    from series_state where n + n_doubtful > 0;
comment on view board_hour_open is 'The open hour of each series, to be added to board_hour_closed';
