-- leases in the order in which their racks number them, of hosts with fixed addresses too

alter table lease
    add column sequence bigint not null default 0,
    add column fixed boolean not null default false,
    -- the client's host name as DNS takes it, empty where it does not; `hostname` is what it said
    add column name text not null default '',
    -- its end has come and was told, whether or not the rack ever says so
    add column lapsed boolean not null default false;
-- a thousand updates a second: room beside each row, and the dead ones are soon gone
alter table lease set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index lease_ends on lease (ends) where state = 'active' and not lapsed;

-- the highest number that each rack gave a word
create table lease_count (
    rack_id bigint primary key references rack on delete cascade,
    sequence bigint not null
);
