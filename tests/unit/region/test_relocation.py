"""A worker has racks move its links, and hears in time what became of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

import pytest
from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from maasha.db.transaction import Isolation, Transaction
from maasha.model.cluster import LinkId, Move, RackKey, SystemId, WorkerId
from maasha.region.connections import Connections, RackLink
from maasha.region.relocation import ANSWER, Relocation, of_the_rack
from maasha.rpc.deadline import within
from maasha.rpc.errors import DeadlineExceeded, NotMoved
from maasha.rpc.remote import RemoteRack

T = TypeVar("T")
SECONDS = 20.0
NEW = WorkerId(2)


@define(eq=False)
class SlowRack:
    """The rack's end of a link: its dial takes `dial` seconds, and all the time that it has."""

    clock: Clock
    dial: float
    closed: Deferred[str] = field(factory=Deferred)

    async def migrate(self, move: Move, deadline: float) -> int:
        """Do what a rack does, and wait for it as the region does."""
        return await within(deadline, self.clock, "Migrate", Deferred.fromCoroutine(self._do(move)))

    async def _do(self, move: Move) -> int:
        dialling: Deferred[None] = deferLater(self.clock, self.dial)
        try:
            await within(move.seconds, self.clock, "dial", dialling)
        except DeadlineExceeded as error:
            raise NotMoved("no link") from error
        return NEW


@frozen
class OpenMove:
    """A row of a move that is to be done, with the time that is left for it."""

    id: int = 1
    rack_id: int = 1
    link_id: int = 1
    target: int = NEW
    hostname: str = "region1"
    pid: int = 7
    endpoints: list[object] = field(factory=list)
    reason: str = "evening"
    seconds: float = SECONDS


@define(eq=False)
class Moves:
    """The database as far as it has to do with moves: one is open; `ended` says what became of it.

    An end is the seconds after which it came, and the failure.
    """

    clock: Clock
    ended: list[tuple[float, str]] = field(factory=list)

    async def run(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        read_only: bool = False,  # noqa: ARG002 - the shape of Runner
        isolation: Isolation = Isolation.READ_COMMITTED,  # noqa: ARG002
    ) -> T:
        """Do it."""
        return await work(cast(Transaction, self))

    async def rows(self, *_: object) -> list[OpenMove]:
        """List what is open."""
        return [OpenMove()]

    async def one(self, _: str, values: Mapping[str, Any]) -> None:
        """End it."""
        self.ended.append((self.clock.seconds(), values["failure"]))


def move(dial: float) -> Moves:
    """Have a worker move a rack's link, whose dial takes so long; some time passes."""
    clock = Clock()
    moves, connections = Moves(clock), Connections()
    remote = cast(RemoteRack, SlowRack(clock, dial))
    link = RackLink(LinkId(1), WorkerId(1), RackKey(1), SystemId("abc346"), "rack1", remote)
    connections.add(link)
    relocation = Relocation(clock, moves, connections, lambda: WorkerId(1))
    relocation.startService()
    clock.pump([0.25] * 100)
    return moves


def test_what_a_rack_does_in_its_last_moment_is_heard_of() -> None:
    """The region waits longer than it lets the rack take: nothing that went well has failed."""
    ((_, failure),) = move(dial=SECONDS - ANSWER - 0.25).ended
    assert failure == ""


def test_a_rack_says_itself_that_it_took_too_long() -> None:
    """Before the region has given up, so that both know the same."""
    ((after, failure),) = move(dial=SECONDS - 0.5).ended
    assert "no link" in failure
    assert after == SECONDS - ANSWER


@pytest.mark.parametrize(("left", "given"), [(20.0, 18.0), (5.0, 3.0), (4.0, 2.0), (1.0, 0.5)])
def test_a_rack_has_some_of_the_time_at_least(left: float, given: float) -> None:
    """Half of it, where a move is found late."""
    assert of_the_rack(left) == given
