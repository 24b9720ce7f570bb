-- Sites are listed by id with numbers in it counted as such, 2 before 10: each number is written with ten digits.
-- depends: 0019_times

set local role citybrain_owner;

create index site_order on site (
    (regexp_replace(regexp_replace(id, '\d+', '000000000\&', 'g'), '\d*(\d{10})', '\1', 'g')), id);
