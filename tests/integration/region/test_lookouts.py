"""Racks hear what they are to watch when it changes, and again before they forget it."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.task import Clock

from maasha.model.network import VlanId
from maasha.region.lookouts import RENEWAL, TICK, Lookouts, watch_key
from maasha.region.rush import FEW, WINDOW, Rush
from maasha.rpc.errors import LinkLost
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool, after, at_rest
from tests.integration.region.rack import Line, Rack, Town
from tests.integration.region.worker import Worker

ROOT = "00" * 32


@pytest.fixture
def racks(tmp_path: Path) -> list[Rack]:
    """Give two racks on one VLAN."""
    town = Town()
    return [Rack(tmp_path / f"{n}", f"rack{n}", town, f"10.0.0.{n}/24") for n in (1, 2)]


async def watching(
    pool: WatchedPool, clock: Clock, worker: Worker, racks: list[Rack]
) -> tuple[Lookouts, list[Line]]:
    """Link the racks, have the first serve the VLAN, and begin to look."""
    lines = [Line(rack) for rack in racks]
    for rack, line in zip(racks, lines, strict=True):
        await rack.join(worker.registration, line)
    await at_rest(pool, clock)
    await set_vlan(pool, "dhcp_on = true, primary_rack = (select min(id) from rack)")
    made = Lookouts(clock, pool, Rush(clock), lambda: worker.wardship.stewards, lambda: ROOT)
    made.startService()
    await at_rest(pool, clock)
    return made, lines


async def set_vlan(pool: WatchedPool, change: str) -> None:
    """Change the VLAN."""
    await pool.run(lambda tx: tx.execute(f"update vlan set {change}"))


def told(line: Line) -> int:
    """Count how often a rack was told what to watch."""
    return line.orders.count("look out")


@asynchronous
async def test_both_are_told(
    pool: WatchedPool, clock: Clock, worker: Worker, racks: list[Rack]
) -> None:
    """Each of the other's address and rack, with a key that only they know; once."""
    _, lines = await watching(pool, clock, worker, racks)
    (first,), (second,) = (rack.watches for rack in racks)
    assert (first.peers[0].rack, first.peers[0].address) == (second.rack, second.address)
    assert (second.peers[0].rack, second.peers[0].address) == (first.rack, first.address)
    assert first.key == second.key == watch_key(ROOT, first.vlan)
    assert (first.interface, str(second.address)) == ("eth1", "10.0.0.2")
    await after(pool, clock, TICK, TICK)
    assert [told(line) for line in lines] == [1, 1]


@asynchronous
async def test_it_is_said_again(
    pool: WatchedPool, clock: Clock, worker: Worker, racks: list[Rack]
) -> None:
    """A rack that is not told any more forgets."""
    _, lines = await watching(pool, clock, worker, racks)
    await after(pool, clock, *[TICK] * round(RENEWAL / TICK + 1))
    assert [told(line) for line in lines] == [2, 2]


@asynchronous
async def test_a_filled_place_is_not_watched(
    pool: WatchedPool, clock: Clock, worker: Worker, racks: list[Rack]
) -> None:
    """It ends when it is seen, and who watches nothing is not told so again."""
    _, lines = await watching(pool, clock, worker, racks)
    await set_vlan(pool, "secondary_rack = (select max(id) from rack)")
    await after(pool, clock, TICK)
    assert [rack.watches for rack in racks] == [(), ()]
    await after(pool, clock, RENEWAL, RENEWAL)
    assert [told(line) for line in lines] == [2, 2]


@asynchronous
async def test_one_who_did_not_hear_is_told_again(
    pool: WatchedPool, clock: Clock, worker: Worker, racks: list[Rack]
) -> None:
    """With the next look."""
    _, lines = await watching(pool, clock, worker, racks)
    lines[1].error = LinkLost("test")
    await set_vlan(pool, "secondary_by = 'user:admin'")
    await after(pool, clock, TICK)
    assert racks[0].watches == ()
    assert racks[1].watches != ()
    lines[1].error = None
    await after(pool, clock, TICK)
    assert racks[1].watches == ()


@asynchronous
async def test_another_owner_tells_anew(
    pool: WatchedPool, clock: Clock, worker: Worker, second: Worker, racks: list[Rack]
) -> None:
    """What a rack was told in another epoch is not known here."""
    _, lines = await watching(pool, clock, worker, racks)
    await pool.run(lambda tx: tx.execute("update rack set owner_counter = owner_counter + 1"))
    worker.wardship.wake()
    await after(pool, clock, TICK, TICK)
    assert [told(line) for line in lines] == [2, 2]
    assert not second.wardship.stewards


@asynchronous
async def test_a_rush_goes_first(
    pool: WatchedPool, clock: Clock, worker: Worker, racks: list[Rack]
) -> None:
    """Racks that come are served before those that are there look out."""
    rush, root = Rush(clock), ROOT
    for _ in range(FEW + 1):
        rush.came()
    looks = Lookouts(clock, pool, rush, lambda: worker.wardship.stewards, lambda: root)
    for rack in racks:
        await rack.join(worker.registration)
    await at_rest(pool, clock)
    await set_vlan(pool, "dhcp_on = true, primary_rack = (select min(id) from rack)")
    looks.startService()
    await at_rest(pool, clock)
    assert racks[0].watches == ()
    await after(pool, clock, *[WINDOW / 2] * 4)
    assert racks[0].watches != ()


@asynchronous
async def test_without_an_instance_there_is_no_key(
    pool: WatchedPool, clock: Clock, worker: Worker, racks: list[Rack]
) -> None:
    """Before the worker has its row nobody is told anything."""
    made = Lookouts(clock, pool, Rush(clock), lambda: worker.wardship.stewards, lambda: None)
    made.startService()
    await after(pool, clock, TICK)
    assert all(rack.watches == () for rack in racks)


def test_keys() -> None:
    """Each VLAN of each instance has its own."""
    keys = {watch_key(root, VlanId(vlan)) for root in (ROOT, "11" * 32) for vlan in (1, 2)}
    assert len(keys) == 4
    assert all(len(bytes.fromhex(key)) == 32 for key in keys)
