-- Times of handling are those of alerts that were news, as all other statistics of alerts are: what readings of the past
-- raised was told to nobody.
-- depends: 0018_in_hand

set local role citybrain_owner;

create or replace view board_alert_times as
    select a.domain_id, a.severity, count(*) as alerts,
           avg(t.judged - a.raised) as to_judge, avg(t.dispatched - a.raised) as to_dispatch,
           avg(t.closed - a.raised) as to_close
    from (
        select a.id, a.domain_id, a.worst as severity, min(e.at) as raised
        from alert a join alert_event e on e.alert_id = a.id and e.kind = 'raised'
        where a.mode = 'live' and not e.past group by a.id
    ) a cross join lateral (
        select min(at) filter (where kind in ('confirm', 'refute')) as judged,
               min(at) filter (where kind = 'dispatch') as dispatched,
               max(at) filter (where kind = 'close') as closed
        from alert_event where alert_id = a.id
    ) t
    where a.raised > now() - interval '30 days'
    group by a.domain_id, a.severity;
