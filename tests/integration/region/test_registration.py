"""Racks are taken in by one transaction, report through their owner only, and are let go."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from maasha.db.interfaces import store_interfaces
from maasha.db.leases import current
from maasha.db.ownership import claim
from maasha.db.racks import delete_rack
from maasha.db.transaction import Row, Transaction
from maasha.model.cluster import Ownership, RackKey
from maasha.model.dhcp import DhcpReport
from maasha.model.lease import BindingState, Lease, LeaseReport
from maasha.model.network import VlanId
from maasha.model.pools import PoolCount
from maasha.model.stamp import Stamp
from maasha.region.registration import SWEEP
from maasha.rpc.errors import Deleted, NotOwner, RegistrationRefused, Unavailable
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import Worker as Other
from tests.integration.db.cluster import interface, link
from tests.integration.region.at_rest import WatchedPool, after, at_rest
from tests.integration.region.rack import Line, Rack, Town
from tests.integration.region.wishes import serve
from tests.integration.region.worker import Worker

LEASE = Lease(
    IPv4Address("10.0.0.50"),
    BindingState.ACTIVE,
    "52:54:00:00:00:09",
    last_transaction=datetime(2026, 1, 1, tzinfo=UTC),
)
LEASES = LeaseReport(7, (LEASE,))


@pytest.fixture
def rack(tmp_path: Path) -> Rack:
    """Give a rack with an address."""
    return Rack(tmp_path, "rack1", Town(), "10.0.0.1/24")


async def count(pool: WatchedPool, table: str) -> int:
    """Count a table's rows."""
    found: int = await pool.run(lambda tx: tx.value(f"select count(*) from {table}"))
    return found


async def rack_row(pool: WatchedPool) -> Row:
    """Read the only rack."""
    row = await pool.run(lambda tx: tx.one("select * from rack"))
    assert row is not None
    return row


async def take_from(pool: WatchedPool, worker: Worker, winner: Worker) -> Ownership:
    """Have another worker take the only rack; its owner has not noticed yet."""
    row = await rack_row(pool)
    epoch = Stamp(row.owner_incarnation, row.owner_counter)
    lost, key = Ownership(worker.standing.worker, epoch), RackKey(row.id)
    won = await pool.run(lambda tx: claim(tx, key, lost, winner.standing.worker))
    assert won is not None
    return won


