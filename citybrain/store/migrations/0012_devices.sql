-- What the broker refused devices, for the rule that watches it.
-- depends: 0011_sharing

set local role citybrain_owner;

-- The private broker tells it on the device's own topic, which is no topic of readings and so is kept in quarantine.
create view rule_refusal as
    select substring(topic from '^city/(.*)/refused$') as device, received
    from quarantine where topic like 'city/%/refused';
comment on view rule_refusal is 'Ten seconds each in which the broker refused a device messages: foreign topics, or too large; bound received';
