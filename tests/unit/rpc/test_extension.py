"""A third party's commands: there after the registration, at either end, and in nobody's way."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.protocols import amp

from maasha.rpc.commands import Call
from maasha.rpc.errors import DeadlineExceeded, NotOffered, RemoteFailure
from maasha.rpc.extension import CommandTaken, Extension, NameTaken, Side, judged
from maasha.rpc.peer import Peer
from maasha.rpc.protocol import Link
from maasha.rpc.pulse import Health
from maasha.rpc.wire import Text
from tests.unit.rpc.bells import BELLS, Broken, Heard, Ring, Tower, Village, heard, ring
from tests.unit.rpc.parts import (
    EPOCH,
    INSTANCE,
    REGION,
    REPORT,
    WELCOME,
    WORKER,
    Door,
    House,
    Listener,
    error_of,
    house,
    value_of,
    waits,
)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """Begin without anybody."""
    Tower.made.clear()
    Village.made.clear()


@pytest.fixture
def home() -> House:
    """Give a region with bells."""
    return house(extensions=[BELLS])


def met(home: House) -> tuple[Tower, Village]:
    """Let a rack with bells join; give both ends."""
    value_of(home.join(extensions=[BELLS]))
    home.line.advance(0.1)
    return Tower.made[-1], Village.made[-1]


def test_both_ends_call_each_other(home: House) -> None:
    """The region rings, the rack tells it what was heard and answers."""
    _, village = met(home)
    assert value_of(home.run(ring(village.peer, "evening"))) == 2
    assert village.heard == ["morning", "evening"]


def test_a_peer_says_who_is_there(home: House) -> None:
    """The rack's names at the region's end, the region's at the rack's."""
    tower, village = met(home)
    rack, region = village.peer, tower.peer
    assert (rack.system_id, region.system_id) == (WELCOME.system_id, REGION)
    for peer in (rack, region):
        assert (peer.instance, peer.worker) == (INSTANCE, WORKER)
        assert peer.health is Health.HEALTHY
        assert peer.clock is home.clock
    assert (rack.remote, region.remote) == ("192.0.2.1:40000", "192.0.2.9:5250")
    home.line.advance(20)
    assert rack.round_trip is not None


def test_what_a_side_does_unasked_waits_for_the_welcome(home: House) -> None:
    """It begins with the registration, and its first call reaches a rack that is ready."""
    _, village = met(home)
    assert village.answer == 1
    assert village.ended == []


def test_the_end_of_the_link_ends_what_a_side_does(home: House, logged: Listener) -> None:
    """Without a word in the log; whoever looks at `closed` hears why."""
    tower, village = met(home)
    home.door.racks[0].close("drained")
    home.line.pump.flush()
    assert village.ended == ["quiet"]
    assert value_of(village.peer.closed) == "drained"
    assert isinstance(value_of(tower.peer.closed), str)
    assert logged.failures == []


def test_a_trace_goes_along(home: House) -> None:
    """What the rack tells while it answers belongs to what the region asked."""
    tower, village = met(home)
    value_of(home.run(ring(village.peer, "evening")))
    assert tower.traces == village.traces
    assert len(set(tower.traces)) == 2


def test_a_declared_error_keeps_its_fields(home: House) -> None:
    """The caller catches what the other end raised."""
    _, village = met(home)
    error = error_of(home.run(ring(village.peer, "cracked")))
    assert isinstance(error, Broken)
    assert error.bell == "cracked"


def test_an_undeclared_error_is_logged_with_an_id(home: House, logged: Listener) -> None:
    """The caller gets the id, and the link lives."""
    _, village = met(home)
    error = error_of(home.run(ring(village.peer, "none")))
    assert isinstance(error, RemoteFailure)
    assert [str(each) for each in logged.failures] == ["no such bell"]
    assert error.id in "".join(logged.lines)
    assert value_of(home.run(ring(village.peer, "noon"))) == 2


def test_own_commands_work_beside(home: House) -> None:
    """And all of them on the fast path."""
    session = value_of(home.join(extensions=[BELLS]))
    home.line.advance(0.1)
    value_of(home.run(session.remote.report_dhcp(REPORT)))
    assert value_of(home.run(home.door.racks[0].own(EPOCH))) == REPORT
    assert value_of(home.run(ring(Village.made[0].peer, "noon"))) == 2
    assert home.door.desk.heard == [REPORT]
    assert home.ground.metrics.detours == 0


def test_a_rack_without_the_extension_offers_nothing_of_it(home: House) -> None:
    """The region's end hears so, and nothing else is disturbed."""
    session = value_of(home.join())
    home.line.advance(0.1)
    [village] = Village.made
    assert isinstance(error_of(home.run(ring(village.peer, "noon"))), NotOffered)
    value_of(home.run(heard(session.peer, "far away")))
    assert village.heard == ["far away"]


def test_a_region_without_the_extension_offers_nothing_of_it() -> None:
    """The rack's end hears so."""
    home = house()
    value_of(home.join(extensions=[BELLS]))
    [tower] = Tower.made
    assert isinstance(error_of(home.run(heard(tower.peer, "noon"))), NotOffered)


