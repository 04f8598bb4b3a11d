"""mypy sees the arguments and the answer of every call: maasha's own and an extension's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WITHIN = 300.0
"""Seconds for mypy without a cache, on a machine that is busy."""
MARK = re.compile(r"# error: (\S+)$")
SAID = re.compile(r"^[^:]+:(\d+): error: .* \[([a-z-]+)\]$", re.MULTILINE)

SOURCE = """\
from thermometer import THERMOMETER, offer_sensor, read_sensor

from maasha.model.cluster import Introduction, Ownership
from maasha.model.dhcp import DhcpPlan, DhcpReport
from maasha.model.lease import LeaseReport
from maasha.model.stamp import Stamp
from maasha.rpc.extension import Extension, Peer
from maasha.rpc.handshake import Greeting, Hello, Proof
from maasha.rpc.remote import RemoteDoor, RemoteRack, RemoteRegion


async def right(
    rack: RemoteRack, region: RemoteRegion, door: RemoteDoor, peer: Peer, hello: Hello
) -> None:
    report: DhcpReport = await rack.own(Stamp(1, 1), deadline=2.0)
    await region.report_dhcp(report)
    greeting: Greeting = await door.hello(hello)
    warmth: int = await read_sensor(peer, "zone0", deadline=1.0)
    print(greeting.nonce, warmth)


async def wrong_arguments(
    rack: RemoteRack, region: RemoteRegion, door: RemoteDoor, peer: Peer, plan: DhcpPlan
) -> None:
    await rack.own(7)  # error: arg-type
    await rack.own(stamp=Stamp(1, 1))  # error: call-arg
    await rack.own()  # error: call-arg
    await rack.configure_dhcp(plan, Stamp(1, 1))  # error: arg-type
    await rack.retire("1.1")  # error: arg-type
    await rack.look_out(Stamp(1, 1), [])  # error: arg-type
    await region.report_dhcp(serving=True)  # error: call-arg
    await region.report_leases(Ownership)  # error: arg-type
    await region.report_interfaces(["eth0"])  # error: arg-type
    await region.report_sightings(None)  # error: arg-type
    await region.claim(Stamp(1, 1))  # error: arg-type
    await door.hello(b"hello")  # error: arg-type
    await door.prove(bytes(32))  # error: arg-type
    await door.register(hostname="rack")  # error: call-arg
    await read_sensor(peer, 0)  # error: arg-type
    await read_sensor(peer, name="zone0")  # error: call-arg
    await read_sensor(rack, "zone0")  # error: arg-type
    await offer_sensor(peer, b"zone0")  # error: arg-type
    Extension("wrong", rack=Peer)  # error: arg-type


async def wrong_use(
    rack: RemoteRack,
    region: RemoteRegion,
    door: RemoteDoor,
    peer: Peer,
    leases: LeaseReport,
    me: Introduction,
) -> None:
    print((await rack.own(Stamp(1, 1))).leases)  # error: attr-defined
    text: str = await region.report_leases(leases)  # error: assignment
    secret: bytes = await door.prove(Proof(bytes(32)))  # error: assignment
    print((await door.register(me)).system_id)  # error: attr-defined
    print((await read_sensor(peer, "zone0")).degrees)  # error: attr-defined
    rack.own(Stamp(1, 1))  # error: unused-coroutine
    read_sensor(peer, "zone0")  # error: unused-coroutine
    print(text, secret, THERMOMETER.rack.__name__)  # error: union-attr
"""


def test_wrong_arguments_and_wrong_uses_are_seen(tmp_path: Path) -> None:
    """Each mistake is an error of its kind on its line, and what is right is none."""
    file = tmp_path / "calls.py"
    file.write_text(SOURCE)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-color-output", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    said = {(int(line), code) for line, code in SAID.findall(done.stdout)}
    meant = {
        (number, mark[1])
        for number, line in enumerate(SOURCE.splitlines(), 1)
        if (mark := MARK.search(line))
    }
    assert said == meant, done.stdout + done.stderr
