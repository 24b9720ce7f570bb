-- What live streams follow: events of alerts by their number, newest values by the transaction that wrote them.
-- depends: 0009_alert_pages

set local role citybrain_owner;

create view board_event_number as
    select coalesce(max(id), 0) as newest from alert_event;
comment on view board_event_number is 'The number of the newest event of any alert, those of rules on trial included';

-- The columns are those of board_latest. `version` is the transaction that wrote the row: what was written since a
-- snapshot has an age that is not above that of the oldest transaction that was under way in it.
create view board_latest_version as
    select l.xmin as version, s.series_id, s.device, s.region_id, s.domain_id, s.site_id, s.metric, s.unit,
           l.time, l.value, l.quality, l.quality & 30 = 0 as good
    from series_state l join board_series s on s.series_id = l.series_id
    where l.time > '-infinity';
comment on view board_latest_version is 'The newest reading of each series, with the transaction that wrote it';
