"""Racks hear what they are to probe, and again before they forget it."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from maasha.dhcp.probe_client import probe_client
from maasha.model.probe import Finding, ServerSeen
from maasha.region import probes
from maasha.region.probes import RENEWAL, TICK, Probes
from maasha.region.resolving import Resolving
from maasha.region.rush import Rush
from maasha.rpc.errors import LinkLost
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool, after, at_rest
from tests.integration.region.rack import Line, Rack, Town
from tests.integration.region.worker import Worker

SECRET = "c2VjcmV0"
DNS = IPv4Address("10.0.5.53")


@pytest.fixture
def racks(tmp_path: Path) -> list[Rack]:
    """Give two racks on one VLAN."""
    town = Town()
    return [Rack(tmp_path / f"{n}", f"rack{n}", town, f"10.0.0.{n}/24") for n in (1, 2)]


async def probing(
    pool: WatchedPool,
    clock: Clock,
    worker: Worker,
    racks: list[Rack],
    secret: str | None = SECRET,
    deaf: int | None = None,
) -> list[Line]:
    """Link the racks, one of which may be deaf, and begin to look."""
    lines = [Line(rack) for rack in racks]
    if deaf is not None:
        lines[deaf].error = LinkLost("test")
    for rack, line in zip(racks, lines, strict=True):
        await rack.join(worker.registration, line)
    await at_rest(pool, clock)
    made = Probes(clock, pool, Rush(clock), lambda: worker.wardship.stewards, lambda: secret)
    made.startService()
    await at_rest(pool, clock)
    return lines


def told(line: Line) -> int:
    """Count how often a rack was told what to probe."""
    return line.orders.count("probe networks")


def asked(rack: Rack) -> list[IPv4Address]:
    """Give the name servers that a rack asks."""
    return [each for probe in rack.probes for each in probe.resolvers]


@asynchronous
async def test_each_rack_is_told(
    pool: WatchedPool, clock: Clock, worker: Worker, racks: list[Rack]
) -> None:
    """Its own interface and address, and as whom to ask; again each minute."""
    lines = await probing(pool, clock, worker, racks)
    (first,), (second,) = (rack.probes for rack in racks)
    assert first.client == second.client == probe_client(SECRET)
    assert (first.interface, str(first.address)) == ("eth1", "10.0.0.1")
    assert str(second.address) == "10.0.0.2"
    await after(pool, clock, TICK, TICK)
    assert [told(line) for line in lines] == [1, 1]
    await after(pool, clock, *[TICK] * round(RENEWAL / TICK))
    assert [told(line) for line in lines] == [2, 2]


@asynchronous
async def test_many_racks_take_turns(
    pool: WatchedPool,
    clock: Clock,
    worker: Worker,
    racks: list[Rack],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever was told longest ago comes first, so nobody is forgotten."""
    monkeypatch.setattr(probes, "MOST", 1)
    lines = await probing(pool, clock, worker, racks)
    assert sorted(told(line) for line in lines) == [0, 1]
    await after(pool, clock, TICK)
    assert [told(line) for line in lines] == [1, 1]


@asynchronous
@pytest.mark.parametrize("deaf", [0, 1])
async def test_who_takes_no_orders_keeps_nobody_from_theirs(
    pool: WatchedPool,
    clock: Clock,
    worker: Worker,
    racks: list[Rack],
    monkeypatch: pytest.MonkeyPatch,
    deaf: int,
) -> None:
    """Whoever was tried longest ago comes first, whether or not it heard."""
    monkeypatch.setattr(probes, "MOST", 1)
    await probing(pool, clock, worker, racks, deaf=deaf)
    await after(pool, clock, TICK)
    assert [bool(rack.probes) for rack in racks] == [deaf != 0, deaf != 1]


@asynchronous
async def test_without_an_instance_nobody_is_told(
    pool: WatchedPool, clock: Clock, worker: Worker, racks: list[Rack]
) -> None:
    """There is nobody as whom to ask."""
    lines = await probing(pool, clock, worker, racks, secret=None)
    assert [told(line) for line in lines] == [0, 0]


@asynchronous
async def test_a_regions_name_server_is_asked_for(
    pool: WatchedPool, clock: Clock, worker: Worker, racks: list[Rack]
) -> None:
    """Once the region has a name and addresses; what an operator names counts instead."""
    region = await pool.run(lambda tx: tx.value("select system_id from region"))
    await probing(pool, clock, worker, racks)
    known: list[IPv4Address] = []
    own = Resolving(clock, pool, lambda: region, lambda: known, None)
    own.startService()
    Resolving(clock, pool, lambda: None, lambda: [DNS + 1], None).startService()
    await after(pool, clock, TICK)
    assert asked(racks[0]) == []
    known.append(DNS)
    await after(pool, clock, *[TICK] * 4)
    assert asked(racks[0]) == [DNS]
    own.stopService()
    Resolving(clock, pool, lambda: region, lambda: known, ()).startService()
    await after(pool, clock, TICK, TICK)
    assert asked(racks[0]) == []


@asynchronous
async def test_what_a_rack_finds_is_written_down(
    pool: WatchedPool, clock: Clock, worker: Worker, racks: list[Rack]
) -> None:
    """By the worker that acts for it."""
    await probing(pool, clock, worker, racks)
    (probe,) = racks[0].probes
    server = ServerSeen(IPv4Address("10.0.0.99"), "02:00:00:00:00:99", 1.0)
    (desk,) = racks[0].desks.values()
    await desk.report_findings((Finding(probe.vlan, (server,)),))
    assert await pool.run(lambda tx: tx.value("select count(*) from dhcp_server")) == 1
