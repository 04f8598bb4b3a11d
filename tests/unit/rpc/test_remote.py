"""Every command has one typed coroutine that carries its values there and back."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from ipaddress import IPv4Address, ip_interface
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from maasha.model.cluster import Endpoint, EventLoop, Move, Ownership, RackKey, WorkerId
from maasha.model.lease import BindingState, Lease, LeaseReport
from maasha.model.network import Interface, VlanId
from maasha.model.pools import PoolCount
from maasha.model.probe import Finding, Probe, ResolverSeen, ServerSeen
from maasha.model.sighting import Peer, Sighting, Watch
from maasha.model.stamp import Stamp
from maasha.rpc.arguments import Bytes, Record
from maasha.rpc.commands import (
    BOTH_WAYS,
    HANDSHAKE,
    RACK_TO_REGION,
    REGION_TO_RACK,
    Call,
    Hello,
    Ping,
    Prove,
)
from maasha.rpc.errors import (
    DeadlineExceeded,
    DhcpRefused,
    NotOwner,
    RpcError,
    StaleEpoch,
    Unavailable,
)
from maasha.rpc.remote import RemoteDoor, RemoteRack, RemoteRegion
from maasha.rpc.wire import Number, Text
from tests.unit.rpc.parts import (
    EPOCH,
    PLAN,
    REPORT,
    WORKER,
    Door,
    Hands,
    error_of,
    house,
    value_of,
    waits,
)

LEASES = LeaseReport(
    12,
    (
        Lease(
            IPv4Address("10.0.0.50"),
            BindingState.ACTIVE,
            "02:00:00:00:00:01",
            ends=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        ),
    ),
)
INTERFACES = (
    Interface("eth1", "02:00:00:00:00:02", (ip_interface("10.0.0.1/24"), ip_interface("fd::1/64"))),
)
LOST = Ownership(WorkerId(3), Stamp(1, 2))
MOVE = Move(EventLoop("b:pid=7", (Endpoint("10.0.0.9", 5251),)), 20.0, "evening")
DNS = IPv4Address("10.0.0.53")
PROBES = (Probe(VlanId(5), "eth1", "02:00:00:00:00:07", IPv4Address("10.0.0.1"), (DNS,)),)
FINDINGS = (
    Finding(
        VlanId(5), (ServerSeen(DNS, "02:00:00:00:00:08", 1.5),), True, (ResolverSeen(DNS, 2.0),)
    ),
)
OTHER_RACK = Peer(RackKey(2), IPv4Address("10.0.0.2"), "rack2")
WATCHES = (Watch(VlanId(5), RackKey(1), "eth1", IPv4Address("10.0.0.1"), (OTHER_RACK,), "5e" * 32),)
POOLS = (PoolCount(VlanId(5), 100, 40, 30, 20, 5, 5, 12, 3),)
SIGHTINGS = (Sighting(VlanId(5), RackKey(2), 0.5, None, -0.002), Sighting(VlanId(5), RackKey(3)))


COROUTINES = {
    name.replace("_", ""): member
    for side in (RemoteDoor, RemoteRack, RemoteRegion)
    for name, member in vars(side).items()
    if inspect.iscoroutinefunction(member) and name != "call"
}
"""By the command that they call."""
AWAITED = [each for each in (*HANDSHAKE, *REGION_TO_RACK, *RACK_TO_REGION)]
MESSAGES = (Hello, Prove)
"""Their coroutines take and give the messages of `handshake` as they are."""


def python_type(argument: Any) -> Any:
    """Give the type of the values that an argument carries."""
    kinds: dict[type, Any] = {Number: int, Text: str, Bytes: bytes}
    kind = argument.cls if isinstance(argument, Record) else kinds[type(argument)]
    return kind | None if argument.optional else kind


def test_every_command_has_one_typed_coroutine() -> None:
    """And none is without a command; `Ping` is sent by the links themselves."""
    assert sorted(COROUTINES) == sorted(each.__name__.lower() for each in AWAITED)
    assert (Ping,) == BOTH_WAYS


@pytest.mark.parametrize("command", [each for each in AWAITED if each not in MESSAGES])
def test_a_coroutine_is_typed_as_its_command_is_declared(command: type[Call]) -> None:
    """So what mypy sees of a call is what travels."""
    hints = get_type_hints(COROUTINES[command.__name__.lower()])
    answer, deadline = hints.pop("return"), hints.pop("deadline")
    assert deadline is float
    assert hints == {name.decode(): python_type(value) for name, value in command.arguments}
    given = [python_type(value) for _, value in command.response] or [NoneType]
    assert list(get_args(answer) if get_origin(answer) is tuple else [answer]) == given


def test_a_rack_takes_every_order() -> None:
    """Each order arrives with the worker that gave it, and the report comes back."""
    home, hands = house(), Hands()
    value_of(home.join(duties=hands))
    [rack] = home.door.racks
    assert rack.remote == "192.0.2.1:40000"
    assert value_of(home.run(rack.own(EPOCH))) == REPORT
    assert value_of(home.run(rack.configure_dhcp(EPOCH, PLAN))) == REPORT
    assert value_of(home.run(rack.change_hosts(EPOCH, EPOCH, "a host\n"))) == REPORT
    value_of(home.run(rack.retire(EPOCH)))
    assert value_of(home.run(rack.migrate(MOVE))) == WORKER + 1
    value_of(home.run(rack.look_out(EPOCH, WATCHES)))
    value_of(home.run(rack.probe_networks(EPOCH, PROBES)))
    assert hands.orders == [
        (WORKER, EPOCH),
        (WORKER, EPOCH, PLAN),
        (WORKER, EPOCH, EPOCH, "a host\n"),
        (WORKER, EPOCH),
        (WORKER, MOVE),
        (WORKER, EPOCH, WATCHES),
        (WORKER, EPOCH, PROBES),
    ]


def test_a_region_takes_every_report() -> None:
    """Each report arrives as it was, and the committed cursor comes back."""
    home = house()
    region = value_of(home.join()).remote
    value_of(home.run(region.report_dhcp(REPORT)))
    assert value_of(home.run(region.report_leases(LEASES))) == 12
    value_of(home.run(region.report_interfaces(INTERFACES)))
    value_of(home.run(region.report_sightings(SIGHTINGS)))
    value_of(home.run(region.report_pools(POOLS)))
    value_of(home.run(region.report_findings(FINDINGS)))
    value_of(home.run(region.claim(LOST)))
    reports = [REPORT, LEASES, INTERFACES, SIGHTINGS, POOLS, FINDINGS, LOST]
    assert home.door.desk.heard == reports


@pytest.mark.parametrize("error", [StaleEpoch(Stamp(1, 2), Stamp(1, 3)), DhcpRefused("line 3")])
def test_a_rack_refuses_in_its_own_words(error: RpcError) -> None:
    """What the rack raises is what the region catches."""
    home, hands = house(), Hands(failure=error)
    value_of(home.join(duties=hands))
    got = error_of(home.run(home.door.racks[0].configure_dhcp(EPOCH, PLAN)))
    assert (type(got), str(got)) == (type(error), str(error))


@pytest.mark.parametrize("error", [NotOwner(LOST), Unavailable("no database", 1.0)])
def test_a_region_refuses_in_its_own_words(error: RpcError) -> None:
    """What the region raises is what the rack catches."""
    home = house()
    region = value_of(home.join()).remote
    home.door.desk.failure = error
    got = error_of(home.run(region.claim(LOST)))
    assert (type(got), str(got)) == (type(error), str(error))


def test_a_configuration_of_a_megabyte_arrives() -> None:
    """A dhcpd.conf with thousands of hosts crosses in one call."""
    home, hands = house(), Hands()
    value_of(home.join(duties=hands))
    long = evolve(PLAN, config="host x { }\n" * 100_000)
    value_of(home.run(home.door.racks[0].configure_dhcp(EPOCH, long)))
    assert hands.orders == [(WORKER, EPOCH, long)]


def test_a_call_before_the_welcome_has_a_deadline() -> None:
    """Waiting for a rack's welcome counts as waiting for its answer."""
    home = house(door=Door(ready=Deferred()))
    joining = home.join()
    owning = home.run(home.door.racks[0].own(EPOCH, deadline=2))
    home.line.advance(1.9)
    assert waits(owning)
    home.line.advance(0.2)
    assert isinstance(error_of(owning), DeadlineExceeded)
    assert waits(joining)
    joining.cancel()
    error_of(joining)


def test_a_region_closes_a_link_politely_or_at_once() -> None:
    """Both ends learn of it, the region with its own reason."""
    home = house()
    value_of(home.join())
    closed = home.door.racks[0].close("drained")
    home.line.pump.flush()
    assert value_of(closed) == "drained"
    value_of(home.join())
    home.door.racks[1].abort("deleted")
    home.line.pump.flush()
    assert value_of(home.door.racks[1].closed) == "deleted"
    assert home.door.desk.ended == ["drained", "deleted"]
