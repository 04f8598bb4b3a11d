"""Leases as racks report them, and which report counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address

from attrs import evolve

from maasha.db.events import history, open_alarms
from maasha.db.lapses import LAPSED, tell_lapsed
from maasha.db.lease_alarms import judge_troubles
from maasha.db.leases import KnownLease, LeaseQuery, current, take, upsert
from maasha.db.pool import Pool
from maasha.model.cluster import RackKey
from maasha.model.lease import BindingState, Lease, LeaseReport
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


def said(known: Sequence[KnownLease]) -> list[tuple[RackKey, Lease]]:
    """Give who said what."""
    return [(each.rack, each.lease) for each in known]


@asynchronous
async def test_upsert(pool: Pool) -> None:
    """A report written twice is the same as once; of one address twice in it the last counts."""
    worker = await hire(pool, await found(pool), 0)
    rack = (await link(pool, worker, "rack1")).rack
    bare = Lease(IPv4Address("10.0.0.51"), BindingState.FREE)
    batch = (evolve(ACTIVE, state=BindingState.FREE), bare, ACTIVE)
    for _ in range(2):
        await pool.run(lambda tx: upsert(tx, rack, batch))
        assert said(await pool.run(current)) == [(rack, ACTIVE), (rack, bare)]
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
        assert said([known]) == [(winner, first if winner == one else second)]


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
        (LeaseQuery(peers=("rack1",)), [50, 51, 52]),
        (LeaseQuery(peers=("rack2",)), []),
        (LeaseQuery(fixed=False), [50, 51, 52]),
        (LeaseQuery(fixed=True), []),
        (LeaseQuery(names=("pc",)), []),
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


@asynchronous
async def test_numbers(pool: Pool) -> None:
    """A word with a lower number than the known one changes nothing, however late it comes."""
    worker = await hire(pool, await found(pool), 0)
    rack = (await link(pool, worker, "rack1")).rack
    for state, number, cursor, known, counts in (
        (BindingState.ACTIVE, 7, 9, 9, BindingState.ACTIVE),
        (BindingState.RELEASED, 6, 6, 9, BindingState.ACTIVE),
        (BindingState.RELEASED, 7, 9, 9, BindingState.RELEASED),
        (BindingState.FREE, 12, 12, 12, BindingState.FREE),
        (BindingState.ACTIVE, 0, 1, 12, BindingState.ACTIVE),  # a rack that gives no numbers
    ):
        report = LeaseReport(cursor, (evolve(ACTIVE, state=state, sequence=number),))
        answer = await pool.run(partial(take, rack=rack, report=report))
        assert (answer, (await pool.run(current))[0].lease.state) == (known, counts)
    both = (evolve(ACTIVE, state=BindingState.FREE, sequence=21), evolve(ACTIVE, sequence=20))
    await pool.run(lambda tx: take(tx, rack, LeaseReport(21, both, 12)))
    assert (await pool.run(current))[0].lease == both[0]


@asynchronous
async def test_lost(pool: Pool) -> None:
    """What a rack believes to be here and is not: nothing is taken, so that it sees it again."""
    worker = await hire(pool, await found(pool), 0)
    rack = (await link(pool, worker, "rack1")).rack
    for leases, acknowledged, answer, there in (
        ((), 7, 0, 0),
        ((ACTIVE,), 7, 0, 0),
        ((), 0, 9, 0),
        ((ACTIVE,), 0, 9, 1),
        ((ACTIVE,), 9, 9, 1),
        ((), 9, 9, 1),
        ((), 10, 9, 1),
    ):
        report = LeaseReport(9, leases, acknowledged)
        for _ in range(2):
            assert await pool.run(partial(take, rack=rack, report=report)) == answer
        assert len(await pool.run(current)) == there


@asynchronous
async def test_checked(pool: Pool) -> None:
    """MACs get their zeros, names are those that DNS takes; what the client said is kept."""
    worker = await hire(pool, await found(pool), 0)
    rack = (await link(pool, worker, "rack1")).rack
    batch = (
        evolve(ACTIVE, mac="2:0:0:0:0:A", hostname="PC.lan.", fixed=True),
        evolve(ACTIVE, ip=ACTIVE.ip + 1, mac="nonsense", hostname="<script>"),
    )
    await pool.run(lambda tx: upsert(tx, rack, batch))
    first, second = await pool.run(current)
    assert (first.lease.mac, first.name, first.lease.hostname) == (
        "02:00:00:00:00:0a",
        "pc.lan",
        "PC.lan.",
    )
    assert (second.lease.mac, second.name, second.lease.hostname) == ("", "", "<script>")
    assert (first.lease.fixed, first.peer, 0.0 <= first.age < 60.0) == (True, "rack1", True)
    (only,) = await pool.run(partial(current, query=LeaseQuery(names=("pc.lan",), fixed=True)))
    assert only.lease.ip == ACTIVE.ip


@asynchronous
async def test_lapsed(pool: Pool) -> None:
    """An end is told once, whoever is dead; an event says so of pools that nobody goes on with."""
    worker = await hire(pool, await found(pool), 0)
    one, two = [(await link(pool, worker, f"rack{n}")).rack for n in (1, 2)]
    over = evolve(ACTIVE, ends=NOW - timedelta(seconds=90))
    silent = tuple(evolve(over, ip=ACTIVE.ip + n) for n in range(3))
    fixed = evolve(over, ip=ACTIVE.ip + 9, fixed=True)
    late = evolve(over, ip=ACTIVE.ip + 10, ends=datetime.now(UTC))
    await pool.run(lambda tx: upsert(tx, one, (*silent, fixed, late)))
    await pool.run(lambda tx: upsert(tx, two, (evolve(silent[0], ends=NOW + timedelta(days=1)),)))
    for _ in range(2):
        assert not await pool.run(tell_lapsed)
        events = [each for each in await pool.run(history) if each.kind == LAPSED]
        assert [each.detail for each in events] == [
            "2 leases of rack1 ended, and it did not say so"
        ]
    await pool.run(lambda tx: upsert(tx, one, (evolve(silent[1], starts=NOW),)))
    await pool.run(tell_lapsed)
    assert len([each for each in await pool.run(history) if each.kind == LAPSED]) == 2


@asynchronous
async def test_alarms(pool: Pool) -> None:
    """One for each kind of trouble, open as long as there is any."""
    worker = await hire(pool, await found(pool), 0)
    rack = await link(pool, worker, "rack1")

    async def judge(**words: str) -> list[tuple[str, str]]:
        troubles = {"dhcp.spool-damaged": "", "rack.clock": "", **words}
        await pool.run(lambda tx: judge_troubles(tx, rack.system_id, troubles))
        return [(each.kind, each.detail) for each in await pool.run(open_alarms)]

    assert await judge() == []
    for _ in range(2):
        assert await judge(**{"rack.clock": "it was set"}) == [("rack.clock", "it was set")]
    assert await judge(**{"rack.clock": "set again"}) == [("rack.clock", "set again")]
    assert await judge() == []


@asynchronous
async def test_an_address_that_is_another_clients_now(pool: Pool) -> None:
    """Who had it before does not have it, whatever rack has not heard of that."""
    worker = await hire(pool, await found(pool), 0)
    one, two = [(await link(pool, worker, f"rack{n}")).rack for n in (1, 2)]
    later = evolve(ACTIVE, mac="52:54:00:00:00:01", last_transaction=NOW + timedelta(seconds=9))
    await pool.run(lambda tx: upsert(tx, one, (ACTIVE,)))
    await pool.run(lambda tx: upsert(tx, two, (later,)))
    assert await pool.run(partial(current, query=LeaseQuery(macs=(ACTIVE.mac,)))) == ()
    (known,) = await pool.run(partial(current, query=LeaseQuery(macs=(later.mac,))))
    assert known.rack == two
