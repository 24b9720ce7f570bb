-- The catalogue's YAML into its tables. What the files no longer name stays, for the readings that refer to it.

-- name: region
-- Parents come before their children.
insert into region (id, level, parent_id, title_zh, title_en)
values (%(id)s, %(level)s, %(parent)s, %(zh)s, %(en)s)
on conflict (id) do update set level = excluded.level, parent_id = excluded.parent_id,
    title_zh = excluded.title_zh, title_en = excluded.title_en;

-- name: domain
insert into domain (id, title_zh, title_en) values (%(id)s, %(zh)s, %(en)s)
on conflict (id) do update set title_zh = excluded.title_zh, title_en = excluded.title_en;

-- name: metric
-- A metric that registered itself becomes verified once the files name it.
insert into metric (domain_id, name, title_zh, title_en, kind, unit, low, high, max_step, stuck_after,
    expected_interval, reports, revises, derived, states, feeds, verified)
values (%(domain)s, %(name)s, %(zh)s, %(en)s, %(kind)s, %(unit)s, %(low)s, %(high)s, %(max_step)s, %(stuck_after)s,
    %(interval)s, %(reports)s, %(revises)s, %(derived)s, %(states)s, %(feeds)s, true)
on conflict (domain_id, name) do update set title_zh = excluded.title_zh, title_en = excluded.title_en,
    kind = excluded.kind, unit = excluded.unit, low = excluded.low, high = excluded.high,
    max_step = excluded.max_step, stuck_after = excluded.stuck_after,
    expected_interval = excluded.expected_interval, reports = excluded.reports, revises = excluded.revises,
    derived = excluded.derived, states = excluded.states, feeds = excluded.feeds, verified = true;

-- name: site
insert into site (id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude, attributes)
values (%(id)s, %(region)s, %(domain)s, %(kind)s, %(zh)s, %(en)s, %(longitude)s, %(latitude)s, %(attributes)s)
on conflict (id) do update set region_id = excluded.region_id, domain_id = excluded.domain_id,
    kind = excluded.kind, title_zh = excluded.title_zh, title_en = excluded.title_en,
    longitude = excluded.longitude, latitude = excluded.latitude, attributes = excluded.attributes;

-- name: device
-- A device that registered itself becomes verified once the files name it.
insert into device (region_id, domain_id, name, site_id, gateway, verified, first_seen)
values (%(region)s, %(domain)s, %(name)s, %(site)s, %(gateway)s, true, %(now)s)
on conflict (region_id, domain_id, name) do update set site_id = excluded.site_id, gateway = excluded.gateway,
    verified = true;

-- name: written
-- Collectors look at this number and read the catalogue again when it has changed.
update installation set catalogue_version = catalogue_version + 1
