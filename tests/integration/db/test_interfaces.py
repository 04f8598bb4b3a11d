"""Networks that racks reveal, and the interface rows that follow what racks report."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import Deferred, gatherResults

from maasha.db.fabrics import fabrics
from maasha.db.interfaces import store_interfaces, stored_interfaces
from maasha.db.networks import networks
from maasha.db.pool import Pool
from maasha.db.subnets import subnets
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey
from maasha.model.network import Interface
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import found, hire, interface, link, plug


async def names(pool: Pool) -> dict[str, str]:
    """Give each subnet's fabric."""

    async def work(tx: Transaction) -> dict[str, str]:
        rows = await tx.rows(
            "select subnet.name, fabric.name as fabric from subnet"
            " join vlan on vlan.id = vlan_id join fabric on fabric.id = fabric_id order by 1"
        )
        return {row.name: row.fabric for row in rows}

    return await pool.run(work)


@asynchronous
async def test_networks_made(pool: Pool) -> None:
    """Each unseen network gets a fabric, an untagged VLAN and a subnet.

    Several on one interface share its VLAN; a known one gives its VLAN to the next rack.
    """
    worker = await hire(pool, await found(pool), 0)
    rack1, rack2 = await link(pool, worker, "rack1"), await link(pool, worker, "rack2")
    loopback = interface("lo", "127.0.0.1/8", "::1/128")
    lan = interface("eth1", "10.0.0.1/24", "2001:db8::1/64", "fe80::1%eth1/64", "192.0.2.1/32")
    assert await plug(pool, rack1, loopback, interface("eth0", "198.51.100.1/24"), lan)
    assert await plug(pool, rack2, interface("ens3", "10.0.0.2/24", "10.1.0.2/16"))
    assert await names(pool) == {
        "198.51.100.0/24": "fabric-0",
        "10.0.0.0/24": "fabric-1",
        "2001:db8::/64": "fabric-1",
        "10.1.0.0/16": "fabric-1",
    }
    assert [row.vid for row in await pool.run(lambda tx: tx.rows("select vid from vlan"))] == [0, 0]
    assert len(await pool.run(fabrics)) == 2
    assert len(await pool.run(subnets)) == 4


async def places(pool: Pool) -> dict[str, tuple[str, int]]:
    """Give each subnet's fabric and VID."""

    async def work(tx: Transaction) -> dict[str, tuple[str, int]]:
        known = await networks(tx)
        on = {subnet.name: known.vlans[subnet.vlan] for subnet in known.subnets.values()}
        return {name: (vlan.fabric_name, vlan.vid) for name, vlan in on.items()}

    return await pool.run(work)


def tagged(vid: int, *addresses: str, parent: str = "eth0") -> Interface:
    """Give an interface that tags its frames."""
    return evolve(interface(f"vlan{vid}", *addresses), vid=vid, parent=parent)


@asynchronous
async def test_tagged(pool: Pool) -> None:
    """A network behind a tag is on the VLAN of that VID, in the fabric of the tag's parent."""
    worker = await hire(pool, await found(pool), 0)
    rack = await link(pool, worker, "rack1")
    await plug(
        pool,
        rack,
        tagged(100, "10.1.0.1/24"),
        interface("eth0", "10.0.0.1/24"),
        tagged(200, "10.2.0.1/24"),
        interface("eth1", "10.3.0.1/24"),
        tagged(300, "10.4.0.1/24", parent="eth1"),
    )
    assert await places(pool) == {
        "10.0.0.0/24": ("fabric-0", 0),
        "10.1.0.0/24": ("fabric-0", 100),
        "10.2.0.0/24": ("fabric-0", 200),
        "10.3.0.0/24": ("fabric-1", 0),
        "10.4.0.0/24": ("fabric-1", 300),
    }
    stored = await pool.run(lambda tx: stored_interfaces(tx, rack.rack))
    assert [(each.name, each.vid, each.parent) for each in stored][2:] == [
        ("vlan100", 100, "eth0"),
        ("vlan200", 200, "eth0"),
        ("vlan300", 300, "eth1"),
    ]


