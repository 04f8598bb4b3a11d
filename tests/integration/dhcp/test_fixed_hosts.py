"""Hosts with fixed addresses, as real dhcpd serves and logs them."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab import DHCPClients, Lab, Patience, mac, until
from maasha.dhcp.lease_log import STATEMENTS
from maasha.model.dhcp import SOLO
from maasha.model.lease import BindingState, Lease
from tests.integration.dhcp.rack import until as reactor_until
from tests.integration.dhcp.wire import plan_for
from tests.unit.dhcp.feeds import make_feed
from tests.unit.dhcp.real import asynchronous, reactor

pytestmark = pytest.mark.root

QUICK = Patience(total=3.0, resend=0.5)
OWN, OTHER = mac(0x020000000001), mac(0x02000000000A)
FIXED = IPv4Address("10.77.0.20")
HOST = f"host web {{ hardware ethernet {OWN}; fixed-address {FIXED}; }}\n"
FORGED = b"x\nmaasha-lease 10.77.0.66 1:2:0:0:0:0:1 600 -\n"
"""A host name that tries to be a line of its own; as a vendor class too."""


@asynchronous
async def test_a_host_with_a_fixed_address_is_followed(tmp_path: Path) -> None:
    """Grants with time and name, extensions, the release; nobody can forge a line."""
    with Lab("fixed", tmp_path) as lab:
        lan = lab.network("lan", "10.77.0.0/24")
        server = lab.host("server", {lan: "10.77.0.1"})
        folder = server.directory
        config = plan_for(SOLO).config
        assert STATEMENTS in config
        (folder / "dhcpd.conf").write_text(config + HOST)
        (folder / "dhcpd.leases").touch()
        files = ["-cf", str(folder / "dhcpd.conf"), "-lf", str(folder / "dhcpd.leases")]
        log = folder / "dhcpd-1.log"
        server.popen(["dhcpd", "-4", "-f", "-d", "--no-pid", *files, "eth0"], log=log)
        until(lambda: "Server starting service" in log.read_text(), "dhcpd", timeout=5.0)
        feed = make_feed(reactor, folder, lambda: None)
        feed.start()

        async def heard(ip: IPv4Address, state: BindingState) -> Lease:
            """Wait for a word on an address."""
            found: list[Lease] = []

            def there() -> bool:
                report = feed.pending()
                for lease in report.leases if report else ():
                    if (lease.ip, lease.state) == (ip, state):
                        found.append(lease)
                return bool(found)

            await reactor_until(there)
            return found[-1]

        with DHCPClients(lab.host("clients", {lan: None})) as clients:
            options = ((12, FORGED), (60, FORGED))
            held = clients.acquire(OWN, QUICK, options=options)
            assert held.ip == FIXED
            granted = await heard(FIXED, BindingState.ACTIVE)
            assert (granted.mac, granted.fixed) == (str(OWN), True)
            assert granted.hostname == "x?maasha-lease 10.77.0.66 1:2:0:0:0:0:1 600 -?"
            assert granted.starts is not None
            assert granted.ends is not None
            assert (granted.ends - granted.starts).total_seconds() == 600.0
            pooled = clients.acquire(OTHER, QUICK, options=options)
            assert not (await heard(pooled.ip, BindingState.ACTIVE)).fixed
            clients.renew(held, QUICK)
            assert log.read_text().count("\nmaasha-lease ") == 2
            clients.release(held)
            released = await heard(FIXED, BindingState.RELEASED)
            assert released.ends is not None
            assert released.ends < granted.ends
        report = feed.pending()
        assert report is not None
        assert {lease.ip for lease in report.leases} == {FIXED, pooled.ip}
        await feed.stop()
