"""A link ends every wait in time and survives what goes wrong in a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectionLost
from twisted.protocols import amp
from twisted.python.failure import Failure

from maasha.rpc.alive import Alive
from maasha.rpc.commands import Ping
from maasha.rpc.errors import (
    BadArgument,
    DeadlineExceeded,
    DhcpRefused,
    LinkLost,
    MessageTooLong,
    NotOffered,
    RemoteFailure,
)
from maasha.rpc.protocol import STRANGER_BYTES
from maasha.rpc.wire import Limits
from tests.unit.rpc.pair import Echo, Foreign, Huge, Pair, Sloppy, Strict, stranger
from tests.unit.rpc.parts import Listener, error_of, value_of, waits


def test_a_text_of_a_megabyte_crosses() -> None:
    """Long texts need no care of the caller."""
    text = "é" * 500_000
    assert value_of(Pair().echo(text)) == {"text": text}


def test_a_deadline_ends_the_wait_of_its_caller_only() -> None:
    """The caller learns command and seconds; the late answer is dropped and the link stays."""
    pair = Pair()
    slow: Deferred[None] = Deferred()
    pair.parrot.pause = slow
    answer = pair.echo("slow", deadline=3)
    pair.line.advance(2.9)
    assert waits(answer)
    pair.line.advance(0.2)
    error = error_of(answer)
    assert isinstance(error, DeadlineExceeded)
    assert (error.command, error.seconds) == ("Echo", 3)
    pair.parrot.pause = None
    slow.callback(None)
    assert value_of(pair.echo("next")) == {"text": "next"}


def test_calls_that_wait_when_the_link_ends_are_told() -> None:
    """They fail at once with the reason, and so do later ones."""
    pair = Pair()
    pair.parrot.pause = Deferred()
    answer = pair.echo("slow")
    pair.here.abort("enough")
    pair.line.pump.flush()
    for failed in (answer, pair.echo("later")):
        error = error_of(failed)
        assert isinstance(error, LinkLost)
        assert error.reason == "enough"


def test_a_declared_error_arrives_with_its_fields() -> None:
    """Fields cross, whatever their length up to the limit, and the link stays."""
    pair = Pair()
    pair.parrot.failure = DhcpRefused("line 3\n" * 1000)
    error = error_of(pair.echo("x"))
    assert isinstance(error, DhcpRefused)
    assert error.listing == "line 3\n" * 1000
    pair.parrot.failure = None
    assert value_of(pair.echo("y")) == {"text": "y"}


@pytest.mark.parametrize("failure", [ZeroDivisionError("detail"), LinkLost("another link")])
def test_an_undeclared_error_is_logged_where_it_happened(
    failure: Exception, logged: Listener
) -> None:
    """The caller gets an id that the log has, and the link stays."""
    pair = Pair()
    pair.parrot.failure = failure
    error = error_of(pair.echo("x"))
    assert isinstance(error, RemoteFailure)
    assert error.id == f"{pair.there.remote}#1"
    assert logged.failures == [failure]
    pair.parrot.failure = None
    assert value_of(pair.echo("y")) == {"text": "y"}


def test_the_error_of_a_third_party_keeps_its_code() -> None:
    """A command may declare errors that this package does not know: their text crosses."""
    pair = Pair()
    answer = ensureDeferred(pair.here.call(Foreign))
    pair.line.pump.flush()
    error = error_of(answer)
    assert isinstance(error, ZeroDivisionError)
    assert str(error) == "by zero"


def test_an_answer_that_does_not_fit_is_a_failure_of_the_answerer(
    logged: Listener,
) -> None:
    """The caller gets an id instead of half an answer."""
    pair = Pair()
    answer = ensureDeferred(pair.here.call(Sloppy))
    pair.line.pump.flush()
    assert isinstance(error_of(answer), RemoteFailure)
    assert [type(each) for each in logged.failures] == [amp.BadLocalReturn]


def test_an_answer_that_cannot_be_sent_ends_no_link(logged: Listener) -> None:
    """It is logged; its caller meets the deadline and the next call works."""
    pair = Pair()
    answer = ensureDeferred(pair.here.call(Huge, 2))
    pair.line.advance(2.1)
    assert isinstance(error_of(answer), DeadlineExceeded)
    assert [type(each) for each in logged.failures] == [amp.TooLong]
    assert value_of(pair.echo("y")) == {"text": "y"}


def test_an_unknown_command_is_not_offered() -> None:
    """Before the proof nothing exists, afterwards only what the stage of the link offers."""
    pair = Pair()
    answer = ensureDeferred(pair.there.call(Echo, text="x"))
    pair.line.pump.flush()
    error = error_of(answer)
    assert isinstance(error, NotOffered)
    assert "Echo" in error.text
    assert value_of(pair.echo("y")) == {"text": "y"}


def test_a_bad_argument_is_named_on_both_sides() -> None:
    """A box that does not fit its command is answered with the argument's name."""
    pair = Pair()
    pair.there.locator = Picky()
    error = error_of(pair.echo("x"))
    assert isinstance(error, BadArgument)
    assert (error.argument, error.reason) == ("number", "missing")


class Picky(Alive):
    """Expects a number."""

    @Strict.responder
    def strict(self, number: int) -> dict[str, object]:
        """Answer nothing."""
        raise AssertionError(number)


def test_a_question_that_wants_no_answer_gets_none(logged: Listener) -> None:
    """Its error is nobody's, and harms nobody."""
    pair = Pair()
    pair.line.near.write(amp.Box(_command=b"Nonsense").serialize())
    assert value_of(pair.echo("y")) == {"text": "y"}
    assert logged.failures == []


