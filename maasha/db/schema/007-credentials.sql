-- What racks prove themselves with: the shared secret (two while it is replaced), join tokens, and
-- their own keys, which are made from key_root.

alter table instance add column key_root text;
update instance set key_root = encode(sha256(
    uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
), 'hex');
alter table instance alter column key_root set not null;
-- valid beside `secret` from `rotated` on, until the rotation is finished
alter table instance add column old_secret text;
alter table instance add column rotated timestamptz;
alter table instance add check ((old_secret is null) = (rotated is null));

create table join_token (
    id text primary key,
    secret text not null,
    created timestamptz not null default clock_timestamp(),
    created_by text not null,
    expires timestamptz not null,
    used timestamptz,
    -- the rack that used it, and the name of its `register`, which may come again
    rack_id bigint references rack on delete set null,
    registration text not null default ''
);

-- racks that prove a right key and have no row: the database was restored
create table stray (
    system_id text primary key,
    hostname text not null,
    version text not null,
    remote text not null,
    serving boolean not null,
    first_seen timestamptz not null default clock_timestamp(),
    last_seen timestamptz not null default clock_timestamp()
);

-- a readmitted rack serves what it served before, until somebody wants something of it
alter table rack add column kept boolean not null default false;
