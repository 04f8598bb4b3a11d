"""Requests are started in order, in limited number, and only while somebody waits for them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.protocols import amp
from twisted.python.failure import Failure

from maasha.rpc.wire.boxes import box_of
from maasha.rpc.wire.calling import CANCEL
from maasha.rpc.wire.context import ORIGIN
from maasha.rpc.wire.errors import MessageTooLong
from maasha.rpc.wire.limits import Limits
from tests.unit.rpc.wire.parts import (
    Desk,
    Fail,
    Lookup,
    Pair,
    Ping,
    Spread,
    Timed,
    Transport,
    Wait,
    advance,
    outcome,
    timed,
)


class Tolerant(Timed):
    """Keeps the connection after an undeclared error: the one hook."""

    def failed(self, failure: Failure, command: bytes) -> Failure:
        """Give the caller an id."""
        if failure.check(amp.RemoteAmpError):
            return failure
        return Failure(amp.RemoteAmpError(b"FAILED", f"{command.decode()} #1"))


class Slow(amp.CommandLocator):
    """Answers from coroutines."""

    def __init__(self) -> None:
        self.gates: dict[int, Deferred[Any]] = {}
        self.traces: list[tuple[str, float]] = []
        self.ended: list[int] = []

    @Wait.responder
    async def wait(self, id: int) -> dict[str, object]:
        """Wait twice."""
        self._note()
        try:
            if id:
                self.gates[id] = Deferred()
                await self.gates[id]
                self.gates[id] = Deferred()
                id = await self.gates[id]
            self._note()
        finally:
            self.ended.append(id)
        return {"id": id}

    def _note(self) -> None:
        origin = ORIGIN.get()
        assert origin is not None
        self.traces.append((origin.trace, origin.expires))


def slow() -> tuple[Pair, Slow, Clock]:
    """Join two of ours, one with coroutines."""
    clock, desk = Clock(), Slow()
    return Pair(Timed(clock), Timed(clock, locator=desk)), desk, clock


def requests(*numbers: int) -> bytes:
    """Write requests as a stock peer would that waits for nothing."""
    return b"".join(
        box_of({amp.ASK: b"%d" % n, amp.COMMAND: b"Wait", b"id": b"%d" % n}) for n in numbers
    )


def test_a_coroutine_that_does_not_wait_answers_in_the_same_turn() -> None:
    """No Deferred is needed for it, and it knows its trace and deadline."""
    pair, desk, _ = slow()
    end = outcome(pair.client.callRemote(Wait, id=0))
    pair.flush()
    assert end == [{"id": 0}]
    assert desk.traces == [("t.1", 10.0)] * 2
    assert ORIGIN.get() is None


def test_a_coroutine_that_waits_keeps_its_trace() -> None:
    """It goes on where it was, with what it was asked for."""
    pair, desk, _ = slow()
    end = outcome(pair.client.callRemote(Wait, id=1))
    pair.flush()
    desk.gates[1].callback(None)
    assert end == []
    desk.gates[1].callback(5)
    pair.flush()
    assert end == [{"id": 5}]
    assert desk.traces == [("t.1", 10.0)] * 2


def test_a_coroutine_hears_the_errors_that_it_awaits() -> None:
    """An error at a later wait is raised in it, and ends the call as stock AMP would."""
    pair, desk, _ = slow()
    end = outcome(pair.client.callRemote(Wait, id=1))
    pair.flush()
    desk.gates[1].callback(None)
    desk.gates[1].errback(ZeroDivisionError())
    pair.flush()
    assert desk.ended == [1]
    assert end[0][0] is amp.UnknownRemoteError


def test_cancelling_a_call_cancels_the_coroutine() -> None:
    """It is ended where it waits."""
    pair, desk, _ = slow()
    pair.client.cancels = True
    call = pair.client.callRemote(Wait, id=1)
    outcome(call)
    pair.flush()
    call.cancel()
    pair.flush()
    assert desk.ended == [1]


def test_requests_beyond_the_places_are_held() -> None:
    """At most `in_flight` are worked on; the heartbeat is answered all the same."""
    clock = Clock()
    pair, desk = timed(clock, Limits(in_flight=2))
    ends = [outcome(pair.client.callRemote(Wait, id=number)) for number in range(4)]
    ping = outcome(pair.client.callRemote(Ping))
    pair.flush()
    assert (desk.started, ping) == ([0, 1], [{}])
    for number in range(4):
        desk.finish(number)
        pair.flush()
    assert ends == [[{"id": number}] for number in range(4)]
    assert pair.server.metrics.held == 2


def test_work_that_nobody_waits_for_is_not_started() -> None:
    """A held request whose deadline passes is refused, not started."""
    clock = Clock()
    pair, desk = timed(clock, Limits(in_flight=1))
    outcome(pair.client.call_within(60.0, Wait, id=0))
    pair.flush()
    pair.client.cancels = False
    end = outcome(pair.client.call_within(1.0, Wait, id=1))
    pair.flush()
    clock.advance(1.5)
    desk.finish(0)
    pair.flush()
    assert desk.started == [0]
    assert end[0][0].__name__ == "DeadlineExceeded"
    assert pair.server.metrics.unstarted == 1


def test_a_request_that_waited_in_the_kernel_is_not_started() -> None:
    """A process that was frozen does not begin with what everybody has given up."""
    clock = Clock()
    pair, desk = timed(clock)
    outcome(pair.client.callRemote(Lookup, id=1, name="the clocks meet"))
    pair.flush()
    outcome(pair.client.call_within(1.0, Wait, id=1))
    clock.advance(1.01)
    outcome(pair.client.call_within(1.0, Wait, id=2))
    pair.flush()
    assert desk.started == [2]


def test_a_nonsense_deadline_is_none() -> None:
    """A peer harms nobody with numbers of any length, nor with values that look like keys."""
    nonsense = [b"9" * 5000 + b" 1", b"1 " + b"9" * 5000, b"", b"x", b"1 2\0\x06_trace\0\x01x"]
    for value in nonsense:
        transport = Transport()
        server = Timed(Clock(), locator=Desk())
        server.makeConnection(transport)
        asked = {amp.ASK: b"1", amp.COMMAND: b"Ping", b"_deadline": value, b"_trace": b"t"}
        server.dataReceived(box_of(asked))
        assert amp.parseString(transport.take()) == [{amp.ANSWER: b"1"}]


def test_a_held_request_can_be_taken_back() -> None:
    """It is never started."""
    clock = Clock()
    pair, desk = timed(clock, Limits(in_flight=1))
    pair.client.cancels = True
    outcome(pair.client.callRemote(Wait, id=0))
    call = pair.client.callRemote(Wait, id=1)
    outcome(call)
    pair.flush()
    call.cancel()
    pair.flush()
    desk.finish(0)
    pair.flush()
    assert desk.started == [0]


def test_a_held_request_is_found_by_its_tag_wherever_that_stands() -> None:
    """AMP gives keys no order; the one beside it is served."""
    desk = Desk()
    server = Timed(Clock(), Limits(in_flight=1), locator=desk)
    server.makeConnection(Transport())
    server.dataReceived(requests(0))
    for number in (1, 2):
        tag = {amp.COMMAND: b"Wait", b"id": b"%d" % number, amp.ASK: b"%d" % number}
        server.dataReceived(box_of(tag))
    server.dataReceived(box_of({CANCEL: b"1"}))
    desk.finish(0)
    assert desk.started == [0, 2]


def test_too_many_requests_stop_the_reading() -> None:
    """A peer without a limit of its own is slowed down by TCP, and served in the end."""
    desk, transport = Desk(), Transport()
    server = Timed(Clock(), Limits(in_flight=1, queued=2), locator=desk)
    server.makeConnection(transport)
    server.dataReceived(requests(0, 1, 2, 3, 4))
    assert (transport.reading, server.reading, desk.started) == (False, False, [0])
    for number in range(5):
        desk.finish(number)
    assert (transport.reading, desk.started) == (True, [0, 1, 2, 3, 4])
    assert [box[amp.ANSWER] for box in amp.parseString(transport.take())] == [
        b"%d" % number for number in range(5)
    ]


def test_a_peer_that_does_not_read_its_answers_gets_no_more_work_done() -> None:
    """While the transport is full nothing new is started, so memory is bounded."""
    clock = Clock()
    pair, _ = timed(clock, Limits(unsent=10_000))
    pair.far.stuck = True
    for _ in range(50):
        outcome(pair.client.callRemote(Spread, number=1, octets=b"x" * 9000, text=""))
    pair.flush()
    kept = sum(map(len, pair.far.written))
    assert kept < 3 * 10_000
    assert pair.server.metrics.held > 40
    pair.client.dataReceived(pair.far.unstick())
    pair.flush()
    assert pair.client.metrics.answered[Spread].count == 50


def test_a_half_read_box_survives_the_work_on_held_ones() -> None:
    """What is held is served between two pieces of another message."""
    desk, transport = Desk(), Transport()
    server = Timed(Clock(), Limits(in_flight=1), locator=desk)
    server.makeConnection(transport)
    long = box_of({amp.ASK: b"z", amp.COMMAND: b"Ping"} | {b"%d" % n: b"x" for n in range(40)})
    server.dataReceived(requests(0, 1) + long[:-30])
    desk.finish(0)
    server.dataReceived(long[-30:])
    assert [box[amp.ANSWER] for box in amp.parseString(transport.take())] == [b"0", b"z"]
    assert desk.started == [0, 1]


def test_an_undeclared_error_need_not_end_the_connection() -> None:
    """One hook keeps it, on the fast path and off it."""
    for extra in ({}, {b"unknown": b"!"}):
        transport = Transport()
        server = Tolerant(Clock(), locator=Desk())
        server.makeConnection(transport)
        request = {amp.ASK: b"1", amp.COMMAND: b"Fail", b"how": b"none"}
        server.dataReceived(box_of(request | extra))
        [box] = amp.parseString(transport.take())
        assert (box[amp.ERROR_CODE], box[amp.ERROR_DESCRIPTION]) == (b"FAILED", b"Fail #1")
        assert not transport.disconnecting


def test_a_stock_peer_of_a_tolerant_end_goes_on() -> None:
    """It hears of an unknown error and may call again."""
    pair = Pair(amp.AMP(), Tolerant(Clock(), locator=Desk()))
    ends = [outcome(pair.client.callRemote(Fail, how="none"))]
    pair.flush()
    ends.append(outcome(pair.client.callRemote(Lookup, id=1, name="x")))
    pair.flush()
    assert ends[0][0][0] is amp.UnknownRemoteError
    assert ends[1] == [{"ok": True, "count": 2}]


def test_an_answer_over_the_limit_becomes_an_error() -> None:
    """The call fails, the connection lives."""
    clock = Clock()
    pair, _ = timed(clock, Limits(message=100_000))
    end = outcome(pair.client.callRemote(Spread, number=3, octets=b"x" * 50_000, text=""))
    pair.flush()
    assert end[0][0] is amp.UnknownRemoteError
    assert "the limit is 100000" in end[0][1]
    assert pair.client.transport is not None


def test_a_long_message_is_refused_while_it_comes() -> None:
    """It is not kept, its call is told, and what follows is understood."""
    transport = Transport()
    server = Timed(Clock(), Limits(message=200_000), locator=Desk())
    server.makeConnection(transport)
    pairs = {b"octets.%d" % number: b"x" * 60_000 for number in range(20)}
    long = box_of(pairs | {amp.COMMAND: b"Spread", amp.ASK: b"9"})
    for start in range(0, len(long), 50_000):
        server.dataReceived(long[start : start + 50_000])
        assert sum(map(len, (server._box or {}).values())) < 300_000
    server.dataReceived(requests(4))
    [box] = amp.parseString(transport.take())
    assert (box[amp.ERROR], box[amp.ERROR_CODE]) == (b"9", b"MessageTooLong")
    assert server.locator.started == [4]


def test_a_long_answer_fails_its_call() -> None:
    """Ours is told what the limit is."""
    clock = Clock()
    pair, _ = timed(clock, client_limits=Limits(message=100_000))
    end = outcome(pair.client.callRemote(Spread, number=40, octets=b"x" * 5000, text=""))
    pair.flush()
    assert end[0][0] is MessageTooLong
    assert pair.client.transport is not None


def test_the_commands_change_with_the_locator() -> None:
    """What the locator does not know does not exist, in the middle of a chunk too."""

    class Door(amp.CommandLocator):
        @Ping.responder
        def ping(self) -> dict[str, object]:
            server.locator = Desk()
            return {}

    transport = Transport()
    server = Timed(Clock())
    server.locator = Door()
    server.makeConnection(transport)
    ping = box_of({amp.ASK: b"p", amp.COMMAND: b"Ping"})
    server.dataReceived(requests(1) + ping + requests(2) + ping)
    assert server.locator.started == [2]
    assert server.locator.pings == 1


def test_any_token_is_echoed() -> None:
    """Tokens of other clients may be long and of any bytes."""
    for token in (b"\0\xff", b"x" * 255, b"y" * 3000):
        transport = Transport()
        server = Timed(Clock(), locator=Desk())
        server.makeConnection(transport)
        server.dataReceived(box_of({amp.ASK: token, amp.COMMAND: b"Ping"}))
        assert amp.parseString(transport.take())[0][amp.ANSWER] == token


def test_metrics_tell_the_fast_path_from_detours() -> None:
    """A class that always falls back to stock code would be seen."""
    clock = Clock()
    pair, desk = timed(clock)
    for number in range(3):
        outcome(pair.client.callRemote(Lookup, id=number, name="x"))
    outcome(pair.client.callRemote(Wait, id=1))
    pair.flush()
    desk.finish(1)
    pair.flush()
    client, server = pair.client.metrics, pair.server.metrics
    assert {c.__name__: s.count for c, s in client.answered.items()} == {"Lookup": 3, "Wait": 1}
    assert {c.__name__: s.count for c, s in server.served.items()} == {"Lookup": 3, "Wait": 1}
    assert (client.detours, server.detours) == (0, 0)
    pair.server.dataReceived(box_of({amp.COMMAND: b"Ping", amp.ASK: b"p"}))
    assert server.request_detours == 1
    advance(clock, 0.1)
