"""Hearing many connections at one descriptor: as the reactor would, only in one event."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from select import select
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import tcp
from twisted.internet.error import ConnectionLost
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from maasha.rpc.wire.ears import Ears
from tests.unit.rpc.parts import Listener


class Reactor:
    """Notes whom it would look at."""

    def __init__(self) -> None:
        self.readers: list[Any] = []
        self.writers: list[Any] = []

    def addReader(self, reader: Any) -> None:
        """Note it, once."""
        if reader not in self.readers:
            self.readers.append(reader)

    def addWriter(self, writer: Any) -> None:
        """Note it, once."""
        if writer not in self.writers:
            self.writers.append(writer)

    def removeReader(self, reader: Any) -> None:
        """Forget it, if it is there."""
        if reader in self.readers:
            self.readers.remove(reader)

    def removeWriter(self, writer: Any) -> None:
        """Forget it, if it is there."""
        if writer in self.writers:
            self.writers.remove(writer)

    def callLater(self, seconds: float) -> float:
        """Do what transports ask for besides."""
        return seconds


class Pipe:
    """A descriptor that reads one byte at a time, or does what a test says."""

    def __init__(self, ears: Ears) -> None:
        self.ears = ears
        self.near, self.far = socket.socketpair()
        self.read: list[bytes] = []
        self.then: Any = lambda: None
        self.lost: list[tuple[str, BaseException | None]] = []

    def fileno(self) -> int:
        """Name it."""
        return self.near.fileno()

    def doRead(self) -> Any:
        """Read."""
        self.read.append(self.near.recv(1))
        return self.then()

    def connectionLost(self, reason: Failure) -> None:
        """Note why, and close as a transport does."""
        self._end("connection", reason)

    def readConnectionLost(self, reason: Failure) -> None:
        """Likewise."""
        self._end("reading", reason)

    def _end(self, what: str, reason: Failure) -> None:
        self.lost.append((what, reason.value))
        self.ears.removeReader(self)
        self.ears.removeWriter(self)
        self.close()

    def close(self) -> None:
        """Free both ends."""
        self.near.close()
        self.far.close()


@pytest.fixture
def reactor() -> Reactor:
    """Give a reactor that only notes."""
    return Reactor()


@pytest.fixture
def ears(reactor: Reactor) -> Ears:
    """Give ears for it."""
    return Ears(reactor)


@pytest.fixture
def pipes(ears: Ears) -> Iterator[list[Pipe]]:
    """Give three that are heard."""
    made = [Pipe(ears) for _ in range(3)]
    for pipe in made:
        ears.addReader(pipe)
    yield made
    for pipe in made:
        ears.removeWriter(pipe)
        ears.removeReader(pipe)
        pipe.close()


def tell(pipes: list[Pipe], data: bytes = b"x") -> None:
    """Give them something to read."""
    for pipe in pipes:
        pipe.far.send(data)


def reads(pipes: list[Pipe]) -> list[int]:
    """Count what each has read."""
    return [len(pipe.read) for pipe in pipes]


def test_all_that_are_ready_read_in_one_event(
    reactor: Reactor, ears: Ears, pipes: list[Pipe]
) -> None:
    """The reactor sees one descriptor; it is readable as long as there is something to read."""
    assert reactor.readers == [ears]
    assert not select([ears], [], [], 0)[0]
    tell(pipes[:2], b"xy")
    assert select([ears], [], [], 0)[0] == [ears]
    ears.doRead()
    assert reads(pipes) == [1, 1, 0]
    assert select([ears], [], [], 0)[0] == [ears]
    ears.doRead()
    ears.doRead()
    assert reads(pipes) == [2, 2, 0]


def test_who_stops_reading_is_left_alone(ears: Ears, pipes: list[Pipe]) -> None:
    """Until it reads again; to say either twice changes nothing."""
    for _ in range(2):
        ears.removeReader(pipes[0])
    tell(pipes)
    ears.doRead()
    assert reads(pipes) == [0, 1, 1]
    for _ in range(2):
        ears.addReader(pipes[0])
    ears.doRead()
    assert reads(pipes) == [1, 1, 1]
    assert set(ears.getReaders()) == set(pipes)
    assert ears.getWriters() == []


def test_the_last_one_closes_the_descriptor(
    reactor: Reactor, ears: Ears, pipes: list[Pipe]
) -> None:
    """Nothing stays behind, and the next one opens another."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # names are enough
    assert set(ears.removeAll()) == set(pipes)
    assert reactor.readers == []
    assert ears.fileno() == -1
    ears.doRead()
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before - 1  # noqa: PTH208  # likewise
    ears.addReader(pipes[0])
    assert reactor.readers == [ears]