def test_a_stranger_must_prove_in_time() -> None:
    """A connection without a proof is aborted after five seconds."""
    link, line, _ = stranger()
    line.advance(4.9)
    assert waits(link.closed)
    line.advance(0.2)
    assert value_of(link.closed) == "no proof of the secret within 5 s"


def test_a_stranger_may_send_only_little() -> None:
    """More than the handshake needs ends the connection before the proof."""
    link, line, _ = stranger()
    line.distant.write(b"\0\1x" + b"\xff\xff" + b"x" * STRANGER_BYTES)
    line.pump.flush()
    assert value_of(link.closed) == "garbage: more than 4096 bytes before the proof"


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 100,
        b"\0\0",
        amp.Box(key=b"value").serialize(),
        amp.Box(_answer=b"99").serialize(),
        amp.Box(_error=b"99").serialize(),
        amp.Box(_error=b"99", _error_code=b"X").serialize() * 3,
    ],
)
def test_garbage_ends_the_connection_quietly(garbage: bytes, logged: Listener) -> None:
    """No traceback, no answer; the connection is aborted."""
    link, line, peer = stranger()
    line.distant.write(garbage)
    line.pump.flush()
    assert value_of(link.closed).startswith("garbage: ")
    assert line.near.aborted
    assert logged.failures == []
    assert peer.heard == b""


def test_one_message_may_have_only_so_much() -> None:
    """A longer one fails its call, on whichever side it is noticed; the link stays."""
    pair = Pair()
    too_long = error_of(pair.echo("x" * 17_000_000))
    assert isinstance(too_long, MessageTooLong)
    assert (too_long.command, too_long.limit) == ("Echo", 16 * 1024 * 1024)
    pair.here.limits = Limits(message=32 * 1024 * 1024)
    refused = error_of(pair.echo("x" * 17_000_000))
    assert isinstance(refused, MessageTooLong)
    assert (refused.command, refused.limit) == ("Echo", 16 * 1024 * 1024)
    assert value_of(pair.echo("y")) == {"text": "y"}


def test_many_messages_may_have_much_together() -> None:
    """What is bounded is each one."""
    pair = Pair()
    for _ in range(3):
        assert value_of(pair.echo("x" * 8_000_000))
    assert waits(pair.there.closed)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_no_bytes_raise(chunks: list[bytes]) -> None:
    """Whatever arrives in whatever pieces, the link takes it or ends."""
    link, line, _ = stranger()
    for chunk in chunks:
        line.distant.write(chunk)
        line.pump.flush()
    line.advance(6)
    assert value_of(link.closed)


def test_an_error_without_words_is_an_error() -> None:
    """A peer that answers an error box without a code fails the call, not the link."""
    link, line, _ = stranger()
    link.trust(Alive())
    answer = ensureDeferred(link.call(Ping))
    line.pump.flush()
    line.distant.write(amp.Box(_error=b"1").serialize())
    line.pump.flush()
    assert isinstance(error_of(answer), RemoteFailure)
    assert waits(link.closed)


def test_leaving_sends_what_waits() -> None:
    """A polite end lets the answers out, and both sides learn that it is over."""
    pair = Pair()
    answer = ensureDeferred(pair.there.call(Ping))
    pair.line.pump.pump()
    left = pair.here.leave("maintenance")
    pair.line.pump.flush()
    assert value_of(answer) == {}
    assert value_of(left) == "maintenance"
    assert value_of(pair.there.closed) == "the other side closed the connection"
    assert value_of(pair.here.leave("again")) == "maintenance"
    pair.here.abort("again")
    assert value_of(pair.here.closed) == "maintenance"


def test_leaving_a_peer_that_does_not_read_ends_in_time() -> None:
    """What a polite close cannot end, an abort ends after two seconds."""
    pair = Pair()
    pair.line.near.stuck = True
    left = pair.here.leave("maintenance")
    pair.clock.advance(1.9)
    pair.line.near.flush_close()
    assert waits(left)
    pair.clock.advance(0.2)
    pair.line.near.flush_close()
    assert value_of(left) == "maintenance"
    assert pair.line.near.aborted


def test_a_lost_connection_says_why() -> None:
    """The reason of the transport is the reason of the link."""
    pair = Pair()
    pair.here.connectionLost(Failure(ConnectionLost("unplugged")))
    pair.there.connectionLost(Failure(ConnectionLost("unplugged")))
    assert "unplugged" in value_of(pair.here.closed)
    assert pair.clock.getDelayedCalls() == []


def test_trust_that_comes_too_late_starts_nothing() -> None:
    """A link that is leaving or has ended needs no heartbeat."""
    pair = Pair()
    pair.line.near.stuck = True
    left = pair.here.leave("maintenance")
    pair.here.trust(Alive())
    pair.clock.advance(2)
    pair.line.near.flush_close()
    assert value_of(left) == "maintenance"
    pair.there.connectionLost(Failure(ConnectionLost("unplugged")))
    pair.there.trust(Alive())
    assert pair.clock.getDelayedCalls() == []


def test_everyone_who_looks_hears_the_end() -> None:
    """Each look at `closed` is a Deferred of its own."""
    pair = Pair()
    first, second = pair.here.closed, pair.here.closed
    first.addCallback(lambda _: None)
    pair.here.abort("over")
    pair.line.pump.flush()
    assert value_of(first) is None
    assert value_of(second) == "over"
