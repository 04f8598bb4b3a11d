"""Simulated and real clients, the sniffer and the judge, against one real dhcpd."""

import time
from ipaddress import IPv4Address
from pathlib import Path

import attrs
import pytest

from lab import (
    Dhclient,
    DHCPClients,
    Host,
    Kind,
    Lab,
    Network,
    NoLease,
    Patience,
    Sniffer,
    mac,
    until,
)

pytestmark = pytest.mark.root

SERVER = IPv4Address("10.0.0.1")

CONFIGURATION = """
authoritative;
default-lease-time 600;
max-lease-time 600;
ping-check false;
subnet 10.0.0.0 netmask 255.255.255.0 {
  option routers 10.0.0.1;
  next-server 10.0.0.1;
  filename "pxelinux.0";
  range 10.0.0.50 10.0.0.99;
}
"""

QUICK = Patience(total=3.0, resend=0.5)
SHORT = Patience(total=0.5, resend=0.25)


@attrs.frozen
class Site:
    """A LAN with a server and a host of clients."""

    lan: Network
    server: Host
    clients: Host

    def serve(self, configuration: str = CONFIGURATION) -> None:
        """Start dhcpd and wait until it listens."""
        folder = self.server.directory
        (folder / "dhcpd.conf").write_text(configuration)
        (folder / "dhcpd.leases").touch()
        files = ["-cf", str(folder / "dhcpd.conf"), "-lf", str(folder / "dhcpd.leases")]
        log = folder / "dhcpd.log"
        self.server.popen(["dhcpd", "-4", "-f", "-d", "--no-pid", *files, "eth0"], log=log)
        until(lambda: "Server starting service" in log.read_text(), "dhcpd", timeout=5.0)


@pytest.fixture
def site(lab: Lab) -> Site:
    """Give a LAN whose server does not run yet."""
    lan = lab.network("lan", "10.0.0.0/24")
    return Site(lan, lab.host("server", {lan: str(SERVER)}), lab.host("clients", {lan: None}))


def test_a_client_leads_a_whole_life(site: Site) -> None:
    """It acquires, renews by unicast, rebinds, reboots and releases; the sniffer hears it all."""
    site.serve()
    with Sniffer(site.lan) as sniffer, DHCPClients(site.clients) as clients:
        lease = clients.acquire(mac(0x020000000001), QUICK)
        assert (lease.server, lease.next_server, lease.boot_file) == (SERVER, SERVER, "pxelinux.0")
        assert lease.renewal == 300.0
        again = [step(lease, QUICK) for step in (clients.renew, clients.rebind, clients.reboot)]
        assert [each.ip for each in again] == [lease.ip] * 3
        clients.release(lease)
        until(lambda: sniffer.messages()[-1].kind is Kind.RELEASE, "the release", timeout=5.0)
        assert [each.wish for each in clients.history] == [lease.wish, *(e.wish for e in again)]
    acks = [heard for heard in sniffer.messages() if heard.kind is Kind.ACK]
    assert [ack.ip for ack in acks] == [lease.ip] * 4
    assert sniffer.conflicts() == ()


def test_forty_clients_are_served_at_once(site: Site) -> None:
    """Each gets an address of its own, and those who leave make room for others."""
    site.serve()
    with Sniffer(site.lan) as sniffer, DHCPClients(site.clients) as clients:
        outcomes = clients.acquire_all(map(mac, range(0x020000000001, 0x020000000029)), QUICK)
        leases = [outcome for outcome in outcomes.values() if not isinstance(outcome, NoLease)]
        assert len({lease.ip for lease in leases}) == 40
        for lease in leases[:20]:
            clients.release(lease)
        newcomers = clients.acquire_all(map(mac, range(0x020000000101, 0x02000000011F)), QUICK)
        assert not [each for each in newcomers.values() if isinstance(each, NoLease)]
    assert sniffer.conflicts() == ()


def test_a_client_gives_up_in_time(site: Site) -> None:
    """Without a server there is no lease, and the error says how long was waited."""
    with DHCPClients(site.clients) as clients:
        began = time.monotonic()
        with pytest.raises(NoLease, match=r"02:00:00:00:00:01 got no lease after 0\.5"):
            clients.acquire(mac(0x020000000001), SHORT)
        assert time.monotonic() - began < 2.0


def test_a_full_pool_refuses_nobody_twice(site: Site) -> None:
    """A client for whom nothing is left hears nothing; it is an outcome, not a crash."""
    site.serve(CONFIGURATION.replace("10.0.0.50 10.0.0.99", "10.0.0.50 10.0.0.50"))
    with DHCPClients(site.clients) as clients:
        outcomes = clients.acquire_all([mac(0x020000000001), mac(0x020000000002)], SHORT)
        kinds = sorted(type(outcome).__name__ for outcome in outcomes.values())
        assert kinds == ["Lease", "NoLease"]


