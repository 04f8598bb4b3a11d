"""The rack's DHCP server with real dhcpd, on a link of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from hashlib import sha256

import pytest
from attrs import evolve

from maasha.dhcp.errors import PlanRefused
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.proc import command_line, start_time
from maasha.model.dhcp import SOLO, Duty, PeerState
from tests.integration.dhcp.rack import Bare, Rack, state_of, until
from tests.integration.dhcp.wire import HERE, THERE, Link, paired, plan_for, subnet
from tests.unit.dhcp.real import asynchronous

pytestmark = pytest.mark.root

ALONE = plan_for(SOLO)
OTHER = plan_for(SOLO, counter=2, net=subnet(last="10.77.0.120"))
BAD = evolve(OTHER, config=OTHER.config.replace("range ", "ranje ", 1))
NOWHERE = evolve(OTHER, interfaces=("eth7",))


def fingerprint(rack: Rack) -> tuple[str, list[tuple[int, int | None]]]:
    """Give the hash of the file, and pid and start time of what runs on it."""
    running = [(pid, start_time(pid)) for pid in rack.pids()]
    return sha256(rack.config.read_bytes()).hexdigest(), running


@asynchronous
async def test_a_plan_runs_under_its_own_files(here: Rack) -> None:
    """The arguments of the one dhcpd name the folder's files and the interface."""
    report = await here.server.apply(ALONE)
    (pid,) = here.pids()
    files = ("-cf", str(here.config), "-lf", str(here.directory / "dhcpd.leases"))
    assert command_line(pid)[1:] == ("-4", "-f", "-d", "--no-pid", *files, "eth0")
    assert os.getsid(pid) == pid
    assert report.serving
    assert here.reports[-1] == report


@asynchronous
async def test_the_same_plan_restarts_nothing(here: Rack) -> None:
    """File, pid and start time stay as they are."""
    await here.server.apply(ALONE)
    before = fingerprint(here)
    await here.server.apply(evolve(ALONE, generation=EMPTY.generation))
    assert fingerprint(here) == before


@asynchronous
async def test_a_refused_text_leaves_everything_as_it_was(here: Rack) -> None:
    """The listing has dhcpd's words and the numbered line; file and process are the same."""
    await here.server.apply(ALONE)
    before = fingerprint(here)
    with pytest.raises(PlanRefused) as refusal:
        await here.server.apply(BAD)
    assert fingerprint(here) == before
    listing = refusal.value.listing
    wrong = "            ranje 10.77.0.100 10.77.0.120;"
    number = BAD.config.splitlines().index(wrong) + 1
    assert f">{number:5} {wrong}" in listing
    assert "semicolon expected" in listing or "unknown" in listing or "expecting" in listing
    assert "Internet Systems" not in listing


@asynchronous
async def test_a_plan_that_does_not_start_is_rolled_back(here: Rack) -> None:
    """The last good file is back under a new process, and dhcpd's own words are told."""
    await here.server.apply(ALONE)
    digest, ((pid, _),) = fingerprint(here)
    with pytest.raises(PlanRefused) as refusal:
        await here.server.apply(NOWHERE)
    assert "eth7" in refusal.value.listing
    now_digest, ((now_pid, _),) = fingerprint(here)
    assert now_digest == digest
    assert now_pid != pid
    assert here.server.report.serving
    assert (await here.server.apply(ALONE)).problem == ""


@asynchronous
async def test_a_killed_dhcpd_is_started_again(here: Rack) -> None:
    """Its end is seen at once and told of; the next one runs the same plan."""
    await here.server.apply(ALONE)
    (pid,) = here.pids()
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not here.reports[-1].serving)
    await until(lambda: here.reports[-1].serving)
    (again,) = here.pids()
    assert again != pid


@asynchronous
async def test_an_empty_plan_stops_dhcpd(here: Rack) -> None:
    """Nothing runs on the files any more, now or after a restart of rackd."""
    await here.server.apply(ALONE)
    await here.server.apply(EMPTY)
    assert here.pids() == []
    assert not (await here.successor().server.resume()).serving


@asynchronous
async def test_the_next_rackd_takes_over_what_runs(here: Rack) -> None:
    """Neither the process nor its file changes, and its end is seen though it is no child."""
    await here.server.apply(ALONE)
    before = fingerprint(here)
    await here.server.release()
    after = here.successor()
    report = await after.server.resume()
    assert fingerprint(here) == before
    assert (report.serving, report.generation) == (True, ALONE.generation)
    os.kill(before[1][0][0], signal.SIGKILL)
    await until(lambda: not after.reports[-1].serving)
    await until(lambda: after.reports[-1].serving)
    await after.server.release()


OWNER = """
import sys
from pathlib import Path
from twisted.internet import reactor, defer
from twisted.python.threadpool import ThreadPool
from tests.integration.dhcp.servers import make_server
from tests.integration.dhcp.wire import plan_for
from maasha.model.dhcp import SOLO
pool = ThreadPool(0, 2)
pool.start()
async def main():
    server = make_server(reactor, Path(sys.argv[1]), lambda report: None, pool=pool)
    await server.resume()
    await server.apply(plan_for(SOLO))
    print("up", flush=True)
reactor.callWhenRunning(lambda: defer.ensureDeferred(main()))
reactor.run()
"""


