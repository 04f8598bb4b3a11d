"""An operator looks at a live rack's links: what goes over them, without secrets and leases."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from lab import DHCPClients, Host, mac, until
from lab.cluster import BIN, SMALL_LAN, STATE, Cluster, cli_environment
from tests.acceptance.dhcpd import Dhcpd
from tests.acceptance.watching import connections

pytestmark = pytest.mark.root

RACK = [str(BIN / "maasha-rack"), "--config", str(STATE / "rackd.conf")]
HOSTNAME = "laptop-of-somebody"
OPTION_HOSTNAME = 12
"""RFC 2132, 3.14."""


class Trace:
    """A trace of rack1's links that began before anything was asked of them."""

    def __init__(self, rack: Host) -> None:
        self._path = rack.directory / "trace"
        environment = {**cli_environment(), "COLUMNS": "100"}
        self._program = rack.popen([*RACK, "rpc-trace"], log=self._path, env=environment)
        until(lambda: self.text.count("open since") == 2, "the trace", timeout=20.0)

    @property
    def text(self) -> str:
        """What it has shown so far."""
        return self._path.read_text() if self._path.exists() else ""

    def wait_for(self, part: str) -> None:
        """Wait until it shows something."""
        until(lambda: part in self.text, f"{part!r} in the trace", timeout=20.0)

    def interrupt(self) -> int:
        """Press Ctrl-C; gives the exit status."""
        return self._program.end(signal.SIGINT, timeout=10.0)


@pytest.fixture(scope="module")
def traced(cluster: Cluster) -> tuple[Cluster, Trace]:
    """Give the cluster, and what was traced while rack1 began to serve a client."""
    until(lambda: connections(cluster).get("rack1") == 2, "two links", timeout=30.0, interval=0.2)
    trace = Trace(cluster.rack1)
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.0.0.50", "end_ip=10.0.0.99")
    answer = cluster.update_vlan(SMALL_LAN, "primary_rack=rack1", "secondary_rack=", "dhcp_on=true")
    assert answer["dhcp_status"] == "running"
    with DHCPClients(cluster.clients) as clients:
        name = HOSTNAME.encode()
        lease = clients.acquire(mac(0x02005ACBBA51), options=((OPTION_HOSTNAME, name),))
    address = str(lease.ip)
    until(lambda: leased(cluster, address), "the lease in the region", timeout=20.0, interval=0.2)
    trace.wait_for("leases: <1 item>")
    assert trace.interrupt() == 0
    return cluster, trace


def leased(cluster: Cluster, address: str) -> bool:
    """Whether the region knows the lease."""
    return bool(cluster.maasha("leases", "read", f"ip={address}"))


def test_a_trace_shows_what_a_region_asks_and_what_a_rack_reports(
    traced: tuple[Cluster, Trace],
) -> None:
    """Each with its answer and the time between; readable at 100 columns."""
    _, trace = traced
    print(trace.text)
    for part in (
        "← ConfigureDHCP #",
        "→ ConfigureDHCP #",
        "duty: solo",
        "serving: true",
        "→ ReportDHCP #",
        "→ ReportLeases #",
        "← ReportLeases #",
        "ok  after ",
    ):
        assert part in trace.text
    assert "Ping" not in trace.text
    assert max(map(len, trace.text.splitlines())) <= 100


def test_nothing_secret_and_nothing_of_a_lease_is_shown(traced: tuple[Cluster, Trace]) -> None:
    """Neither OMAPI's key nor dhcpd's text, nor anybody's hardware address, name or address."""
    cluster, trace = traced
    ((omapi,),) = cluster.sql("select omapi_secret from instance")
    config, leases = Dhcpd(cluster.rack1).config, Dhcpd(cluster.rack1).leases
    assert omapi in config
    assert HOSTNAME in leases
    key = (cluster.rack1.directory / "rack" / "key").read_text().strip()
    for secret in (omapi, key, HOSTNAME, "02:00:5a:cb:ba:51", "10.0.0."):
        assert secret not in trace.text
    statements = {line.strip() for line in config.splitlines() if len(line.strip()) > 8}
    assert not [statement for statement in statements if statement in trace.text]


def test_links_of_a_rack_are_those_that_the_region_shows(cluster: Cluster) -> None:
    """One line for each, with a measured round trip."""

    def listed() -> list[dict[str, Any]]:
        done = cluster.rack1.run([*RACK, "links", "--json"], env=cli_environment(), timeout=20.0)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def measured() -> bool:
        links = listed()
        return len(links) == 2 and all(link["round_trip"] for link in links)

    until(measured, "two links with their round trips", timeout=30.0, interval=0.5)
    for link in listed():
        assert link["health"] == "healthy"
        assert link["remote"].startswith("10.100.0.10:52")
        assert link["worker"].startswith("region:")
    table = cluster.rack1.run([*RACK, "links"], env=cli_environment(), timeout=20.0).stdout
    print(table)
    assert table.count("healthy") == 2


def test_an_ordinary_user_may_not_ask(cluster: Cluster) -> None:
    """The message says who may."""
    done = cluster.rack1.run(
        [*RACK, "links"], env=cli_environment(), user="nobody", check=False, timeout=20.0
    )
    assert done.returncode == 1
    assert "run this command as root" in done.stderr


def test_who_asks_where_no_rackd_runs_is_told_so(cluster: Cluster, tmp_path: Path) -> None:
    """With what to do."""
    config = tmp_path / "rackd.conf"
    config.write_text(f"data_dir: {tmp_path}\n")
    argv = [str(BIN / "maasha-rack"), "--config", str(config), "rpc-trace"]
    done = cluster.rack1.run(argv, env=cli_environment(), check=False, timeout=20.0)
    assert done.returncode == 1
    assert f"no rackd listens on {tmp_path}/control.sock: start it" in done.stderr
