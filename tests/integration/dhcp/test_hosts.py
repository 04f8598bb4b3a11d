"""Fixed hosts of a real dhcpd change while it runs; whatever dies, the last text is the truth."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from twisted.internet.task import deferLater

from lab import mac
from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.hosts import UNSURE, fingerprint, stanzas
from maasha.model.dhcp import SOLO, DhcpReport
from maasha.model.stamp import Stamp
from tests.integration.dhcp.asker import Asker, asker
from tests.integration.dhcp.rack import Rack, until
from tests.integration.dhcp.wire import Link, plan_for
from tests.unit.dhcp.real import asynchronous, reactor
from tests.unit.dhcp.test_hosts import TEXTS

pytestmark = pytest.mark.root

ALONE = plan_for(SOLO)
ONE, TWO, THREE = mac(0x525400000001), mac(0x525400000002), mac(0x525400000003)
BEFORE = f"{ONE} 10.77.0.5 web\n{TWO} 10.77.0.6 db\n"
SERVED = evolve(ALONE, hosts=BEFORE)


@pytest.fixture
def clients(link: Link) -> Iterator[Asker]:
    """Have clients at the other end."""
    with asker(link) as there:
        yield there


async def told(rack: Rack, hosts: str, counter: int = 2) -> DhcpReport:
    """Change the hosts, which must not restart dhcpd and must be known for sure afterwards."""
    before = rack.pids()
    report = await rack.server.change_hosts(Stamp(1, counter), hosts)
    assert report.hosts == fingerprint(hosts)
    assert report.generation == Stamp(1, counter)
    assert rack.pids() == before
    return report


async def kill(rack: Rack) -> None:
    """Kill dhcpd and wait for the next one."""
    (pid,) = rack.pids()
    os.kill(pid, signal.SIGKILL)
    await until(lambda: rack.pids() not in ([], [pid]) and rack.server.report.serving)


@asynchronous
async def test_hosts_are_there_from_the_start(here: Rack, clients: Asker) -> None:
    """A client with an address of its own gets that and its name; others get leases."""
    report = await here.server.apply(SERVED)
    assert report.hosts == fingerprint(BEFORE)
    assert (clients.address(ONE), clients.name(ONE)) == ("10.77.0.5", "web")
    assert clients.address(THREE) == "10.77.0.100"
    assert clients.name(THREE) == ""


@asynchronous
async def test_hosts_come_change_and_go_without_a_restart(here: Rack, clients: Asker) -> None:
    """Added, moved, renamed, swapped, deleted: each is answered at once."""
    await here.server.apply(ALONE)
    assert clients.address(ONE) == "10.77.0.100"
    await told(here, BEFORE)
    assert (clients.address(ONE), clients.address(TWO)) == ("10.77.0.5", "10.77.0.6")
    await told(here, f"{ONE} 10.77.0.7 web\n{TWO} 10.77.0.6 db2\n")
    assert (clients.address(ONE), clients.name(TWO)) == ("10.77.0.7", "db2")
    await told(here, f"{ONE} 10.77.0.6 web\n{TWO} 10.77.0.7 db2\n")
    assert (clients.address(ONE), clients.address(TWO)) == ("10.77.0.6", "10.77.0.7")
    await told(here, f"{TWO} 10.77.0.7 -\n")
    assert clients.address(ONE) == "10.77.0.100"
    assert (clients.address(TWO), clients.name(TWO)) == ("10.77.0.7", "")


@asynchronous
async def test_an_address_passes_from_one_client_to_another(here: Rack, clients: Asker) -> None:
    """A new network card takes the place of the old one."""
    await here.server.apply(evolve(ALONE, hosts=f"{ONE} 10.77.0.5 web\n"))
    await told(here, f"{THREE} 10.77.0.5 web\n")
    assert (clients.address(THREE), clients.name(THREE)) == ("10.77.0.5", "web")
    assert clients.address(ONE) == "10.77.0.100"


@asynchronous
async def test_two_clients_may_have_one_name(here: Rack, clients: Asker) -> None:
    """Dhcpd's own names of hosts are made of their MACs."""
    await here.server.apply(ALONE)
    await told(here, f"{ONE} 10.77.0.5 web\n{TWO} 10.77.0.6 web\n")
    assert (clients.name(ONE), clients.name(TWO)) == ("web", "web")
    await kill(here)
    assert (clients.address(ONE), clients.address(TWO)) == ("10.77.0.5", "10.77.0.6")


@asynchronous
async def test_of_several_addresses_the_one_of_the_link_counts(here: Rack, clients: Asker) -> None:
    """A client with reservations on other VLANs too is one host."""
    await here.server.apply(ALONE)
    await told(here, f"{ONE} 10.66.0.5 -\n{ONE} 10.77.0.5 web\n")
    assert (clients.address(ONE), clients.name(ONE)) == ("10.77.0.5", "web")
    await told(here, f"{ONE} 10.66.0.5 -\n{ONE} 10.77.0.8 web\n", 3)
    assert clients.address(ONE) == "10.77.0.8"


@asynchronous
async def test_a_killed_dhcpd_begins_with_what_it_was_told_last(here: Rack, clients: Asker) -> None:
    """What OMAPI deletes leaves traces in the leases file, which hide configured hosts for ever."""
    await here.server.apply(SERVED)
    await told(here, f"{TWO} 10.77.0.9 db\n{THREE} 10.77.0.10 new\n")
    await told(here, f"{ONE} 10.77.0.5 web\n{THREE} 10.77.0.10 new\n")
    leases = here.server.leases
    await until(lambda: "deleted;" in leases.read_text())
    await kill(here)
    assert here.server.report.hosts == fingerprint(f"{ONE} 10.77.0.5 web\n{THREE} 10.77.0.10 new\n")
    assert (clients.address(ONE), clients.address(THREE)) == ("10.77.0.5", "10.77.0.10")
    assert clients.address(TWO) == "10.77.0.100"
    await told(here, BEFORE, 3)
    assert clients.address(TWO) == "10.77.0.6"