def test_a_reboot_with_a_foreign_address_is_refused(site: Site) -> None:
    """An authoritative server says NAK."""
    site.serve()
    with DHCPClients(site.clients) as clients:
        lease = clients.acquire(mac(0x020000000001), QUICK)
        foreign = attrs.evolve(lease, ip=IPv4Address("192.168.7.7"))
        with pytest.raises(NoLease, match=r"NAK from 10\.0\.0\.1") as caught:
            clients.reboot(foreign, QUICK)
        assert caught.value.refused


def test_a_server_that_pings_finds_simulated_clients(site: Site) -> None:
    """A held address answers; that of a client that left without a word does not."""
    site.serve(CONFIGURATION.replace("ping-check false", "ping-check true"))
    with DHCPClients(site.clients) as clients:
        lease = clients.acquire(mac(0x020000000001), Patience(total=5.0, resend=2.0))
        assert ping(site.server, lease.ip, patience=4.0) == "answered"
        clients.leave(lease.chaddr)
        assert ping(site.server, lease.ip, patience=0.3) == "silent"


def test_a_cut_cable_loses_frames_and_no_client(site: Site) -> None:
    """The agent lives on and is served when the cable is back."""
    site.serve()
    with DHCPClients(site.clients) as clients:
        cable = site.lan.cable(site.clients)
        cable.cut()
        with pytest.raises(NoLease):
            clients.acquire(mac(0x020000000001), SHORT)
        cable.restore()
        assert clients.acquire(mac(0x020000000001), QUICK).server == SERVER


def test_a_renewal_goes_to_its_server_alone(site: Site, lab: Lab) -> None:
    """While that is cut off no other dhcpd hears it, whose socket is a packet socket."""
    site.serve()
    other = Site(site.lan, lab.host("other", {site.lan: "10.0.0.2"}), site.clients)
    with DHCPClients(site.clients) as clients:
        lease = clients.acquire(mac(0x020000000001), QUICK)
        other.serve()
        site.lan.cable(site.server).cut()
        with pytest.raises(NoLease, match="no ACK"):
            clients.renew(lease, SHORT)
        clients.acquire(mac(0x020000000002), QUICK)
    log = (other.server.directory / "dhcpd.log").read_text()
    assert str(mac(0x020000000002)) in log
    assert str(lease.chaddr) not in log


def test_two_servers_that_do_not_know_each_other_are_convicted(site: Site, lab: Lab) -> None:
    """Both give the same single address: the sniffer's verdict names it."""
    narrow = CONFIGURATION.replace("10.0.0.50 10.0.0.99", "10.0.0.50 10.0.0.50")
    site.serve(narrow)
    other = lab.host("other", {site.lan: "10.0.0.2"})
    with Sniffer(site.lan) as sniffer, DHCPClients(site.clients) as clients:
        clients.acquire(mac(0x020000000001), QUICK)
        site.lan.cable(site.server).cut()
        Site(site.lan, other, site.clients).serve(narrow)
        clients.acquire(mac(0x020000000002), QUICK)
    (conflict,) = sniffer.conflicts()
    assert conflict.second.ip == IPv4Address("10.0.0.50")
    assert conflict.second.chaddr == mac(0x020000000002)


def test_the_real_dhclient_configures_its_interface(site: Site) -> None:
    """Address and default route are set, the event is noted, the machine's resolv.conf is not."""
    site.serve()
    resolver = Path("/etc/resolv.conf").read_text()
    client = Dhclient(site.clients)
    client.start()
    event = client.wait_bound()
    assert (event.reason, event.server, event.seconds) == ("BOUND", SERVER, 600)
    addresses = site.clients.run(["ip", "-4", "-br", "addr", "show", "eth0"]).stdout
    assert f"{event.ip}/24" in addresses
    assert "default via 10.0.0.1" in site.clients.run(["ip", "route"]).stdout
    assert open("/etc/resolv.conf").read() == resolver  # noqa: PTH123, SIM115
    client.stop()
    client.start()
    until(lambda: client.events()[-1].reason == "REBOOT", "the same address again", timeout=10.0)
    assert client.events()[-1].ip == event.ip


PING = """
import select, socket, struct, sys
from lab.frames import checksum
body = bytes((8, 0, 0, 0)) + b"abcdefgh"
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.sendto(body[:2] + checksum(body).to_bytes(2, "big") + body[4:], (sys.argv[1], 0))
print("answered" if select.select([s], [], [], float(sys.argv[2]))[0] else "silent")
"""


def ping(host: Host, ip: IPv4Address, *, patience: float) -> str:
    """Send one ping; the kernel may ask for the station only a second after it asked in vain."""
    return host.run(["python", "-c", PING, str(ip), str(patience)]).stdout.strip()
