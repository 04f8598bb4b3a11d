-- Addresses that are kept for one client each, and which of them a rack's dhcpd knows.

create table reservation (
    id bigint generated always as identity primary key,
    subnet_id bigint not null references subnet,
    -- lower case with colons; once on a VLAN, see the API
    mac text not null,
    ip inet not null unique,
    -- what DHCP tells the client that it is called; empty: nothing
    hostname text not null default '',
    comment text not null default ''
);
create index reservation_subnet on reservation (subnet_id);
create index reservation_mac on reservation (mac);

-- fingerprint of the fixed hosts that the rack's dhcpd knows, as the rack said last
alter table rack add column hosts text not null default '';
-- the same when it had carried out its running generation: other hosts come with another one
alter table rack add column running_hosts text not null default '';
