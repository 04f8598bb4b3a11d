"""Two regions over one database: either may go, and each says where racks reach it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from subprocess import TimeoutExpired

import pytest

from lab import CommandFailed, Host, until
from lab.cluster import (
    OUTSIDER,
    REGION,
    REGION2,
    SMALL_LAN,
    STATE,
    WORKERS,
    Cluster,
    configure_region,
    start,
)
from lab.testing import require
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.figures import Figures
from tests.acceptance.watching import kill_rackd

pytestmark = pytest.mark.root

RACKS = ("rack1", "rack2")
SECOND_ADDRESS = "10.200.0.10"
"""Of the region, on a network that no rack is on."""
FIRST_OUTSIDE = 6250
"""Where the first worker is reached behind the NAT; its own port is 5250."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster with two regions, where rack1 serves the small LAN alone."""
    require()
    folder = tmp_path_factory.mktemp("cluster")
    # regions restart here in shorter order than a moved link stays where it is
    started = start("regions", folder, regions=2, settings={"balance_stay": 2})
    started.maasha("ipranges", "create", "type=dynamic", "start_ip=10.0.0.50", "end_ip=10.0.0.99")
    answer = started.update_vlan(SMALL_LAN, "primary_rack=rack1", "secondary_rack=", "dhcp_on=true")
    assert answer["dhcp_status"] == "running"
    yield started
    started.lab.close()


def regions_of(cluster: Cluster, rack: str) -> list[str]:
    """Give the regions that a rack has links to, one for each link."""
    found = cluster.sql(
        "select region.hostname from link join worker on worker.id = worker_id"
        " join region on region.id = region_id join rack on rack.id = rack_id"
        f" where rack.hostname = '{rack}' order by 1"
    )
    return [name for (name,) in found]


def links_to(cluster: Cluster, region: Host) -> set[str]:
    """Give the numbers of the links that a region has."""
    found = cluster.sql(
        "select link.id from link join worker on worker.id = worker_id"
        f" join region on region.id = region_id where region.hostname = '{region.name}'"
    )
    return {number for (number,) in found}


def owner_region(cluster: Cluster, rack: str) -> Host | None:
    """Give the region whose worker acts for a rack."""
    found = cluster.sql(
        "select region.hostname from rack join worker on worker.id = owner"
        f" join region on region.id = region_id where rack.hostname = '{rack}'"
    )
    return cluster.lab.hosts[found[0][0]] if found else None


def linked(cluster: Cluster, *regions: str) -> bool:
    """Whether each rack has exactly these links, named by their regions, and an owner."""
    return all(
        regions_of(cluster, rack) == list(regions) and owner_region(cluster, rack) is not None
        for rack in RACKS
    )


def wait_spread(cluster: Cluster) -> None:
    """Wait until each rack has a link to each region, and an owner."""
    spread = "links of each rack to both regions"
    until(lambda: linked(cluster, "region", "region2"), spread, timeout=60.0, interval=0.1)


def sizes(cluster: Cluster, region: Host) -> dict[str, int]:
    """Give how many workers each region has, as a region says; nothing if it cannot say."""
    try:
        shown = cluster.status(region)["regions"]
    except (CommandFailed, TimeoutExpired):
        return {}
    return {one["hostname"]: len(one["workers"]) for one in shown}


def wait_whole(cluster: Cluster, region: Host) -> None:
    """Wait until a region says that both have all their workers."""
    whole = {one.name: WORKERS for one in cluster.regions}
    until(lambda: sizes(cluster, region) == whole, "all workers", timeout=40.0, interval=0.2)


def each_in_time(awaited: Mapping[str, Callable[[], bool]], began: float) -> dict[str, float]:
    """Wait until each of several things was so once; gives the seconds since `began`."""
    seen: dict[str, float] = {}

    def complete() -> bool:
        for what in awaited.keys() - seen.keys():
            if awaited[what]():
                seen[what] = time.monotonic() - began
        return len(seen) == len(awaited)

    until(complete, " and ".join(awaited), timeout=40.0, interval=0.1)
    return seen


