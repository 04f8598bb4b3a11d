"""Has the racks that this worker acts for look out for others, where a second rack is wanted."""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from hashlib import sha256

from twisted.internet.interfaces import IReactorTime

from maasha.balancer.attention import attention, concerned, watches
from maasha.db.lane import Runner
from maasha.db.watches import read_spots, read_vacancies
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.sighting import Spot, Vacancy, Watch
from maasha.region.orders import Orders, Wanted
from maasha.region.rush import Rush
from maasha.region.steward import Steward

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


class Lookouts(Orders[Watch]):
    """Orders to look out.

    `key_root` gives the instance's secret (hexadecimal) from which the keys of watches come, None
    before it is known.
    """

    def __init__(
        self,
        clock: IReactorTime,
        pool: Runner,
        rush: Rush,
        stewards: Callable[[], Mapping[RackKey, Steward]],
        key_root: Callable[[], str | None],
    ) -> None:
        super().__init__(clock, rush, stewards, "lookouts", TICK, REST, RENEWAL)
        self._pool = pool
        self._key_root = key_root

    async def wanted(self, mine: Set[RackKey]) -> Wanted[Watch] | None:
        """Read which VLANs each rack is to watch."""
        root = self._key_root()
        if root is None:
            return None
        found = defaultdict[RackKey, list[Watch]](list)
        if mine:
            seen = await self._pool.run(read_vacancies)
            watched = tuple(attention(seen.vlans, seen.turn))
            for page in pages([each for each in watched if concerned(each, mine)]):
                for watch in await self._page(page, mine, root):
                    found[watch.rack].append(watch)
        return {rack: tuple(several) for rack, several in found.items()}

    async def tell(self, steward: Steward, work: tuple[Watch, ...]) -> None:
        """Have a rack watch these VLANs."""
        await steward.link.remote.look_out(steward.epoch, work, ANSWER)

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


def pages(vacancies: Sequence[Vacancy]) -> Iterator[Sequence[Vacancy]]:
    """Give them in parts of at most PAGE."""
    return (vacancies[start : start + PAGE] for start in range(0, len(vacancies), PAGE))


def watch_key(root: str, vlan: VlanId) -> str:
    """Derive the secret of a VLAN's watch from the instance's, in hexadecimal."""
    return hmac.new(bytes.fromhex(root), f"watch vlan {vlan}".encode(), sha256).hexdigest()
