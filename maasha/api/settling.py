"""The answer to a change of DHCP: given when the VLAN's racks have done it, or when time is up."""

from __future__ import annotations

from collections.abc import Callable, Collection

from twisted.logger import Logger

from maasha.api.answers import JsonObject
from maasha.api.outcome import Standing
from maasha.api.picture import Picture, look_again
from maasha.api.services import Call
from maasha.api.waiting import Bell, settle
from maasha.db.channels import Channel
from maasha.db.errors import DatabaseError
from maasha.model.network import VlanId

log = Logger()


async def answer_settled(
    call: Call, vlan: VlanId, committed: Picture, shape: Callable[[Picture], JsonObject]
) -> JsonObject:
    """Show what `shape` makes of the last look; `committed` is how it was at the commit."""
    return shape(await settled(call, (vlan,), committed))


async def settled(call: Call, vlans: Collection[VlanId], committed: Picture) -> Picture:
    """Wait for the racks of some VLANs; give how it was seen last.

    The change is committed whatever happens here: a database that goes away, or a VLAN that is
    deleted meanwhile, ends the wait.
    """
    seen = committed

    async def look() -> bool:
        nonlocal seen
        before = seen
        picture = await call.read(lambda tx: look_again(tx, before, vlans))
        if picture is None:
            return True
        seen = picture
        found = (picture.outcomes[vlan].standing for vlan in vlans)
        return all(standing is not Standing.PENDING for standing in found)

    bell = Bell(call.services.clock)
    cancel = call.services.notices.subscribe(Channel.DHCP, lambda _: bell.ring())
    try:
        await settle(call.services.clock, bell, look)
    except DatabaseError as error:
        log.warn("stopped waiting for racks of VLANs {vlans}: {error}", vlans=vlans, error=error)
    finally:
        cancel()
    return seen
