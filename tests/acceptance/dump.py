"""The database's rows as text, so that a test can say that nothing in them has changed."""

from __future__ import annotations

from lab.cluster import Cluster

LIVING = (
    *("event", "evenness", "leader", "lease", "lease_count", "link", "link_move", "sighting"),
    *("dhcp_server", "pool_count", "region_resolver", "resolver_sighting", "worker"),
)
"""Tables left out: histories grow, leases are the clients', links and workers come and go, and who
leads, looks out, probes or counts tells what it sees."""
MOVING = {
    "rack": ("last_seen", "owner", "owner_incarnation", "owner_counter"),
    "service": ("changed",),
    "stray": ("last_seen",),
}
"""Columns left out: when something was last heard of, and which worker acts."""


def rows(cluster: Cluster) -> tuple[str, ...]:
    """Give every row of every other table whole, but for the columns that move by themselves."""
    tables = cluster.sql(
        "select table_name from information_schema.tables where table_schema = 'public'"
        f" and table_name not in ({_words(LIVING)}) order by 1"
    )
    dumps = [
        f"select '{table} ' || (to_jsonb(t) - array[{_words(MOVING.get(table, ()))}]::text[])::text"
        f" as line from {table} t"
        for (table,) in tables
    ]
    return tuple(line for (line,) in cluster.sql(" union all ".join(dumps) + " order by line"))


def changes(cluster: Cluster, kept: tuple[str, ...]) -> list[str]:
    """Give the rows that are not in `kept` (+), and those that are only there (-)."""
    now = rows(cluster)
    gone = [f"- {row}" for row in kept if row not in now]
    return gone + [f"+ {row}" for row in now if row not in kept]


def _words(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
