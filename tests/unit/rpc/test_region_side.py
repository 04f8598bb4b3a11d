"""A region lets in who proves the secret, and hears no one else."""

from __future__ import annotations

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from maasha.model.cluster import SystemId
from maasha.rpc.errors import (
    Deleted,
    Forgotten,
    LinkLost,
    RegistrationRefused,
    RemoteFailure,
    TokenExpired,
    TokenUsed,
    TooManyLinks,
    TurnedAway,
    Unavailable,
    WrongInstance,
    WrongSecret,
    WrongVersion,
)
from maasha.rpc.versions import Versions
from tests.unit.rpc.parts import (
    EPOCH,
    INTRODUCTION,
    OTHER_INSTANCE,
    OTHER_SECRET,
    RACK_FACTS,
    REGION_FACTS,
    REPORT,
    WELCOME,
    WORKER,
    Desk,
    Door,
    Hands,
    Listener,
    Shut,
    error_of,
    house,
    value_of,
    waits,
)


def test_a_rack_with_the_secret_is_registered() -> None:
    """A rack that proves the secret gets the welcome and is introduced with its address."""
    home = house()
    session = value_of(home.join())
    assert session.welcome == WELCOME
    assert home.door.seen == [(INTRODUCTION, "192.0.2.1:40000")]
    assert home.refused == []


def test_a_wrong_secret_is_named_on_both_sides() -> None:
    """Both sides learn that the secret is wrong, and the connection ends."""
    home = house()
    error = error_of(home.join(evolve(RACK_FACTS, secret=OTHER_SECRET)))
    assert isinstance(error, WrongSecret)
    assert "wrong secret: the rack's proof" in str(error)
    [(remote, refused)] = home.refused
    assert remote == "192.0.2.1:40000"
    assert str(refused) == str(error)
    assert home.door.seen == []
    home.line.advance(0.1)
    assert home.line.distant.disconnected


def test_a_wrong_version_is_named_on_both_sides() -> None:
    """A rack without a common protocol number is refused with both ranges."""
    home = house()
    error = error_of(home.join(evolve(RACK_FACTS, spoken=Versions(2, 5))))
    assert isinstance(error, WrongVersion)
    assert (error.offered, error.accepted) == (Versions(2, 5), Versions(1, 1))
    assert str(home.refused[0][1]) == str(error)


def test_a_wrong_instance_is_named_on_both_sides() -> None:
    """A rack that is pinned to another instance is refused with both names."""
    home = house()
    error = error_of(home.join(evolve(RACK_FACTS, instance=OTHER_INSTANCE)))
    assert isinstance(error, WrongInstance)
    assert (error.expected, error.got) == (REGION_FACTS.instance, OTHER_INSTANCE)
    assert str(home.refused[0][1]) == str(error)


def test_any_of_two_secrets_is_good() -> None:
    """While a secret is replaced, racks with the old and with the new one get in."""
    home = house(evolve(REGION_FACTS, secrets=(OTHER_SECRET, RACK_FACTS.secret)))
    assert value_of(home.join()).welcome == WELCOME


def test_facts_may_change_while_the_region_runs() -> None:
    """New facts count from the next connection on."""
    home = house()
    home.factory.facts = evolve(REGION_FACTS, secrets=(OTHER_SECRET,))
    assert isinstance(error_of(home.join()), WrongSecret)


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (Deleted("acdefg"), 1),
        (Forgotten("acdefg"), 0),
        (TooManyLinks(3), 1),
        (Unavailable("no database", 2.5), 0),
        (RegistrationRefused("the name is taken"), 1),
        (TokenExpired("k3f8"), 1),
        (TokenUsed("k3f8"), 1),
    ],
)
def test_a_refused_registration_reaches_the_rack_and_ends_the_link(
    failure: Exception, told: int
) -> None:
    """The rack gets the very error of the admission; then nothing of the link is left.

    The region's people hear of those that somebody has to mend.
    """
    home = house(door=Door(failure=failure))
    error = error_of(home.join())
    assert (type(error), str(error)) == (type(failure), str(failure))
    home.line.advance(0.1)
    assert home.line.distant.disconnected
    assert home.door.desk.ended == []
    assert len(home.refused) == told


def test_a_rack_may_not_change_its_name_after_the_proof() -> None:
    """A system_id other than the proved one is refused before the admission sees it."""
    home = house()
    error = error_of(home.join(introduction=evolve(INTRODUCTION, system_id=SystemId("acdefg"))))
    assert isinstance(error, RegistrationRefused)
    assert home.door.seen == []


