"""Workers tell each other their figures on Unix sockets; who does not, is left out."""

from __future__ import annotations

import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher

from maasha.region.metrics.families import LONGEST, Family, gauge, read, written
from maasha.region.metrics.offer import PATIENCE, Offer, Tellers, socket_of
from maasha.region.metrics.scrape import WITHIN, Scrape, ask
from tests.asynchronous import asynchronous, block_on
from tests.unit.region.metrics.scraped import found, sample
from tests.unit.rpc.parts import Listener

reactor: Any = global_reactor  # its type depends on the platform
Serve = Callable[[int], Offer]


async def figures() -> tuple[Family, ...]:
    """Tell one."""
    return (gauge("links", "Links.", 2),)


async def failure() -> tuple[Family, ...]:
    """Tell nothing."""
    raise ZeroDivisionError


async def silence() -> tuple[Family, ...]:
    """Take for ever."""
    await Deferred()
    raise AssertionError


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start offers of workers, which end after the test."""
    offers: list[Offer] = []

    def served(slot: int, tell: Callable[[], Any] = figures) -> Offer:
        offer = Offer(reactor, socket_of(tmp_path, slot), tell)
        offers.append(offer)
        offer.startService()
        return offer

    yield served
    for offer in offers:
        if offer.running:
            block_on(stopped(offer))


async def stopped(offer: Offer) -> None:
    """End an offer."""
    await maybeDeferred(offer.stopService)


class Channel(StringTransport):
    """A transport that can be aborted."""

    aborted = False

    def abortConnection(self) -> None:
        """Note it."""
        self.aborted = True


def listening(path: Path) -> socket.socket:
    """Listen as a process does that is frozen: the kernel connects, nobody answers."""
    opened = socket.socket(socket.AF_UNIX)
    opened.bind(str(path))
    opened.listen()
    return opened


@asynchronous
async def test_any_worker_tells_of_all(tmp_path: Path, serve: Serve) -> None:
    """Of itself and of its siblings, whichever is asked."""
    for slot in range(2):
        serve(slot)
    for slot in range(2):
        values = found(await Scrape(reactor, tmp_path, slot, 2, figures).text())
        assert values == {
            sample("maasha_worker_up", worker="0"): 1.0,
            sample("maasha_worker_up", worker="1"): 1.0,
            sample("links", worker="0"): 2.0,
            sample("links", worker="1"): 2.0,
        }


@asynchronous
async def test_a_worker_that_is_not_there_is_left_out(tmp_path: Path, serve: Serve) -> None:
    """Whether it never came or died: the socket of a dead process refuses."""
    serve(0)
    listening(socket_of(tmp_path, 1)).close()
    values = found(await Scrape(reactor, tmp_path, 0, 3, figures).text())
    assert [values[sample("maasha_worker_up", worker=str(slot))] for slot in range(3)] == [1, 0, 0]


@asynchronous
async def test_a_frozen_worker_is_left_out_after_a_second(tmp_path: Path) -> None:
    """Others are waited for at the same time, not one after the other."""
    frozen = [listening(socket_of(tmp_path, slot)) for slot in (1, 2)]
    began = reactor.seconds()
    values = found(await Scrape(reactor, tmp_path, 0, 3, figures).text())
    assert WITHIN <= reactor.seconds() - began < 2 * WITHIN
    assert sum(values[sample("maasha_worker_up", worker=str(slot))] for slot in range(3)) == 1
    for one in frozen:
        one.close()


@asynchronous
async def test_who_tells_without_end_is_left_out(tmp_path: Path) -> None:
    """What is kept of it is bounded."""
    with listening(tmp_path / "endless.sock") as endless:

        def tell() -> None:
            channel, _ = endless.accept()
            with channel:
                try:
                    while True:
                        channel.sendall(bytes(65536))
                except OSError:
                    pass

        telling = deferToThread(tell)
        assert await ask(reactor, tmp_path / "endless.sock") is None
        await telling
    assert len(written(await figures())) < LONGEST


@asynchronous
async def test_nobody_else_may_ask(tmp_path: Path, serve: Serve) -> None:
    """The socket is its owner's, and goes with the process."""
    offer = serve(0)
    path = socket_of(tmp_path, 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await stopped(offer)
    assert list(tmp_path.iterdir()) == []


@asynchronous
async def test_a_new_process_replaces_the_socket(tmp_path: Path, serve: Serve) -> None:
    """A dead one's, and that of one that has not ended yet, which then leaves it alone."""
    path = socket_of(tmp_path, 0)
    listening(path).close()
    old = serve(0)
    assert read(written(await figures())) == await ask(reactor, path)
    serve(0)
    await stopped(old)
    assert await ask(reactor, path) == await figures()


@asynchronous
async def test_without_a_socket_the_worker_goes_on(tmp_path: Path) -> None:
    """The log says that its siblings miss it."""
    listener = Listener()
    globalLogPublisher.addObserver(listener)
    folder = tmp_path / "file"
    folder.touch()
    offer = Offer(reactor, socket_of(folder, 0), figures)
    offer.startService()
    globalLogPublisher.removeObserver(listener)
    await stopped(offer)
    assert any("siblings miss our metrics" in line for line in listener.lines)


def told(clock: IReactorTime, tell: Callable[[], Any]) -> tuple[Any, Channel]:
    """Connect in memory to one who tells."""
    channel, teller = Channel(), Tellers(clock, tell).buildProtocol(None)
    teller.makeConnection(channel)
    return teller, channel


def test_whoever_connects_is_told_and_hung_up_on() -> None:
    """Nothing needs to be asked."""
    teller, channel = told(Clock(), figures)
    assert [family.name for family in read(channel.value()) or ()] == ["links"]
    assert channel.disconnecting
    teller.connectionLost()
    assert not channel.aborted


def test_who_does_not_read_is_cut_off() -> None:
    """And who went away is not worked for."""
    clock = Clock()
    _, channel = told(clock, silence)
    clock.advance(PATIENCE)
    assert channel.aborted
    teller, channel = told(clock, silence)
    teller.connectionLost()
    assert clock.getDelayedCalls() == []
    assert not channel.aborted


def test_figures_that_cannot_be_read_are_none() -> None:
    """The log says why."""
    listener = Listener()
    globalLogPublisher.addObserver(listener)
    _, channel = told(Clock(), failure)
    globalLogPublisher.removeObserver(listener)
    assert (channel.value(), channel.aborted) == (b"", True)
    (error,) = listener.failures
    assert isinstance(error, ZeroDivisionError)


def test_an_end_hangs_up_on_everyone() -> None:
    """A worker that stops waits for nobody."""
    tellers, channel = Tellers(Clock(), silence), Channel()
    tellers.buildProtocol(None).makeConnection(channel)
    tellers.end()
    assert channel.aborted
