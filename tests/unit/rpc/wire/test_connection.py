"""The protocol class: what it remembers between chunks, and whom it makes way for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.protocols import amp
from twisted.python.failure import Failure

from maasha.rpc.wire import AMP
from maasha.rpc.wire.boxes import box_of
from tests.unit.rpc.parts import Listener
from tests.unit.rpc.wire.parts import Desk, Lookup, Ping, Timed, Transport, outcome

REQUEST = box_of(
    {amp.ASK: b"1", amp.COMMAND: b"Lookup", b"id": b"7", b"name": b"x" * 300, b"zz": b"new"}
)
FAST = box_of({amp.ASK: b"1", amp.COMMAND: b"Lookup", b"id": b"7", b"name": b"x" * 300})


TIMED = box_of(
    {
        amp.ASK: b"1",
        amp.COMMAND: b"Lookup",
        b"_deadline": b"1500 90000",
        b"_trace": b"t.",
        b"id": b"7",
        b"name": b"xyz",
    }
)


class Patient(Timed):
    """With a clock of its own."""

    def __init__(self, **given: Any) -> None:
        super().__init__(Clock(), **given)


def served(kind: type[AMP] = AMP) -> tuple[Any, Transport]:
    """Make a server."""
    transport = Transport()
    server = kind(locator=Desk())
    server.makeConnection(transport)
    return server, transport


@pytest.mark.parametrize("request_", [REQUEST, FAST], ids=["unknown-key", "expected"])
def test_a_request_may_be_cut_anywhere(request_: bytes) -> None:
    """Wherever it is cut, it is answered once, when it is complete."""
    for cut in range(1, len(request_)):
        server, transport = served()
        server.dataReceived(request_[:cut])
        assert not transport.written
        server.dataReceived(request_[cut:] + request_[:cut])
        assert len(amp.parseString(transport.take())) == 1


def test_single_bytes_are_enough() -> None:
    """A peer that sends byte by byte is served."""
    server, transport = served()
    for byte in REQUEST * 2:
        server.dataReceived(bytes([byte]))
    assert len(amp.parseString(transport.take())) == 2


def test_pairs_without_end_are_taken_apart_as_they_come() -> None:
    """A box of very many pairs is not read again from its start with every byte."""
    server, transport = served()
    request = box_of({b"%05d" % n: b"x" for n in range(500)} | {b"id": b"7", b"name": b"y"})
    for start in range(0, len(request) - 2, 7):
        server.dataReceived(request[start : min(start + 7, len(request) - 2)])
    assert len(server._box) > 450
    server.dataReceived(box_of({amp.ASK: b"1", amp.COMMAND: b"Lookup"}))
    assert amp.parseString(transport.take())[0][b"count"] == b"8"


def test_values_are_as_long_as_they_say() -> None:
    """A value that looks like the rest of a box is only a value."""
    inner = b"\0\x04name\0\x01x\0\0" + FAST
    server, transport = served()
    request = {amp.ASK: b"1", amp.COMMAND: b"Lookup", b"id": b"1", b"name": inner}
    server.dataReceived(box_of(request))
    assert len(amp.parseString(transport.take())) == 1


def test_a_deaf_end_does_nothing_more() -> None:
    """What follows in the same chunk is not looked at once the connection is given up."""

    class Door(amp.CommandLocator):
        pings = 0

        @Ping.responder
        def ping(self) -> dict[str, object]:
            self.pings += 1
            server.deaf = True
            return {}

    server, _ = served()
    server.locator = door = Door()
    server.dataReceived(box_of({amp.ASK: b"1", amp.COMMAND: b"Ping"}) * 3)
    server.dataReceived(REQUEST)
    assert door.pings == 1


def test_garbage_closes_the_connection_once() -> None:
    """Nothing after it is looked at."""
    server, transport = served()
    server.dataReceived(b"\x01\x00" + FAST)
    server.dataReceived(FAST)
    assert transport.disconnecting
    assert not transport.written


def test_who_replaces_the_receiver_gets_every_box() -> None:
    """As with stock AMP, on one instance."""
    server, _ = served()
    boxes: list[amp.AmpBox] = []
    server.ampBoxReceived = boxes.append
    server.dataReceived(FAST + REQUEST)
    assert [box[b"id"] for box in boxes] == [b"7", b"7"]


@pytest.mark.parametrize("name", ["dispatchCommand", "sendBox", "locateResponder", "_safeEmit"])
def test_a_subclass_with_ways_of_its_own_is_asked(name: str) -> None:
    """Whatever the fast path would pass by switches it off for that class."""
    calls: list[object] = []

    def own(self: Any, *given: Any) -> Any:
        calls.append(given)
        return getattr(AMP, name)(self, *given)

    server, transport = served(type("Own", (AMP,), {name: own}))
    if name == "locateResponder":
        server.locator = server
    server.dataReceived(FAST)
    assert len(calls) >= 1
    assert transport.written


def test_a_class_without_that_stays_fast() -> None:
    """The hooks that are meant for subclasses cost nothing."""

    class Own(Timed):
        def failed(self, failure: Failure, command: bytes) -> Failure:
            return super().failed(failure, command)

        def dataReceived(self, data: bytes) -> None:
            super().dataReceived(data)

    transport = Transport()
    server = Own(Clock(), locator=Desk())
    server.makeConnection(transport)
    server.dataReceived(FAST)
    assert server.metrics.request_detours == 0
    assert transport.written


def test_connections_can_be_kept_out_of_the_log(logged: Listener) -> None:
    """Stock AMP logs every connection; a server in a data centre must not."""
    for kind, lines in ((AMP, 2), (type("Quiet", (AMP,), {"announces": False}), 0)):
        before = len(logged.lines)
        server, _ = served(kind)
        server.connectionLost(Failure(ConnectionDone()))
        assert len(logged.lines) - before == lines


def test_a_class_that_forgets_the_constructor_works() -> None:
    """Old subclasses of AMP do, and stock AMP makes up for it."""

    class Forgetful(AMP):
        announces = False

        def __init__(self) -> None:
            pass

        @Lookup.responder
        def lookup(self, id: int, name: str) -> dict[str, object]:
            return {"ok": bool(name), "count": id}

    transport = Transport()
    server = Forgetful()
    server.makeConnection(transport)
    server.dataReceived(FAST)
    assert amp.parseString(transport.take())[0][b"count"] == b"7"


def test_calls_before_the_connection_fail() -> None:
    """As with stock AMP."""
    with pytest.raises(AttributeError):
        amp.AMP().callRemote(Lookup, id=1, name="x")
    with pytest.raises(AttributeError):
        outcome(AMP().callRemote(Lookup, id=1, name="x"))


def answered(*requests: bytes) -> tuple[object, ...]:
    """Have requests served; gives all that the last one led to."""
    server, transport = served(Patient)
    complaint = None
    for request in requests:
        transport.take()
        server._asked = None
        try:
            server.dataReceived(request)
        except (KeyError, amp.NoEmptyBoxes) as error:
            complaint = str(error)
    return transport.take(), server._asked, transport.disconnecting, complaint


def changed(request: bytes) -> Iterator[bytes]:
    """Give what a request may be like that resembles it: cut off, or one byte differs."""
    for place, byte in enumerate(request):
        yield request[:place]
        for other in {byte ^ 1, byte ^ 16, 0, 1, 32, 48, 255} - {byte}:
            yield request[:place] + bytes([other]) + request[place + 1 :]


def test_a_request_that_resembles_the_one_before_is_no_other() -> None:
    """What is remembered of a request changes nothing, whatever byte of the next one differs."""
    other = box_of({amp.ASK: b"1", amp.COMMAND: b"Ping", b"_deadline": b"1500 90000"})
    for request in [TIMED, *changed(TIMED)]:
        assert answered(TIMED, request) == answered(other, request)


def test_a_request_like_the_one_before_is_served_by_whoever_answers_now() -> None:
    """The time may have another number of digits, and the locator may be another one."""
    server, transport = served(Patient)
    server.dataReceived(TIMED)
    server.dataReceived(TIMED.replace(b"\x0a1500 ", b"\x0b23456 "))
    assert [box[b"count"] for box in amp.parseString(transport.take())] == [b"8", b"8"]
    server.locator = other = Desk()
    server.dataReceived(TIMED.replace(b"id\0\x017", b"id\0\x019"))
    assert [box[b"count"] for box in amp.parseString(transport.take())] == [b"10"]
    server.locator = amp.CommandLocator()
    server.dataReceived(TIMED)
    assert [box[amp.ERROR_CODE] for box in amp.parseString(transport.take())] == [b"UNHANDLED"]
    assert not other.started
