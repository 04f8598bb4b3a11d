-- Failover states and pools: since when, how many addresses are left, who takes over from whom.

-- since when the rack has said that its failover state is this one
alter table service add column since timestamptz not null default now();

-- the addresses of a VLAN's pools, as one rack's dhcpd has them
create table pool_count (
    vlan_id bigint not null references vlan on delete cascade,
    rack_id bigint not null references rack on delete cascade,
    told timestamptz not null default clock_timestamp(),
    total integer not null,
    free integer not null,
    backup integer not null,
    active integer not null,
    returning_ integer not null,
    abandoned integer not null,
    -- counters of the rack's own, which begin anew with it
    arrivals bigint not null,
    returns bigint not null,
    -- what was taken up and given back lately, in so many seconds; what is older counts for less
    lately_arrivals double precision not null default 0,
    lately_returns double precision not null default 0,
    lately_seconds double precision not null default 0,
    primary key (vlan_id, rack_id)
);

-- A rack that is away and whose host is off, as somebody vouches: its peer serves the VLAN alone
-- until it is back. It keeps its place.
create table takeover (
    vlan_id bigint not null references vlan on delete cascade,
    rack_id bigint not null references rack on delete cascade,
    at timestamptz not null default clock_timestamp(),
    -- `user:admin`, or `leader` where the VLAN allows it
    by text not null,
    primary key (vlan_id, rack_id)
);
create index takeover_rack on takeover (rack_id);

-- seconds after which the peer of a rack that is away takes over without a hand; 0: never
alter table vlan add column take_over_after integer not null default 0;
-- hours that the addresses of a server that is alone should last; 0: no alarm
alter table vlan add column endurance_bound integer not null default 24;
