"""`maasha-rack rpc-trace` and `links` show a rackd at work, and it works on as before."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import define, field
from twisted.internet.threads import deferToThread

from maasha.model.dhcp import DhcpPlan
from maasha.model.lease import LeaseReport
from maasha.model.stamp import Stamp
from maasha.rack.control import UNREAD
from maasha.rack.control_lines import TRACE, Request, socket_in, write_request
from maasha.rpc.errors import DhcpRefused, RpcError
from tests.asynchronous import asynchronous
from tests.integration.rack.regions import Regions, registered, until
from tests.unit.rpc.parts import SECRET, WELCOME

EPOCH = Stamp(1, 5)
CONFIG = "omapi-key the-key-of-omapi;\nhost laptop { hardware ethernet 02:00:5a:cb:ba:52; }\n"
MAC, HOSTNAME, ADDRESS = "02:00:5a:cb:ba:51", "laptop-of-somebody", "10.0.0.50"
LEASE = f"""\
lease {ADDRESS} {{
  starts 6 2025/03/01 10:00:00;
  ends never;
  cltt 6 2025/03/01 10:00:00;
  binding state active;
  hardware ethernet {MAC};
  client-hostname "{HOSTNAME}";
}}
"""
OMAPI_KEYS = ("the-key-of-omapi", WELCOME.omapi_secret)
SECRETS = (MAC, "02:00:5a", HOSTNAME, ADDRESS, *OMAPI_KEYS, SECRET.hex())
BIN = Path(sys.executable).parent
PROJECT = Path(__file__).resolve().parents[3]
ENVIRONMENT = os.environ | {"COLUMNS": "100", "PYTHONPATH": str(PROJECT)}


@define(eq=False)
class Rack:
    """A rackd in a process of its own."""

    folder: Path
    regions: Regions
    children: list[subprocess.Popen[bytes]] = field(factory=list)

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.folder / "data"

    @property
    def config(self) -> Path:
        """Its rackd.conf."""
        return self.folder / "rackd.conf"

    def start(self) -> subprocess.Popen[bytes]:
        """Start rackd."""
        registered(self.data)
        (self.data / "dhcp").mkdir()
        (self.data / "dhcp" / "dhcpd.leases").write_text(LEASE)
        self.config.write_text(f"data_dir: {self.data}\nmaas_url: {self.regions.url}\n")
        words = ["--nodaemon", "--pidfile=", "--logfile=-", "maasha-rackd", "--config"]
        return self.spawn("rackd", [str(BIN / "twistd"), *words, str(self.config)])

    def command(self, *words: str) -> list[str]:
        """Give the words of a `maasha-rack`."""
        return [sys.executable, "-m", "maasha.rack.commands", "--config", str(self.config), *words]

    def spawn(self, name: str, words: list[str]) -> subprocess.Popen[bytes]:
        """Start a program that writes to `name` in the folder, and ends at SIGINT."""
        # who runs the tests in the background has it ignored, and that is inherited
        argv = ["env", "--default-signal=INT", *words]
        with (self.folder / name).open("wb") as out:
            child = subprocess.Popen(
                argv, stdout=out, stderr=subprocess.STDOUT, cwd=self.folder, env=ENVIRONMENT
            )
        self.children.append(child)
        return child

    def said(self, name: str) -> str:
        """Give what a program has written so far."""
        return (self.folder / name).read_text()

    async def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a `maasha-rack` to its end, while the regions go on."""
        done: subprocess.CompletedProcess[str] = await deferToThread(
            subprocess.run,
            self.command(*words),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=ENVIRONMENT,
        )
        return done

    def end(self) -> None:
        """Stop what was started."""
        for child in reversed(self.children):
            child.terminate()
        for child in self.children:
            child.wait(timeout=20)


@pytest_twisted.async_yield_fixture
async def rack(tmp_path: Path) -> AsyncIterator[Rack]:
    """Give a rackd that has both its links."""
    regions = Regions()
    made = Rack(tmp_path, regions)
    made.start()
    try:
        await until(lambda: all(door.racks for door in regions.doors))
        yield made
    finally:
        await deferToThread(made.end)
        await regions.end()


