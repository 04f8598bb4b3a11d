"""Who leads: the session that holds the leader's lock, and the worker process at its other end."""

from __future__ import annotations

from attrs import frozen

from lab import Host, ProcessId
from lab.cluster import Cluster
from tests.acceptance.quiet import LEADER

WHO = f"""
select pid, backend_start, worker, outlook ->> 'since' from ({LEADER}) lock
join pg_stat_activity using (pid) join leader on backend = pid
"""
"""Nobody before a new leader has looked once."""


@frozen
class Leader:
    """A session of the database, which another never is, and whose it is."""

    session: str
    worker: str
    """region/slot."""
    since: str
    """When it began to lead, by its own clock."""

    @property
    def slot(self) -> str:
        """Which of its region's workers it is."""
        return self.worker.partition("/")[2]


def leader(cluster: Cluster) -> Leader | None:
    """Give who leads, None: nobody, or one that has not looked yet."""
    found = cluster.sql(WHO)
    if not found:
        return None
    pid, began, worker, since = found[0]
    return Leader(f"{pid} {began}", worker, since)


def region_of(cluster: Cluster, leading: Leader) -> Host:
    """Give the host of the leader."""
    return cluster.lab.hosts[leading.worker.partition("/")[0]]


def process_of(cluster: Cluster, leading: Leader) -> ProcessId:
    """Give the leader's process."""
    workers = region_of(cluster, leading).processes("maasha.daemon.worker")
    (found,) = [worker.id for worker in workers if f"--slot={leading.slot}" in worker.argv]
    return found


def sessions(cluster: Cluster) -> set[str]:
    """Give all sessions of the database."""
    rows = cluster.sql("select pid, backend_start from pg_stat_activity")
    return {" ".join(row) for row in rows}
