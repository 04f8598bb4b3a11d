"""What goes wrong is refused with a reason on both sides and changes nothing else."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from uuid import uuid4

import pytest

from lab import DHCPClients, Host, HostProcess, mac, until
from lab.cluster import (
    BIN,
    OUTSIDER,
    REGION,
    SMALL_LAN,
    STATE,
    URL,
    Cluster,
    cli_environment,
)
from tests.acceptance.dhcpd import NORMAL, Dhcpd
from tests.acceptance.dump import changes, rows
from tests.acceptance.figures import Figures
from tests.acceptance.watching import (
    answers,
    connections,
    established,
    events,
    kill_rackd,
    live_workers,
    log_of,
    owner_of,
    wait_linked,
    wait_logged,
)

pytestmark = pytest.mark.root

SQUATTER = (
    "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
    "s.bind(('0.0.0.0', 67)); print('ready', flush=True); time.sleep(600)"
)
"""Holds UDP port 67, so that no dhcpd can start on that host."""


@pytest.fixture(scope="module")
def solo(cluster: Cluster) -> Cluster:
    """Give the cluster with rack1 serving the small LAN alone."""
    cluster.maasha("ipranges", "create", "type=dynamic", "start_ip=10.0.0.50", "end_ip=10.0.0.99")
    answer = cluster.update_vlan(SMALL_LAN, "primary_rack=rack1", "secondary_rack=", "dhcp_on=true")
    assert answer["dhcp_status"] == "running"
    return cluster


@pytest.fixture
def clients(solo: Cluster) -> Iterator[DHCPClients]:
    """Give clients on the small LAN."""
    with DHCPClients(solo.clients, "eth0") as own:
        yield own


def update_refused(cluster: Cluster, *changes: str) -> tuple[dict[str, object], str]:
    """Run a `vlan update` that fails; gives what it printed as JSON and for people."""
    vlan = cluster.vlan(SMALL_LAN)
    argv = ["vlan", "update", str(vlan["fabric_id"]), str(vlan["vid"]), *changes]
    done = cluster.region.run(
        [str(BIN / "maasha"), "maas", *argv], env=cli_environment(), timeout=40.0, check=False
    )
    assert done.returncode == 2, done.stdout + done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer, done.stderr


def test_a_secondary_that_cannot_start_leaves_the_primary_serving(
    solo: Cluster, clients: DHCPClients, figures: Figures
) -> None:
    """The primary is not even restarted; once the secondary can start, the pair is made."""
    before = Dhcpd(solo.rack1).snapshot()
    squatter = solo.rack2.converse(
        [sys.executable, "-c", SQUATTER], log=solo.rack2.directory / "squatter.log"
    )
    assert squatter.stdout.readline() == "ready\n"
    answer, _ = update_refused(solo, "secondary_rack=rack2")
    assert str(answer["dhcp_status"]).startswith("failed: ")
    assert "rack2" in str(answer["dhcp_status"])
    assert "Address already in use" in str(answer["dhcp_problem"])
    assert Dhcpd(solo.rack1).snapshot() == before
    assert str(clients.acquire(mac(0x020000000001)).server) == "10.0.0.1"
    squatter.end(signal.SIGKILL)
    began = time.monotonic()
    for rack in solo.racks:
        Dhcpd(rack).wait_state(NORMAL, timeout=90.0)
    figures.seconds("the secondary can start again -> both normal", time.monotonic() - began)


def test_a_text_that_dhcpd_refuses_changes_nothing(solo: Cluster) -> None:
    """The file, the process and its start stay; dhcpd's own words reach the caller."""
    before = [Dhcpd(rack).snapshot() for rack in solo.racks]
    ((secret,),) = solo.sql("select omapi_secret from instance")
    solo.sql("update instance set omapi_secret = 'no*base64'")
    try:
        answer, shown = update_refused(solo, "lease_time=700")
        assert [Dhcpd(rack).snapshot() for rack in solo.racks] == before
    finally:
        solo.sql(f"update instance set omapi_secret = '{secret}'")
    for text in (str(answer["dhcp_problem"]), shown):
        assert "dhcpd refuses this configuration" in text
        assert re.search(
            r"line (\d+): invalid base64 character(?s:.*)^> +\1     secret", text, re.M
        )
    assert solo.update_vlan(SMALL_LAN, "lease_time=600")["dhcp_status"] == "running"


def test_a_rack_with_the_wrong_key_stays_out(solo: Cluster) -> None:
    """Both sides say why; its DHCP goes on, and nothing in the database changes."""
    stays_out(solo, "key", "00" * 32, "wrong key")


def test_a_rack_with_the_wrong_secret_stays_out(solo: Cluster) -> None:
    """Likewise, for one that has no key yet."""
    key = solo.rack2.directory / "rack" / "key"
    aside = key.rename(key.with_name("key.aside"))
    stays_out(solo, "secret", "00" * 16, "wrong secret", aside)


