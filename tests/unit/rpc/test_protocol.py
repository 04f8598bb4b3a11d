"""A link ends every wait in time, notices a dead peer, and survives what goes wrong in a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.protocols import amp
from twisted.python.failure import Failure

from maasha.rpc.alive import Alive
from maasha.rpc.commands import Call, Ping
from maasha.rpc.errors import (
    BadArgument,
    DeadlineExceeded,
    DhcpRefused,
    LinkLost,
    MessageTooLong,
    NotOffered,
    RemoteFailure,
    declared,
)
from maasha.rpc.ground import Ground
from maasha.rpc.protocol import STRANGER_BYTES, Link
from maasha.rpc.pulse import Health
from maasha.rpc.wire import Limits, Number, Text
from tests.unit.rpc.parts import Kernel, Line, Listener, Peer, error_of, value_of, waits


class Echo(Call):
    """Answer what was said, or fail as asked."""

    arguments = [(b"text", Text())]
    response = [(b"text", Text())]
    errors = declared(DhcpRefused)


class Strict(Call):
    """Take a number under the name of Echo."""

    commandName = b"Echo"
    arguments = [(b"number", Number())]


class Foreign(Call):
    """Fail with an error that is none of ours."""

    errors = {ZeroDivisionError: b"ZERO"}


class Sloppy(Call):
    """Answer what the response does not allow."""

    response = [(b"number", Number())]


class Huge(Call):
    """Answer more than a box can carry, by a third party's own means."""

    response = [(b"text", amp.String())]


class Parrot(Alive):
    """Echoes, slowly if `pause` is set."""

    def __init__(self) -> None:
        self.pause: Deferred[None] | None = None
        self.failure: Exception | None = None

    @Echo.responder
    async def echo(self, text: str) -> dict[str, str]:
        """Answer the text."""
        if self.pause:
            await self.pause
        if self.failure:
            raise self.failure
        return {"text": text}

    @Foreign.responder
    def foreign(self) -> dict[str, object]:
        """Fail."""
        raise ZeroDivisionError("by zero")

    @Sloppy.responder
    def sloppy(self) -> dict[str, object]:
        """Answer nothing that fits."""
        return {"number": 10**30}

    @Huge.responder
    def huge(self) -> dict[str, object]:
        """Answer too much."""
        return {"text": b"x" * 70_000}