async def busy(rack: Rack) -> None:
    """Have all commands called of which something must not be seen."""
    owner = rack.regions.doors[0].racks[-1]
    await owner.own(EPOCH)
    await until(lambda: any(isinstance(word, LeaseReport) for word in rack.regions.heard))
    with pytest.raises(DhcpRefused):
        await owner.configure_dhcp(EPOCH, DhcpPlan(EPOCH, CONFIG, ("eth9",), ()))


@asynchronous
async def test_a_trace_shows_both_ways_and_no_secret(rack: Rack) -> None:
    """Questions and answers with their times; of what is secret or a lease, the size."""
    trace = rack.spawn("trace", rack.command("rpc-trace"))
    await until(lambda: rack.said("trace").count("open since") == 2)
    await busy(rack)
    await until(lambda: "FAILED DhcpRefused" in rack.said("trace"))
    trace.send_signal(signal.SIGINT)
    await deferToThread(trace.wait, 20)
    text = rack.said("trace")
    print(text)
    assert trace.returncode == 0
    for part in (
        " ← Own #",
        " → Own #",
        " → ReportLeases #",
        " ← ReportLeases #",
        "leases: <1 item>",
        f"config: <text, {len(CONFIG)} bytes>",
        "ok  after ",
        "FAILED DhcpRefused  after ",
    ):
        assert part in text
    assert not [secret for secret in SECRETS if secret in text]
    assert "Ping" not in text
    assert "Traceback" not in text
    assert max(map(len, text.splitlines())) <= 100


@asynchronous
async def test_a_trace_follows_links_that_come_and_go(rack: Rack) -> None:
    """The new one from its first byte on, with its handshake, of which the proof is not shown."""
    rack.spawn("trace", rack.command("rpc-trace", "--link", "region1", "--all"))
    await until(lambda: "open since" in rack.said("trace"))
    rack.regions.doors[1].racks[-1].abort("a test")
    await until(lambda: "Register" in rack.said("trace") and "Ping" in rack.said("trace"))
    text = rack.said("trace")
    print(text)
    for part in (
        "· ended: ",
        "· connected",
        "→ Hello #1",
        "credential: key",
        "→ Prove #2",
        "proof: <32 bytes>",
        "omapi_secret: <text, 8 bytes>",
        "Ping #",
    ):
        assert part in text
    assert "region0" not in text
    assert not [secret for secret in SECRETS if secret in text]


@asynchronous
async def test_a_trace_is_json_where_that_is_wanted(rack: Rack) -> None:
    """One object per line, with the same in it."""
    rack.spawn("trace", rack.command("rpc-trace", "--json"))
    await until(lambda: rack.said("trace").count("\n") >= 2)
    await busy(rack)
    await until(lambda: "DhcpRefused" in rack.said("trace"))
    text = rack.said("trace")
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    (plan,) = [line for line in lines if line["kind"] == "question" and "plan" in line["values"]]
    (refusal,) = [line for line in lines if line["code"] == "DhcpRefused"]
    assert plan["values"]["epoch"] == str(EPOCH)
    assert (plan["sent"], refusal["sent"]) == (False, True)
    assert plan["ask"] == refusal["ask"]
    assert refusal["took"] > 0
    assert not [secret for secret in SECRETS if secret in text]


@asynchronous
async def test_links_are_listed(rack: Rack) -> None:
    """Worker, address, since when, health, round trip and calls in flight."""

    async def measured() -> bool:
        (one, two) = map(json.loads, (await rack.run("links", "--json")).stdout.splitlines())
        return one["round_trip"] is not None and two["round_trip"] is not None

    end = time.monotonic() + 20
    while not await measured():
        assert time.monotonic() < end
    done = await rack.run("links")
    print(done.stdout)
    head, *rows = done.stdout.splitlines()
    assert head.split("  ")[0] == "WORKER"
    assert sorted(row.split()[0] for row in rows) == ["region0:pid=1", "region1:pid=1"]
    ports = {f"127.0.0.1:{port.getHost().port}" for port in rack.regions.ports[:2]}
    assert {row.split()[1] for row in rows} == ports
    for row in rows:
        assert "  healthy  " in row
        assert " ms ± " in row
        assert len(row) <= 100