def stays_out(solo: Cluster, name: str, wrong: str, told: str, aside: Path | None = None) -> None:
    """Start rack2 with something wrong to prove itself with, then with what it had."""
    server, kept = Dhcpd(solo.rack2).snapshot(), rows(solo)
    file = solo.rack2.directory / "rack" / name
    right, since = aside or file.rename(file.with_name("aside")), len(log_of(solo.rack2, "rackd"))
    file.write_text(wrong + "\n")
    kill_rackd(solo.rack2)
    wait_logged(solo.rack2, "rackd", told, since)
    wait_logged(solo.region, "regiond", told)
    until(lambda: any(told in one for one in events(solo, "rack.refused")), "event", timeout=5.0)
    assert changes(solo, kept) == []
    assert Dhcpd(solo.rack2).snapshot() == server
    file.unlink()
    right.rename(file.with_name("key"))
    kill_rackd(solo.rack2)
    wait_linked(solo, "rack2")
    assert Dhcpd(solo.rack2).snapshot() == server


def test_a_rack_of_another_instance_stays_out(solo: Cluster) -> None:
    """Both sides name the two instances; an event says so too, and its DHCP goes on."""
    server, kept = Dhcpd(solo.rack2).snapshot(), rows(solo)
    pinned = solo.rack2.directory / "rack" / "instance"
    right, since, other = pinned.read_text(), len(log_of(solo.rack2, "rackd")), str(uuid4())
    pinned.write_text(f"{other}\n")
    kill_rackd(solo.rack2)
    told = f"wrong instance: expected {right.strip()}, got {other}"
    wait_logged(solo.rack2, "rackd", told, since)
    wait_logged(solo.region, "regiond", told)
    until(lambda: any(told in one for one in events(solo, "rack.refused")), "event", timeout=5.0)
    assert changes(solo, kept) == []
    assert Dhcpd(solo.rack2).snapshot() == server
    pinned.write_text(right)
    kill_rackd(solo.rack2)
    wait_linked(solo, "rack2")
    assert Dhcpd(solo.rack2).snapshot() == server
    assert changes(solo, kept) == []


def stranger(cluster: Cluster, *arguments: str) -> HostProcess:
    """Start a controller that does not fit, on the outsider's host."""
    argv = [sys.executable, "-m", "tests.acceptance.stranger", *arguments]
    log = cluster.outsider.directory / "stranger.log"
    return cluster.outsider.converse(argv, log=log)


def secret_of(cluster: Cluster) -> str:
    """Give the region's secret."""
    return (cluster.region.directory / "region" / "secret").read_text().strip()


def test_a_rack_of_another_version_is_refused(solo: Cluster) -> None:
    """The region logs what the rack is told: which versions would fit."""
    kept = rows(solo)
    foreign = stranger(solo, "rack", REGION, "5250", secret_of(solo))
    told = foreign.stdout.readline()
    assert told.startswith("WrongVersion: wrong version: protocol 99..99 was offered, 1..1")
    assert "upgrade the older side" in told
    wait_logged(solo.region, "regiond", "wrong version: protocol 99..99")
    assert any("wrong version" in detail for detail in events(solo, "rack.refused"))
    assert changes(solo, kept) == []


def test_a_region_of_another_version_is_refused(solo: Cluster) -> None:
    """A rack that finds such a region says why and keeps serving; its own regions take it back."""
    server, kept = Dhcpd(solo.rack2).snapshot(), rows(solo)
    ((instance,),) = solo.sql("select uuid from instance")
    foreign = stranger(solo, "region", secret_of(solo), instance)
    assert foreign.stdout.readline() == "ready\n"
    config = solo.rack2.directory / "rackd.conf"
    right, since = config.read_text(), len(log_of(solo.rack2, "rackd"))
    config.write_text(right.replace(REGION, OUTSIDER))
    kill_rackd(solo.rack2)
    wait_logged(solo.rack2, "rackd", "wrong version: protocol 1..1 was offered, 99..99", since)
    assert Dhcpd(solo.rack2).snapshot() == server
    config.write_text(right)
    foreign.end(signal.SIGKILL)
    kill_rackd(solo.rack2)
    wait_linked(solo, "rack2")
    assert Dhcpd(solo.rack2).snapshot() == server
    assert changes(solo, kept) == []


def test_garbage_on_the_port_of_the_racks_harms_nobody(solo: Cluster) -> None:
    """The noise is hung up on; links, workers and servers stay as they were."""
    kept, linked = rows(solo), solo.sql("select id, rack_id, worker_id from link order by id")
    workers = [process.id for process in solo.region.processes("maasha.daemon.worker")]
    servers = [Dhcpd(rack).snapshot() for rack in solo.racks]
    noise = stranger(solo, "garbage", REGION, "5250")
    assert noise.stdout.readline() == "20\n"
    assert solo.sql("select id, rack_id, worker_id from link order by id") == linked
    assert [p.id for p in solo.region.processes("maasha.daemon.worker")] == workers
    assert [Dhcpd(rack).snapshot() for rack in solo.racks] == servers
    assert changes(solo, kept) == []