@asynchronous
async def test_dhcpd_outlives_a_rackd_that_is_killed(here: Rack) -> None:
    """SIGKILL of the owning process leaves dhcpd serving, and the next owner takes it over."""
    argv = [sys.executable, "-c", OWNER, str(here.directory)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        before = fingerprint(here)
        owner.kill()
    after = here.successor()
    assert (await after.server.resume()).serving
    assert fingerprint(here) == before
    await after.server.release()


@asynchronous
async def test_the_next_rackd_starts_the_last_good_plan(here: Rack) -> None:
    """After a reboot nothing runs, and no region is needed to serve again."""
    await here.server.apply(ALONE)
    (pid,) = here.pids()
    await here.server.release()
    os.kill(pid, signal.SIGKILL)
    await until(lambda: here.pids() == [])
    after = here.successor()
    assert (await after.server.resume()).serving
    assert len(here.pids()) == 1
    await after.server.release()


@asynchronous
async def test_a_stray_dhcpd_on_our_files_is_stopped(here: Rack) -> None:
    """Two servers on one link would both answer."""
    await here.server.apply(ALONE)
    (ours,) = here.pids()
    files = ["-cf", str(here.config), "-lf", str(here.directory / "dhcpd.leases")]
    argv = ["dhcpd", "-4", "-f", "-d", "--no-pid", *files, "eth0"]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as stray:
        await until(lambda: len(here.pids()) == 2)
        await here.server.apply(OTHER)
        assert stray.wait() is not None
    (now,) = here.pids()
    assert now not in (ours, stray.pid)


@asynchronous
async def test_a_lost_leases_file_has_a_new_name(here: Rack) -> None:
    """The report says so as soon as dhcpd runs without its leases."""
    first = (await here.server.apply(ALONE)).lease_store
    second = (await here.server.apply(OTHER)).lease_store
    assert first == second != ""
    here.server.leases.unlink()
    assert (await here.server.apply(ALONE)).lease_store not in ("", first)


@asynchronous
async def test_a_primary_waits_for_a_secondary_that_can_be_reached(here: Rack, there: Bare) -> None:
    """Until TCP 647 answers the rack serves alone; then both are normal at once."""
    await here.server.apply(ALONE)
    before = fingerprint(here)
    primary = plan_for(paired(Duty.PRIMARY, HERE), counter=2)
    with pytest.raises(PlanRefused, match="TCP port 647"):
        await here.server.apply(primary)
    assert fingerprint(here) == before
    there.start(plan_for(paired(Duty.SECONDARY, THERE), THERE))
    await until(lambda: there.said("Server starting service"))
    await here.server.apply(primary)
    await until(lambda: state_of(here) is PeerState.NORMAL)
    assert here.server.report.services[0].partner is PeerState.NORMAL
    there.kill()
    await until(lambda: state_of(here) is PeerState.COMMUNICATIONS_INTERRUPTED)
    await until(lambda: here.reports[-1] == here.server.report)


@asynchronous
async def test_a_pair_survives_a_cut_wire_and_a_restart(
    here: Rack, there: Bare, link: Link
) -> None:
    """A secondary alone recovers, and becomes normal with its primary, again and again."""
    await here.server.apply(plan_for(paired(Duty.SECONDARY, HERE)))
    await until(lambda: state_of(here) in (PeerState.STARTUP, PeerState.RECOVER))
    there.start(plan_for(paired(Duty.PRIMARY, THERE), THERE))
    await until(lambda: state_of(here) is PeerState.NORMAL)
    subprocess.run(link.over_there("ip", "link", "set", "eth0", "down"), check=True)
    there.kill()
    subprocess.run(link.over_there("ip", "link", "set", "eth0", "up"), check=True)
    there.start(plan_for(paired(Duty.PRIMARY, THERE), THERE))
    await until(lambda: state_of(here) is PeerState.NORMAL)


STALE = """\
lease 10.77.0.100 {
  starts 1 2026/11/23 16:00:00;
  ends never;
  cltt 1 2026/11/23 16:00:00;
  binding state active;
  hardware ethernet 02:00:00:00:00:aa;
}
failover peer "failover-vlan-5001-1" state {
  my state communications-interrupted at 1 2026/11/23 16:00:00;
  partner state normal at 1 2026/11/23 16:00:00;
  mclt 3600;
}
"""


@asynchronous
async def test_a_secondary_that_was_away_overwrites_nothing(here: Rack, there: Bare) -> None:
    """What it knew of the VLAN before is forgotten, and it takes the primary's leases."""
    there.leases.write_text(STALE.split("failover", maxsplit=1)[0].replace(":aa", ":bb"))
    there.start(plan_for(SOLO, THERE))
    here.directory.mkdir(exist_ok=True)
    here.server.leases.write_text(STALE)
    await here.server.apply(plan_for(paired(Duty.SECONDARY, HERE)))
    there.kill()
    there.start(plan_for(paired(Duty.PRIMARY, THERE), THERE))
    await until(lambda: state_of(here) is PeerState.NORMAL)
    await until(lambda: "02:00:00:00:00:bb" in here.server.leases.read_text())
    there.kill()
    assert ":aa" not in here.server.leases.read_text() + there.leases.read_text()
