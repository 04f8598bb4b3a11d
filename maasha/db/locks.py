"""Advisory locks: one list, so that no two uses share a number by accident."""

from __future__ import annotations

from enum import Enum

from maasha.db.transaction import Transaction

SPACE = 0x6D61
"""The first key of the two-key locks without a text ("ma"); the second is the Lock's number."""


class Lock(Enum):
    """What is locked."""

    SCHEMA = 1
    INCARNATION = 2
    NETWORKS = 3
    ALARM = 4
    HOSTNAME = 5
    SYSTEM_ID = 6
    LEADER = 7


async def hold(tx: Transaction, lock: Lock, key: str = "") -> None:
    """Hold a lock until the transaction ends; `key` divides it (by a hash of 32 bits)."""
    if key:
        await tx.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", SPACE + lock.value, key)
    else:
        await tx.execute("select pg_advisory_xact_lock(%s, %s)", SPACE, lock.value)
