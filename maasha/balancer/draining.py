"""What `maasha drain` may empty, and who serves VLANs meanwhile.

- A region or a worker gives all its links to the others. A rack gives nothing away for good: its
  peers serve its VLANs alone meanwhile, and its places stay, so that the end of the drain is all
  it takes to have them back, those that a person chose included.
- It is refused where nobody would be left, and where the others had no room.
- A drain ends by itself: forgotten ones would be outages to come. It is undone when what was
  drained is there; where it is not, people are told, and it stays drained until it comes back.

A worker that gets SIGTERM drains itself by the same rules, but nobody can refuse that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from enum import Enum
from typing import assert_never

from attrs import frozen

from maasha.model.cluster import RackKey, SystemId, WorkerId
from maasha.model.network import VlanId

LIFE = timedelta(hours=4)
"""Of a drain, where nobody says: longer than an upgrade, shorter than a shift."""


@frozen
class RegionTarget:
    """All workers of a region."""

    region: SystemId

    def __str__(self) -> str:
        return f"region {self.region}"


@frozen
class WorkerTarget:
    """One worker."""

    worker: WorkerId

    def __str__(self) -> str:
        return f"worker {self.worker}"


@frozen
class RackTarget:
    """One rack."""

    rack: RackKey

    def __str__(self) -> str:
        return f"rack {self.rack}"


Target = RegionTarget | WorkerTarget | RackTarget


@frozen
class Host:
    """A living worker and what it holds."""

    worker: WorkerId
    region: SystemId
    most: int
    """Links that it takes."""
    racks: frozenset[RackKey] = frozenset()
    """Whose links it has; a rack has one link to a worker at most."""
    draining: bool = False


@frozen
class Server:
    """A rack and the VLANs that its dhcpd serves."""

    rack: RackKey
    serves: frozenset[VlanId] = frozenset()
    alone: frozenset[VlanId] = frozenset()
    """Those that nobody else serves, or whose pair is not normal: without it they would stop."""
    linked: bool = True
    draining: bool = False


@frozen
class Cluster:
    """Who is there at one moment."""

    hosts: tuple[Host, ...] = ()
    servers: tuple[Server, ...] = ()


@frozen
class Absent:
    """There is nothing to drain."""

    target: Target

    def __str__(self) -> str:
        return f"{self.target} is not here; see `maasha status`"


@frozen
class NobodyLeft:
    """No other worker, on whatever region, would take the racks' links."""

    target: Target

    def __str__(self) -> str:
        return f"{self.target} is the last one that is not drained: undo another drain first"


@frozen
class NoRoom:
    """The others would be overloaded."""

    needed: int
    room: int

    def __str__(self) -> str:
        return (
            f"{self.needed} links would have to go where there is room for {self.room}: "
            "add workers or regions first"
        )


@frozen
class Unserved:
    """VLANs would be without DHCP."""

    vlans: tuple[VlanId, ...]

    def __str__(self) -> str:
        names = ", ".join(map(str, self.vlans))
        return f"nobody else serves VLAN {names}: wait for a secondary that is normal, or name one"


Refusal = Absent | NobodyLeft | NoRoom | Unserved


class AtEnd(Enum):
    """What a person wants when the time is over."""

    UNDO = "undo"
    ALARM = "alarm"


def refusal(target: Target, cluster: Cluster) -> Refusal | None:
    """Say why this must not be drained now; None: it may, also where it is drained already."""
    if not present(target, cluster):
        return Absent(target)
    if isinstance(target, RackTarget):
        return _unserved(target, cluster)
    leaving = [host for host in cluster.hosts if _belongs(host, target)]
    staying = [host for host in cluster.hosts if not host.draining and host not in leaving]
    if not staying:
        return NobodyLeft(target)
    return _no_room(leaving, staying)


def present(target: Target, cluster: Cluster) -> bool:
    """Whether it is there: some worker lives, or the rack has a link."""
    if isinstance(target, RackTarget):
        return any(one.rack == target.rack and one.linked for one in cluster.servers)
    return any(_belongs(host, target) for host in cluster.hosts)


def serving(
    primary: RackKey | None, secondary: RackKey | None, drained: frozenset[RackKey]
) -> tuple[RackKey | None, RackKey | None]:
    """Give who is to serve a VLAN while racks are drained; all of them drained: as without drains.

    A change of members wants a new pairing, as any other.
    """
    members = [rack for rack in (primary, secondary) if rack is not None and rack not in drained]
    return (members[0], None) if len(members) == 1 else (primary, secondary)


def _belongs(host: Host, target: RegionTarget | WorkerTarget) -> bool:
    match target:
        case RegionTarget(region=region):
            return host.region == region
        case WorkerTarget(worker=worker):
            return host.worker == worker
        case _:
            assert_never(target)


def _no_room(leaving: Iterable[Host], staying: list[Host]) -> NoRoom | None:
    """Compare what has to find a place with the places; a rack has one on each worker."""
    lost = Counter(rack for host in leaving for rack in host.racks)
    kept = Counter(rack for host in staying for rack in host.racks)
    needed = sum(min(links, len(staying) - kept[rack]) for rack, links in lost.items())
    room = sum(max(0, host.most - len(host.racks)) for host in staying)
    return NoRoom(needed, room) if needed > room else None


def _unserved(target: RackTarget, cluster: Cluster) -> Unserved | None:
    """Name the VLANs that only this rack serves, or with racks that are drained as well."""
    alone = {vlan for one in cluster.servers if one.rack == target.rack for vlan in one.alone}
    mine = {vlan for one in cluster.servers if one.rack == target.rack for vlan in one.serves}
    others = (one for one in cluster.servers if one.rack != target.rack and not one.draining)
    covered = {vlan for one in others if one.linked for vlan in one.serves}
    left = alone | (mine - covered)
    return Unserved(tuple(sorted(left))) if left else None
