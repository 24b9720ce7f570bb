-- Hours of a region: what the rollups of all its series of one metric come to, so that a mean over 400 series and 30
-- days reads 720 rows and not 288,000.
-- depends: 0012_devices

set local role citybrain_owner;

-- One row a region (not those below it), metric and hour, kept by the statements that write `rollup`. No least and
-- greatest: they can't be taken back when a reading is revised. The index leaves the sums out, so that adding to
-- them, as several batches do while an hour closes, changes no index; the free room of a page is for that.
create table region_hour (
    bucket timestamptz not null,
    s float8 not null,
    n bigint not null,
    n_doubtful bigint not null,
    metric_id int not null,
    region_id text not null,
    primary key (metric_id, region_id, bucket)
) with (fillfactor = 70);

-- Whoever is adding to `rollup` now has committed before it is read.
lock table rollup in share mode;
insert into region_hour (metric_id, region_id, bucket, s, n, n_doubtful)
select s.metric_id, d.region_id, r.bucket, sum(r.s), sum(r.n), sum(r.n_doubtful)
from rollup r join series s on s.id = r.series_id join device d on d.id = s.device_id
group by s.metric_id, d.region_id, r.bucket
order by r.bucket, s.metric_id, d.region_id;
analyze region_hour;

create view board_region_hour as
    select region_id, domain_id, metric, hour, sum(n)::bigint as n, sum(n_doubtful)::bigint as n_doubtful, sum(s) as s,
           sum(s) / nullif(sum(n), 0) as mean
    from (
        select h.region_id, m.domain_id, m.name as metric, h.bucket as hour, h.n, h.n_doubtful, h.s
        from region_hour h join metric m on m.id = h.metric_id
        where h.n + h.n_doubtful > 0
        union all
        select d.region_id, m.domain_id, m.name, o.bucket, o.n, o.n_doubtful, o.s
        from series_state o join series s on s.id = o.series_id join device d on d.id = s.device_id
        join metric m on m.id = s.metric_id
        where o.n + o.n_doubtful > 0
    ) parts
    group by region_id, domain_id, metric, hour;
comment on view board_region_hour is 'Hours of all series of a metric in a region (not those below it): good readings (n, their sum s and mean) and doubtful ones, open hours included; to put regions together, divide the sum of s by that of n';
