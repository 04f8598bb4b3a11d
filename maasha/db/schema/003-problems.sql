-- `refusal`: dhcpd's words about the generation that it refused (failed_*);
-- `problem`: why dhcpd is down, as the rack itself says
alter table rack rename column problem to refusal;
alter table rack add column problem text not null default '';
-- the generation for which the problems of the rack's services are on record
alter table rack add column judged_incarnation bigint not null default 0;
alter table rack add column judged_counter bigint not null default 0;
-- why the rack cannot serve the VLAN as it is to; empty: nothing stands against it
alter table service add column problem text not null default '';
