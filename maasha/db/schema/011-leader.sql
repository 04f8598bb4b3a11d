-- What the leader knows, for whoever shows the placement, and which vanished racks people know of.

-- what the worker that leads saw with its last look, written when it changed
create table leader (
    single boolean primary key default true check (single),
    -- the session that wrote it: what it says holds as long as that one has the leader's lock
    backend integer not null,
    -- hostname/slot, as people know it
    worker text not null,
    changed timestamptz not null default clock_timestamp(),
    outlook jsonb not null
);

-- racks that vanished up to then are known to a person: they stop nothing
alter table instance add column vanished_known timestamptz;
alter table instance add column vanished_known_by text;
