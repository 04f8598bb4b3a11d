"""The fixtures with a real PostgreSQL."""

from tests.databases import (
    database,
    empty_database,
    open_pool,
    own_postgres,
    pool,
    postgres,
    reactor,
    template,
)

__all__ = [
    "database",
    "empty_database",
    "open_pool",
    "own_postgres",
    "pool",
    "postgres",
    "reactor",
    "template",
]