@asynchronous
async def test_the_next_rackd_knows_them(here: Rack) -> None:
    """It takes over what runs and goes on from there."""
    await here.server.apply(ALONE)
    await told(here, BEFORE)
    await here.server.release()
    after = here.successor()
    assert (await after.server.resume()).hosts == fingerprint(BEFORE)
    await told(after, f"{ONE} 10.77.0.7 web\n", 3)
    await after.server.release()


@asynchronous
async def test_a_mute_dhcpd_leaves_its_hosts_unsure(here: Rack, clients: Asker) -> None:
    """Nobody waits for ever; what may have been heard is told again, and is the truth then."""
    await here.server.apply(SERVED)
    (pid,) = here.pids()
    os.kill(pid, signal.SIGSTOP)
    try:
        report = await here.server.change_hosts(Stamp(1, 2), f"{ONE} 10.77.0.7 web\n")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (report.hosts, report.generation) == (UNSURE, SERVED.generation)
    await here.server.release()
    after = here.successor()
    assert (await after.server.resume()).hosts == UNSURE
    await told(after, f"{ONE} 10.77.0.8 web\n{TWO} 10.77.0.6 db\n", 3)
    assert (clients.address(ONE), clients.address(TWO)) == ("10.77.0.8", "10.77.0.6")
    await after.server.release()


@asynchronous
async def test_a_restart_makes_sure(here: Rack, clients: Asker) -> None:
    """A plan with the hosts is applied by a restart where they are unsure, and only there."""
    await here.server.apply(SERVED)
    (pid,) = here.pids()
    assert here.pids() == [pid]
    wanted = f"{ONE} 10.77.0.7 web\n"
    os.kill(pid, signal.SIGSTOP)
    try:
        assert (await here.server.change_hosts(Stamp(1, 2), wanted)).hosts == UNSURE
    finally:
        os.kill(pid, signal.SIGCONT)
    report = await here.server.apply(evolve(ALONE, generation=Stamp(1, 2), hosts=wanted))
    assert report.hosts == fingerprint(wanted)
    assert here.pids() != [pid]
    assert (clients.address(ONE), clients.address(TWO)) == ("10.77.0.7", "10.77.0.100")


@asynchronous
async def test_a_dhcpd_that_dies_meanwhile_begins_with_the_truth(
    here: Rack, clients: Asker
) -> None:
    """It is killed at some moment of a large change; told again, all is known."""
    await here.server.apply(SERVED)
    many = "".join(f"52:54:00:00:01:{n:02x} 10.77.0.{n} -\n" for n in range(10, 90))
    for delay in (0.001, 0.005, 0.02):
        await killed_meanwhile(here, delay, BEFORE + many)
        await told(here, BEFORE + many)
        assert clients.address(mac(0x52540000010A)) == "10.77.0.10"
        await told(here, BEFORE)
        assert clients.address(ONE) == "10.77.0.5"


async def killed_meanwhile(rack: Rack, delay: float, hosts: str) -> None:
    """Kill dhcpd so many seconds into a change, and wait for the next one."""
    (pid,) = rack.pids()
    changing = rack.server.change_hosts(Stamp(1, 2), hosts)
    reactor.callLater(delay, os.kill, pid, signal.SIGKILL)
    await changing
    await deferLater(reactor, 2 * delay)
    await until(lambda: rack.pids() not in ([], [pid]) and rack.server.report.serving)


@asynchronous
async def test_hosts_told_to_a_dhcpd_that_is_down_are_there_at_its_start(here: Rack) -> None:
    """It is about to be started again."""
    await here.server.apply(SERVED)
    (pid,) = here.pids()
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not here.server.report.serving)
    report = await here.server.change_hosts(Stamp(1, 2), f"{ONE} 10.77.0.7 web\n")
    assert report.problem or report.serving
    await until(lambda: here.server.report.serving)
    assert "10.77.0.7" in (here.directory / "hosts.conf").read_text()
    assert "10.77.0.6" not in (here.directory / "hosts.conf").read_text()


@asynchronous
async def test_what_is_no_text_of_hosts_changes_nothing(here: Rack) -> None:
    """Neither over OMAPI nor by a plan; what ran runs on, and is known for sure."""
    await here.server.apply(SERVED)
    before = here.pids()
    evil = f'{ONE} 10.77.0.5 x"; }} include "/etc/passwd"; #\n'
    with pytest.raises(PlanRefused, match="cannot be kept"):
        await here.server.change_hosts(Stamp(1, 2), evil)
    with pytest.raises(PlanRefused, match="not a host's"):
        await here.server.apply(evolve(ALONE, hosts=evil))
    assert here.pids() == before
    assert here.server.report.hosts == fingerprint(BEFORE)


@given(TEXTS)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each writes the file anew
)
def test_whatever_is_declared_is_read_by_dhcpd(tmp_path: Path, hosts: str) -> None:
    """No text that is taken can keep dhcpd from its next start."""
    config = tmp_path / "hosts.conf"
    config.write_text(stanzas(hosts))
    argv = ["dhcpd", "-4", "-t", "-cf", str(config), "-lf", str(tmp_path / "no.leases")]
    checked = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stderr
