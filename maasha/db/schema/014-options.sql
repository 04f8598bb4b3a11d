-- What DHCP tells clients beside their address, and the numbers of failover pairs.

alter table vlan add column mclt integer not null default 3600;
alter table vlan add column split integer not null default 255;
alter table vlan add column max_response_delay integer not null default 60;
-- who has the boot files; null: the rack that answers
alter table vlan add column next_server inet;
-- [{"architecture": RFC 4578's number or null, "file": name or URL}]
alter table vlan add column boot_files jsonb not null default '[]';
-- the VLAN whose racks serve this one too: something there passes on what clients broadcast here
alter table vlan add column relay_vlan bigint references vlan;
-- the one before: its racks may serve this one until they have confirmed that they do not
alter table vlan add column relay_was bigint references vlan on delete set null;
alter table vlan add constraint relayed_is_not_served check (relay_vlan is null or not dhcp_on);
create index vlan_relay on vlan (relay_vlan) where relay_vlan is not null;
alter table subnet add column ntp_servers inet[] not null default '{}';
alter table subnet add column search_list text[] not null default '{}';

-- statements of dhcpd.conf(5) that people wrote, for all VLANs, a subnet or a range
create table dhcp_snippet (
    id bigint generated always as identity primary key,
    name text not null unique,
    description text not null default '',
    enabled boolean not null default true,
    subnet_id bigint references subnet,
    range_id bigint references iprange,
    -- dhcpd's words about the text that is there now, which is left out then; empty: none
    refusal text not null default '',
    check (subnet_id is null or range_id is null)
);
create table dhcp_snippet_text (
    id bigint generated always as identity primary key,
    snippet_id bigint not null references dhcp_snippet on delete cascade,
    value text not null,
    created timestamptz not null default now()
);
create index dhcp_snippet_text_of on dhcp_snippet_text (snippet_id, id);