@asynchronous
async def test_tagged_without_a_parent_in_sight(pool: Pool) -> None:
    """Tags on a parent without addresses share a new fabric, and the VLANs that it has."""
    worker = await hire(pool, await found(pool), 0)
    rack1, rack2 = await link(pool, worker, "rack1"), await link(pool, worker, "rack2")
    bare = interface("eth0")
    await plug(pool, rack1, bare, tagged(100, "10.1.0.1/24"), tagged(200, "10.2.0.1/24"))
    assert await places(pool) == {
        "10.1.0.0/24": ("fabric-0", 100),
        "10.2.0.0/24": ("fabric-0", 200),
    }
    await plug(pool, rack2, tagged(100, "10.1.0.2/24"), tagged(200, "10.9.0.2/24"))
    assert (await places(pool))["10.9.0.0/24"] == ("fabric-0", 200)
    unknown = (tagged(5, "10.5.0.2/24", parent=""), tagged(6, "10.6.0.2/24", parent=""))
    await plug(pool, rack2, *unknown)
    assert (await places(pool))["10.5.0.0/24"] == ("fabric-1", 5)
    assert (await places(pool))["10.6.0.0/24"] == ("fabric-2", 6)


@asynchronous
async def test_tagged_on_a_vlan_of_another_vid(pool: Pool) -> None:
    """A network that somebody put elsewhere says nothing about the other tags' fabric."""
    worker = await hire(pool, await found(pool), 0)
    rack1, rack2 = await link(pool, worker, "rack1"), await link(pool, worker, "rack2")
    await plug(pool, rack1, interface("eth7", "10.1.0.1/24"))
    await plug(pool, rack2, tagged(100, "10.1.0.2/24"), tagged(200, "10.2.0.2/24"))
    assert await places(pool) == {"10.1.0.0/24": ("fabric-0", 0), "10.2.0.0/24": ("fabric-1", 200)}


@asynchronous
async def test_fabric_names(pool: Pool) -> None:
    """A new fabric takes the number after the highest in use."""
    worker = await hire(pool, await found(pool), 0)
    rack = await link(pool, worker, "rack1")
    await pool.run(
        lambda tx: tx.execute("insert into fabric (name) values ('fabric-41'), ('fabric-x')")
    )
    await plug(pool, rack, interface("eth0", "10.0.0.1/24"))
    assert await names(pool) == {"10.0.0.0/24": "fabric-42"}


@asynchronous
async def test_in_step(pool: Pool) -> None:
    """Rows follow the report; the same report again changes nothing; lost addresses keep a VLAN."""
    worker = await hire(pool, await found(pool), 0)
    rack = await link(pool, worker, "rack1")
    first = interface("eth0", "10.0.0.1/24", "fe80::1/64")
    gone = interface("eth9")
    assert await plug(pool, rack, gone, first)
    assert not await plug(pool, rack, first, gone)
    assert await plug(pool, rack, evolve(first, addresses=(), mtu=9000))
    (stored,) = await pool.run(lambda tx: stored_interfaces(tx, rack.rack))
    assert (stored.name, stored.addresses, stored.mtu) == ("eth0", (), 9000)
    assert await pool.run(lambda tx: tx.value("select vlan_id from interface")) is not None
    assert not await plug(pool, rack, evolve(first, addresses=(), mtu=9000))


@asynchronous
async def test_same_network_at_once(pool: Pool) -> None:
    """Racks that reveal the same network at the same moment make one subnet."""
    worker = await hire(pool, await found(pool), 0)
    racks = [await link(pool, worker, f"rack{number}") for number in range(3)]
    await gatherResults(
        [
            Deferred.fromCoroutine(plug(pool, rack, interface("eth0", f"10.0.0.{number}/24")))
            for number, rack in enumerate(racks, start=1)
        ]
    )
    assert await names(pool) == {"10.0.0.0/24": "fabric-0"}


@asynchronous
async def test_service_outdated(pool: Pool) -> None:
    """When a rack that serves DHCP changes its addresses, both peers get a new generation."""
    worker = await hire(pool, await found(pool), 0)
    rack1, rack2 = await link(pool, worker, "rack1"), await link(pool, worker, "rack2")
    await plug(pool, rack1, interface("eth0", "10.0.0.1/24"))
    serve = "update vlan set dhcp_on = true, primary_rack = %s, secondary_rack = %s"
    await pool.run(lambda tx: tx.execute(serve, rack1.rack, rack2.rack))

    async def wanted(tx: Transaction) -> list[int]:
        return [row.wanted_counter for row in await tx.rows("select * from rack order by id")]

    assert await pool.run(wanted) == [0, 0]
    await plug(pool, rack1, interface("eth0", "10.0.0.7/24"))
    assert await pool.run(wanted) == [1, 1]


@asynchronous
async def test_nothing(pool: Pool) -> None:
    """A rack without interfaces has none on record."""
    worker = await hire(pool, await found(pool), 0)
    rack = await link(pool, worker, "rack1")
    await plug(pool, rack, interface("eth0"))
    assert await pool.run(lambda tx: store_interfaces(tx, RackKey(rack.rack), ()))
    assert await pool.run(lambda tx: stored_interfaces(tx, rack.rack)) == ()
