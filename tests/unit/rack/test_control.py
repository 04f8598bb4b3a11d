"""rackd answers on its control socket, waits for nobody, and never depends on it."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from maasha.rack.control import (
    MOST_ASKERS,
    PATIENCE,
    UNREAD,
    Asker,
    Askers,
    Control,
    Exchange,
    Question,
)
from maasha.rack.control_client import Unanswered, ask
from maasha.rack.control_lines import LONGEST_REQUEST, Refused, Request, write_request
from tests.asynchronous import asynchronous
from tests.unit.rpc.parts import Listener

reactor: Any = global_reactor  # its type depends on the platform


async def count(details: dict[str, Any], asker: Asker) -> None:
    """Answer with the numbers up to one."""
    for number in range(details.get("to", 2)):
        asker.tell({"number": number})


async def refuse(_: dict[str, Any], asker: Asker) -> None:
    """Answer half and refuse the rest."""
    asker.tell("half")
    raise Refused("there is no more")


async def fail(_: dict[str, Any], __: Asker) -> None:
    """Fail."""
    raise ZeroDivisionError


@define(eq=False)
class Desk:
    """Answers, and keeps those whom it never stops answering."""

    watching: list[Asker] = field(factory=list)
    gone: int = 0

    @property
    def questions(self) -> dict[str, Question]:
        """All of them."""
        return {"count": count, "refuse": refuse, "fail": fail, "watch": self.watch}

    async def watch(self, _: dict[str, Any], asker: Asker) -> None:
        """Go on until whoever asked hangs up."""
        self.watching.append(asker)
        try:
            await Deferred()
        finally:
            self.gone += 1


class Channel(StringTransport):
    """A transport that can be full and be aborted."""

    aborted = False

    def abortConnection(self) -> None:
        """Note it."""
        self.aborted = True


class Lines:
    """Connections in memory."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.desk = Desk()
        self.askers = Askers(self.clock, self.desk.questions)

    def connect(self) -> tuple[Exchange, Channel]:
        """Make a connection."""
        channel, exchange = Channel(), self.askers.buildProtocol(None)
        exchange.makeConnection(channel)
        return exchange, channel

    def ask(self, name: str, **details: Any) -> tuple[Exchange, Channel]:
        """Make a connection and ask."""
        exchange, channel = self.connect()
        exchange.dataReceived(write_request(Request(name, details)))
        return exchange, channel


def answers(channel: Channel) -> list[Any]:
    """Give the lines that were sent."""
    return [json.loads(line) for line in channel.value().splitlines()]


def hang_up(exchange: Exchange) -> None:
    """Close the other end."""
    exchange.connectionLost(Failure(ConnectionDone()))


def test_a_question_is_answered_and_the_connection_closed() -> None:
    """Every item on its own line, and an end."""
    _, channel = Lines().ask("count", to=2)
    assert answers(channel) == [{"item": {"number": 0}}, {"item": {"number": 1}}, {"done": True}]
    assert channel.disconnecting
    assert channel.producer is None


def test_a_request_may_come_in_pieces() -> None:
    """What follows it is ignored."""
    exchange, channel = Lines().connect()
    for byte in write_request(Request("count", {"to": 1})) * 2:
        exchange.dataReceived(bytes([byte]))
    assert answers(channel) == [{"item": {"number": 0}}, {"done": True}]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"hello\n", "a line of this protocol is a JSON object"),
        (write_request(Request("dance")), "does not know 'dance'; it knows count, fail, refuse"),
        (b"x" * (LONGEST_REQUEST + 1), f"a request has at most {LONGEST_REQUEST} bytes"),
    ],
)
def test_what_is_no_question_is_refused(line: bytes, why: str) -> None:
    """In words."""
    exchange, channel = Lines().connect()
    exchange.dataReceived(line)
    (answer,) = answers(channel)
    assert why in answer["refused"]
    assert channel.disconnecting


def test_a_refusal_may_come_in_the_middle() -> None:
    """After what could be answered."""
    _, channel = Lines().ask("refuse")
    assert answers(channel) == [{"item": "half"}, {"refused": "there is no more"}]


def test_an_answer_that_fails_is_logged(log: Listener) -> None:
    """Whoever asked hears where to look."""
    _, channel = Lines().ask("fail")
    assert answers(channel) == [{"refused": "rackd failed to answer; its log says why"}]
    assert [type(error) for error in log.failures] == [ZeroDivisionError]


