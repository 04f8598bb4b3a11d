"""Has the racks that this worker acts for probe their VLANs for DHCP and name servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set

from twisted.internet.interfaces import IReactorTime

from maasha.db.lane import Runner
from maasha.db.probes import read_probes
from maasha.dhcp.probe_client import probe_client
from maasha.model.cluster import RackKey
from maasha.model.probe import Probe
from maasha.region.lookouts import ANSWER
from maasha.region.orders import Orders, Wanted
from maasha.region.rush import Rush
from maasha.region.steward import Steward

TICK = 10.0
"""Seconds between looks; nothing of this is in a hurry, so no notice asks for one."""
RENEWAL = 60.0
"""Seconds after which a rack is told again what it probes; it forgets it after five minutes."""

MOST = 64
"""Racks that are told in one look: a worker that gets many at once has better to do."""


class Probes(Orders[Probe]):
    """Orders to probe.

    `omapi_secret` gives the instance's, from which comes as whom racks ask DHCP servers, None
    before it is known.
    """

    def __init__(
        self,
        clock: IReactorTime,
        pool: Runner,
        rush: Rush,
        stewards: Callable[[], Mapping[RackKey, Steward]],
        omapi_secret: Callable[[], str | None],
    ) -> None:
        super().__init__(clock, rush, stewards, "probes", TICK, TICK, RENEWAL, MOST)
        self._pool = pool
        self._omapi_secret = omapi_secret

    async def wanted(self, mine: Set[RackKey]) -> Wanted[Probe] | None:
        """Read which VLANs each rack is to probe."""
        secret = self._omapi_secret()
        if secret is None:
            return None
        if not mine:
            return {}
        return await self._pool.run(lambda tx: read_probes(tx, mine, probe_client(secret)))

    async def tell(self, steward: Steward, work: tuple[Probe, ...]) -> None:
        """Have a rack probe these VLANs."""
        await steward.link.remote.probe_networks(steward.epoch, work, ANSWER)
