-- Which derived hours and days are to be computed, and when.

-- name: mark
-- An hour is computed again whenever its inputs change; what waits already waits no longer for that.
insert into derivation_due (function, device_id, span, time, due)
select %(function)s, device_id, 'hour', hour, due
from unnest(%(device)s::int4[], %(hour)s::timestamptz[], %(due)s::timestamptz[]) k (device_id, hour, due)
on conflict (function, device_id, span, time) do nothing