class Pair:
    """Two trusted links and the line between them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.ground = Ground(self.clock)
        self.parrot = Parrot()
        self.here = Link(self.ground, lambda _: amp.CommandLocator())
        self.there = Link(self.ground, lambda _: amp.CommandLocator())
        self.line = Line(self.there, self.clock)
        self.line.attach(self.here)
        self.here.trust(Alive())
        self.there.trust(self.parrot)

    def echo(self, text: str, deadline: float = 10.0) -> Deferred[dict[str, str]]:
        """Call Echo and move the bytes."""
        answer = ensureDeferred(self.here.call(Echo, deadline, text=text))
        self.line.pump.flush()
        return answer


def stranger() -> tuple[Link, Line, Peer]:
    """Give a link that has not been trusted and a stock peer of it."""
    clock, peer = Clock(), Peer()
    link = Link(Ground(clock), lambda _: amp.CommandLocator())
    line = Line(peer, clock)
    line.attach(link)
    return link, line, peer


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


def test_a_healthy_link_lives_on() -> None:
    """Heartbeats keep an idle link for as long as both sides run."""
    pair = Pair()
    pair.line.advance(60)
    assert waits(pair.here.closed)
    assert waits(pair.there.closed)


@pytest.mark.parametrize("phase", [0.0, 0.05, 0.5, 0.95])
def test_a_frozen_peer_is_aborted(phase: float) -> None:
    """It is suspect within a second and the link ends within three, whatever the phase."""
    pair = Pair()
    pair.line.advance(5 + phase, 0.05)
    silent = doubted = 0.0
    while waits(pair.here.closed):
        pair.clock.advance(0.05)
        pair.line.near.flush_close()
        silent += 0.05
        if pair.here.health is Health.SUSPECT and not doubted:
            doubted = silent
    assert 0.5 <= doubted <= 0.95
    assert 2.1 <= silent <= 2.75
    assert pair.line.near.aborted
    assert value_of(pair.here.closed) == "silent for 2.1 s or more"


def test_calls_to_a_suspect_wait_until_it_is_heard_again(logged: Listener) -> None:
    """They are not sent, the heartbeat is; three beats later they leave, in their order."""
    pair = Pair()
    pair.line.advance(5)
    pair.clock.pump([0.1] * 9)
    assert pair.here.health is Health.SUSPECT
    pair.line.pump.flush()
    answers = [ensureDeferred(pair.here.call(Echo, text=text)) for text in "ab"]
    pair.line.advance(0.5)
    assert all(waits(answer) for answer in answers)
    pair.line.advance(1)
    assert [value_of(answer) for answer in answers] == [{"text": "a"}, {"text": "b"}]
    lines = [line for line in logged.lines if line.startswith(pair.here.remote)]
    assert [line.partition(" is ")[2] for line in lines] == ["suspect", "healthy"]


def test_calls_to_a_suspect_that_dies_were_not_sent() -> None:
    """They fail with the link, and may safely be asked elsewhere."""
    pair = Pair()
    pair.line.advance(5)
    pair.clock.pump([0.1] * 9)
    answer = ensureDeferred(pair.here.call(Echo, text="x"))
    pair.clock.pump([0.1] * 20)
    pair.line.near.flush_close()
    assert isinstance(error_of(answer), LinkLost)


def test_a_long_message_on_a_slow_line_harms_no_link() -> None:
    """Heartbeats are stuck behind it, so the side that is still reading it says that it lives."""
    pair = Pair()
    pair.line.advance(5)
    pair.line.near.width = 100_000
    answer = ensureDeferred(pair.here.call(Echo, 60, text="x" * 10_000_000))
    seconds = 0.0
    while waits(answer):
        pair.clock.advance(0.1)
        pair.line.pump.pump()
        seconds += 0.1
    assert seconds > 9
    assert value_of(answer)
    assert pair.here.health is Health.HEALTHY
    assert pair.there.health is Health.HEALTHY


def test_a_peer_that_pushes_back_is_not_taken_for_dead() -> None:
    """It does not read for as long as it has too much to do, and says that it lives."""
    pair = Pair()
    pair.there.limits = Limits(in_flight=2, queued=2)
    pair.parrot.pause = Deferred()
    answers = [ensureDeferred(pair.here.call(Echo, 60, text=str(n))) for n in range(9)]
    pair.line.pump.flush()
    assert not pair.there.reading
    pair.line.near.width = 0
    for _ in range(200):
        pair.clock.advance(0.1)
        pair.line.pump.pump()
    assert waits(pair.here.closed)
    assert waits(pair.there.closed)
    pair.line.near.width = None
    pair.parrot.pause.callback(None)
    pair.line.advance(2)
    assert [value_of(answer) for answer in answers] == [{"text": str(n)} for n in range(9)]


@pytest.mark.parametrize(
    ("unacknowledged", "since", "dead"), [(1, 301, True), (1, 300, False), (0, 60_000, False)]
)
def test_who_does_not_read_goes_by_the_kernel(unacknowledged: int, since: int, dead: bool) -> None:
    """What was sent and is not acknowledged is silence; what waits to be sent is not."""
    pair = Pair()
    pair.there.limits = Limits(in_flight=1, queued=1)
    pair.parrot.pause = Deferred()
    answers = [ensureDeferred(pair.here.call(Echo, 60, text=str(n))) for n in range(4)]
    pair.line.pump.flush()
    assert not pair.there.reading
    pair.line.distant.kernel = Kernel(unacknowledged, since)
    pair.line.near.width = 0
    pair.clock.pump([0.1] * 30)
    pair.line.distant.flush_close()
    assert waits(pair.there.closed) is not dead
    assert all(waits(answer) for answer in answers)


def test_a_link_knows_how_long_a_round_trip_takes() -> None:
    """It asks now and then even where traffic shows that the peer lives."""
    pair = Pair()
    pair.line.advance(10)
    for link in (pair.here, pair.there):
        assert link.round_trip is not None
        assert 0 <= link.round_trip.mean <= 0.2


def test_a_pause_of_this_process_is_not_taken_for_the_peers_death() -> None:
    """After a pause one beat is missed, not many; what the peer sent is read before the next."""
    pair = Pair()
    pair.line.advance(5)
    pair.clock.advance(300)
    pair.line.pump.flush()
    pair.line.advance(10)
    assert waits(pair.here.closed)


def test_traffic_is_a_sign_of_life() -> None:
    """A peer that does not know Ping lives, for an error is an answer too."""
    pair = Pair()
    pair.there.locator = amp.CommandLocator()
    pair.line.advance(30)
    assert waits(pair.here.closed)


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
