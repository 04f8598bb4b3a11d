"""The end of a link is agreed on: what an answer of the region means, and what none does."""

from __future__ import annotations

from typing import cast

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred

from maasha.rack.parting import PATIENCE, Parting
from maasha.rpc import rack_side
from maasha.rpc.errors import Busy, DeadlineExceeded, LinkLost, NotOffered, RemoteFailure, RpcError
from tests.unit.rack.stand_ins import Session, welcome
from tests.unit.rpc.parts import value_of

SILENCE = DeadlineExceeded("Farewell", PATIENCE)


@define(eq=False)
class Noted(Session):
    """A link that notes how long its region is given to answer."""

    given: list[float] = field(factory=list)

    async def farewell(self, deadline: float) -> bool:
        """Have no more calls made."""
        self.given.append(deadline)
        return await super().farewell(deadline)


@pytest.fixture
def session() -> Noted:
    """Give a link with nothing under way."""
    return Noted(welcome(1))


@pytest.fixture
def parting(session: Noted) -> Parting:
    """Give its end, of which nothing has happened yet."""
    return Parting(cast(rack_side.Session, session))


def rests(parting: Parting, left: float = 20.0) -> bool:
    """Try to bring the link to rest."""
    return value_of(Deferred.fromCoroutine(parting.at_rest(left)))


def test_a_link_with_nothing_under_way_is_at_rest(parting: Parting) -> None:
    """As soon as the region agrees; it is not asked again."""
    assert rests(parting)
    assert parting.agreed
    assert rests(parting)


def test_a_region_is_not_asked_while_the_rack_calls(session: Noted, parting: Parting) -> None:
    """Its own calls end first."""
    session.idle = False
    assert not rests(parting)
    assert session.given == []


@pytest.mark.parametrize("refusal", [NotOffered("Farewell"), LinkLost("cut")])
def test_who_cannot_agree_holds_nothing_up(
    session: Noted, parting: Parting, refusal: RpcError
) -> None:
    """An old region does not know the question, and a link that is gone has nobody to ask."""
    session.refusal = refusal
    assert rests(parting)
    assert parting.agreed


@pytest.mark.parametrize("refusal", [SILENCE, RemoteFailure("1"), Busy(9)])
def test_a_question_that_failed_is_asked_again(
    session: Noted, parting: Parting, refusal: RpcError
) -> None:
    """The region may have calls under way: the link is not at rest."""
    session.refusal = refusal
    assert not rests(parting)
    assert not parting.agreed
    session.refusal = None
    assert rests(parting)


def test_a_question_without_answer_may_have_been_agreed_to(
    session: Noted, parting: Parting
) -> None:
    """Then the link has to end, unless the region says that it has calls under way."""
    session.refusal = SILENCE
    rests(parting)
    assert parting.may_be
    session.refusal, session.calls = None, 1
    rests(parting)
    assert not parting.may_be


def test_a_question_that_was_never_asked_leaves_no_doubt(session: Noted, parting: Parting) -> None:
    """The link could take no more calls."""
    session.refusal = Busy(9)
    rests(parting)
    assert not parting.may_be


def test_no_question_waits_for_long(session: Noted, parting: Parting) -> None:
    """There is time to ask again, and none after the end."""
    session.calls = 1
    rests(parting, 20.0)
    rests(parting, 1.0)
    assert session.given == [PATIENCE, 1.0]
