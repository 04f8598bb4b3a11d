-- DHCPv6 beside DHCPv4: what racks run of it, which addresses each holds, and leases of it.

-- as the columns of the same names in `rack`; a rack that has nothing to do with it has no row
create table rack6 (
    rack_id bigint primary key references rack on delete cascade,
    running_incarnation bigint not null default 0,
    running_counter bigint not null default 0,
    failed_incarnation bigint not null default 0,
    failed_counter bigint not null default 0,
    judged_incarnation bigint not null default 0,
    judged_counter bigint not null default 0,
    refusal text not null default '',
    problem text not null default '',
    serving boolean not null default false,
    digest text not null default ''
);

create table service6 (
    vlan_id bigint not null references vlan on delete cascade,
    rack_id bigint not null references rack on delete cascade,
    asked jsonb not null,
    running jsonb not null,
    -- stretches of addresses that it may hand out, whatever became of what it was told
    held jsonb not null default '[]',
    -- seconds: the longest lease that it may have granted of them
    longest integer not null default 0,
    problem text not null default '',
    -- of the database when the rack last said what it runs: after a restore it has to say so anew
    incarnation bigint not null default 0,
    changed timestamptz not null default now(),
    primary key (vlan_id, rack_id)
);

-- addresses that a rack gave up; until then clients may have leases of them that it granted
create table lapse6 (
    vlan_id bigint not null references vlan on delete cascade,
    rack_id bigint not null references rack on delete cascade,
    start_ip inet not null,
    end_ip inet not null,
    until timestamptz not null
);
create index lapse6_of on lapse6 (vlan_id, rack_id);

-- what a DHCPv6 client calls itself, hexadecimal
alter table lease add column duid text not null default '';
