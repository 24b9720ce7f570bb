-- What the API tells of plans and of shared datasets.
-- depends: 0010_live

set local role citybrain_owner;

create view board_rule_set as
    select id, applied_at, plans from rule_set order by id desc limit 1;
comment on view board_rule_set is 'The set of rules in force, with the plans that it goes by';

-- Without who was granted it: boards are seen by many.
create view board_dataset_grant as
    select id, domain_id, metric, region_id, granted_at, expires_at, revoked_at from dataset_grant;
comment on view board_dataset_grant is 'Which datasets were shared, in which region (null: everywhere), and how long';
