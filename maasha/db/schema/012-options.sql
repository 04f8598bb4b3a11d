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
alter table vlan add constraint relayed_is_not_served check (relay_vlan is null or not dhcp_on);
create index vlan_relay on vlan (relay_vlan) where relay_vlan is not null;
alter table subnet add column ntp_servers inet[] not null default '{}';
alter table subnet add column search_list text[] not null default '{}';
