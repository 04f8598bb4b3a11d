"""Has the racks that this worker acts for look out for others, where a second rack is wanted."""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from hashlib import sha256

from attrs import frozen
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from maasha.balancer.attention import attention, concerned, watches
from maasha.db.errors import DatabaseError
from maasha.db.lane import Runner
from maasha.db.watches import read_spots, read_vacancies
from maasha.host.routine import Routine
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.sighting import Spot, Vacancy, Watch
from maasha.model.stamp import Stamp
from maasha.region.rush import Rush
from maasha.region.steward import Steward
from maasha.rpc.errors import RpcError

TICK = 5.0
"""Seconds between looks that no notice asked for."""
REST = 1.0
"""Seconds between looks at least: whatever happens to racks is a notice."""
RENEWAL = 20.0
"""Seconds after which a rack is told again what it watches; one that is not told forgets it."""
PAGE = 32
"""VLANs whose racks' addresses are read together: some milliseconds of this process."""
ANSWER = 5.0
"""Seconds for a rack to take an order; a deaf one keeps the others from theirs for so long."""

NOTHING: tuple[Watch, ...] = ()


@frozen
class Order:
    """What a rack was told, by whom, and when."""

    epoch: Stamp
    watches: tuple[Watch, ...]
    at: float


class Lookouts(Routine):
    """Level-triggered: each look compares what racks are to watch with what they were told.

    `stewards` gives those of the racks that this worker acts for; `key_root` the instance's secret
    (hexadecimal) from which the keys of watches come, None before it is known.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        pool: Runner,
        rush: Rush,
        stewards: Callable[[], Mapping[RackKey, Steward]],
        key_root: Callable[[], str | None],
    ) -> None:
        super().__init__(clock, TICK, self._look, "lookouts", REST)
        self._pool = pool
        self._rush = rush
        self._stewards = stewards
        self._key_root = key_root
        self._orders: dict[RackKey, Order] = {}

    async def _look(self) -> None:
        root = self._key_root()
        if root is None:
            return
        await self._rush.over()
        try:
            wanted = await self._wanted(root)
        except DatabaseError as error:
            self.log.debug("no look at lookouts: {error}", error=error)
            return
        await self._tell(wanted)

    async def _wanted(self, root: str) -> Mapping[RackKey, tuple[Watch, ...]]:
        """Say what this worker's racks are to watch."""
        mine = frozenset(self._stewards())
        found = defaultdict[RackKey, list[Watch]](list)
        if mine:
            seen = await self._pool.run(read_vacancies)
            watched = tuple(attention(seen.vlans, seen.turn))
            for page in pages([each for each in watched if concerned(each, mine)]):
                for watch in await self._page(page, mine, root):
                    found[watch.rack].append(watch)
        return {rack: tuple(several) for rack, several in found.items()}

    async def _page(
        self, page: Sequence[Vacancy], mine: Set[RackKey], root: str
    ) -> Sequence[Watch]:
        places = [(each.vlan, rack) for each in page for rack in concerned(each, mine)]
        known = await self._pool.run(lambda tx: read_spots(tx, places))
        spots = defaultdict[VlanId, dict[RackKey, Spot]](dict)
        for (vlan, rack), spot in known.items():
            spots[vlan][rack] = spot
        return [
            watch
            for each in page
            for watch in watches(each, spots[each.vlan], mine, watch_key(root, each.vlan))
        ]

    async def _tell(self, wanted: Mapping[RackKey, tuple[Watch, ...]]) -> None:
        """Send all orders, each in a turn of its own, and wait for the answers."""
        orders: list[Deferred[None]] = []
        try:
            for steward in self._misled(wanted):
                order = self._order(steward, wanted.get(steward.link.rack, NOTHING))
                orders.append(Deferred.fromCoroutine(order))
                await deferLater(self._clock, 0, lambda: None)
            await DeferredList(orders)
        finally:
            for each in orders:
                each.cancel()

    def _misled(self, wanted: Mapping[RackKey, tuple[Watch, ...]]) -> Iterator[Steward]:
        """Give the stewards of racks that are to hear something new, or the same again."""
        stewards = self._stewards()
        self._orders = {rack: told for rack, told in self._orders.items() if rack in stewards}
        renewed = self._clock.seconds() - RENEWAL
        for rack, steward in stewards.items():
            told, watches = self._orders.get(rack), wanted.get(rack, NOTHING)
            if told is None or told.epoch != steward.epoch:
                due = bool(watches)  # what another worker told it is forgotten soon
            else:
                due = told.watches != watches or (bool(watches) and told.at <= renewed)
            if due:
                yield steward

    async def _order(self, steward: Steward, watches: tuple[Watch, ...]) -> None:
        rack, epoch = steward.link, steward.epoch
        try:
            await rack.remote.look_out(epoch, watches, ANSWER)
        except RpcError as error:
            self.log.info("{rack} does not look out: {error}", rack=rack.hostname, error=error)
            return
        self._orders[rack.rack] = Order(epoch, watches, self._clock.seconds())


def pages(vacancies: Sequence[Vacancy]) -> Iterator[Sequence[Vacancy]]:
    """Give them in parts of at most PAGE."""
    return (vacancies[start : start + PAGE] for start in range(0, len(vacancies), PAGE))


def watch_key(root: str, vlan: VlanId) -> str:
    """Derive the secret of a VLAN's watch from the instance's, in hexadecimal."""
    return hmac.new(bytes.fromhex(root), f"watch vlan {vlan}".encode(), sha256).hexdigest()
