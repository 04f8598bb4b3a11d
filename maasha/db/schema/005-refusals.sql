-- counting what strangers wrote in the last hour reads no more than that
create index event_refusals on event (at) where kind = 'rack.refused';
