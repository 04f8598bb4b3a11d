"""Leases end on time, whoever is dead; and what racks say of themselves is an alarm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from twisted.internet.task import Clock

from maasha.db.events import open_alarms
from maasha.db.leases import upsert
from maasha.db.transaction import Transaction
from maasha.model.cluster import RackKey
from maasha.model.lease import BindingState, Lease, LeaseReport, Trouble, TroubleKind
from maasha.region.lapsing import INTERVAL, Lapsing
from tests.asynchronous import asynchronous
from tests.integration.region.at_rest import WatchedPool, after, at_rest
from tests.integration.region.rack import Rack, Town
from tests.integration.region.worker import Worker

OVER = Lease(
    IPv4Address("10.0.0.50"),
    BindingState.ACTIVE,
    ends=datetime.now(UTC) - timedelta(seconds=100),
)


async def lapsed(pool: WatchedPool) -> list[bool]:
    """Read whether the ends of leases were told."""
    return [row.lapsed for row in await pool.run(lambda tx: tx.rows("select * from lease"))]


@asynchronous
async def test_the_leader_tells_of_ends(
    worker: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> None:
    """Nobody else does."""
    await Rack(tmp_path, "rack1", Town()).join(worker.registration)
    leading: list[bool] = []
    lapsing = Lapsing(clock, pool, lambda: bool(leading))
    lapsing.setServiceParent(worker)

    async def write(tx: Transaction) -> None:
        await upsert(tx, RackKey(await tx.value("select id from rack")), (OVER,))

    await pool.run(write)
    await after(pool, clock, INTERVAL)
    assert await lapsed(pool) == [False]
    leading.append(True)
    await after(pool, clock, INTERVAL)
    assert await lapsed(pool) == [True]


@asynchronous
async def test_what_is_wrong_with_a_rack_is_an_alarm(
    worker: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> None:
    """As long as the rack says so; what it says twice is written once."""
    rack = Rack(tmp_path, "rack1", Town())
    welcome = await rack.join(worker.registration)
    await at_rest(pool, clock)
    desk = rack.desks[welcome.worker]
    wrong = (Trouble(TroubleKind.DAMAGED, "a bit turned"),)
    ahead = datetime.now(UTC) + timedelta(hours=1)
    for troubles, date, kinds in (
        (wrong, ahead, ["dhcp.spool-damaged", "rack.clock"]),
        (wrong, None, ["dhcp.spool-damaged"]),
        ((), None, []),
    ):
        for _ in range(2):
            report = LeaseReport(7, (), clock=date, troubles=troubles)
            assert await desk.report_leases(report) == 7
        assert [alarm.kind for alarm in await pool.run(open_alarms)] == kinds
