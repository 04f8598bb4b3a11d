"""Dumps of a cluster's database, and putting one in the place of what is there."""

from __future__ import annotations

from lab import until
from lab.cluster import Cluster
from tests.acceptance.watching import answers


def dumped(cluster: Cluster) -> str:
    """Give a dump as SQL."""
    return _as_postgres(cluster, "pg_dump", "maasha")


def restore(cluster: Cluster, dump: str) -> None:
    """Stop the region, put an older dump in place, start it; returns when the API answers."""
    cluster.runner(cluster.region).stop("regiond")
    _as_postgres(cluster, "dropdb", "--force", "maasha")
    _as_postgres(cluster, "createdb", "--owner", "maasha", "maasha")
    _as_postgres(cluster, "psql", "-q", "-v", "ON_ERROR_STOP=1", "maasha", text=dump)
    cluster.runner(cluster.region).start("regiond")
    until(lambda: answers(cluster), "the API to answer", timeout=40.0, interval=0.3)


def _as_postgres(cluster: Cluster, program: str, *arguments: str, text: str = "") -> str:
    """Run a program of PostgreSQL as its superuser."""
    database = cluster.database
    argv = [str(database.programs / program), "-h", str(database.data), *arguments]
    return cluster.db.run(argv, user=database.user, text=text, timeout=60.0).stdout