def start_with(host: Host, daemon: str, text: str) -> CompletedProcess[str]:
    """Run a daemon beside the one that runs, with a configuration of its own, until it ends."""
    path = host.directory / "wrong.conf"
    path.write_text(text)
    argv = [str(BIN / "twistd"), "--nodaemon", "--pidfile=", f"maasha-{daemon}"]
    return host.run([*argv, "--config", str(STATE / path.name)], check=False, timeout=30.0)


@pytest.mark.parametrize("daemon", ["rackd", "regiond"])
@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("maas_url:\n\t- http://10.100.0.10:5240/MAAS/\n", (2,)),
        ("data_dir: /run/lab/x\nmaas_url: [http://10.100.0.10:5240/MAAS/\n", (3,)),
        ("maas_url: ftp://x/\ndata_dir: 17\nconection: 2\n", (1, 2, 3)),
        ("- maas_url\n", (1,)),
    ],
    ids=["tab", "unclosed bracket", "every value wrong", "no mapping"],
)
def test_a_wrong_file_is_refused_with_every_error(
    solo: Cluster, daemon: str, text: str, lines: tuple[int, ...]
) -> None:
    """Rackd and regiond name all that is wrong, with lines, exit with status 78, touch nothing."""
    servers, kept = [Dhcpd(rack).snapshot() for rack in solo.racks], rows(solo)
    done = start_with(solo.rack1 if daemon == "rackd" else solo.region, daemon, text)
    assert done.returncode == 78
    for line in lines:
        assert f"wrong.conf:{line}: " in done.stderr
    assert "Traceback" not in done.stderr
    assert [Dhcpd(rack).snapshot() for rack in solo.racks] == servers
    assert changes(solo, kept) == []


def test_too_many_workers_are_refused_with_the_number_that_fits(solo: Cluster) -> None:
    """Fourteen would have to share 40 connections; 13 is what the message asks for."""
    right = (solo.region.directory / "regiond.conf").read_text()
    done = start_with(solo.region, "regiond", right.replace("workers: 4", "workers: 14"))
    assert done.returncode == 78
    assert "14 workers" in done.stderr
    assert "set it to a number from 1 to 13" in done.stderr


def test_the_database_may_die_and_come_back(solo: Cluster, figures: Figures) -> None:
    """The API says 503 and when to come again; links and DHCP do not notice."""
    servers, kept = [Dhcpd(rack).snapshot() for rack in solo.racks], rows(solo)
    sessions = established(solo)
    for process in solo.db.processes("postgres"):
        process.id.signal(signal.SIGKILL)
    solo.runner(solo.db).stop("postgres")
    answer = solo.region.run(["curl", "-si", f"{URL}rpc/"], timeout=20.0).stdout
    assert " 503 " in answer.splitlines()[0]
    assert "retry-after: " in answer.lower()
    time.sleep(12.0)  # longer than any time-to-live, so that whoever judges too early is seen
    solo.runner(solo.db).start("postgres")
    began = time.monotonic()
    until(lambda: answers(solo), "the API to answer", timeout=30.0, interval=0.2)
    figures.seconds("PostgreSQL started again -> API answers", time.monotonic() - began)
    until(lambda: connections(solo) == {"rack1": 2, "rack2": 2}, "links", timeout=30.0)
    assert established(solo) == sessions
    assert [Dhcpd(rack).snapshot() for rack in solo.racks] == servers
    assert changes(solo, kept) == []


def test_a_killed_worker_loses_nothing(solo: Cluster, figures: Figures) -> None:
    """Another worker owns its racks at once; the master starts it again, DHCP does not notice."""
    servers, kept = [Dhcpd(rack).snapshot() for rack in solo.racks], rows(solo)
    slot, pid = owner_of(solo, "rack1")
    (process,) = [
        p for p in solo.region.processes("maasha.daemon.worker") if p.matches(f"--slot={slot}")
    ]
    process.id.signal(signal.SIGKILL)
    began = time.monotonic()
    until(lambda: owner_of(solo, "rack1") not in ((), (slot, pid)), "another owner", timeout=20.0)
    figures.seconds("worker SIGKILLed -> its rack has another owner", time.monotonic() - began)
    until(lambda: live_workers(solo) == 4, "four workers", timeout=30.0, interval=0.2)
    until(lambda: connections(solo) == {"rack1": 2, "rack2": 2}, "links", timeout=30.0)
    assert [Dhcpd(rack).snapshot() for rack in solo.racks] == servers
    assert changes(solo, kept) == []
    assert solo.update_vlan(SMALL_LAN, "lease_time=650")["dhcp_status"] == "running"
    assert solo.update_vlan(SMALL_LAN, "lease_time=600")["dhcp_status"] == "running"
    assert [server.file_hash for server in servers] == [
        Dhcpd(rack).snapshot().file_hash for rack in solo.racks
    ]
