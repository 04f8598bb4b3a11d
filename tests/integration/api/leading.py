"""A session that leads, as another worker's would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from twisted.internet.defer import Deferred

from maasha.db.leading import note_outlook
from maasha.db.locks import SPACE, Lock
from maasha.db.transaction import Transaction
from maasha.model.leader import Outlook
from tests.integration.api.client import World


@asynccontextmanager
async def leading(world: World, outlook: Outlook) -> AsyncIterator[None]:
    """Have another session lead: it holds the lock, and wrote what it has in mind."""
    done: Deferred[None] = Deferred()
    ready: Deferred[None] = Deferred()

    async def lead(tx: Transaction) -> None:
        await note_outlook(tx, world.worker, outlook)

    async def hold(tx: Transaction) -> None:
        await tx.execute("select pg_advisory_xact_lock(%s, %s)", SPACE, Lock.LEADER.value)
        backend = await tx.value("select pg_backend_pid()")
        await world.pool.run(lead)
        await world.pool.run(lambda tx: tx.execute("update leader set backend = %s", backend))
        ready.callback(None)
        await done

    holding = Deferred.fromCoroutine(world.pool.run(hold))
    await ready
    try:
        yield
    finally:
        done.callback(None)
        await holding
