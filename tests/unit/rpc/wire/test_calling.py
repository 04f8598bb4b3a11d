"""Calls have deadlines, places in flight, and can be taken back."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.protocols import amp

from maasha.rpc.wire.boxes import box_of
from maasha.rpc.wire.context import ORIGIN, Origin
from maasha.rpc.wire.errors import Busy, DeadlineExceeded, MessageTooLong
from maasha.rpc.wire.limits import Limits
from tests.unit.rpc.wire.parts import (
    Commit,
    Desk,
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


class Odd(amp.Command):
    """Leaves nothing to the fast path."""

    arguments = [(b"Id", amp.Integer())]
    response = [(b"Id", amp.Integer())]
    commandType = type("OddBox", (amp.AmpBox,), {})


def asked(pair: Pair, count: int, timeout: float = 10.0) -> list[list[Any]]:
    """Make so many calls that wait, and move the bytes."""
    ends = [outcome(pair.client.call_within(timeout, Wait, id=number)) for number in range(count)]
    pair.flush()
    return ends


def test_a_call_without_an_answer_ends_at_its_deadline() -> None:
    """A deadline is never early, and late by one tick at most."""
    clock = Clock()
    pair, _ = timed(clock)
    [end] = asked(pair, 1, timeout=2.0)
    advance(clock, 1.95)
    assert end == []
    advance(clock, 0.15)
    assert end == [(DeadlineExceeded, "Wait had no answer within 2 s; ask again")]
    assert pair.client.metrics.expired == 1


def test_each_call_has_its_own_deadline() -> None:
    """A later call with a shorter patience ends first."""
    clock = Clock()
    pair, _ = timed(clock)
    [long], [short] = asked(pair, 1, timeout=5.0), asked(pair, 1, timeout=1.0)
    advance(clock, 1.2)
    assert (long, short[0][0]) == ([], DeadlineExceeded)


def test_nothing_ticks_while_nothing_waits() -> None:
    """The timer sleeps between calls and after the connection's end."""
    clock = Clock()
    pair, desk = timed(clock)
    [end] = asked(pair, 1)
    assert clock.getDelayedCalls()
    desk.finish(0)
    pair.flush()
    advance(clock, 0.1)
    assert end == [{"id": 0}]
    assert not clock.getDelayedCalls()
    asked(pair, 1)
    pair.far.loseConnection()
    pair.flush()
    assert not clock.getDelayedCalls()


def test_a_late_answer_is_ignored() -> None:
    """An answer to a call that has expired harms nobody."""
    clock = Clock()
    pair, desk = timed(clock)
    pair.client.cancels = False
    [end] = asked(pair, 1, timeout=1.0)
    advance(clock, 1.2)
    desk.finish(0)
    pair.flush()
    assert end[0][0] is DeadlineExceeded
    assert pair.client.metrics.late == 1
    assert pair.client.transport is not None


def test_an_answer_to_no_question_drops_the_peer() -> None:
    """By stock's policy it is an error that the reactor logs."""
    client = Timed(Clock())
    client.makeConnection(Transport())
    for box in ({amp.ANSWER: b"7"}, {amp.ERROR: b"x", amp.ERROR_CODE: b"x"}):
        with pytest.raises(KeyError):
            client.dataReceived(box_of(box))
    with pytest.raises(amp.NoEmptyBoxes):
        client.dataReceived(box_of({b"neither": b"nor"}))


def test_a_peer_that_understands_is_told_of_a_cancelled_call() -> None:
    """Cancelling the Deferred ends the work on the other side."""
    clock = Clock()
    pair, desk = timed(clock)
    pair.client.cancels = True
    call = pair.client.callRemote(Wait, id=3)
    end = outcome(call)
    pair.flush()
    call.cancel()
    pair.flush()
    assert desk.cancelled == [3]
    assert end[0][0].__name__ == "CancelledError"
    assert pair.server.transport is not None


def test_work_that_must_be_done_goes_on_without_its_caller() -> None:
    """Unless its command is cancellable, what is begun ends well, and its answer harms nobody."""
    clock = Clock()
    pair, desk = timed(clock)
    pair.client.cancels = True
    call = pair.client.callRemote(Commit, id=3)
    outcome(call)
    pair.flush()
    call.cancel()
    pair.flush()
    assert desk.cancelled == []
    desk.finish(3)
    pair.flush()
    assert pair.client.metrics.late == 1
    assert pair.client.transport is not None


def test_a_stock_peer_hears_nothing_of_it() -> None:
    """A stock peer gets no box that it would close the connection for."""
    server = amp.AMP(locator=Desk())
    pair = Pair(Timed(Clock()), server)
    call = pair.client.callRemote(Wait, id=3)
    outcome(call)
    pair.flush()
    call.cancel()
    pair.flush()
    server.locator.finish(3)
    pair.flush()
    assert pair.client.transport is not None
    assert pair.client.metrics.late == 1


def test_calls_beyond_the_places_wait_for_one() -> None:
    """At most `in_flight` calls are under way, and the others follow in their order."""
    clock = Clock()
    pair, desk = timed(clock, client_limits=Limits(in_flight=2))
    ends = asked(pair, 4)
    assert desk.started == [0, 1]
    desk.finish(0)
    pair.flush()
    assert desk.started == [0, 1, 2]
    for number in (1, 2):
        desk.finish(number)
        pair.flush()
    desk.finish(3)
    pair.flush()
    assert ends == [[{"id": number}] for number in range(4)]
    assert pair.client.metrics.queued == 2


