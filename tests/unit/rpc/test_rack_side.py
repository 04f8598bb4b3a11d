"""A rack joins in bounded time, checks the region, and takes orders only once registered."""

from __future__ import annotations

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred, ensureDeferred, fail
from twisted.internet.error import ConnectionRefusedError, DNSLookupError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.protocols import amp
from zope.interface import implementer

from maasha.rpc import commands
from maasha.rpc.errors import (
    BadArgument,
    DeadlineExceeded,
    LinkLost,
    NotOffered,
    OutOfOrder,
    RpcError,
    TurnedAway,
    Unreachable,
    WrongInstance,
    WrongSecret,
    WrongVersion,
)
from maasha.rpc.ground import Ground
from maasha.rpc.handshake import RackFacts
from maasha.rpc.protocol import Link
from maasha.rpc.rack_side import Session, join
from tests.unit.rpc.bells import BELLS, Tower, Village, ring
from tests.unit.rpc.parts import (
    INSTANCE,
    INTRODUCTION,
    OTHER_INSTANCE,
    RACK_FACTS,
    REGION,
    REPORT,
    WELCOME,
    Counter,
    Door,
    Hands,
    Line,
    error_of,
    house,
    value_of,
    waits,
)

GREETING = {
    "protocol": 1,
    "lowest": 1,
    "highest": 1,
    "version": "0.1.0",
    "system_id": REGION,
    "instance": INSTANCE,
    "nonce": bytes(32),
}


class Impostor(amp.AMP):
    """A region without the secret, on stock AMP, that says what a test sets."""

    def __init__(self, **greeting: object) -> None:
        super().__init__()
        self.greeting = {**GREETING, **greeting}
        self.proofs = 0

    @commands.Hello.responder
    def hello(self, **_: object) -> dict[str, object]:
        """Greet."""
        return self.greeting

    @commands.Prove.responder
    def prove(self, proof: bytes) -> dict[str, object]:
        """Send the rack's own proof back."""
        self.proofs += 1
        return {"proof": proof}


@implementer(IStreamClientEndpoint)
class Dead:
    """An endpoint that fails or, with None, never connects."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.cancelled = False

    def connect(self, _: IProtocolFactory) -> Deferred[IProtocol]:
        """Fail, or wait for ever."""
        return fail(self.error) if self.error else Deferred(self._cancel)

    def _cancel(self, _: object) -> None:
        self.cancelled = True


def joining(
    endpoint: IStreamClientEndpoint, clock: Clock, facts: RackFacts = RACK_FACTS
) -> Deferred[Session]:
    """Start to join over an endpoint."""
    return ensureDeferred(
        join(
            Ground(clock),
            endpoint,
            facts,
            lambda: INTRODUCTION,
            Hands(),
            Counter(),
            tls=False,
        )
    )


def met(impostor: Impostor, facts: RackFacts = RACK_FACTS) -> BaseException:
    """Give the error of a rack that met a false region; the link is gone."""
    clock = Clock()
    line = Line(impostor, clock)
    attempt = joining(line, clock, facts)
    line.pump.flush()
    assert line.near.aborted
    return error_of(attempt)


def test_a_false_region_is_not_trusted() -> None:
    """A region that only sends the proof back gets no introduction."""
    impostor = Impostor()
    error = met(impostor)
    assert isinstance(error, WrongSecret)
    assert error.prover == "region"
    assert impostor.proofs == 1


@pytest.mark.parametrize(
    ("greeting", "facts", "expected"),
    [
        ({"protocol": 2}, RACK_FACTS, WrongVersion),
        ({"instance": OTHER_INSTANCE}, evolve(RACK_FACTS, instance=INSTANCE), WrongInstance),
        ({"instance": None}, RACK_FACTS, BadArgument),
    ],
)
def test_a_greeting_that_does_not_fit_gets_no_proof(
    greeting: dict[str, object], facts: RackFacts, expected: type[RpcError]
) -> None:
    """The rack checks number and instance before it proves anything."""
    impostor = Impostor(**greeting)
    assert isinstance(met(impostor, facts), expected)
    assert impostor.proofs == 0


def test_a_peer_that_is_no_region_is_left() -> None:
    """A stock AMP peer without these commands is refused."""
    clock = Clock()
    line = Line(amp.AMP(), clock)
    attempt = joining(line, clock)
    line.pump.flush()
    assert isinstance(error_of(attempt), NotOffered)
    assert line.near.aborted


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError("refused"), DNSLookupError("no such name")]
)
def test_a_region_that_cannot_be_reached_is_named(error: Exception) -> None:
    """The reason of the network is in the error."""
    failed = error_of(joining(Dead(error), Clock()))
    assert isinstance(failed, Unreachable)
    assert str(error) in str(failed)


def test_a_connection_that_never_comes_ends_in_time() -> None:
    """After ten seconds the attempt is cancelled."""
    clock, endpoint = Clock(), Dead(None)
    attempt = joining(endpoint, clock)
    clock.advance(10)
    error = error_of(attempt)
    assert isinstance(error, DeadlineExceeded)
    assert endpoint.cancelled


def test_a_registration_that_never_ends_ends_in_time() -> None:
    """After ten seconds the rack hangs up, and the region's duties never begin."""
    home = house(door=Door(ready=Deferred()))
    attempt = home.join()
    home.line.advance(9.8)
    assert waits(attempt)
    home.line.advance(0.4)
    error = error_of(attempt)
    assert isinstance(error, DeadlineExceeded)
    assert error.command == "join"
    assert home.line.near.aborted


