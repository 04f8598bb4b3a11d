"""Keeps the racks that this worker acts for to what they are to do for a while: watch, or probe."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Generic, TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from maasha.db.errors import DatabaseError
from maasha.host.routine import Routine
from maasha.model.cluster import RackKey
from maasha.model.stamp import Stamp
from maasha.region.rush import Rush
from maasha.region.steward import Steward
from maasha.rpc.errors import RpcError

T = TypeVar("T")
Wanted = Mapping[RackKey, tuple[T, ...]]
"""What each rack is to do; one that is not in it: nothing."""


@frozen
class Order(Generic[T]):
    """What a rack was told, by whom, and when."""

    epoch: Stamp
    work: tuple[T, ...]
    at: float


class Orders(Routine, Generic[T]):
    """Level-triggered: each look compares what racks are to do with what they were told.

    A rack is told again every `renewal` seconds: one that is not told forgets it. Each look tells
    `most` racks, those first that it tried to tell longest ago: racks that do not take orders keep
    none of the others from theirs. `stewards` gives those of the racks that this worker acts for.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        rush: Rush,
        stewards: Callable[[], Mapping[RackKey, Steward]],
        name: str,
        tick: float,
        rest: float,
        renewal: float,
        most: int | None = None,
    ) -> None:
        super().__init__(clock, tick, self._look, name, rest)
        self._rush = rush
        self._stewards = stewards
        self._renewal = renewal
        self._most = most
        self._orders: dict[RackKey, Order[T]] = {}
        self._tried: dict[RackKey, float] = {}

    @abstractmethod
    async def wanted(self, mine: Set[RackKey]) -> Wanted[T] | None:
        """Read what this worker's racks are to do; None: that cannot be said yet.

        May raise DatabaseError.
        """

    @abstractmethod
    async def tell(self, steward: Steward, work: tuple[T, ...]) -> None:
        """Tell a rack; may raise RpcError."""

    async def _look(self) -> None:
        await self._rush.over()
        try:
            wanted = await self.wanted(frozenset(self._stewards()))
        except DatabaseError as error:
            self.log.debug("no look at {name}: {error}", name=self.name, error=error)
            return
        if wanted is not None:
            await self._tell(wanted)

    async def _tell(self, wanted: Wanted[T]) -> None:
        """Send all orders, each in a turn of its own, and wait for the answers."""
        orders: list[Deferred[None]] = []
        try:
            for steward in sorted(self._misled(wanted), key=self._tried_at)[: self._most]:
                order = self._order(steward, wanted.get(steward.link.rack, ()))
                orders.append(Deferred.fromCoroutine(order))
                await deferLater(self._clock, 0, lambda: None)
            await DeferredList(orders)
        finally:
            for each in orders:
                each.cancel()

    def _misled(self, wanted: Wanted[T]) -> Iterator[Steward]:
        """Give the stewards of racks that are to hear something new, or the same again."""
        stewards = self._stewards()
        self._orders = {rack: told for rack, told in self._orders.items() if rack in stewards}
        self._tried = {rack: at for rack, at in self._tried.items() if rack in stewards}
        renewed = self._clock.seconds() - self._renewal
        for rack, steward in stewards.items():
            told, work = self._orders.get(rack), wanted.get(rack, ())
            if told is None or told.epoch != steward.epoch:
                due = bool(work)  # what another worker told it is forgotten soon
            else:
                due = told.work != work or (bool(work) and told.at <= renewed)
            if due:
                yield steward

    def _tried_at(self, steward: Steward) -> float:
        return self._tried.get(steward.link.rack, float("-inf"))

    async def _order(self, steward: Steward, work: tuple[T, ...]) -> None:
        rack, epoch = steward.link, steward.epoch
        self._tried[rack.rack] = self._clock.seconds()
        try:
            await self.tell(steward, work)
        except RpcError as error:
            self.log.info(
                "{rack} does not hear of {name}: {error}",
                rack=rack.hostname,
                name=self.name,
                error=error,
            )
            return
        self._orders[rack.rack] = Order(epoch, work, self._clock.seconds())