def survives(
    cluster: Cluster, figures: Figures, what: str, end: Callable[[Host], None], lease_time: int
) -> Host:
    """Check that a region may go: the other owns all racks and rolls out changes; gives who went.

    Each rack keeps the link that it has to the other, and gets a second one there.
    """
    wait_spread(cluster)
    gone = owner_region(cluster, "rack1")
    assert gone is not None
    (left,) = [region for region in cluster.regions if region is not gone]
    server, kept = Dhcpd(cluster.rack1).snapshot(), links_to(cluster, left)
    began = time.monotonic()
    end(gone)
    owned = [f"an owner of {rack} in the other region" for rack in RACKS]
    for rack, waited in zip(RACKS, owned, strict=True):
        until(lambda: owner_region(cluster, rack) is left, waited, timeout=30.0, interval=0.05)  # noqa: B023  waited for at once
    figures.seconds(f"{what} -> the other owns its racks", time.monotonic() - began)
    assert Dhcpd(cluster.rack1).snapshot() == server
    answer = cluster.update_vlan(SMALL_LAN, f"lease_time={lease_time}", host=left)
    assert answer["dhcp_status"] == "running"
    assert f"default-lease-time {lease_time};" in Dhcpd(cluster.rack1).config
    figures.seconds(f"{what} -> a change made through the other", time.monotonic() - began)
    assert kept <= links_to(cluster, left)
    alone = {gone.name: 0, left.name: WORKERS}
    awaited = {
        "found dead": lambda: sizes(cluster, left) == alone,
        "racks linked twice to the other": lambda: linked(cluster, left.name, left.name),
    }
    for consequence, seconds in each_in_time(awaited, began).items():
        figures.seconds(f"{what} -> {consequence}", seconds)
    return gone


def test_links_go_to_both_regions(cluster: Cluster, figures: Figures) -> None:
    """Rackd.conf has both addresses, and each rack links to a worker of each region."""
    began = time.monotonic()
    for rack in cluster.racks:
        config = (rack.directory / "rackd.conf").read_text()
        assert f"maas_url:\n- http://{REGION}:5240/MAAS/\n- http://{REGION2}:5240/MAAS/" in config
    wait_spread(cluster)
    figures.seconds("both racks linked -> each to both regions", time.monotonic() - began)


def test_a_region_may_be_cut_off(cluster: Cluster, figures: Figures) -> None:
    """Without a sign of its end; when it is back, racks link to both again."""
    gone = survives(
        cluster,
        figures,
        "region cut off",
        lambda region: cluster.management.cable(region).cut(),
        lease_time=610,
    )
    began = time.monotonic()
    cluster.management.cable(gone).restore()
    wait_whole(cluster, gone)
    figures.seconds("region's link restored -> all its workers are back", time.monotonic() - began)
    wait_spread(cluster)
    figures.seconds("region's link restored -> racks linked to both", time.monotonic() - began)


def test_a_region_may_be_killed(cluster: Cluster, figures: Figures) -> None:
    """With all its processes; when it is back, racks link to both again."""

    def kill(region: Host) -> None:
        for process in region.processes():
            if process.id != region.anchor:
                process.id.signal(signal.SIGKILL)

    gone = survives(cluster, figures, "region SIGKILLed", kill, lease_time=620)
    began = time.monotonic()
    cluster.runner(gone).launch()
    wait_whole(cluster, gone)
    figures.seconds("region started again -> all its workers are back", time.monotonic() - began)
    wait_spread(cluster)
    figures.seconds("region started again -> racks linked to both", time.monotonic() - began)


def published(cluster: Cluster, host: str = REGION2) -> list[list[tuple[str, int]]]:
    """Give the endpoints of each worker of the first region, as a region answers to anybody."""
    url = f"http://{host}:5240/MAAS/rpc/"
    text = cluster.outsider.run(["curl", "-sf", url], check=False).stdout
    loops = json.loads(text)["eventloops"] if text else {}
    return sorted(
        [(address, port) for address, port in endpoints]
        for name, endpoints in loops.items()
        if name.startswith("region:")
    )


