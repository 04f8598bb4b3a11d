"""Has the racks that this worker acts for probe their VLANs for DHCP and name servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.interfaces import IReactorTime

from maasha.db.lane import Runner
from maasha.db.probes import read_probes
from maasha.db.transaction import Transaction
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
        super().__init__(clock, pool, rush, stewards, "probes", TICK, TICK, RENEWAL, MOST)
        self._omapi_secret = omapi_secret

    async def wanted(self, tx: Transaction) -> Wanted[Probe] | None:
        """Read which VLANs each of the worker's racks is to probe."""
        secret, racks = self._omapi_secret(), tuple(self._stewards())
        if secret is None or not racks:
            return None
        return await read_probes(tx, racks, probe_client(secret))

    async def tell(self, steward: Steward, work: tuple[Probe, ...]) -> None:
        """Have a rack probe these VLANs."""
        await steward.link.remote.probe_networks(steward.epoch, work, ANSWER)
