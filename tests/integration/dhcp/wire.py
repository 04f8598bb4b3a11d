"""A link of its own for each test: this process at one end, the other rack at the other."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

import pytest
from attrs import frozen

from maasha.dhcp.facts import Member, Off, RackFacts, VlanFacts
from maasha.dhcp.render import render
from maasha.model.cluster import RackKey
from maasha.model.dhcp import DhcpPlan, Duty, Role
from maasha.model.network import IPRange, RangeType, Subnet, SubnetId, VlanId
from maasha.model.stamp import Stamp

CLONE_NEWNET = 0x40000000
VLAN = VlanId(5001)
HERE, THERE = RackKey(1), RackKey(2)
ADDRESSES = {HERE: IPv4Address("10.77.0.1"), THERE: IPv4Address("10.77.0.2")}
SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0MTIz"


@frozen
class Link:
    """Two hosts joined by a wire: `eth0` here, and `eth0` in the network of process `there`."""

    there: int

    def over_there(self, *argv: str) -> list[str]:
        """Give the command line that runs `argv` at the other end."""
        return ["nsenter", "-t", str(self.there), "-n", *argv]


def _libc_call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name} failed")


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, text=True)


@pytest.fixture
def link() -> Iterator[Link]:
    """Move this thread (and what it starts) into a network with one wire to another one."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    _libc_call("unshare", CLONE_NEWNET)
    other = subprocess.Popen(
        ["unshare", "-n", "sh", "-c", "echo ready; exec sleep 600"], stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        ends = Link(other.pid)
        _run(
            "ip",
            "link",
            "add",
            "eth0",
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            str(other.pid),
        )
        for prefix, rack in (([], HERE), (ends.over_there(), THERE)):
            _run(*prefix, "ip", "link", "set", "lo", "up")
            _run(*prefix, "ip", "addr", "add", f"{ADDRESSES[rack]}/24", "dev", "eth0")
            _run(*prefix, "ip", "link", "set", "eth0", "up")
        yield ends
    finally:
        _libc_call("setns", home, CLONE_NEWNET)
        os.close(home)
        other.kill()
        other.communicate()


def subnet(first: str = "10.77.0.100", last: str = "10.77.0.149") -> Subnet:
    """Give the link's subnet with one dynamic range."""
    span = IPRange(RangeType.DYNAMIC, IPv4Address(first), IPv4Address(last))
    return Subnet(SubnetId(1), IPv4Network("10.77.0.0/24"), ranges=(span,))


def paired(duty: Duty, rack: RackKey, name: str = "failover-vlan-5001-1") -> Role:
    """Give a rack's role in the pair of both."""
    other = THERE if rack == HERE else HERE
    return Role(duty, name, ADDRESSES[rack], ADDRESSES[other])


def plan_for(
    role: Role, rack: RackKey = HERE, counter: int = 1, net: Subnet | None = None
) -> DhcpPlan:
    """Render the plan of a rack that serves the link in this role."""
    members = tuple(Member(key, address) for key, address in ADDRESSES.items())
    vlan = VlanFacts(VLAN, 600, 1500, (net or subnet(),), "eth0", Off(), members)
    rendered = render(RackFacts(rack, Stamp(1, counter), SECRET, (vlan,)), {VLAN: role})
    assert rendered.problems == ()
    return rendered.plan
