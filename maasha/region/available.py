"""The database's failures in the words of the protocol."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from maasha.db.errors import DatabaseError, DatabaseUnavailable
from maasha.db.pool import RETRY_AFTER
from maasha.db.racks import RackRefused
from maasha.rpc.errors import Unavailable

T = TypeVar("T")


async def available(work: Awaitable[T]) -> T:
    """Wait for the database's answer; raises Unavailable where there is none."""
    try:
        return await work
    except DatabaseUnavailable as error:
        raise Unavailable(error.reason, error.retry_after) from error
    except RackRefused:
        raise
    except DatabaseError as error:
        raise Unavailable(str(error), RETRY_AFTER) from error
