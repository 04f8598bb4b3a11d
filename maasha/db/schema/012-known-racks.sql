-- A person may know of some of the racks that vanished, and not of others.

-- up to then the rack is known to have vanished: it stops nothing
alter table rack add column vanished_known timestamptz;
