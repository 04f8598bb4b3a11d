-- Placement: how much a worker is to carry, what is drained, what the leader has links do, and how
-- even it was.

-- how many links the worker is to have, compared with the others'
alter table worker add column capacity double precision not null default 1 check (capacity > 0);
-- a worker that is about to end has its links moved away
alter table worker add column leaving boolean not null default false;
-- when the balancer moved the rack here; null: the rack came by itself
alter table link add column moved timestamptz;

-- what people want emptied; a worker is named by its region and slot, so a drain outlives processes
create table drain (
    id bigint generated always as identity primary key,
    region_id bigint references region on delete cascade,
    slot integer,
    rack_id bigint references rack on delete cascade,
    since timestamptz not null default clock_timestamp(),
    by text not null,
    expires timestamptz not null,
    -- what happens when it expires: it is undone, or stays and raises an alarm
    keep boolean not null default false,
    check ((region_id is null) <> (rack_id is null)),
    check (slot is null or region_id is not null)
);
create unique index drain_target on drain
    (coalesce(region_id, 0), coalesce(slot, -1), coalesce(rack_id, 0));

-- automatic acts stop until then; `paused_by` with no instant: until somebody resumes
alter table instance add column paused_by text;
alter table instance add column paused_until timestamptz;

-- moves of links: the open ones are asked of racks, the ended ones are history; without a target
-- the link is closed, for its rack has others
create table link_move (
    id bigint generated always as identity primary key,
    rack_id bigint not null references rack on delete cascade,
    -- no references: links and workers go, the history stays
    link_id bigint not null,
    source bigint not null,
    target bigint,
    -- hostname/slot of both, as people know them
    source_name text not null,
    target_name text not null default '',
    reason text not null,
    begun timestamptz not null default clock_timestamp(),
    deadline timestamptz not null,
    ended timestamptz,
    -- empty: it is done
    failure text not null default ''
);
create unique index link_move_open on link_move (rack_id) where ended is null;
create index link_move_source on link_move (source) where ended is null;
create index link_move_begun on link_move (begun);

-- the greatest load over the mean, noted whenever it changed
create table evenness (
    at timestamptz primary key default clock_timestamp(),
    ratio double precision not null,
    links integer not null,
    workers integer not null
);
