-- which host a worker runs on (boot_id): two hosts of one name are not one region
alter table worker add column host text not null default '';