def test_one_who_asks_nothing_is_not_waited_for() -> None:
    """Nor one who does not read the end."""
    lines = Lines()
    _, channel = lines.connect()
    lines.clock.advance(PATIENCE)
    assert answers(channel) == [{"refused": "no request came"}]
    assert not channel.aborted
    lines.clock.advance(PATIENCE)
    assert channel.aborted


def test_one_who_hangs_up_is_not_worked_for() -> None:
    """What was going on is cancelled, and no timer stays."""
    lines = Lines()
    exchange, _ = lines.ask("watch")
    hang_up(exchange)
    assert lines.desk.gone == 1
    assert not lines.askers.connected
    lines.desk.watching[0].tell("nobody hears this")
    exchange, _ = lines.connect()
    hang_up(exchange)
    assert not lines.clock.getDelayedCalls()


def test_one_who_does_not_read_is_cut_off(log: Listener) -> None:
    """When so much waits; one who reads late, but reads, is not."""
    lines = Lines()
    exchange, channel = lines.ask("watch")
    (asker,) = lines.desk.watching
    piece = "x" * 1000
    for _ in range(3):
        exchange.pauseProducing()
        for _ in range(UNREAD // 1100):
            asker.tell(piece)
        assert not channel.aborted
        exchange.resumeProducing()
    exchange.pauseProducing()
    before = len(channel.value())
    for _ in range(10 * UNREAD // len(piece)):
        asker.tell(piece)
    assert channel.aborted
    assert len(channel.value()) - before <= UNREAD + 2000
    assert log.lines == ["one who asked on the control socket does not read: cut off"]
    exchange.stopProducing()


def test_too_many_at_once_are_refused() -> None:
    """Those who were there first go on."""
    lines = Lines()
    for _ in range(MOST_ASKERS):
        lines.ask("watch")
    _, channel = lines.ask("watch")
    (answer,) = answers(channel)
    assert answer["refused"] == f"{MOST_ASKERS} are asking already; end one of them"
    assert len(lines.desk.watching) == MOST_ASKERS


def test_all_hear_of_the_end() -> None:
    """That rackd stops, whatever they asked."""
    lines = Lines()
    exchange, channel = lines.ask("watch")
    lines.askers.end()
    assert answers(channel) == [{"refused": "rackd stops"}]
    lines.askers.end()
    hang_up(exchange)
    assert lines.desk.gone == 1


# on a real socket


def asked(path: Path, name: str, **details: Any) -> list[Any]:
    """Ask as `maasha-rack` does."""
    return list(ask(path, Request(name, details), 10.0))


@asynchronous
async def test_a_client_gets_its_answer(tmp_path: Path) -> None:
    """Through a socket that only its owner may use, and that is gone afterwards."""
    path = tmp_path / "data" / "control.sock"
    control = Control(reactor, path, Desk().questions)
    control.startService()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert await deferToThread(asked, path, "count") == [{"number": 0}, {"number": 1}]
    refused = deferToThread(asked, path, "refuse")
    with pytest.raises(Refused, match="there is no more"):
        await refused
    await maybeDeferred(control.stopService)
    assert not path.exists()


@asynchronous
async def test_what_a_killed_rackd_left_makes_room(tmp_path: Path) -> None:
    """The next one listens in its place; it may vanish without harm."""
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    control = Control(reactor, path, Desk().questions)
    control.startService()
    assert await deferToThread(asked, path, "count", to=1) == [{"number": 0}]
    path.unlink()
    await maybeDeferred(control.stopService)


@asynchronous
async def test_a_client_that_is_cut_off_says_so(tmp_path: Path) -> None:
    """It is not left waiting, and takes it for no good end."""
    path = tmp_path / "control.sock"
    desk = Desk()
    control = Control(reactor, path, desk.questions)
    control.startService()
    watching = deferToThread(asked, path, "watch")
    while not desk.watching:
        await deferToThread(lambda: None)
    exchange = desk.watching[0]
    assert isinstance(exchange, Exchange)
    exchange._abort()
    with pytest.raises(Unanswered, match="ended the answer early"):
        await watching
    await maybeDeferred(control.stopService)


@asynchronous
async def test_rackd_goes_on_without_its_socket(tmp_path: Path, log: Listener) -> None:
    """Where it cannot listen it says so; a path of more than 107 bytes is too long (unix(7))."""
    path = tmp_path / ("x" * 120) / "control.sock"
    control = Control(reactor, path, {})
    control.startService()
    assert log.lines[-1] == f"no control socket at {path}: rackd cannot be asked"
    await maybeDeferred(control.stopService)
