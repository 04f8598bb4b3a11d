"""A link lives for as long as both sides do, and a dead peer is noticed in time."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.protocols import amp

from maasha.rpc.errors import LinkLost
from maasha.rpc.pulse import Health
from maasha.rpc.wire import Limits
from tests.unit.rpc.pair import Echo, Pair
from tests.unit.rpc.parts import Kernel, Listener, error_of, value_of, waits


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