@asynchronous
async def test_only_its_own_user_may_ask(rack: Rack) -> None:
    """The socket's mode keeps all others out."""
    status = socket_in(rack.data).stat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600


@asynchronous
async def test_one_who_does_not_read_disturbs_nobody(rack: Rack) -> None:
    """Calls take as long as before, memory stays, and the one who does not read is cut off."""
    owner = rack.regions.doors[0].racks[-1]

    async def seconds_of(calls: int) -> float:
        began = time.monotonic()
        for _ in range(calls):
            await owner.own(EPOCH)
        return time.monotonic() - began

    await seconds_of(200)
    alone = await seconds_of(500)
    before = memory_of(rack.children[0].pid)
    with socket.socket(socket.AF_UNIX) as stuck:
        stuck.connect(str(socket_in(rack.data)))
        stuck.sendall(write_request(Request(TRACE, {"all": True})))
        watched = await seconds_of(500)
        for _ in range(20):
            await seconds_of(500)
            if "does not read: cut off" in rack.said("rackd"):
                break
        grown = memory_of(rack.children[0].pid) - before
        print(f"500 calls: {alone:.3f} s alone, {watched:.3f} s watched; grown {grown >> 10} KiB")
        assert "does not read: cut off" in rack.said("rackd")
    assert watched < 10 * alone + 1  # a safety bound; the figures are printed
    assert grown < 16 * UNREAD
    assert (await rack.run("links")).returncode == 0


def memory_of(pid: int) -> int:
    """Give the bytes of memory that a process has in use."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@asynchronous
async def test_a_killed_rackd_leaves_its_socket_to_the_next(rack: Rack) -> None:
    """Who asks meanwhile is told what to do, and a trace says that it ended early."""
    trace = rack.spawn("trace", rack.command("rpc-trace"))
    await until(lambda: "open since" in rack.said("trace"))
    rack.children[0].kill()
    await deferToThread(trace.wait, 20)
    assert trace.returncode == 1
    assert "maasha-rack: rackd ended the answer early" in rack.said("trace")
    done = await rack.run("links")
    assert done.returncode == 1
    assert f"no rackd listens on {rack.data}/control.sock: start it" in done.stderr
    words = ["--nodaemon", "--pidfile=", "--logfile=-", "maasha-rackd", "--config"]
    rack.spawn("again", [str(BIN / "twistd"), *words, str(rack.config)])
    await until(lambda: "linked to" in rack.said("again"))
    assert (await rack.run("links")).returncode == 0


@asynchronous
async def test_a_trace_ends_with_its_rackd(rack: Rack) -> None:
    """It says so."""
    trace = rack.spawn("trace", rack.command("rpc-trace"))
    await until(lambda: "open since" in rack.said("trace"))
    rack.children[0].terminate()
    await deferToThread(trace.wait, 20)
    assert trace.returncode == 1
    assert rack.said("trace").endswith("maasha-rack: rackd stops\n")
    await deferToThread(rack.children[0].wait, 20)
    assert not socket_in(rack.data).exists()


@asynchronous
async def test_a_trace_ends_when_nobody_reads_it(rack: Rack) -> None:
    """As in `maasha-rack rpc-trace | head -1`; no traceback."""
    words = " ".join(rack.command("rpc-trace", "--all"))
    done = await deferToThread(
        subprocess.run,
        ["/bin/bash", "-c", f"set -o pipefail; {words} | head -1"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@asynchronous
async def test_calls_fail_as_they_do_unwatched(rack: Rack) -> None:
    """A trace changes nothing of what the callers see."""
    rack.spawn("trace", rack.command("rpc-trace"))
    await until(lambda: "open since" in rack.said("trace"))
    owner = rack.regions.doors[0].racks[-1]
    await owner.own(EPOCH)
    with pytest.raises(RpcError, match=r"epoch 1\.4 is over, the rack obeys 1\.5"):
        await owner.retire(Stamp(1, 4))
    await until(lambda: "FAILED StaleEpoch" in rack.said("trace"))
    assert "epoch 1.4 is over, the rack obeys 1.5; claim the rack first" in rack.said("trace")
