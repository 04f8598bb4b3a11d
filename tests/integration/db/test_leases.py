"""Leases as racks report them, and which report counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address

from attrs import evolve

from maasha.db.leases import KnownLease, LeaseQuery, current, upsert
from maasha.db.pool import Pool
from maasha.model.lease import BindingState, Lease
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import found, hire, link

NOW = datetime.now(UTC).replace(microsecond=0)
ACTIVE = Lease(
    ip=IPv4Address("10.0.0.50"),
    state=BindingState.ACTIVE,
    mac="52:54:00:00:00:99",
    starts=NOW,
    ends=NOW + timedelta(seconds=600),
    last_transaction=NOW,
    hostname='a "name" \\ 100 %',
)


@asynchronous
async def test_upsert(pool: Pool) -> None:
    """A report written twice is the same as once; of one address twice in it the last counts."""
    worker = await hire(pool, await found(pool), 0)
    rack = (await link(pool, worker, "rack1")).rack
    bare = Lease(IPv4Address("10.0.0.51"), BindingState.FREE)
    batch = (evolve(ACTIVE, state=BindingState.FREE), bare, ACTIVE)
    for _ in range(2):
        await pool.run(lambda tx: upsert(tx, rack, batch))
        assert await pool.run(current) == (KnownLease(rack, ACTIVE), KnownLease(rack, bare))
    await pool.run(lambda tx: upsert(tx, rack, ()))
    released = evolve(ACTIVE, state=BindingState.RELEASED)
    await pool.run(lambda tx: upsert(tx, rack, (released,)))
    assert (await pool.run(current))[0].lease == released


@asynchronous
async def test_merge(pool: Pool) -> None:
    """The newest word of a client counts; of equally new words the later state."""
    worker = await hire(pool, await found(pool), 0)
    one, two = [(await link(pool, worker, f"rack{n}")).rack for n in (1, 2)]
    silent = evolve(ACTIVE, last_transaction=None)
    older = evolve(ACTIVE, last_transaction=NOW - timedelta(seconds=9), mac="52:54:00:00:00:01")
    for first, second, winner in (
        (ACTIVE, older, one),
        (silent, older, two),
        (ACTIVE, evolve(ACTIVE, state=BindingState.EXPIRED), two),
        (evolve(ACTIVE, state=BindingState.FREE), ACTIVE, one),
        (ACTIVE, ACTIVE, one),
    ):
        await pool.run(partial(upsert, rack=one, leases=(first,)))
        await pool.run(partial(upsert, rack=two, leases=(second,)))
        (known,) = await pool.run(current)
        assert known == KnownLease(winner, first if winner == one else second)


@asynchronous
async def test_ended(pool: Pool) -> None:
    """An active lease that has ended is expired; one without an end stays active."""
    worker = await hire(pool, await found(pool), 0)
    rack = (await link(pool, worker, "rack1")).rack
    over = evolve(ACTIVE, ends=NOW - timedelta(seconds=1))
    await pool.run(lambda tx: upsert(tx, rack, (over,)))
    assert (await pool.run(current))[0].lease.state is BindingState.EXPIRED
    await pool.run(lambda tx: upsert(tx, rack, (evolve(over, ends=None),)))
    assert (await pool.run(current))[0].lease.state is BindingState.ACTIVE


@asynchronous
async def test_query(pool: Pool) -> None:
    """Addresses, clients and states let through what counts now, a page of it."""
    worker = await hire(pool, await found(pool), 0)
    rack = (await link(pool, worker, "rack1")).rack
    over = evolve(ACTIVE, ip=IPv4Address("10.0.0.51"), ends=NOW - timedelta(seconds=1))
    free = Lease(IPv4Address("10.0.0.52"), BindingState.FREE)
    await pool.run(lambda tx: upsert(tx, rack, (ACTIVE, over, free)))
    for query, through in (
        (LeaseQuery(), [50, 51, 52]),
        (LeaseQuery(ips=(ACTIVE.ip, free.ip)), [50, 52]),
        (LeaseQuery(macs=(ACTIVE.mac,)), [50, 51]),
        (LeaseQuery(states=(BindingState.ACTIVE,)), [50]),
        (LeaseQuery(states=(BindingState.EXPIRED, BindingState.FREE)), [51, 52]),
        (LeaseQuery(ips=(free.ip,), macs=(ACTIVE.mac,)), []),
        (LeaseQuery(limit=1, offset=1), [51]),
    ):
        known = await pool.run(partial(current, query=query))
        assert [int(each.lease.ip) & 255 for each in known] == through


@asynchronous
async def test_large_batch(pool: Pool) -> None:
    """A batch of hundreds is one statement."""
    worker = await hire(pool, await found(pool), 0)
    rack = (await link(pool, worker, "rack1")).rack
    batch = tuple(evolve(ACTIVE, ip=IPv4Address("10.1.0.0") + n) for n in range(500))
    await pool.run(lambda tx: upsert(tx, rack, batch))
    assert len(await pool.run(current)) == 500
