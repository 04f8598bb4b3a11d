"""A region's share of connections, counted by the server."""

from __future__ import annotations

import pytest
from twisted.internet.base import ReactorBase
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from maasha.db.connector import Connector, SessionLimits
from maasha.db.dedicated import LIMITS, Dedicated
from maasha.db.errors import DatabaseError
from maasha.db.pool import Pool
from maasha.db.shares import LIMIT, shares
from tests.asynchronous import asynchronous
from tests.databases import even
from tests.postgres import Server


@pytest.mark.parametrize("num_workers", [4, 13])
@asynchronous
async def test_never_above(own_postgres: Server, reactor: ReactorBase, num_workers: int) -> None:
    """Through cancellations and killed sessions a region never has more than its share."""
    settings = own_postgres.create()
    share = shares(num_workers)
    limits = SessionLimits(statement=1.0)
    pools = [
        Pool(reactor, Connector(reactor, settings, limits), share.pool, jitter=even)
        for _ in range(num_workers)
    ]
    own = [
        Dedicated(reactor, Connector(reactor, settings, LIMITS), jitter=even)
        for _ in range(num_workers)
    ]
    everyone: list[Pool | Dedicated] = [*pools, *own]
    for one in everyone:
        one.start()
    most = 0
    for turn in range(12):
        await deferLater(reactor, 0.1)
        count = own_postgres.ask(
            "select count(*) from pg_stat_activity where application_name = 'maasha'"
        )
        most = max(most, int(str(count[0][0])))
        for pool in pools:
            work = Deferred.fromCoroutine(pool.run(lambda tx: tx.execute("select pg_sleep(5)")))
            work.addErrback(lambda failure: failure.trap(CancelledError, DatabaseError) and 0)
            reactor.callLater(0.05, work.cancel)
        if turn % 4 == 3:
            own_postgres.ask(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'maasha' and random() < 0.5"
            )
    for one in everyone:
        await one.stop()
    print(f"{num_workers} workers: at most {most} connections")
    assert num_workers * 2 <= most <= num_workers * share.per_worker <= LIMIT
