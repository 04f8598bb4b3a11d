"""A pair of ISC dhcpd with the manual's parameters, by hand, on the lab's LAN: proves the lab.

What maasha does is not in here.  The failover blocks are those of the manual's page "High
availability", with the lab's addresses.
"""

import signal
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import attrs
import pytest

from lab import (
    DHCPClients,
    Host,
    HostProcess,
    Kind,
    Lab,
    Lease,
    Network,
    NoLease,
    Patience,
    Sniffer,
    mac,
    until,
)
from lab.testing import require

pytestmark = pytest.mark.root

PRIMARY, SECONDARY = "10.0.0.1", "10.0.0.2"

SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0MTIz"

BLOCKS = {
    PRIMARY: f"""
failover peer "failover-partner" {{
     primary;
     address {PRIMARY};
     peer address {SECONDARY};
     max-response-delay 60;
     max-unacked-updates 10;
     mclt 3600;
     split 255;
     load balance max seconds 3;
}}
""",
    SECONDARY: f"""
failover peer "failover-partner" {{
     secondary;
     address {SECONDARY};
     peer address {PRIMARY};
     max-response-delay 60;
     max-unacked-updates 10;
     load balance max seconds 3;
}}
""",
}

REST = f"""
authoritative;
default-lease-time 600;
max-lease-time 600;
omapi-port 7911;
key omapi_key {{ algorithm HMAC-MD5; secret "{SECRET}"; }}
omapi-key omapi_key;
subnet 10.0.0.0 netmask 255.255.255.0 {{
  pool {{ failover peer "failover-partner"; range 10.0.0.50 10.0.0.99; }}
}}
"""

NORMAL = "2"
"""dhcpd's number for the failover state, as its OMAPI shows it."""

ASK = f"""
from pypureomapi import Omapi, OmapiMessage
omapi = Omapi("127.0.0.1", 7911, b"omapi_key", b"{SECRET}")
message = OmapiMessage.open(b"failover-state")
message.obj.append((b"name", b"failover-partner"))
found = dict(omapi.query_server(message).obj)
print(int.from_bytes(found[b"local-state"], "big"), int.from_bytes(found[b"partner-state"], "big"))
"""

POOL = {IPv4Address(f"10.0.0.{number}") for number in range(50, 100)}

SOON = Patience(total=10.0, resend=1.0)
SILENCED = Patience(total=20.0, resend=1.0)
"""Beyond the 15 s for which dhcpd looks for its peer at each start."""


@attrs.frozen
class Pair:
    """Two racks with dhcpd and a host for clients."""

    lan: Network
    primary: Host
    secondary: Host
    clients: Host


def start_dhcpd(rack: Host, lan: Network, *, paired: bool = True) -> HostProcess:
    """Start dhcpd by hand, with the block that belongs to the rack's address, or without a peer."""
    configuration = rack.directory / "dhcpd.conf"
    leases = rack.directory / "dhcpd.leases"
    alone = REST.replace('failover peer "failover-partner"; ', "")
    configuration.write_text(BLOCKS[str(lan.address(rack))] + REST if paired else alone)
    leases.touch()
    files = ["-cf", str(configuration), "-lf", str(leases)]
    argv = ["dhcpd", "-4", "-f", "-d", "--no-pid", *files, "eth0"]
    return rack.popen(argv, log=rack.directory / "dhcpd.log")


