-- Roles without a hand: who chose a VLAN's racks, and what racks know of each other.

-- whether the places of the VLAN are filled without a hand
alter table vlan add column ha_auto boolean not null default true;
-- who chose the rack, or wants nobody there (`user:admin`); empty: nobody, it is automatic
alter table vlan add column primary_by text not null default '';
alter table vlan add column secondary_by text not null default '';
-- what people chose before this was written down stays
update vlan set primary_by = 'user:unknown' where primary_rack is not null;
update vlan set secondary_by = 'user:unknown' where secondary_rack is not null;

-- a person's word that the rack will not come back; it ends when the rack comes all the same
alter table rack add column lost timestamptz;
alter table rack add column lost_by text not null default '';

-- what one rack knows of another on a VLAN
create table sighting (
    vlan_id bigint not null references vlan on delete cascade,
    rack_id bigint not null references rack on delete cascade,
    peer_id bigint not null references rack on delete cascade,
    -- when a probe frame last went over the VLAN and came back
    probed timestamptz,
    -- when the peer's TCP 647 was last reached
    reached timestamptz,
    -- seconds by which the peer's clock is ahead
    clock_offset double precision,
    primary key (vlan_id, rack_id, peer_id)
);
