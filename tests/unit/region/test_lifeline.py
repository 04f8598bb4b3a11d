"""A worker ends with its master: the pipe on its standard input tells it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred

from maasha.region.lifeline import GRACE, Lifeline
from tests.asynchronous import asynchronous

reactor: Any = global_reactor  # its type depends on the platform
SOON = 5.0


class Worker:
    """Holds the reading end; `cut` fires when the master is gone."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.cut: Deferred[None] = Deferred()
        self.lifeline = Lifeline(reactor, self.reading, lambda: self.cut.callback(None))
        self.lifeline.startReading()

    def die(self) -> None:
        """Let the master die."""
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1


@pytest.fixture
def worker() -> Iterator[Worker]:
    """Give a worker; the alarm that ends it by force is put off."""
    before = signal.getsignal(signal.SIGALRM)
    made = Worker()
    yield made
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    made.lifeline.stopReading()
    made.die()
    os.close(made.reading)


@asynchronous
async def test_the_end_of_the_master_is_noticed(worker: Worker) -> None:
    """At once, however it died; a worker that hangs then is ended by force."""
    worker.die()
    await worker.cut.addTimeout(SOON, reactor)
    assert 0 < signal.alarm(0) <= GRACE


@asynchronous
async def test_what_is_written_means_nothing(worker: Worker) -> None:
    """Only the end counts."""
    os.write(worker.writing, b"hello")
    assert worker.lifeline.doRead() is None
    assert not worker.cut.called
    worker.die()
    await worker.cut.addTimeout(SOON, reactor)