@pytest.mark.parametrize(
    ("why", "how"), [(CONNECTION_DONE, "reading"), (CONNECTION_LOST, "connection")]
)
def test_who_is_at_its_end_is_told(ears: Ears, pipes: list[Pipe], why: Exception, how: str) -> None:
    """As the reactor tells it; the others go on."""
    pipes[0].then = lambda: why
    tell(pipes)
    ears.doRead()
    assert pipes[0].lost == [(how, why)]
    assert reads(pipes) == [1, 1, 1]
    assert set(ears.getReaders()) == set(pipes[1:])


def test_a_failure_costs_its_own_connection_only(
    ears: Ears, pipes: list[Pipe], logged: Listener
) -> None:
    """It is logged, also what would end a program."""

    def fail(error: BaseException) -> None:
        raise error

    pipes[0].then = lambda: fail(ZeroDivisionError())
    pipes[1].then = lambda: fail(KeyboardInterrupt())
    tell(pipes)
    ears.doRead()
    assert [[type(why) for _, why in pipe.lost] for pipe in pipes] == [
        [ZeroDivisionError],
        [KeyboardInterrupt],
        [],
    ]
    assert reads(pipes) == [1, 1, 1]
    assert len(logged.failures) == 2


def fail_at_the_end(pipe: Pipe) -> None:
    """Have it fail when it is told of its end."""

    def fail(_: Failure) -> None:
        pipe.lost.append(("failed", None))
        raise ZeroDivisionError

    pipe.connectionLost = pipe.readConnectionLost = fail  # type: ignore[method-assign, assignment]  # as a subclass would


@pytest.mark.parametrize("why", [CONNECTION_DONE, CONNECTION_LOST])
def test_a_failure_at_the_end_costs_nobody_else_anything(
    ears: Ears, pipes: list[Pipe], why: Exception, logged: Listener
) -> None:
    """The others are read from in the same event, and heard on."""
    fail_at_the_end(pipes[0])
    pipes[0].then = lambda: why
    tell(pipes)
    ears.doRead()
    assert reads(pipes) == [1, 1, 1]
    assert set(ears.getReaders()) == set(pipes[1:])
    assert len(logged.failures) == 1


def test_a_failure_at_the_end_of_all_is_one_connections_own(
    ears: Ears, pipes: list[Pipe], logged: Listener
) -> None:
    """The reactor stops: all hear of it."""
    fail_at_the_end(pipes[0])
    ears.connectionLost(Failure(ConnectionLost()))
    assert [len(pipe.lost) for pipe in pipes] == [1, 1, 1]
    assert len(logged.failures) == 1


def test_who_is_closed_by_another_reads_no_more(ears: Ears, pipes: list[Pipe]) -> None:
    """Though it was ready in the same event."""

    def close_others() -> None:
        for pipe in pipes:
            if not pipe.read:
                ears.removeReader(pipe)
                pipe.close()

    for pipe in pipes:
        pipe.then = close_others
    tell(pipes)
    ears.doRead()
    assert sorted(reads(pipes)) == [0, 0, 1]