@asynchronous
async def test_a_rack_is_welcomed(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """It gets its name, the instance and the key for its dhcpd; its row has what it said."""
    welcome = await rack.join(worker.registration)
    assert welcome.instance == worker.standing.instance.id
    assert welcome.omapi_secret == worker.standing.instance.omapi_secret
    assert (welcome.region, welcome.worker) == (worker.standing.identity.region, worker.id)
    row = await rack_row(pool)
    assert (row.system_id, row.hostname) == (welcome.system_id, "rack1")
    assert await count(pool, "interface_address") == 1
    assert len(worker.connections) == 1
    await at_rest(pool, clock)
    assert rack.obedience.owner == Ownership(worker.standing.worker, Stamp(1, 1))


@asynchronous
async def test_no_rack_comes_before_the_worker_has_its_row(
    pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """The rack is told to come again."""
    with pytest.raises(Unavailable, match="no place in the database yet"):
        await rack.join(Worker(pool, clock).registration)


@asynchronous
async def test_a_deleted_rack_is_told_so(worker: Worker, pool: WatchedPool, rack: Rack) -> None:
    """Whatever is in its files, it does not come back by itself."""
    welcome = await rack.join(worker.registration)
    await pool.run(lambda tx: delete_rack(tx, "user:admin", welcome.system_id))
    with pytest.raises(Deleted) as caught:
        await rack.join(worker.registration)
    assert caught.value.system_id == welcome.system_id


@asynchronous
async def test_a_deleted_rack_counts_as_stopped_when_it_says_so(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """It is told, stops its dhcpd and comes back once more; then its successors go on."""
    welcome = await rack.join(worker.registration)
    await serve(pool, "rack1")
    await at_rest(pool, clock)
    worker.wardship.wake_stewards()
    await at_rest(pool, clock)
    await pool.run(lambda tx: delete_rack(tx, "user:admin", welcome.system_id))
    running = "select running ->> 'duty' from service"
    assert await pool.run(lambda tx: tx.value(running)) == "solo"
    with pytest.raises(Deleted):
        await rack.join(worker.registration)
    assert await pool.run(lambda tx: tx.value(running)) == "solo"
    await rack.duties.leave_instance()
    with pytest.raises(Deleted):
        await rack.join(worker.registration)
    assert await pool.run(lambda tx: tx.value(running)) == "off"


@asynchronous
async def test_a_name_that_is_linked_is_taken(
    worker: Worker, pool: WatchedPool, rack: Rack, tmp_path: Path
) -> None:
    """Two hosts of one name are not one rack; nothing of the second stays."""
    await rack.join(worker.registration)
    with pytest.raises(RegistrationRefused, match="linked under the name rack1"):
        await Rack(tmp_path / "two", "rack1", Town()).join(worker.registration)
    assert (await count(pool, "rack"), await count(pool, "link")) == (1, 1)
    assert len(worker.connections) == 1


@asynchronous
async def test_without_database_a_rack_is_told_when_to_come_again(
    worker: Worker, pool: WatchedPool, rack: Rack
) -> None:
    """Nothing is promised that nobody wrote down."""
    await pool.stop()
    with pytest.raises(Unavailable) as caught:
        await rack.join(worker.registration)
    assert caught.value.retry_after > 0
    assert len(worker.connections) == 0


@asynchronous
async def test_a_worker_whose_row_has_just_gone_takes_nobody(
    worker: Worker, pool: WatchedPool, rack: Rack
) -> None:
    """Until its next heartbeat has written the row anew."""
    await pool.run(lambda tx: tx.execute("delete from worker"))
    with pytest.raises(Unavailable, match="has no row"):
        await rack.join(worker.registration)
    assert await count(pool, "rack") == 0


@asynchronous
async def test_the_owner_commits_leases(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """The cursor that is answered says up to where they are safe."""
    welcome = await rack.join(worker.registration)
    await at_rest(pool, clock)
    assert await rack.desks[welcome.worker].report_leases(LEASES) == 7
    (known,) = await pool.run(current)
    assert known.lease == LEASE


@asynchronous
async def test_who_is_not_the_owner_commits_nothing(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """The other link of a rack takes neither leases nor DHCP state."""
    await rack.join(worker.registration)
    await at_rest(pool, clock)
    desk = rack.desks[(await rack.join(second.registration)).worker]
    await at_rest(pool, clock)
    with pytest.raises(NotOwner):
        await desk.report_leases(LEASES)
    with pytest.raises(NotOwner):
        await desk.report_dhcp(DhcpReport(serving=True))
    assert await count(pool, "lease") == 0


@asynchronous
async def test_an_owner_that_has_not_noticed_its_loss_commits_nothing(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """The database decides who owns the rack, in the transaction of the leases."""
    desk = rack.desks[(await rack.join(worker.registration)).worker]
    await rack.join(second.registration)
    await at_rest(pool, clock)
    await take_from(pool, worker, second)
    with pytest.raises(NotOwner):
        await desk.report_leases(LEASES)
    assert await count(pool, "lease") == 0


@asynchronous
async def test_interfaces_are_taken_over_any_link(
    worker: Worker, second: Worker, pool: WatchedPool, rack: Rack
) -> None:
    """They are the rack's own, whoever acts for it."""
    await rack.join(worker.registration)
    desk = rack.desks[(await rack.join(second.registration)).worker]
    await desk.report_interfaces((interface("eth1", "10.0.0.1/24"), interface("eth2")))
    assert await count(pool, "interface") == 2


@asynchronous
async def test_sightings_are_taken_by_the_owner_alone(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """Whoever watches for somebody else is told by him whom to tell."""
    owner = rack.desks[(await rack.join(worker.registration)).worker]
    other = rack.desks[(await rack.join(second.registration)).worker]
    await at_rest(pool, clock)
    await owner.report_sightings(())
    with pytest.raises(NotOwner):
        await other.report_sightings(())


@asynchronous
async def test_counts_of_pools_are_taken_from_the_owners_rack_alone(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """Also where the owner has not noticed yet that it is none any more."""
    owner = rack.desks[(await rack.join(worker.registration)).worker]
    other = rack.desks[(await rack.join(second.registration)).worker]
    await at_rest(pool, clock)
    await owner.report_pools((PoolCount(VlanId(999), 1, 1),))
    with pytest.raises(NotOwner):
        await other.report_pools(())
    await take_from(pool, worker, second)
    with pytest.raises(NotOwner):
        await owner.report_pools(())


@asynchronous
async def test_reports_wait_while_the_database_is_away(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """Every kind of report is answered with the time to try again."""
    desk = rack.desks[(await rack.join(worker.registration)).worker]
    await at_rest(pool, clock)
    await pool.stop()
    for report in (
        desk.report_leases(LEASES),
        desk.report_dhcp(DhcpReport(serving=True)),
        desk.report_interfaces(()),
        desk.report_sightings(()),
        desk.report_pools(()),
        desk.claim(Ownership(worker.standing.worker, Stamp(1, 1))),
    ):
        with pytest.raises(Unavailable):
            await report


@asynchronous
async def test_an_error_of_the_database_is_no_dead_link(
    worker: Worker, pool: WatchedPool, rack: Rack
) -> None:
    """The rack hears of it and tries again."""
    desk = rack.desks[(await rack.join(worker.registration)).worker]
    await pool.run(lambda tx: tx.execute("drop table interface_address"))
    with pytest.raises(Unavailable, match="interface_address"):
        await desk.report_interfaces(rack.interfaces)


@asynchronous
async def test_a_rack_asks_its_other_worker_to_take_over(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """By compare-and-swap: whoever the rack lost is named, and obeyed no more."""
    await rack.join(worker.registration)
    desk = rack.desks[(await rack.join(second.registration)).worker]
    await at_rest(pool, clock)
    lost = rack.obedience.owner
    assert lost is not None
    await desk.claim(lost)
    await at_rest(pool, clock)
    assert rack.obedience.owner == Ownership(second.standing.worker, Stamp(1, 2))
    with pytest.raises(NotOwner):
        await desk.claim(lost)


@asynchronous
async def test_the_row_of_a_link_ends_with_it(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """And with its last link the rack has no owner."""
    welcome = await rack.join(worker.registration)
    await at_rest(pool, clock)
    await rack.desks[welcome.worker].lost("the rack left")
    await at_rest(pool, clock)
    assert await count(pool, "link") == 0
    assert (await rack_row(pool)).owner is None
    await at_rest(pool, clock)
    assert (len(worker.connections), worker.steward_of(RackKey(1))) == (0, None)


@asynchronous
async def test_the_row_of_a_link_that_ended_without_database_goes_later(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """A rack does not look linked for ever because PostgreSQL was away for a moment."""
    welcome = await rack.join(worker.registration)
    await at_rest(pool, clock)
    await pool.stop()
    await rack.desks[welcome.worker].lost("the cable")
    pool.start()
    assert await count(pool, "link") == 1
    await after(pool, clock, SWEEP)
    assert await count(pool, "link") == 0


@asynchronous
async def test_a_rack_that_comes_back_at_once_has_one_link_that_counts(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """The newest link acts while the end of the old one is not yet known."""
    first = await rack.join(worker.registration)
    old = rack.desks[first.worker]
    await at_rest(pool, clock)
    line = Line(rack)
    await rack.join(worker.registration, line)
    await at_rest(pool, clock)
    assert line.orders[0] == "own"
    with pytest.raises(NotOwner):
        await old.report_leases(LEASES)
    await old.lost("silent")
    await at_rest(pool, clock)
    assert await rack.desks[first.worker].report_leases(LEASES) == 7


@asynchronous
async def test_networks_of_a_rack_are_found_by_its_registration(
    worker: Worker, pool: WatchedPool, rack: Rack
) -> None:
    """The registration and the later report of the same interfaces agree."""
    await rack.join(worker.registration)
    key = RackKey((await rack_row(pool)).id)

    async def again(tx: Transaction) -> bool:
        return await store_interfaces(tx, key, rack.interfaces)

    assert not await pool.run(again)
    assert await count(pool, "subnet") == 1


@asynchronous
async def test_a_link_of_another_process_makes_the_name_taken(
    worker: Worker, second: Worker, pool: WatchedPool, rack: Rack
) -> None:
    """The database knows of links that this worker does not have."""
    standing = second.standing
    await link(pool, Other(standing.identity, standing.worker, standing.epoch), "rack1")
    with pytest.raises(RegistrationRefused):
        await rack.join(worker.registration)


@asynchronous
async def test_a_registration_of_which_no_answer_came(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """Its row may be there without a link: it goes, and the rack is let in and has an owner."""
    pool.loses_answers = True
    with pytest.raises(Unavailable, match="the connection was lost"):
        await rack.join(worker.registration)
    pool.loses_answers = False
    assert await count(pool, "link") == 1
    with pytest.raises(RegistrationRefused, match="is linked under the name rack1"):
        await rack.join(worker.registration, Line(rack, "192.0.2.9:40001"))
    await after(pool, clock, SWEEP)
    assert await count(pool, "link") == 0
    await rack.join(worker.registration, Line(rack, "192.0.2.9:40002"))
    await at_rest(pool, clock)
    assert worker.steward_of(RackKey((await rack_row(pool)).id)) is not None


@asynchronous
async def test_a_stray_row_is_not_a_link_from_the_same_port(
    worker: Worker, pool: WatchedPool, clock: Clock, rack: Rack
) -> None:
    """What is linked in earnest stays linked."""
    await rack.join(worker.registration)
    pool.loses_answers = True
    with pytest.raises(Unavailable):
        await rack.join(worker.registration)
    pool.loses_answers = False
    assert await count(pool, "link") == 2
    await after(pool, clock, SWEEP)
    (link,) = worker.connections
    assert await pool.run(lambda tx: tx.value("select id from link")) == link.id
