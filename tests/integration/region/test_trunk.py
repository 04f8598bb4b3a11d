"""Racks on many VLANs become failover pairs on all of them in as few restarts as on one."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from twisted.internet.task import Clock

from maasha.balancer.brakes import FREE
from maasha.db.transaction import Transaction
from maasha.region.appointing import PAGE, Appointing
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import interface
from tests.integration.db.trunk import SIGHTINGS
from tests.integration.region.at_rest import WatchedPool, at_rest
from tests.integration.region.rack import Line, Rack, Town
from tests.integration.region.test_steward import Site
from tests.integration.region.wishes import want
from tests.integration.region.worker import Worker

RANGES = """
insert into iprange (subnet_id, type, start_ip, end_ip)
select id, 'dynamic', host(cidr + 50)::inet, host(cidr + 99)::inet from subnet
"""
SERVE = """
update vlan set dhcp_on = true, primary_rack = racks.keys[1 + vlan.id %% %s]
from (select array_agg(id order by id) as keys from rack) racks
"""


async def on_a_trunk(
    workers: tuple[Worker, Worker], pool: WatchedPool, clock: Clock, folder: Path, vlans: int
) -> Site:
    """Give two racks that are linked, with an interface on each of so many VLANs."""
    town = Town()
    racks = tuple(Rack(folder / name, name, town) for name in ("rack1", "rack2"))
    for host, rack in enumerate(racks, 1):
        rack.interfaces = tuple(
            evolve(interface("eth0", f"10.0.{number}.{host}/24"), name=f"eth{number}")
            for number in range(vlans)
        )
    one, two = racks
    lines = Line(one), Line(two)
    for worker, rack, line in zip(workers, racks, lines, strict=True):
        await rack.join(worker.registration, line)
    await at_rest(pool, clock)
    return Site(pool, clock, town, workers, (one, two), lines)


@pytest.mark.parametrize("spread", [1, 2])
@pytest.mark.parametrize("vlans", [2, 2 * PAGE + 1])
@asynchronous
async def test_the_number_of_vlans_makes_no_more_restarts(
    worker: Worker,
    second: Worker,
    pool: WatchedPool,
    clock: Clock,
    tmp_path: Path,
    vlans: int,
    spread: int,
) -> None:
    """All second places are taken in one look; `spread` over one or both racks as primaries."""
    site = await on_a_trunk((worker, second), pool, clock, tmp_path, vlans)

    async def serve(tx: Transaction) -> None:
        await tx.execute(RANGES)
        await tx.execute(SERVE, spread)

    await want(pool, serve)
    assert len(await site.carry_out()) == spread
    await pool.run(lambda tx: tx.execute(SIGHTINGS, {"offset": 0.0}))
    await Appointing(pool.run).look(FREE)
    free = "select count(*) from vlan where secondary_rack is null"
    assert await pool.run(lambda tx: tx.value(free)) == 0
    moves = await site.carry_out()
    if spread == 1:
        assert moves == [
            " ".join(("rack2", ", ".join(["secondary"] * vlans))),
            " ".join(("rack1", ", ".join(["primary"] * vlans))),
        ]
    assert len(moves) <= 2 * spread
    assert await site.complete()
