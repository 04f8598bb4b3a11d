"""`maasha-rack dhcp` with a real rackd and a real dhcpd, on a link of its own, without a region."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import define, evolve, field

from maasha.dhcp.folder import Folder
from maasha.dhcp.proc import find
from maasha.model.codec import from_json
from maasha.model.dhcp import SOLO, DhcpReport, Duty
from maasha.model.orders import Act
from maasha.model.stamp import Stamp
from maasha.rack.control_lines import socket_in
from tests.asynchronous import asynchronous
from tests.integration.dhcp.wire import HERE, VLAN, Link, link, paired, plan_for
from tests.integration.rack.regions import Regions, registered, until

__all__ = ["link"]
pytestmark = pytest.mark.root

BIN = Path(sys.executable).parent
PROJECT = Path(__file__).resolve().parents[3]
ENVIRONMENT = os.environ | {"COLUMNS": "100", "PYTHONPATH": str(PROJECT)}
PRIMARY = evolve(plan_for(paired(Duty.PRIMARY, HERE), counter=2), acts=0)
NOWHERE = "http://127.0.0.1:9/MAAS/"
EPOCH = Stamp(1, 5)
LEASE = """\
lease 10.77.0.120 {
  starts 6 2025/03/01 10:00:00;
  ends never;
  cltt 6 2025/03/01 10:00:00;
  binding state active;
  hardware ethernet 2:0:5a:cb:ba:51;
  client-hostname "laptop";
}
"""


@define(eq=False)
class Rack:
    """A rackd in a process of its own, whose dhcpd outlives it."""

    path: Path
    folder: Folder
    rackd: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def pids(self) -> list[int]:
        """Give every dhcpd on its files."""
        return list(find(("-cf", str(self.folder.config))))

    async def start(self, url: str = NOWHERE) -> None:
        """Start rackd and wait until it answers."""
        self.config.write_text(f"data_dir: {self.path}\nmaas_url: {url}\n")
        words = ["--nodaemon", "--pidfile=", "--logfile=-", "maasha-rackd", "--config"]
        with (self.path / "rackd.log").open("ab") as log:
            self.rackd = subprocess.Popen(
                [str(BIN / "twistd"), *words, str(self.config)],
                stdout=log,
                stderr=log,
                cwd=self.path,
                env=ENVIRONMENT,
            )
        await until(lambda: socket_in(self.path).exists())
        await until(lambda: bool(self.pids) == bool(self.folder.config.exists()))

    @property
    def config(self) -> Path:
        """Its rackd.conf."""
        return self.path / "rackd.conf"

    def die(self, *, host: bool = False) -> None:
        """End rackd by force; of the `host`, dhcpd too."""
        if self.rackd is not None:
            self.rackd.kill()
            self.rackd.wait()
            self.rackd = None
        socket_in(self.path).unlink(missing_ok=True)
        for pid in self.pids if host else ():
            os.kill(pid, signal.SIGKILL)

    async def run(self, *words: str, code: int = 0) -> str:
        """Run `maasha-rack dhcp` in this network; gives what it wrote."""
        argv = [sys.executable, "-m", "maasha.rack.commands", "--config", str(self.config), "dhcp"]
        child = subprocess.Popen(
            [*argv, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            text=True,
        )
        await until(lambda: child.poll() is not None)
        assert child.stdout is not None
        said = child.stdout.read()
        child.stdout.close()
        assert child.returncode == code, said
        return said

    async def status(self) -> Any:
        """Give the status as a program reads it."""
        return json.loads(await self.run("status", "--format", "json"))


@pytest_twisted.async_yield_fixture
async def rack(link: Link, tmp_path: Path) -> AsyncIterator[Rack]:
    """Give a rack whose last good plan makes it the primary of a pair whose peer is away."""
    assert link.there
    registered(tmp_path)
    folder = Folder(tmp_path / "dhcp", lambda: "store")
    folder.keep_plan(plan_for(SOLO))
    folder.keep_plan(PRIMARY)
    folder.config.touch()
    folder.leases.write_text(LEASE)
    made = Rack(tmp_path, folder)
    await made.start()
    yield made
    made.die(host=True)


@asynchronous
async def test_a_rack_starts_its_last_good_plan_without_any_region(rack: Rack) -> None:
    """The status says what runs, what that means for clients, and that no region is reached."""
    said = await rack.run("status")
    assert f"dhcpd {rack.pids[0]} runs since" in said
    assert "primary" in said
    assert "no region is reached: DHCP goes on as planned" in said
    status = await rack.status()
    assert status["pid"] == rack.pids[0]
    assert "config" not in status["plan"]
    assert "laptop" in await rack.run(
        "leases", "--mac", "02:00:5A:CB:BA:51", "--ip", "10.77.0.0/24"
    )
    (lease,) = json.loads(await rack.run("leases", "--format", "json", "--vlan", str(VLAN)))
    assert (lease["state"], lease["lease"]["ip"]) == ("active", "10.77.0.120")


@asynchronous
async def test_the_last_good_plan_may_be_damaged(rack: Rack) -> None:
    """The host comes back with the one before, and says so."""
    rack.die(host=True)
    plan = rack.folder.config.parent / "plan.json"
    plan.write_bytes(plan.read_bytes()[:200] + b"\xff")
    await rack.start()
    status = await rack.status()
    assert [entry["role"]["duty"] for entry in status["plan"]["roles"]] == ["solo"]
    assert "cannot be read" in status["problems"][0]
    assert status["live"]["report"]["damaged"] is True


@asynchronous
async def test_a_person_orders_what_no_region_can(rack: Rack) -> None:
    """It is done, outlives everything, and a region hears of it once, in order."""
    refused = await rack.run("solo", str(VLAN), code=1)
    assert "nothing is done: make sure that the peer is off" in refused
    said = await rack.run("solo", str(VLAN), "--peer-is-off")
    assert f"VLAN {VLAN}: served here alone, all its addresses" in said
    rack.die(host=True)
    await rack.start()
    said = await rack.run("status")
    assert f"ordered here: solo VLAN {VLAN}, since" in said
    assert "failover" not in rack.folder.config.read_text()
    assert "NOBODY" in await rack.run("stop") or rack.pids == []
    assert rack.pids == []
    rack.die()
    await rack.start()
    assert rack.pids == []
    assert "served here again" not in await rack.run("resume")
    assert (await rack.status())["plan"]["roles"][0]["role"]["duty"] == "solo"
    regions = Regions()
    try:
        rack.die()
        await rack.start(regions.url)
        await until(lambda: all(door.racks for door in regions.doors))
        report = await regions.doors[0].racks[0].own(EPOCH)
        assert (report.services[0].role, report.acts) == (SOLO, 3)
        await until(lambda: acts_of(regions))
        older = await regions.doors[0].racks[0].configure_dhcp(EPOCH, PRIMARY)
        assert older.services[0].role == SOLO
        words = [act.what.split(" (")[0] for act in acts_of(regions)]
        assert words == [f"dhcp solo VLAN {VLAN}", "dhcp stop", "dhcp resume"]
        assert all(act.result.startswith("done") and "uid 0" in act.who for act in acts_of(regions))
        assert "0 acts are still to be told" in await rack.run("status")
    finally:
        rack.die()
        await regions.end()


def acts_of(regions: Regions) -> list[Act]:
    """Give the acts that any worker was told."""
    return [
        act
        for word in regions.heard
        if isinstance(word, tuple)
        for act in word
        if isinstance(act, Act)
    ]


@asynchronous
async def test_a_stop_ends_when_its_time_is_over(rack: Rack) -> None:
    """Without anybody's hand."""
    await rack.run("stop", "--for", "2s")
    assert rack.pids == []
    await until(lambda: rack.pids)
    assert "ordered here" not in await rack.run("status")


@asynchronous
async def test_dhcp_can_be_stopped_where_no_rackd_runs(rack: Rack) -> None:
    """A rackd that comes later starts none, tells of it, and undoes it when it is told to."""
    rack.die()
    assert "rackd does not run" in await rack.run("status")
    assert "only `maasha-rack dhcp stop`" in await rack.run("stop", str(VLAN), code=1)
    said = await rack.run("stop")
    assert "rackd, when it runs, starts no dhcpd" in said
    assert rack.pids == []
    assert "every VLAN is stopped here" in await rack.run("stop", code=1)
    await rack.start()
    assert rack.pids == []
    await rack.run("resume")
    assert len(rack.pids) == 1


@asynchronous
async def test_a_rackd_that_does_not_answer_keeps_the_files(rack: Rack) -> None:
    """Nobody does behind its back what it would undo."""
    socket_in(rack.path).unlink()
    assert "a rackd has these files in hand" in await rack.run("stop", code=1)
    assert len(rack.pids) == 1


def test_reports_of_older_racks_are_read() -> None:
    """What they do not say is nothing."""
    assert from_json(DhcpReport, '{"serving": false}') == DhcpReport(serving=False)
