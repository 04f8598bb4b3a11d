"""When a cluster was last upset: from then on the rule says how soon it is even."""

from __future__ import annotations

import time

from attrs import define, field

from lab.cluster import Cluster
from maasha.db.locks import SPACE, Lock
from tests.acceptance.watching import NO_ANSWER

LEADER = (
    "select pid from pg_locks where locktype = 'advisory' and granted and objsubid = 2"
    f" and classid = {SPACE} and objid = {Lock.LEADER.value}"
)
"""The server's process for the leader's connection."""
MEMBERS = """
select worker.id::text, '' from worker
where heartbeat > clock_timestamp() - interval '8 seconds' and endpoints <> '[]'
union all
select hostname, least(count(link.id), {connections})::text
from rack left join link on rack_id = rack.id group by hostname
"""
"""A link that is made before another is broken is no change."""

Rows = tuple[tuple[str, ...], ...]


@define(eq=False)
class Quiet:
    """Looks again and again at who is there and who leads; instants are of time.monotonic()."""

    cluster: Cluster
    connections: int
    hold: float
    """Seconds for which a new leader, or any after a loss of the database, looks on."""
    since: float = field(factory=time.monotonic)
    """When all was as it is now, and nothing was held up any more."""
    _members: frozenset[tuple[str, ...]] | None = None
    _leader: Rows | None = None

    def look(self) -> None:
        """Note what has changed; without a database everything may."""
        now = time.monotonic()
        try:
            leader = self.cluster.sql(LEADER)
            members = frozenset(self.cluster.sql(MEMBERS.format(connections=self.connections)))
        except NO_ANSWER:
            self._leader = ()
            return
        if members != self._members:
            self.since = max(self.since, now)
        if self._leader is not None and leader != self._leader:
            self.since = max(self.since, now + self.hold)
        self._members, self._leader = members, leader
