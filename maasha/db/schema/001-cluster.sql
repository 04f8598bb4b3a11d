-- The instance, its controllers, and the append-only history.

create table instance (
    singleton boolean primary key default true check (singleton),
    uuid uuid not null default gen_random_uuid(),
    secret text not null,
    omapi_secret text not null,
    incarnation bigint not null default 1,
    -- (cluster's system identifier, timeline, oids of database and table): differs after a
    -- restore or failover
    fingerprint text not null,
    created timestamptz not null default now()
);

create table event (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    who text not null,
    subject text not null,
    kind text not null,
    severity text not null check (severity in ('debug', 'info', 'warning', 'alarm')),
    detail text not null default '',
    clears bigint references event
);
create index event_clears on event (clears) where clears is not null;
create index event_alarms on event (subject, kind) where severity = 'alarm';
create index event_subject on event (subject, id);

create function refuse_to_rewrite_history() returns trigger language plpgsql as $$
begin
    raise exception 'events are append-only: write a new one' using errcode = 'restrict_violation';
end $$;
create trigger event_append_only before update or delete on event
    for each row execute function refuse_to_rewrite_history();
create trigger event_no_truncate before truncate on event
    for each statement execute function refuse_to_rewrite_history();

create table region (
    id bigint generated always as identity primary key,
    system_id text not null unique,
    hostname text not null unique,
    version text not null,
    created timestamptz not null default now()
);

-- a worker's epochs: every start takes the next, whether or not its predecessor's row is left
create sequence worker_epoch;

create table worker (
    id bigint generated always as identity primary key,
    region_id bigint not null references region on delete cascade,
    slot integer not null,
    pid integer not null,
    -- made anew by each process: tells it from its predecessor in the slot
    token uuid not null unique,
    epoch_incarnation bigint not null,
    epoch_counter bigint not null,
    endpoints jsonb not null default '[]',
    started timestamptz not null default now(),
    heartbeat timestamptz not null default now(),
    unique (region_id, slot)
);

create table rack (
    id bigint generated always as identity primary key,
    system_id text not null unique,
    hostname text not null,
    version text not null,
    url text not null default '',
    description text not null default '',
    created timestamptz not null default now(),
    last_seen timestamptz not null default now(),
    deleted timestamptz,
    -- the one worker that acts for this rack; every change raises the epoch
    owner bigint references worker on delete set null,
    owner_incarnation bigint not null default 0,
    owner_counter bigint not null default 0,
    wanted_incarnation bigint not null default 0,
    wanted_counter bigint not null default 0,
    running_incarnation bigint not null default 0,
    running_counter bigint not null default 0,
    -- the generation that dhcpd refused, with its words
    failed_incarnation bigint not null default 0,
    failed_counter bigint not null default 0,
    problem text not null default '',
    serving boolean not null default false,
    -- another plan is on its way to the rack, which has not said yet what became of it
    commanded boolean not null default false,
    digest text not null default '',
    lease_store text not null default ''
);
create unique index rack_hostname on rack (hostname) where deleted is null;

create table link (
    id bigint generated always as identity primary key,
    rack_id bigint not null references rack on delete cascade,
    worker_id bigint not null references worker on delete cascade,
    remote text not null,
    since timestamptz not null default now()
);
create index link_rack on link (rack_id);
create index link_worker on link (worker_id);
