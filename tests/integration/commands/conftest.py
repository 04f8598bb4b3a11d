"""An empty database for the commands of a region's host."""

from tests.databases import empty_database, postgres, reactor

__all__ = ["empty_database", "postgres", "reactor"]
