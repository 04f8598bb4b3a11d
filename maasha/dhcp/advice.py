"""How large a VLAN's pools should be, with the reasons; advice only, nothing is refused for it."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, inf

from attrs import frozen

from maasha.model.dhcp import Duty
from maasha.model.options import DEFAULT_MCLT
from maasha.model.pools import NO_FLOW
from maasha.model.standing import VlanStanding

SHORT_LEASE = 3600
"""Seconds; by an hour a lease that nobody needs any more is free again."""


@frozen
class Wishes:
    """What is configured: addresses that can be leased, seconds of a lease, and a second rack."""

    addresses: int
    lease_time: int
    paired: bool
    mclt: int = DEFAULT_MCLT
    """Seconds; of a pair."""


def advice(wishes: Wishes, now: VlanStanding | None) -> tuple[str, ...]:
    """Give what there is to say of a VLAN's pools; `now` is how it stands, if it serves yet."""
    if not wishes.addresses:
        return ()
    return tuple(_advice(wishes, now))


def taken(now: VlanStanding | None) -> int:
    """Count the addresses that are not free on any of the racks."""
    counts = [one.count for one in now.members if one.count is not None] if now else []
    return max((each.total - each.free - each.backup for each in counts), default=0)


def _advice(wishes: Wishes, now: VlanStanding | None) -> Iterator[str]:
    held = taken(now)
    free = max(wishes.addresses - held, 0)
    if not free:
        yield f"All {wishes.addresses} addresses are in use: no new client gets one"
    elif wishes.paired:
        yield (
            f"While one of the two racks is away the other has about half of the {free} free "
            f"addresses for new clients, {free // 2}, until it is back or somebody takes over"
        )
    yield from _size(wishes, now, held)
    if wishes.lease_time > SHORT_LEASE:
        yield (
            f"Leases of {wishes.lease_time} s keep the addresses of clients that have gone for as "
            "long; shorter ones give them back sooner"
        )
    if wishes.paired and wishes.lease_time > wishes.mclt:
        yield (
            f"The first lease of a client lasts {wishes.mclt} s at most (mclt), for its peer has "
            "to know of it first; renewed ones last longer"
        )


def _size(wishes: Wishes, now: VlanStanding | None, held: int) -> Iterator[str]:
    """Say how many addresses last for the bound, at the rate of lately."""
    if now is None:
        return
    hourly, growing = _rates(now)
    alone = ceil(min(hourly * now.endurance_bound, held + max(growing, 0) * now.endurance_bound))
    needed = held + (2 * alone if wishes.paired else ceil(max(growing, 0) * now.endurance_bound))
    if hourly and now.endurance_bound and wishes.addresses < needed:
        yield (
            f"{held} addresses are in use and {hourly:.0f} clients an hour take one up: for "
            f"{now.endurance_bound} h on one server the dynamic ranges need {needed} addresses, "
            f"not {wishes.addresses}"
        )


def _rates(now: VlanStanding) -> tuple[float, float]:
    """Give how many clients an hour take an address up, and how many more addresses that makes.

    While one of two is away what was in use does not come back: all who hold one may need another.
    """
    flows = [one.flow for one in now.members if one.count is not None]
    busiest = max(flows, key=lambda flow: flow.hourly, default=NO_FLOW)
    return busiest.hourly, busiest.net_hourly


def share(duty: Duty) -> str:
    """Say which addresses are a server's own to hand out while it is alone."""
    return {Duty.PRIMARY: "free", Duty.SECONDARY: "backup"}.get(duty, "all that nobody holds")


def rounded(hours: float) -> float | None:
    """Give hours as JSON can carry them; None: without end."""
    return None if hours == inf else round(hours, 2)