def test_the_end_of_a_link_is_told_once() -> None:
    """Duties hear exactly once that their link has ended, with the reason."""
    home = house()
    session = value_of(home.join())
    session.leave()
    home.line.pump.flush()
    assert home.door.desk.ended == ["the other side closed the connection"]
    home.line.advance(5)
    assert len(home.door.desk.ended) == 1


def test_a_link_lost_during_registration_is_told_too() -> None:
    """Duties made for a link that has ended meanwhile hear of the end at once."""
    ready: Deferred[None] = Deferred()
    home = house(door=Door(ready=ready))
    joining = home.join()
    home.line.near.abortConnection()
    home.line.pump.flush()
    assert isinstance(error_of(joining), LinkLost)
    assert home.door.desk.ended == []
    ready.callback(None)
    assert home.door.desk.ended == ["the other side closed the connection"]


def test_an_end_that_cannot_be_noted_harms_nobody(logged: Listener) -> None:
    """A failure while the end is noted is logged."""

    class Broken(Desk):
        async def lost(self, reason: str) -> None:
            raise ZeroDivisionError(reason)

    home = house(door=Door(desk=Broken()))
    value_of(home.join()).abort()
    home.line.pump.flush()
    assert [type(error) for error in logged.failures] == [ZeroDivisionError]


def test_calls_wait_for_the_welcome() -> None:
    """What the region calls while it still registers a rack is sent after the welcome."""
    ready: Deferred[None] = Deferred()
    home, hands = house(door=Door(ready=ready)), Hands()
    joining = home.join(duties=hands)
    [rack] = home.door.racks
    owning = home.run(rack.own(EPOCH))
    assert waits(owning)
    ready.callback(None)
    home.line.pump.flush()
    assert value_of(joining).welcome == WELCOME
    assert value_of(owning) == REPORT
    assert hands.orders == [(WORKER, EPOCH)]


def test_calls_to_a_rack_that_never_got_its_welcome_fail() -> None:
    """A call that waits for the welcome ends with the link."""
    home = house(door=Door(ready=Deferred()))
    joining = home.join()
    owning = home.run(home.door.racks[0].own(EPOCH))
    home.line.near.abortConnection()
    home.line.pump.flush()
    assert isinstance(error_of(owning), LinkLost)
    error_of(joining)


def test_an_undeclared_failure_of_a_duty_keeps_the_link(logged: Listener) -> None:
    """The caller gets an id, the log has the cause under it, and the next call works."""
    home = house()
    session = value_of(home.join())
    home.door.desk.failure = ZeroDivisionError("secret detail")
    error = error_of(home.run(session.remote.report_dhcp(REPORT)))
    assert isinstance(error, RemoteFailure)
    assert error.id.startswith("192.0.2.1:40000#")
    assert "secret detail" not in str(error)
    assert [str(each) for each in logged.failures] == ["secret detail"]
    home.door.desk.failure = None
    value_of(home.run(session.remote.report_dhcp(REPORT)))
    assert home.door.desk.heard == [REPORT]


def test_strangers_leave_one_line_per_source_and_minute(logged: Listener) -> None:
    """However often one address knocks without a proof, the log has one line a minute."""
    home = house()

    def knock() -> int:
        home.line.attach(Shut())
        home.line.pump.flush()
        return len([line for line in logged.lines if "before it proved" in line])

    assert [knock(), knock(), knock()] == [1, 1, 1]
    home.clock.advance(60)
    assert knock() == 2


def test_what_a_refusal_said_is_not_said_again(logged: Listener) -> None:
    """Whoever hears of refused racks logs them; their end is worth no second line."""
    home = house()
    error_of(home.join(evolve(RACK_FACTS, secret=OTHER_SECRET)))
    home.line.advance(0.1)
    assert len(home.refused) == 1
    assert logged.lines == []


def test_a_refused_source_has_to_wait() -> None:
    """It is closed at once, which the rack can tell from a lost link; later it may try again."""
    home = house()
    wrong = evolve(RACK_FACTS, secret=OTHER_SECRET)
    assert isinstance(error_of(home.join(wrong)), WrongSecret)
    home.line.advance(0.1)
    assert isinstance(error_of(home.join()), TurnedAway)
    home.line.advance(0.5)
    assert value_of(home.join()).welcome == WELCOME


def test_a_source_with_a_rack_inside_waits_for_nothing() -> None:
    """Racks behind one address do not pay for one of them that has a wrong secret."""
    home = house()
    value_of(home.join())
    for _ in range(40):
        assert isinstance(error_of(home.join(evolve(RACK_FACTS, secret=OTHER_SECRET))), WrongSecret)
    assert value_of(home.join()).welcome == WELCOME
