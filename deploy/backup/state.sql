-- What a database holds, for two to be compared.

-- name: tables
-- Ours, the record of migrations, and what TimescaleDB knows of chunks. What its scheduler notes of its own runs is
-- nobody's data, and changes all the time.
select n.nspname, c.relname
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and c.relpersistence = 'p' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and n.nspname not in ('_timescaledb_internal', '_timescaledb_config', '_timescaledb_cache')
order by 1, 2

-- name: content
-- A sum asks for no order. The text of a row is exact: numbers with a fraction have as many digits as it takes.
select count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from {table} t
