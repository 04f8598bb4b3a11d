-- What racks find on VLANs by asking: DHCP servers, and the regions' name servers.

-- an offer that a rack got, whoever's it is
create table dhcp_server (
    vlan_id bigint not null references vlan on delete cascade,
    rack_id bigint not null references rack on delete cascade,
    -- as it calls itself
    server inet not null,
    -- the station that the offer came from
    mac text not null,
    first_seen timestamptz not null default clock_timestamp(),
    seen timestamptz not null,
    primary key (vlan_id, rack_id, server, mac)
);

-- where a region has a name server, or may have one
create table region_resolver (
    region_id bigint not null references region on delete cascade,
    address inet not null,
    -- the order of a region's own
    place integer not null,
    -- an operator named it: clients are told of it whether or not it answers
    by_hand boolean not null,
    -- when the region last had this address
    seen timestamptz not null default clock_timestamp(),
    primary key (region_id, address)
);

-- a name server as a rack on a VLAN knows it
create table resolver_sighting (
    vlan_id bigint not null references vlan on delete cascade,
    rack_id bigint not null references rack on delete cascade,
    address inet not null,
    asked timestamptz not null,
    -- when it was asked and answered
    answered timestamptz,
    primary key (vlan_id, rack_id, address)
);

-- which of the regions' name servers a VLAN's clients are told of, in this order
create table vlan_naming (
    vlan_id bigint primary key references vlan on delete cascade,
    servers inet[] not null,
    -- when one went last or came back
    rearranged timestamptz
);

-- whether clients are told of them where the subnet has no name servers of its own
alter table subnet add column allow_dns boolean not null default true;
