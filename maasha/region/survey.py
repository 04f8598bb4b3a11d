"""What a worker does so that racks find DHCP servers and name servers, this region's among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twisted.internet.interfaces import IReactorTime

from maasha.db.lane import Runner
from maasha.host.routine import Routine
from maasha.model.cluster import RackKey, SystemId
from maasha.region.addresses import Address
from maasha.region.presence import Standing
from maasha.region.probes import Probes
from maasha.region.resolving import Resolving
from maasha.region.rush import Rush
from maasha.region.steward import Steward


def survey(
    clock: IReactorTime,
    pool: Runner,
    rush: Rush,
    stewards: Callable[[], Mapping[RackKey, Steward]],
    standing: Callable[[], Standing | None],
    own: Callable[[], Sequence[Address]],
    by_hand: Sequence[Address] | None,
) -> tuple[Routine, ...]:
    """Give the routines: see `Probes` and `Resolving`."""

    def omapi_secret() -> str | None:
        known = standing()
        return None if known is None else known.instance.omapi_secret

    def region() -> SystemId | None:
        known = standing()
        return None if known is None else known.identity.region

    return (
        Probes(clock, pool, rush, stewards, omapi_secret),
        Resolving(clock, pool, region, own, by_hand),
    )
