-- an interface that tags its frames with a VID (802.1Q), and the interface that it does so on
alter table interface add column vid integer not null default 0 check (vid between 0 and 4094);
alter table interface add column parent text not null default '';