def test_a_region_that_hangs_up_without_a_word_has_turned_the_rack_away() -> None:
    """That is what a region does that has too many connections."""
    clock = Clock()
    line = Line(Impostor(), clock)
    attempt = joining(line, clock)
    line.distant.loseConnection()
    line.pump.flush()
    error = error_of(attempt)
    assert isinstance(error, TurnedAway)
    assert "its log says which" in str(error)


def test_a_region_that_hangs_up_in_the_middle_is_a_lost_link() -> None:
    """A connection that ends during the handshake says so."""
    clock = Clock()
    line = Line(Impostor(), clock)
    attempt = joining(line, clock)
    line.near.protocol.dataReceived(b"\0\4_ask")
    line.distant.loseConnection()
    line.pump.flush()
    assert isinstance(error_of(attempt), LinkLost)


def test_the_handshake_is_gone_after_the_proof() -> None:
    """What a registered rack sends of the handshake is not offered any more."""
    home = house()
    session = value_of(home.join())
    link = session._link
    for command, arguments in (
        (commands.Prove, {"proof": bytes(32)}),
        (commands.Register, {"introduction": INTRODUCTION}),
    ):
        assert isinstance(error_of(home.run(link.call(command, **arguments))), NotOffered)


def test_only_the_handshake_exists_before_the_proof() -> None:
    """A stranger's pings and reports are not offered, and a proof is out of order."""
    home = house()
    link = Link(home.ground, lambda _: amp.CommandLocator())
    home.line.attach(link)
    for command, arguments in (
        (commands.Ping, {}),
        (commands.Register, {"introduction": INTRODUCTION}),
        (commands.ReportDHCP, {"report": REPORT}),
    ):
        assert isinstance(error_of(home.run(link.call(command, **arguments))), NotOffered)
    assert isinstance(error_of(home.run(link.call(commands.Prove, proof=bytes(32)))), OutOfOrder)
    assert isinstance(home.refused[0][1], OutOfOrder)


def test_a_session_ends_politely() -> None:
    """Leaving ends both ends, and tells whoever waits."""
    home = house()
    session = value_of(home.join())
    left = session.leave()
    home.line.pump.flush()
    assert value_of(left) == "the rack left"
    assert value_of(session.closed) == "the rack left"
    assert session.welcome == WELCOME


def test_a_farewell_waits_for_the_regions_calls() -> None:
    """Then neither side makes another one, and what is under way from the rack goes on."""
    home = house(extensions=[BELLS])
    session = value_of(home.join(extensions=[BELLS]))
    home.line.advance(0.1)
    tower, village = Tower.made[-1], Village.made[-1]
    tower.pause = Deferred()
    ringing = ensureDeferred(ring(village.peer, "noon"))
    home.line.pump.flush()
    assert not value_of(home.run(session.farewell(1.0)))
    assert not village.peer.parting
    tower.pause.callback(None)
    home.line.pump.flush()
    assert value_of(ringing) == 2
    assert value_of(home.run(session.farewell(1.0)))
    assert (tower.peer.parting, village.peer.parting) == (True, True)
    for call in (session.remote.report_dhcp(REPORT), ring(village.peer, "noon")):
        assert isinstance(error_of(home.run(call)), LinkLost)
    home.line.advance(20)
    assert waits(session.closed)


def test_a_session_ends_at_once() -> None:
    """Aborting waits for nobody."""
    home = house()
    session = value_of(home.join())
    session.abort("frozen")
    home.line.pump.flush()
    assert value_of(session.closed) == "frozen"


def test_a_frozen_region_ends_the_session() -> None:
    """A rack notices within three seconds that the region's process does nothing any more."""
    home = house()
    session = value_of(home.join())
    home.line.advance(5)
    home.clock.pump([0.1] * 30)
    home.line.near.flush_close()
    assert value_of(session.closed) == "silent for 2.1 s or more"
