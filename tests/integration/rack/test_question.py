"""A name server answers a question, or it is of no use; real UDP on this host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Any

import pytest
from twisted.internet import reactor as global_reactor
from twisted.internet.protocol import DatagramProtocol
from twisted.names.dns import ENAME, EREFUSED, ESERVER, OK, Message

from maasha.rack.probing.question import NAME, answers
from tests.asynchronous import asynchronous

reactor: Any = global_reactor  # its type depends on the platform
HERE = IPv4Address("127.0.0.1")
NUMBER = 0x1234


class Server(DatagramProtocol):
    """Answers in some way; the first `deaf` questions it does not hear."""

    def __init__(self, code: int, deaf: int = 0) -> None:
        self.code = code
        self.deaf = deaf
        self.asked: list[Message] = []

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """Answer."""
        question = Message()
        question.fromStr(datagram)
        self.asked.append(question)
        if len(self.asked) > self.deaf:
            self.answer(question, addr)

    def answer(self, question: Message, addr: tuple[str, int]) -> None:
        """Say that it went so."""
        made = Message(id=question.id, answer=1, rCode=self.code)
        made.queries = question.queries
        self.say(made.toStr(), addr)

    def say(self, words: bytes, addr: tuple[str, int]) -> None:
        """Send them."""
        transport: Any = self.transport
        transport.write(words, addr)


class Babbler(Server):
    """Sends garbage, another's answer and a question before it answers."""

    def answer(self, question: Message, addr: tuple[str, int]) -> None:
        """Do so."""
        self.say(b"\xff" * 40, addr)
        self.say(b"", addr)
        self.say(Message(id=question.id ^ 1, answer=1, rCode=OK).toStr(), addr)
        self.say(Message(id=question.id, answer=0, rCode=OK).toStr(), addr)
        super().answer(question, addr)


@contextmanager
def serving(server: Server) -> Iterator[int]:
    """Let a server run; gives its port."""
    port = reactor.listenUDP(0, server, interface=str(HERE))
    yield port.getHost().port
    port.stopListening()


async def ask(server: Server) -> bool:
    """Ask a server that runs meanwhile."""
    with serving(server) as port:
        return await answers(reactor, lambda: NUMBER, HERE, HERE, port)


@pytest.mark.parametrize(
    ("code", "helps"), [(OK, True), (ENAME, True), (EREFUSED, False), (ESERVER, False)]
)
@asynchronous
async def test_an_answer(code: int, helps: bool) -> None:
    """There is such a name, or there is none; who refuses or fails is no name server for us."""
    server = Server(code)
    assert await ask(server) is helps
    (question,) = server.asked
    assert (question.id, question.queries[0].name.name, question.recDes) == (NUMBER, NAME, 1)


@asynchronous
async def test_a_question_that_is_lost_is_asked_again() -> None:
    """Once: who is silent then has not answered."""
    assert await ask(Server(OK, deaf=1))
    silent = Server(OK, deaf=9)
    assert not await ask(silent)
    assert len(silent.asked) == 2


@asynchronous
async def test_what_is_no_answer_is_not_heard() -> None:
    """Garbage and others' answers change nothing."""
    assert await ask(Babbler(OK))


@asynchronous
async def test_where_nobody_listens_there_is_no_answer() -> None:
    """The kernel may say so or not."""
    with serving(Server(OK)) as port:
        pass
    assert not await answers(reactor, lambda: NUMBER, HERE, HERE, port)


@asynchronous
async def test_another_server_does_not_answer_for_it() -> None:
    """It counts who was asked."""
    second = IPv4Address("127.0.0.2")

    class Elsewhere(Server):
        """Answers from another address."""

        def say(self, words: bytes, addr: tuple[str, int]) -> None:
            """Send them from there."""
            other.say(words, addr)

    other = Server(OK)
    port = reactor.listenUDP(0, other, interface=str(second))
    try:
        assert not await ask(Elsewhere(OK))
    finally:
        port.stopListening()


@asynchronous
async def test_an_address_that_is_not_ours() -> None:
    """Nobody can ask from there, which says nothing of the server."""
    with pytest.raises(OSError, match="cannot ask from"):
        await answers(reactor, lambda: NUMBER, IPv4Address("192.0.2.1"), HERE)