def restart_region(cluster: Cluster, wanted: list[list[tuple[str, int]]], **settings: str) -> None:
    """Start the first region with settings, and wait until exactly this is published of it."""
    cluster.runner(cluster.region).stop("regiond")
    configure_region(cluster, cluster.region, **settings)
    cluster.runner(cluster.region).start("regiond")
    until(lambda: published(cluster) == wanted, f"{wanted}", timeout=40.0, interval=0.2)


def ports(*addresses: str, first: int = 5250) -> list[list[tuple[str, int]]]:
    """Give what each worker publishes on these addresses."""
    return [[(address, first + slot) for address in addresses] for slot in range(WORKERS)]


def test_a_region_publishes_all_its_addresses(cluster: Cluster) -> None:
    """Also one that it gets while it runs."""
    cluster.region.ip(f"addr add {SECOND_ADDRESS}/24 dev eth0")
    wanted = ports(REGION, SECOND_ADDRESS)
    until(lambda: published(cluster) == wanted, "two addresses", timeout=30.0, interval=0.2)


def test_only_addresses_in_rpc_networks_are_published(cluster: Cluster) -> None:
    """The other address stays unknown to racks."""
    restart_region(cluster, ports(REGION), rpc_networks="[10.100.0.0/24]")
    wait_spread(cluster)


def test_what_is_advertised_is_all_that_is_published(cluster: Cluster) -> None:
    """Each worker at its own port from the advertised one on."""
    restart_region(cluster, ports(REGION), advertise=f'["{REGION}:5250"]')
    wait_spread(cluster)


def forward(host: Host, target: str) -> None:
    """Make a host forward the API's port, and other ports for the racks, to a region."""
    pairs = [(5240, 5240), *((FIRST_OUTSIDE + slot, 5250 + slot) for slot in range(WORKERS))]
    rules = "".join(f"tcp dport {outer} dnat to {target}:{inner};\n" for outer, inner in pairs)
    host.run(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"])
    host.run(
        ["nft", "-f", "-"],
        text="table ip nat {\n"
        f"chain in {{ type nat hook prerouting priority dstnat;\n{rules}}}\n"
        "chain out { type nat hook postrouting priority srcnat; masquerade; }\n}\n",
    )


def wall_off(rack: Host) -> None:
    """Let nothing from a rack reach a region directly."""
    rack.run(
        ["nft", "-f", "-"],
        text="table ip walled { chain out { type filter hook output priority 0;\n"
        f"ip daddr {{ {REGION}, {REGION2} }} drop; }}; }}\n",
    )


def remotes(cluster: Cluster, rack: str) -> list[str]:
    """Give where a rack's links come from, as the region sees it."""
    found = cluster.sql(
        f"select remote from link join rack on rack.id = rack_id where hostname = '{rack}'"
    )
    return [remote.rpartition(":")[0] for (remote,) in found]


def test_a_rack_links_through_nat(cluster: Cluster, figures: Figures) -> None:
    """A rack that reaches no region itself finds, joins and obeys one behind a NAT.

    The other region lives, so that the rack hears of its workers, but none of them is in its reach.
    """
    outside = ports(OUTSIDER, first=FIRST_OUTSIDE)
    forward(cluster.outsider, REGION)
    restart_region(cluster, outside, advertise=f'["{OUTSIDER}:{FIRST_OUTSIDE}"]')
    wait_whole(cluster, cluster.region)
    rack = cluster.rack2
    wall_off(rack)
    config = rack.directory / "rackd.conf"
    config.write_text(f"maas_url: http://{OUTSIDER}:5240/MAAS/\ndata_dir: {STATE / 'rack'}\n")
    kill_rackd(rack)
    began = time.monotonic()
    translated = [OUTSIDER, OUTSIDER]
    until(lambda: remotes(cluster, "rack2") == translated, "two links", timeout=20.0, interval=0.1)
    figures.seconds("rackd SIGKILLed -> both links through the NAT", time.monotonic() - began)
    answer = cluster.update_vlan(SMALL_LAN, "secondary_rack=rack2")
    assert answer["dhcp_status"] == "running"
    for one in cluster.racks:
        Dhcpd(one).wait_state(NORMAL, timeout=20.0)
