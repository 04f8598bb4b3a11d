"""Codecs are made for commands that leave their boxes to AMP, and miss what they do not expect."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.protocols import amp

from maasha.rpc.wire.boxes import box_of
from maasha.rpc.wire.codecs import codec_of, server_of
from maasha.rpc.wire.fields import number
from maasha.rpc.wire.pending import CALLER, Pending
from tests.unit.rpc.wire.parts import Lookup, Ping, Sundry, outcome


class Reader(amp.Command):
    """Reads its answers itself."""

    @classmethod
    def parseResponse(cls, box: amp.AmpBox, protocol: object) -> dict[str, Any]:
        """Read it as it is."""
        return {"box": box, "protocol": protocol}


class Silent(amp.Command):
    """Wants no answer."""

    requiresAnswer = False


class Secret(amp.Command):
    """Uses a name of AMP's own."""

    arguments = [(b"_ask", amp.Integer())]


class Nameless(amp.Command):
    """Has a name that is no Python word."""

    arguments = [(b"a b", amp.Integer())]


class Twice(amp.Command):
    """Has two names that are one in Python."""

    arguments = [(b"a-b", amp.Integer()), (b"a_b", amp.Integer())]


class Boxed(amp.Command):
    """Has an argument that looks at the box."""

    arguments = [(b"d", amp.Descriptor())]


UNUSUAL = [Reader, Silent, Secret, Nameless, Twice, amp.StartTLS, amp.ProtocolSwitchCommand]


@pytest.mark.parametrize("command", UNUSUAL, ids=lambda command: command.__name__)
def test_unusual_commands_have_none(command: type[amp.Command]) -> None:
    """They are left to Twisted."""
    assert codec_of(command) is None


def test_a_codec_is_made_once() -> None:
    """And urgency is the command's."""
    assert codec_of(Lookup) is codec_of(Lookup)
    assert [codec.urgent for codec in map(codec_of, (Lookup, Ping)) if codec] == [False, True]


@pytest.mark.parametrize(
    "box",
    [
        {b"count": b"1"},
        {b"count": b"1", b"ok": b"true"},
        {b"count": b"x", b"ok": b"True"},
        {b"ok": b"True", b"count": b"1"},
        {b"count": b"1", b"more": b"!", b"ok": b"True"},
        {b"count": b"1", b"ok": b"True", b"zz": b"!"},
        {b"count": b"1" * 300, b"ok": b"True"},
    ],
)
def test_an_unexpected_answer_is_a_miss(box: dict[bytes, bytes]) -> None:
    """So is one that is cut off anywhere."""
    codec = codec_of(Lookup)
    assert codec is not None
    assert codec.answered(box_of(box), 0, None) is None
    whole = box_of({b"count": b"1", b"ok": b"True"})
    for cut in range(len(whole)):
        assert codec.answered(whole[:cut], 0, None) is None


def test_a_request_that_is_cut_off_starts_nothing() -> None:
    """A responder runs only when its request is complete."""
    started: list[object] = []
    for command, box in (
        (Lookup, {b"id": b"1", b"name": b"x"}),
        (Sundry, {b"class": b"c", b"flag": b"True", b"numbers": b"", b"raw": b"r", b"ratio": b"1"}),
    ):
        codec = codec_of(command)
        assert codec is not None
        serve = server_of(codec, lambda _, **given: started.append(given))
        written = box_of(dict(sorted(box.items())))
        assert written.startswith(codec.first)
        for cut in range(len(codec.first), len(written)):
            assert serve(None, None, written[:cut], len(codec.first), b"\0\x011", []) == 0
    assert started == []


@pytest.mark.parametrize(
    "given", [{}, {"id": 1}, {"id": 1, "name": "x", "z": 1}, {"id": 1, "z": 2}]
)
def test_arguments_must_be_those_declared(given: dict[str, Any]) -> None:
    """The general code then says what is wrong."""
    codec = codec_of(Lookup)
    assert codec is not None
    with pytest.raises((TypeError, KeyError)):
        codec.ask(b"1", b"", given, None)


def test_a_number_of_19_digits_is_refused() -> None:
    """It does not fit 64 bits everywhere."""
    with pytest.raises(ValueError, match="18 digits"):
        number(10**18)


class Nobody:
    """A connection."""

    def __init__(self) -> None:
        self.abandoned: list[Pending] = []

    def abandon(self, call: Pending) -> None:
        """Note it."""
        self.abandoned.append(call)


def pending() -> Pending:
    """Make a call that waits."""
    codec = codec_of(Lookup)
    assert codec is not None
    return Pending(codec, (0.0, 1.0, b"", 1.0, Nobody()))


def test_a_pending_call_is_a_deferred() -> None:
    """One callback or several, failures, and Deferreds that come late."""
    call = pending()
    call.addCallback(lambda answer: answer["n"] + 1)
    call.fire({"n": 1})
    assert outcome(call) == [2]
    call = pending()
    later = pending()
    call.addCallback(lambda _: later)
    ends = outcome(call)
    call.fire({})
    assert ends == []
    later.fire({"x": 1})
    assert ends == [{"x": 1}]


def test_a_callback_may_add_another_or_wait() -> None:
    """While it runs, as with any Deferred."""
    call = pending()
    seen: list[Any] = []

    def first(_: dict[str, Any]) -> str:
        call.addCallback(seen.append)
        return "first"

    call.addCallback(first)
    call.fire({})
    assert seen == ["first"]
    call, later = pending(), pending()
    call.addCallback(lambda _: later)
    call.fire({})
    ends = outcome(call)
    later.fire({"y": 2})
    assert ends == [{"y": 2}]


def test_an_error_in_a_callback_is_the_next_ones() -> None:
    """As with any Deferred."""
    call = pending()
    call.addCallback(lambda _: 1 / 0)
    call.fire({})
    assert outcome(call)[0][0] is ZeroDivisionError


def test_a_cancelled_call_is_abandoned() -> None:
    """Its connection hears of it."""
    call = pending()
    end = outcome(call)
    call.cancel()
    caller: Any = call.moment[CALLER]
    assert caller.abandoned == [call]
    assert end[0][0].__name__ == "CancelledError"