def test_new_calls_do_not_overtake_the_queue() -> None:
    """A call made in the callback of another one stands behind those that wait."""
    clock = Clock()
    pair, desk = timed(clock, client_limits=Limits(in_flight=1))
    first = pair.client.callRemote(Wait, id=0)
    first.addCallback(lambda _: outcome(pair.client.callRemote(Wait, id=9)))
    outcome(pair.client.callRemote(Wait, id=1))
    pair.flush()
    for number in (0, 1):
        desk.finish(number)
        pair.flush()
    assert desk.started == [0, 1, 9]


def test_a_full_queue_refuses() -> None:
    """One call more than may wait fails at once, and says so."""
    clock = Clock()
    pair, _ = timed(clock, client_limits=Limits(in_flight=1, queued=2))
    ends = asked(pair, 4)
    assert [len(end) for end in ends] == [0, 0, 0, 1]
    assert ends[3] == [(Busy, "2 calls wait already; the peer is slow, ask again later")]


def test_a_queued_call_can_expire_and_be_cancelled() -> None:
    """What waits for its place has a deadline too, and never leaves afterwards."""
    clock = Clock()
    pair, desk = timed(clock, client_limits=Limits(in_flight=1))
    [first] = asked(pair, 1, timeout=60.0)
    short = outcome(pair.client.call_within(1.0, Wait, id=7))
    call = pair.client.call_within(60.0, Wait, id=8)
    cancelled = outcome(call)
    advance(clock, 1.2)
    call.cancel()
    desk.finish(0)
    pair.flush()
    assert short[0][0] is DeadlineExceeded
    assert cancelled[0][0].__name__ == "CancelledError"
    assert desk.started == [0]
    assert first == [{"id": 0}]


def test_an_urgent_call_never_waits() -> None:
    """The heartbeat passes a full pipe and its queue."""
    clock = Clock()
    pair, desk = timed(clock, Limits(in_flight=1), Limits(in_flight=1))
    asked(pair, 3)
    end = outcome(pair.client.callRemote(Ping))
    pair.flush()
    assert (end, desk.pings) == ([{}], 1)


def test_a_message_over_the_limit_fails_its_call_only() -> None:
    """It is refused before a byte of it leaves; the next call goes through."""
    clock = Clock()
    pair, _ = timed(clock, client_limits=Limits(message=100_000))
    long = outcome(pair.client.callRemote(Spread, number=1, octets=b"x" * 100_000, text=""))
    short = outcome(pair.client.callRemote(Spread, number=1, octets=b"x", text=""))
    pair.flush()
    assert long[0][0] is MessageTooLong
    assert short == [{"octets": b"x", "text": ""}]


def test_all_calls_end_with_the_connection() -> None:
    """Those in flight, those in the queue, and those made afterwards."""
    clock = Clock()
    pair, _ = timed(clock, client_limits=Limits(in_flight=1))
    ends = asked(pair, 2)
    pair.far.loseConnection()
    pair.flush()
    ends.append(outcome(pair.client.callRemote(Wait, id=5)))
    assert [end[0][0].__name__ for end in ends] == ["ConnectionDone"] * 3


def test_calls_of_a_coroutine_carry_on_its_trace() -> None:
    """What a responder asks others belongs to the work that it was asked for."""
    client, transport = Timed(Clock()), Transport()
    client.makeConnection(transport)
    ORIGIN.set(None)
    outcome(client.callRemote(Lookup, id=1, name="x"))
    token = ORIGIN.set(Origin(b"far.", b"1f", 9.0))
    outcome(client.callRemote(Lookup, id=1, name="x"))
    ORIGIN.reset(token)
    [own, others] = amp.parseString(transport.take())
    assert (own[b"_trace"], others[b"_trace"]) == (b"t.", b"far.1f")
    assert own[b"_deadline"] == b"0 10000"


def test_commands_with_boxes_of_their_own_have_deadlines_too() -> None:
    """What stock code sends is counted as a detour, and expires like the rest."""
    clock = Clock()
    client, transport = Timed(clock), Transport()
    client.makeConnection(transport)
    end = outcome(client.call_within(1.0, Odd, Id=1))
    advance(clock, 1.2)
    assert end[0][0] is DeadlineExceeded
    assert client.metrics.call_detours == 1
    client.dataReceived(box_of({amp.ANSWER: b"1", b"Id": b"1"}))
    assert client.metrics.late == 1


def test_an_answer_in_another_order_is_understood() -> None:
    """Clients elsewhere need not sort their keys, and may add some."""
    client = Timed(Clock())
    client.makeConnection(Transport())
    end = outcome(client.callRemote(Lookup, id=1, name="x"))
    answer = {b"ok": b"True", b"new": b"!", b"count": b"2", amp.ANSWER: b"1"}
    client.dataReceived(box_of(answer))
    assert end == [{"ok": True, "count": 2}]
    assert client.metrics.answer_detours == 1


def test_a_broken_answer_fails_its_call() -> None:
    """A value that cannot be read is the error of that call."""
    client = Timed(Clock())
    client.makeConnection(Transport())
    end = outcome(client.callRemote(Lookup, id=1, name="x"))
    client.dataReceived(box_of({amp.ANSWER: b"1", b"count": b"one", b"ok": b"True"}))
    assert end[0][0] is ValueError