def test_strangers_and_the_unregistered_see_nothing_of_it() -> None:
    """Before the registration is done there is no extension at either end."""
    home = house(door=Door(ready=Deferred()), extensions=[BELLS])
    link = Link(home.ground, lambda _: amp.CommandLocator())
    home.line.attach(link)
    assert isinstance(error_of(home.run(link.call(Heard, bell="x"))), NotOffered)
    joining = home.join(extensions=[BELLS])
    assert (Tower.made, Village.made) == ([], [])
    joining.cancel()
    error_of(joining)


def test_a_call_that_waits_for_the_welcome_has_a_deadline() -> None:
    """It counts from the call."""
    home = house(door=Door(ready=Deferred()))
    joining = home.join()
    call = home.run(home.door.racks[0].call(Ring, 2, bell="x"))
    home.line.advance(1.9)
    assert waits(call)
    home.line.advance(0.2)
    assert isinstance(error_of(call), DeadlineExceeded)
    joining.cancel()
    error_of(joining)


class Unmakeable(Side):
    """Cannot be made."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(peer)
        raise OSError("no bell rope")


class Plain(Side):
    """Does not know that living is a coroutine."""

    def live(self) -> None:  # type: ignore[override]  # that is the mistake
        """Do nothing."""


class Tired(Side):
    """Fails at what it does unasked."""

    async def live(self) -> None:
        """Fail."""
        raise OSError("no bell rope")

    @Heard.responder
    async def hear(self, bell: str) -> dict[str, object]:  # noqa: ARG002
        """Answer."""
        return {}


@pytest.mark.parametrize("kind", [Unmakeable, Plain])
def test_a_side_that_cannot_be_made_is_missed_alone(kind: type[Side], logged: Listener) -> None:
    """It is logged with its name, and the link has everything else."""
    home = house(extensions=[Extension("bad", region=kind), BELLS])
    session = value_of(home.join(extensions=[Extension("bad", rack=kind), BELLS]))
    home.line.advance(0.1)
    assert Village.made[0].answer == 1
    value_of(home.run(session.remote.report_dhcp(REPORT)))
    lines = [line for line in logged.lines if line.startswith("extension bad is not there")]
    assert lines == [
        f"extension bad is not there for acdefg: its {kind.__name__} cannot be made",
        f"extension bad is not there for 4y3h7n: its {kind.__name__} cannot be made",
    ]


def test_a_side_that_fails_unasked_goes_on_answering(logged: Listener) -> None:
    """The log has the error and the extension's name."""
    home = house(extensions=[Extension("tired", region=Tired)])
    session = value_of(home.join())
    value_of(home.run(heard(session.peer, "noon")))
    assert [str(each) for each in logged.failures] == ["no bell rope"]
    assert any("extension tired does nothing unasked any more" in line for line in logged.lines)


class Own(Call):
    """Has the name of one of maasha's commands."""


class Thief(Side):
    """Answers it."""

    @Own.responder
    async def own(self) -> dict[str, object]:
        """Answer."""
        return {}


def test_a_command_of_maashas_stays_maashas() -> None:
    """Whatever the end; the error says which extension, which command and what to do."""
    for thief in (Extension("thief", rack=Thief), Extension("thief", region=Thief)):
        good, refusals = judged([BELLS, thief])
        assert good == (BELLS,)
        assert refusals == (CommandTaken("thief", "Own", "maasha"),)
        assert "command Own belongs to maasha already; rename it" in str(refusals[0])


def test_of_two_that_clash_neither_is_served() -> None:
    """Nobody answers for the other, whichever was found first; the rest is served."""
    twin, innocent = Extension("twin", region=Tower), Extension("innocent", rack=Tired)
    good, refusals = judged([BELLS, twin])
    assert good == ()
    assert refusals == (
        CommandTaken("bells", "Ring", "extension twin"),
        CommandTaken("twin", "Ring", "extension bells"),
    )
    assert judged([innocent, Extension("other", rack=Tower)])[1] == ()


def test_two_of_one_name_are_both_left_out() -> None:
    """The log could not tell them apart; the same one found twice is one."""
    good, refusals = judged([BELLS, Extension("bells", rack=Tired)])
    assert good == ()
    assert refusals == (NameTaken("bells"),)
    assert "two extensions are named bells" in str(refusals[0])
    assert judged([BELLS, Extension("bells", rack=Tower, region=Village)]) == ((BELLS,), ())


@pytest.mark.parametrize("wrong", ["Tower", object, Tower(None)])  # type: ignore[arg-type]  # no link
def test_an_extension_names_subclasses_of_side(wrong: Any) -> None:
    """Anything else fails where it is written."""
    with pytest.raises(TypeError, match="`rack` of an extension is a subclass of Side or None"):
        Extension("wrong", rack=wrong)


class Free(Call):
    """Has an argument that is named like one of `call`."""

    arguments = [(b"deadline", Text())]


def test_arguments_may_have_any_name(home: House) -> None:
    """Also those of the method that carries them."""
    session = value_of(home.join())
    call = home.run(session.peer.call(Free, 1.0, deadline="noon"))
    assert isinstance(error_of(call), NotOffered)
