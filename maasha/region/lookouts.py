"""Has the racks that this worker acts for look out for others, where a second rack is wanted."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from hashlib import sha256

from twisted.internet.interfaces import IReactorTime

from maasha.db.lane import Runner
from maasha.db.transaction import Transaction
from maasha.db.watches import read_watches
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.sighting import Watch
from maasha.region.orders import Orders, Wanted
from maasha.region.rush import Rush
from maasha.region.steward import Steward

TICK = 5.0
"""Seconds between looks that no notice asked for."""
REST = 1.0
"""Seconds between looks at least: whatever happens to racks is a notice."""
RENEWAL = 20.0
"""Seconds after which a rack is told again what it watches; one that is not told forgets it."""
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
        super().__init__(clock, pool, rush, stewards, "lookouts", TICK, REST, RENEWAL)
        self._key_root = key_root

    async def wanted(self, tx: Transaction) -> Wanted[Watch] | None:
        """Read which VLANs each rack is to watch."""
        root = self._key_root()
        if root is None:
            return None
        return await read_watches(tx, lambda vlan: watch_key(root, vlan))

    async def tell(self, steward: Steward, work: tuple[Watch, ...]) -> None:
        """Have a rack watch these VLANs."""
        await steward.link.remote.look_out(steward.epoch, work, ANSWER)


def watch_key(root: str, vlan: VlanId) -> str:
    """Derive the secret of a VLAN's watch from the instance's, in hexadecimal."""
    return hmac.new(bytes.fromhex(root), f"watch vlan {vlan}".encode(), sha256).hexdigest()