def both_normal(rack: Host) -> bool:
    """Tell whether a rack's dhcpd holds itself and its partner for normal, by OMAPI."""
    answer = rack.run(["python", "-c", ASK], check=False).stdout.split()
    return answer == [NORMAL, NORMAL]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two racks at .1 and .2 whose dhcpd have reached normal."""
    require()
    with Lab("failover-pair", tmp_path) as lab:
        lan = lab.network("lan", "10.0.0.0/24")
        primary = lab.host("rack-1", {lan: PRIMARY})
        secondary = lab.host("rack-2", {lan: SECONDARY})
        for rack in (primary, secondary):
            start_dhcpd(rack, lan)
        until(lambda: both_normal(primary), "normal at the primary", timeout=20.0)
        until(lambda: both_normal(secondary), "normal at the secondary", timeout=20.0)
        yield Pair(lan, primary, secondary, lab.host("clients", {lan: None}))


def test_the_secondary_serves_new_clients_once_the_primary_is_dead(pair: Pair) -> None:
    """A client is served by the primary; after SIGKILL of it a new one is served by the secondary.

    The first client keeps its address by broadcast, and no address is ever held twice.
    """
    with Sniffer(pair.lan) as sniffer, DHCPClients(pair.clients) as clients:
        first = clients.acquire(mac(0x020000000001), SOON)
        assert first.server == IPv4Address(PRIMARY)
        assert first.ip in POOL

        pair.primary.signal("dhcpd", signal.SIGKILL)

        second = clients.acquire(mac(0x020000000002), SOON)
        assert second.server == IPv4Address(SECONDARY)
        assert second.ip in POOL - {first.ip}

        again = clients.rebind(first, SOON)
        assert (again.ip, again.server) == (first.ip, IPv4Address(SECONDARY))
    acks = [message for message in sniffer.messages() if message.kind is Kind.ACK]
    assert [ack.chaddr for ack in acks] == [lease.chaddr for lease in clients.history]
    assert sniffer.conflicts() == ()


def test_clients_come_and_go_while_the_primary_dies(pair: Pair) -> None:
    """Of 20 clients 10 give their address back, the primary dies, 10 stay and 10 new ones come."""
    with Sniffer(pair.lan) as sniffer, DHCPClients(pair.clients) as clients:
        first = granted(clients, range(0x020000000100, 0x020000000114))
        for lease in first[:10]:
            clients.release(lease)
        until(lambda: knows(pair.secondary, first[10:]), "replication", timeout=20.0)

        pair.primary.signal("dhcpd", signal.SIGKILL)

        stayed = [clients.rebind(lease, SOON) for lease in first[10:]]
        assert [lease.ip for lease in stayed] == [lease.ip for lease in first[10:]]
        came = granted(clients, range(0x020000000200, 0x02000000020A))
        assert {lease.server for lease in stayed + came} == {IPv4Address(SECONDARY)}
    assert sniffer.conflicts() == ()


def test_a_peer_that_is_down_silences_a_server_that_worked(tmp_path: Path) -> None:
    """The trap that an order of steps avoids: a server alone that is given a peer which is not up.

    It is restarted with the failover block, waits for the peer for 15 s, and then until it has
    heard from it; nobody who is new gets an address all the while.
    """
    require()
    with Lab("silenced", tmp_path) as lab:
        lan = lab.network("lan", "10.0.0.0/24")
        primary = lab.host("rack-1", {lan: PRIMARY})
        with DHCPClients(lab.host("clients", {lan: None})) as clients:
            alone = start_dhcpd(primary, lan, paired=False)
            assert clients.acquire(mac(0x020000000001), SOON).ip in POOL
            alone.end()
            start_dhcpd(primary, lan)
            with pytest.raises(NoLease):
                clients.acquire(mac(0x020000000002), SILENCED)


def knows(rack: Host, leases: list[Lease]) -> bool:
    """Tell whether a rack has these leases on disk.

    The primary sends at most 10 updates (max-unacked-updates) ahead of the secondary's answer, and
    that answers every 2 s.  A lease that was not sent yet dies with the primary: the secondary
    neither confirms nor refuses it.
    """
    stored = (rack.directory / "dhcpd.leases").read_text()
    return all(f"hardware ethernet {lease.chaddr};" in stored for lease in leases)


def granted(clients: DHCPClients, numbers: range) -> list[Lease]:
    """Get addresses for many clients at once; every one of them must get one."""
    outcomes = clients.acquire_all(map(mac, numbers), SOON)
    leases = [outcome for outcome in outcomes.values() if isinstance(outcome, Lease)]
    assert len(leases) == len(numbers), outcomes
    return leases
