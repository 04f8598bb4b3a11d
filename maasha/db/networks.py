"""The networks as one picture, and the lock under which they are changed."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from maasha.db.fabrics import FabricRow, fabrics
from maasha.db.locks import Lock, hold
from maasha.db.subnets import SubnetRow, subnets
from maasha.db.transaction import Transaction
from maasha.db.vlans import RackName, VlanRow, vlans
from maasha.db.wanted import raise_wanted
from maasha.model.network import FabricId, SubnetId, VlanId


@frozen
class Networks:
    """Fabrics, VLANs and subnets by id, in the order in which people read them."""

    fabrics: Mapping[FabricId, FabricRow]
    vlans: Mapping[VlanId, VlanRow]
    subnets: Mapping[SubnetId, SubnetRow]

    def vlans_of(self, fabric: FabricId) -> tuple[VlanRow, ...]:
        """List a fabric's VLANs by VID."""
        return tuple(vlan for vlan in self.vlans.values() if vlan.fabric == fabric)

    def subnets_of(self, vlan: VlanId) -> tuple[SubnetRow, ...]:
        """List a VLAN's subnets by network."""
        return tuple(subnet for subnet in self.subnets.values() if subnet.vlan == vlan)


async def networks(tx: Transaction) -> Networks:
    """Read all networks."""
    return Networks(
        {fabric.id: fabric for fabric in await fabrics(tx)},
        {vlan.id: vlan for vlan in await vlans(tx)},
        {subnet.id: subnet for subnet in await subnets(tx)},
    )


async def lock_networks(tx: Transaction) -> None:
    """Keep all others from changing networks until the transaction ends; they can still read.

    What was checked then still holds at the end, also against racks that register: the lock parts
    us from those that make networks, the table's lock from those that raise a VLAN's pairing.
    """
    await hold(tx, Lock.NETWORKS)
    await tx.execute("lock table vlan in share row exclusive mode")


async def want_dhcp(tx: Transaction, racks: tuple[RackName, ...]) -> None:
    """Give the racks a new generation of DHCP configuration to run."""
    if racks:
        await raise_wanted(tx, tuple(rack.key for rack in racks))
