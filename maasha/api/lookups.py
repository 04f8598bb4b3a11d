"""From what a path names to the row, or `NotFound`."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import TypeVar

from maasha.api.errors import NotFound
from maasha.db.fabrics import FabricRow, fabric
from maasha.db.overview import RackView, racks
from maasha.db.ranges import RangeRow, range_of
from maasha.db.reservations import ReservationRow, reservation_of
from maasha.db.snippets import SnippetRow, snippet, snippet_called
from maasha.db.subnets import SubnetRow, subnet, subnet_of
from maasha.db.transaction import Transaction
from maasha.db.vlans import VlanRow, vlan, vlan_of_vid
from maasha.model.network import FabricId, RangeId, ReservationId, SubnetId, VlanId
from maasha.model.options import SnippetId

T = TypeVar("T")
Path = Mapping[str, str]


def number(text: str, kind: str) -> int:
    """Read an id; what is no id names nothing."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound(kind)
    return int(text)


async def the_fabric(tx: Transaction, path: Path, name: str = "id") -> FabricRow:
    """Find the fabric by id."""
    return _found(await fabric(tx, FabricId(number(path[name], "Fabric"))), "Fabric")


async def the_vlan(tx: Transaction, path: Path) -> VlanRow:
    """Find the VLAN by fabric and VID, or by its id."""
    if "fabric_id" not in path:
        return await vlan_by_id(tx, VlanId(number(path["id"], "VLAN")))
    fabric_id = FabricId(number(path["fabric_id"], "VLAN"))
    return _found(await vlan_of_vid(tx, fabric_id, number(path["vid"], "VLAN")), "VLAN")


async def vlan_by_id(tx: Transaction, wanted: VlanId) -> VlanRow:
    """Find the VLAN that a form names."""
    return _found(await vlan(tx, wanted), "VLAN")


async def the_subnet(tx: Transaction, path: Path) -> SubnetRow:
    """Find the subnet by id, or by its network (`10.0.0.0/24`, also over two segments)."""
    text = "/".join(filter(None, (path["id"], path.get("prefix"))))
    if "/" not in text:
        return await subnet_by_id(tx, SubnetId(number(text, "Subnet")))
    try:
        cidr = ip_network(text)
    except ValueError:
        raise NotFound("Subnet") from None
    return _found(await subnet_of(tx, cidr), "Subnet")


async def subnet_by_id(tx: Transaction, wanted: SubnetId) -> SubnetRow:
    """Find the subnet that a form or a range names."""
    return _found(await subnet(tx, wanted), "Subnet")


async def the_range(tx: Transaction, path: Path) -> RangeRow:
    """Find the range by id."""
    return _found(await range_of(tx, RangeId(number(path["id"], "IPRange"))), "IPRange")


async def the_snippet(tx: Transaction, path: Path) -> SnippetRow:
    """Find the snippet by its id or its name."""
    text = path["id"]
    found = await snippet_called(tx, text)
    if found is None and text.isascii() and text.isdigit():
        found = await snippet(tx, SnippetId(number(text, "DHCPSnippet")))
    return _found(found, "DHCPSnippet")


async def range_by_id(tx: Transaction, wanted: RangeId) -> RangeRow:
    """Find the range that a form names."""
    return _found(await range_of(tx, wanted), "IPRange")


async def the_reservation(tx: Transaction, path: Path) -> ReservationRow:
    """Find the reservation by id."""
    wanted = ReservationId(number(path["id"], "ReservedIp"))
    return _found(await reservation_of(tx, wanted), "ReservedIp")


async def the_rack(tx: Transaction, path: Path) -> RackView:
    """Find the rack by its system id."""
    wanted = path["system_id"]
    found = (rack for rack in await racks(tx) if rack.name.system_id == wanted)
    return _found(next(found, None), "RackController")


def _found(row: T | None, kind: str) -> T:
    if row is None:
        raise NotFound(kind)
    return row
