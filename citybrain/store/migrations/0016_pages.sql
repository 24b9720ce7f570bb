-- What the cockpit's pages ask: series of one metric, and which devices are silent since when.
-- depends: 0015_duty

set local role citybrain_owner;

-- A page asks for one metric of all devices; the unique index begins with the device.
create index series_metric on series (metric_id);

-- Silent: each measured series that has an interval has been without a reading for two of them. A device that promises
-- nothing is judged by its last word. Unheard: neither readings nor a word ever came.
create view board_device_state as
    select d.id as device_id, h.time as heard_at,
           case when coalesce(h.overdue, not d.online, false) then 'silent'
                when h.time is null and d.online is null then 'unheard' else 'heard' end as state,
           case when coalesce(h.overdue, not d.online, false) then coalesce(h.time, d.status_at) end as since
    from device d
    left join (
        select s.device_id, max(l.time) as time, bool_and(now() - l.time > 2 * m.expected_interval) as overdue
        from series s join metric m on m.id = s.metric_id join series_state l on l.series_id = s.id
        where not m.derived and l.time > '-infinity'
        group by s.device_id
    ) h on h.device_id = d.id;
comment on view board_device_state is 'Devices that are heard, silent (since their newest reading, or their last word where they have none) or unheard';