def test_whoever_waits_to_write_is_the_reactors(
    reactor: Reactor, ears: Ears, pipes: list[Pipe]
) -> None:
    """For both directions, so that what has come is read before a failed write ends it all."""
    ears.addWriter(pipes[0])
    ears.addWriter(pipes[0])
    assert reactor.writers == [pipes[0]]
    assert reactor.readers == [ears, pipes[0]]
    tell(pipes)
    ears.doRead()
    assert reads(pipes) == [0, 1, 1]
    ears.removeWriter(pipes[0])
    assert reactor.readers == [ears]
    ears.doRead()
    assert reads(pipes) == [1, 1, 1]


def test_when_the_reactor_stops_all_are_lost(ears: Ears, pipes: list[Pipe]) -> None:
    """It asks the descriptors that it knows."""
    ears.connectionLost(Failure(ConnectionLost()))
    assert [[type(why) for _, why in pipe.lost] for pipe in pipes] == [[ConnectionLost]] * 3
    assert ears.logPrefix()


def test_whatever_else_a_reactor_has_is_there(ears: Ears) -> None:
    """A transport does not notice."""
    assert ears.callLater(5) == 5
    with pytest.raises(AttributeError):
        _ = ears.unheard_of


steps = st.sampled_from(["addReader", "removeReader", "addWriter", "removeWriter"])


@given(st.lists(steps, max_size=12))
def test_whatever_is_asked_each_is_looked_at_by_one(asked: list[str]) -> None:
    """Reading and writing are as was said last; the ears hear those that do not write."""
    reactor = Reactor()
    ears = Ears(reactor)
    pipe = Pipe(ears)
    for step in asked:
        getattr(ears, step)(pipe)
    said = {what: [step for step in asked if step.endswith(what)][-1:] for what in ("der", "ter")}
    reads, writes = said["der"] == ["addReader"], said["ter"] == ["addWriter"]
    assert (pipe in reactor.writers) is writes
    assert (pipe in reactor.readers) is (reads and writes)
    assert (pipe in ears.getReaders()) is (reads and not writes)
    assert (ears in reactor.readers) is (reads and not writes)
    ears.removeWriter(pipe)
    ears.removeReader(pipe)
    assert reactor.readers == []
    assert ears.fileno() == -1
    pipe.close()


def test_only_plain_connections_of_this_reactor_are_moved(reactor: Reactor) -> None:
    """What is below TLS is one; whatever else has ways of its own to read stays where it is."""

    class Port:
        _realPortNumber = 1

    near, far = socket.socketpair(socket.AF_UNIX)
    ears = Ears(reactor)
    transport: Any = tcp.Server(near, Protocol(), ("192.0.2.1", 1), Port, 1, reactor)  # type: ignore[arg-type]  # a stand-in

    class Other(tcp.Server):
        """One of another class."""

    elsewhere: Any = Other(near, Protocol(), ("192.0.2.1", 1), Port, 1, reactor)  # type: ignore[arg-type]  # likewise
    ears.move(elsewhere)
    ears.move(object())
    assert elsewhere.reactor is reactor
    assert ears.getReaders() == []
    for _ in range(2):
        ears.move(transport)
    assert transport.reactor is ears
    assert ears.getReaders() == [transport]
    transport.pauseProducing()
    assert ears.getReaders() == []
    transport.resumeProducing()
    far.close()
    ears.doRead()
    assert not transport.connected
    assert ears.getReaders() == []
    ears.move(transport)
    assert ears.getReaders() == []


def test_however_many_are_ready_all_are_read_from(ears: Ears) -> None:
    """Before the reactor has its turn again, and sends the next heartbeats."""
    crowd = [Pipe(ears) for _ in range(300)]
    for pipe in crowd:
        ears.addReader(pipe)
    tell(crowd)
    ears.doRead()
    assert reads(crowd) == [1] * 300
    for pipe in crowd:
        ears.removeReader(pipe)
        pipe.close()
