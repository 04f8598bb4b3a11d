"""The connection of a worker's own, when it breaks while several wait for it."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from maasha.db.dedicated import LIMITS, PING_INTERVAL, Dedicated
from maasha.db.errors import ConnectionLost
from maasha.db.link_moves import end_overdue
from tests.memory.server import Database
from tests.memory.wire import Opener, Way
from tests.simulation.failures import heard
from tests.simulation.time import Time, Timers

SLOW = 0.4
"""Seconds from here to the database."""


def test_broken_while_the_ping_waits_for_its_turn() -> None:
    """That is nothing unforeseen: no traceback is written, and the next connection is opened."""
    failures: list[str] = []
    with heard(failures):
        break_a_connection()
    assert failures == []


def break_a_connection() -> None:
    """Have the server end a session in which one works and another waits for its turn."""
    time, way = Time(), Way(latency=SLOW)
    clock = Timers(time)
    database = Database(clock)
    dedicated = Dedicated(clock, Opener(database, clock, way, LIMITS), jitter=lambda: 0.5)
    dedicated.start()
    time.advance(SLOW + 2 * SLOW + PING_INTERVAL - 0.1)
    assert dedicated.connected
    working: list[Failure] = []
    work = Deferred.fromCoroutine(dedicated.run(end_overdue))
    work.addErrback(working.append)
    time.advance(0.2)  # the ping's time has come
    database.crash()
    time.advance(2 * SLOW)
    assert [failure.type for failure in working] == [ConnectionLost]
    assert not dedicated.connected
    time.advance(10.0)
    assert dedicated.connected
