-- The views that boards read: Grafana and the cockpit share them and see nothing else.
-- depends: 0001_base

set local role citybrain_owner;

create view board_region as
    select id, level, parent_id, title_zh, title_en from region;
comment on view board_region is 'Regions (行政区划), a tree by parent_id';

create view board_site as
    select id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude, attributes from site;
comment on view board_site is 'Sites with their place (degrees, WGS84)';

create view board_device as
    select id, region_id, domain_id, name, site_id, gateway, verified, first_seen, online, status_at from device;
comment on view board_device is 'Devices; online is the last word of the device or its last will, null: never said';

create view board_series as
    select s.id as series_id, d.id as device_id, d.name as device, d.region_id, d.domain_id, d.site_id,
           m.name as metric, m.title_zh, m.title_en, m.kind, m.unit, m.states, m.low, m.high,
           m.expected_interval, m.derived, d.verified and m.verified as verified
    from series s join device d on d.id = s.device_id join metric m on m.id = s.metric_id;
comment on view board_series is 'One row a series: one metric of one device';

create view board_reading as
    select r.time, r.value, r.series_id, r.quality, r.lag_s,
           r.quality & 30 = 0 as good
    from reading r;
comment on view board_reading is 'Readings; join board_series by series_id; give time bounds as literals or now()';

create view board_hour as
    select series_id, bucket as hour, n, n_doubtful, s / nullif(n, 0) as mean, mn as low, mx as high
    from (
        select series_id, bucket, sum(n)::int as n, sum(n_doubtful)::int as n_doubtful, sum(s) as s,
               min(mn) as mn, max(mx) as mx
        from (
            select series_id, bucket, n, n_doubtful, s, mn, mx from rollup
            union all
            select series_id, bucket, n, n_doubtful, s, nullif(mn, 'Infinity'), nullif(mx, '-Infinity')
            from series_state where n + n_doubtful > 0
        ) both_parts
        group by series_id, bucket
    ) hours;
comment on view board_hour is 'Hourly mean, low, high and count of good readings, the open hour included; choose series by series_id = any (array (select ...)), a join would group all hours first';

create view board_latest as
    select s.series_id, s.device_id, s.device, s.region_id, s.domain_id, s.site_id, s.metric, s.title_zh, s.title_en,
           s.kind, s.unit, s.states, s.expected_interval, s.derived,
           l.time, l.value, l.quality, l.quality & 30 = 0 as good
    from board_series s join series_state l on l.series_id = s.series_id
    where l.time > '-infinity';
comment on view board_latest is 'The newest reading of each series, never one whose clock is ahead';

create view board_ledger as
    select l.hour, l.device_id, d.name as device, d.region_id, d.domain_id,
           l.received, l.stored, l.duplicate, l.quarantined, l.revised,
           l.received - l.stored - l.duplicate - l.quarantined as missing
    from ledger l left join device d on d.id = l.device_id;
comment on view board_ledger is 'Per device and hour of receipt: received = stored + duplicate + quarantined; missing must be 0';

create view board_quarantine as
    select id, received, topic, reason, detail, size, device_id, replayed from quarantine;
comment on view board_quarantine is 'What could not be understood, without its bytes';

create view board_collector as
    select unit, holder, since, heartbeat, connected, queued from collector;
comment on view board_collector is 'Who collects what, and when it was last heard';
