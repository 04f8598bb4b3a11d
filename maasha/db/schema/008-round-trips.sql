-- How each link fares, as its worker saw it last: seconds of a round trip and their mean deviation
-- (null before the first), and whether the rack was suspect, silent for longer than a heartbeat.

alter table link add column round_trip double precision;
alter table link add column round_trip_deviation double precision;
alter table link add column suspect boolean not null default false;
