-- What people order racks on the spot, and what they did there.

-- the newest act that the rack told of, and the orders that are in force there (model.orders.Order)
alter table rack add column acts bigint not null default 0;
alter table rack add column orders jsonb not null default '[]';
-- a person ended the orders up to this number in the region: the rack is to do so
alter table rack add column resume_upto bigint not null default 0;
alter table rack add column resume_by text not null default '';
-- whether the last good plan on the rack's disk cannot be read
alter table rack add column damaged boolean not null default false;

-- a person vouched, at another rack of the VLAN, that this one's host is off: what it runs goes
-- before anything else, should it come back
alter table service add column vouched_off boolean not null default false;

-- acts that racks told of, each once; the history has them as events
create table act (
    id uuid primary key,
    rack_id bigint not null references rack on delete cascade,
    number bigint not null,
    -- by the rack's clock
    at timestamptz not null,
    who text not null,
    what text not null,
    result text not null,
    received timestamptz not null default clock_timestamp()
);
create index act_rack on act (rack_id, at);
