-- Fabrics, VLANs, subnets and ranges, who serves them, and the leases.

create table fabric (
    id bigint generated always as identity primary key,
    name text not null unique,
    description text not null default '',
    class_type text
);

create table vlan (
    id bigint generated always as identity primary key,
    fabric_id bigint not null references fabric on delete cascade,
    vid integer not null check (vid between 0 and 4094),
    name text,
    description text not null default '',
    mtu integer not null default 1500,
    dhcp_on boolean not null default false,
    primary_rack bigint references rack,
    secondary_rack bigint references rack,
    lease_time integer not null default 600,
    -- part of the failover peer's name; rises when a member changes or lost its leases
    pairing bigint not null default 1,
    unique (fabric_id, vid),
    check (primary_rack <> secondary_rack),
    check (secondary_rack is null or primary_rack is not null)
);

create table subnet (
    id bigint generated always as identity primary key,
    vlan_id bigint not null references vlan on delete cascade,
    name text not null,
    description text not null default '',
    cidr cidr not null unique,
    gateway_ip inet,
    dns_servers inet[] not null default '{}',
    managed boolean not null default true
);

create table user_account (
    id bigint generated always as identity primary key,
    username text not null unique,
    email text not null default '',
    is_superuser boolean not null default false,
    created timestamptz not null default now()
);

create table api_key (
    id bigint generated always as identity primary key,
    user_id bigint not null references user_account on delete cascade,
    name text not null default 'maasha',
    consumer_key text not null,
    token_key text not null unique,
    token_secret text not null,
    created timestamptz not null default now()
);

create table iprange (
    id bigint generated always as identity primary key,
    subnet_id bigint not null references subnet on delete cascade,
    type text not null check (type in ('dynamic', 'reserved')),
    start_ip inet not null,
    end_ip inet not null,
    comment text not null default '',
    user_id bigint references user_account on delete set null,
    check (start_ip <= end_ip)
);
create index iprange_subnet on iprange (subnet_id);

create table interface (
    id bigint generated always as identity primary key,
    rack_id bigint not null references rack on delete cascade,
    name text not null,
    mac text not null,
    mtu integer not null default 1500,
    vlan_id bigint references vlan on delete set null,
    unique (rack_id, name)
);

create table interface_address (
    interface_id bigint not null references interface on delete cascade,
    address inet not null,
    subnet_id bigint references subnet on delete set null,
    primary key (interface_id, address)
);

-- A rack's part in a VLAN: what it was asked (and may run) and what it said it runs.
create table service (
    vlan_id bigint not null references vlan on delete cascade,
    rack_id bigint not null references rack on delete cascade,
    asked jsonb not null,
    running jsonb not null,
    state text not null default 'unknown',
    partner text not null default 'unknown',
    changed timestamptz not null default now(),
    primary key (vlan_id, rack_id)
);

create table lease (
    rack_id bigint not null references rack on delete cascade,
    ip inet not null,
    state text not null,
    mac text not null default '',
    starts timestamptz,
    ends timestamptz,
    last_transaction timestamptz,
    hostname text not null default '',
    reported timestamptz not null default now(),
    primary key (rack_id, ip)
);
create index lease_ip on lease (ip);
