"""Stewards bring racks to what is wanted: one safe step after the other, and nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import frozen
from twisted.internet.task import Clock

from maasha.db.events import history, open_alarms
from maasha.db.overview import RackView
from maasha.db.ownership import claim
from maasha.model.cluster import Ownership, RackKey
from maasha.model.dhcp import DhcpReport
from maasha.model.stamp import Stamp
from maasha.region import steward
from maasha.region.wardship import TICK as LOOK
from maasha.rpc.errors import LinkLost
from tests.asynchronous import asynchronous
from tests.integration.db.cluster import interface
from tests.integration.region.at_rest import WatchedPool, after, at_rest
from tests.integration.region.rack import Line, Rack, Town
from tests.integration.region.wishes import lease_for, progress, serve, want
from tests.integration.region.worker import REST, Worker

ROUNDS = 30
KEY = RackKey(1)


@frozen
class Site:
    """Two racks on one VLAN, each owned by a worker of its own."""

    pool: WatchedPool
    clock: Clock
    town: Town
    workers: tuple[Worker, Worker]
    racks: tuple[Rack, Rack]
    lines: tuple[Line, Line]

    async def carry_out(self) -> list[str]:
        """Let stewards and racks work until nobody has anything more to say; give the moves."""
        begun = len(self.town.moves)
        for _ in range(ROUNDS):
            before = len(self.town.moves)
            for worker in self.workers:
                worker.wardship.wake_stewards()
                await at_rest(self.pool, self.clock)
            told = [await rack.tell() for rack in self.racks]
            if not any(told) and len(self.town.moves) == before:
                return self.town.moves[begun:]
        raise AssertionError(f"no end: {self.town.moves}")

    async def progress(self) -> tuple[RackView, RackView]:
        """Read how far both racks are."""
        return await progress(self.pool, "rack1"), await progress(self.pool, "rack2")

    async def complete(self) -> bool:
        """Whether both racks have carried out all that is wanted."""
        return all(one.running == one.wanted for one in await self.progress())


@pytest_twisted.async_fixture
async def site(
    worker: Worker, second: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> Site:
    """Give two racks that are linked and obey."""
    town = Town()
    one = Rack(tmp_path / "one", "rack1", town, "10.0.0.1/24")
    two = Rack(tmp_path / "two", "rack2", town, "10.0.0.2/24")
    lines = Line(one), Line(two)
    await one.join(worker.registration, lines[0])
    await two.join(second.registration, lines[1])
    await at_rest(pool, clock)
    return Site(pool, clock, town, (worker, second), (one, two), lines)


@asynchronous
async def test_a_steward_takes_office_first(site: Site) -> None:
    """The rack hears who acts for it before it is told anything else, and that once."""
    await serve(site.pool, "rack1")
    await site.carry_out()
    assert site.lines[0].orders[:2] == ["own", "configure"]
    assert site.lines[0].orders.count("own") == 1


@asynchronous
async def test_a_rack_is_brought_to_what_is_wanted(site: Site) -> None:
    """One rack alone serves after one step, and the generation counts as carried out."""
    await serve(site.pool, "rack1")
    assert await site.carry_out() == ["rack1 solo"]
    assert await site.complete()
    text = site.racks[0].server.plan.config
    assert "range 10.0.0.50 10.0.0.99" in text
    assert site.workers[0].standing.instance.omapi_secret in text


@asynchronous
async def test_a_pair_is_made_around_the_rack_that_serves(site: Site) -> None:
    """The secondary starts and waits; only then the one that served alone becomes primary."""
    await serve(site.pool, "rack1")
    await site.carry_out()
    await serve(site.pool, "rack1", "rack2")
    assert await site.carry_out() == ["rack2 secondary", "rack1 primary"]
    assert await site.complete()


@asynchronous
async def test_a_new_pair_begins_with_one_rack(site: Site) -> None:
    """Of two racks that serve nothing one begins alone, so that somebody answers throughout."""
    await serve(site.pool, "rack1", "rack2")
    assert await site.carry_out() == ["rack1 solo", "rack2 secondary", "rack1 primary"]
    assert await site.complete()


@asynchronous
async def test_a_pair_is_dissolved_around_the_rack_that_stays(site: Site) -> None:
    """The one that leaves stops, and then the other serves alone."""
    await serve(site.pool, "rack1", "rack2")
    await site.carry_out()
    await serve(site.pool, "rack1")
    assert await site.carry_out() == ["rack2 off", "rack1 solo"]
    assert await site.complete()


@asynchronous
async def test_a_vlan_is_handed_over(site: Site) -> None:
    """The next primary gets every lease as the secondary of a passing pair."""
    await serve(site.pool, "rack1")
    await site.carry_out()
    await serve(site.pool, "rack2")
    moves = await site.carry_out()
    assert moves == ["rack2 secondary", "rack1 primary", "rack1 off", "rack2 solo"]
    assert await site.complete()


@asynchronous
async def test_dhcp_is_switched_off_everywhere(site: Site) -> None:
    """Nobody serves then, and nobody has to wait for anybody."""
    await serve(site.pool, "rack1", "rack2")
    await site.carry_out()
    await serve(site.pool, "rack1", "rack2", dhcp_on=False)
    assert sorted(await site.carry_out()) == ["rack1 off", "rack2 off"]
    assert await site.complete()


@asynchronous
async def test_another_text_goes_to_the_secondary_first(site: Site) -> None:
    """Two peers are never restarted at once, and the primary goes last."""
    await serve(site.pool, "rack1", "rack2")
    await site.carry_out()
    await lease_for(site.pool, 1200)
    assert await site.carry_out() == ["rack2 secondary", "rack1 primary"]
    assert await site.complete()
    assert "lease-time 1200" in site.racks[0].server.plan.config


@asynchronous
async def test_a_new_number_alone_sends_nothing(site: Site) -> None:
    """The same text is the same server: the generation counts as carried out at once."""
    await serve(site.pool, "rack1", "rack2")
    await site.carry_out()
    orders = [tuple(line.orders) for line in site.lines]
    await want(site.pool)
    assert not await site.complete()
    assert await site.carry_out() == []
    assert await site.complete()
    assert [tuple(line.orders) for line in site.lines] == orders


@asynchronous
async def test_what_is_asked_is_on_record_before_it_is_told(site: Site) -> None:
    """A region that dies in between knows that it may have been carried out."""
    await serve(site.pool, "rack1")
    site.lines[0].error = LinkLost("cut")
    await site.carry_out()
    row = await site.pool.run(
        lambda tx: tx.one(
            "select commanded, asked ->> 'duty' as asked, running ->> 'duty' as running"
            " from service join rack on rack.id = rack_id where hostname = 'rack1'"
        )
    )
    assert row is not None
    assert (row.commanded, row.asked, row.running) == (True, "solo", "off")
    site.lines[0].error = None
    assert await site.carry_out() == ["rack1 solo"]


@asynchronous
async def test_a_refusal_is_on_record_and_rests(site: Site) -> None:
    """The words of dhcpd reach the operator; the plan is tried again when its rest is over."""
    site.racks[0].server.refusal = "line 3: semicolon expected"
    await serve(site.pool, "rack1")
    assert await site.carry_out() == ["rack1 refuses solo"]
    refused, _ = await site.progress()
    assert refused.failed == refused.wanted
    assert "line 3: semicolon expected" in refused.refusal
    assert [alarm.kind for alarm in await site.pool.run(open_alarms)] == ["dhcp.refused"]
    await after(site.pool, site.clock, steward.TICK)
    assert site.town.moves == ["rack1 refuses solo"]
    site.racks[0].server.refusal = ""
    await after(site.pool, site.clock, REST)
    assert site.town.moves[1:] == ["rack1 solo"]
    await site.carry_out()
    assert await site.complete()
    assert await site.pool.run(open_alarms) == ()


@asynchronous
async def test_another_plan_does_not_rest(site: Site) -> None:
    """An operator who corrects the cause does not wait."""
    site.racks[0].server.refusal = "line 3: no"
    await serve(site.pool, "rack1")
    await site.carry_out()
    site.racks[0].server.refusal = ""
    await lease_for(site.pool, 900)
    assert await site.carry_out() == ["rack1 solo"]


@asynchronous
async def test_a_secondary_that_refuses_leaves_the_primary_serving(site: Site) -> None:
    """No step follows one that was not taken."""
    await serve(site.pool, "rack1")
    await site.carry_out()
    site.racks[1].server.refusal = "no such interface"
    await serve(site.pool, "rack1", "rack2")
    assert await site.carry_out() == ["rack2 refuses secondary"]
    (role,) = site.racks[0].server.plan.roles
    assert role.role.duty.value == "solo"


@asynchronous
async def test_a_vlan_that_cannot_be_served_is_named(site: Site) -> None:
    """The rack runs what can be run, which is nothing here."""
    await serve(site.pool, "rack1")
    await site.pool.run(lambda tx: tx.execute("update iprange set end_ip = '10.9.9.9'"))
    await want(site.pool)
    assert await site.carry_out() == []
    rack, _ = await site.progress()
    assert rack.judged == rack.running == rack.wanted
    assert rack.complaint.startswith("VLAN 1: ")


@asynchronous
async def test_an_epoch_that_the_database_has_lost_is_overtaken(
    worker: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> None:
    """A rack that obeyed a future which a restore undid obeys again, under a new incarnation."""
    rack = Rack(tmp_path, "rack1", Town(), "10.0.0.1/24")
    rack.obey(Stamp(6, 40))
    line = Line(rack)
    await rack.join(worker.registration, line)
    await at_rest(pool, clock)
    await after(pool, clock, LOOK)
    assert line.orders == ["own", "own"]
    assert rack.memory.epoch.incarnation == 7
    kinds = [event.kind for event in await pool.run(history)]
    assert kinds.count("instance.incarnation") == 1


@asynchronous
async def test_a_rack_tells_at_once_what_it_ran_all_along(
    worker: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> None:
    """What it served through an outage is not sent to it again."""
    town = Town()
    rack = Rack(tmp_path, "rack1", town, "10.0.0.1/24")
    await rack.join(worker.registration)
    await at_rest(pool, clock)
    await serve(pool, "rack1")
    worker.wardship.wake_stewards()
    await at_rest(pool, clock)
    await rack.desks[worker.standing.worker].lost("the region was away")
    await pool.run(lambda tx: tx.execute("delete from service"))
    await pool.run(lambda tx: tx.execute("update rack set digest = ''"))
    await rack.join(worker.registration)
    await after(pool, clock, LOOK, steward.TICK)
    assert town.moves == ["rack1 solo"]
    assert (await progress(pool, "rack1")).running == (await progress(pool, "rack1")).wanted


@asynchronous
async def test_a_report_in_the_middle_of_a_command_does_not_settle_it(site: Site) -> None:
    """What a rack says while it restarts dhcpd is not yet the outcome."""
    await serve(site.pool, "rack1")
    acting = site.workers[0].steward_of(KEY)
    assert acting is not None
    heard: list[bool] = []

    async def speak() -> None:
        await acting.take_report(DhcpReport(serving=False))
        heard.append(await commanded(site.pool))

    site.racks[0].server.meanwhile = speak
    await site.carry_out()
    assert heard == [True]
    assert not await commanded(site.pool)


async def commanded(pool: WatchedPool) -> bool:
    """Whether the first rack is on record as being told something."""
    found: bool = await pool.run(
        lambda tx: tx.value("select commanded from rack where hostname = 'rack1'")
    )
    return found


@asynchronous
async def test_without_database_a_steward_tells_nothing(site: Site) -> None:
    """What cannot be written down is not begun; it goes on when it can."""
    await serve(site.pool, "rack1")
    await site.pool.stop()
    await after(site.pool, site.clock, steward.TICK)
    assert site.town.moves == []
    site.pool.start()
    await after(site.pool, site.clock, steward.CALM)
    assert site.town.moves == ["rack1 solo"]


@asynchronous
async def test_news_that_come_during_a_look_are_looked_at(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a look did not see yet is seen by one that follows at once, not when calm is over."""
    await serve(site.pool, "rack1")
    await site.carry_out()
    acting, run, late = site.workers[0].steward_of(KEY), site.pool.run, list[bool]()
    assert acting is not None

    async def slow(work: Any, **how: Any) -> Any:
        found = await run(work, **how)
        if work == acting._glance and not late:
            late.append(True)
            await lease_for(site.pool, 1800)
            acting.wake()
        return found

    monkeypatch.setattr(site.pool, "run", slow)
    acting.wake()
    await after(site.pool, site.clock, 0.0, 0.0)
    assert late
    assert "default-lease-time 1800" in site.racks[0].server.plan.config


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@asynchronous
async def test_two_stewards_do_not_take_two_steps_at_once(
    site: Site, order: tuple[int, int]
) -> None:
    """Whoever decides first, the other sees what was asked and waits."""
    await serve(site.pool, "rack1", "rack2")
    await site.carry_out()
    await lease_for(site.pool, 1800)
    before = len(site.town.moves)
    for number in order:
        site.workers[number].wardship.wake_stewards()
    await at_rest(site.pool, site.clock)
    assert site.town.moves[before] == "rack2 secondary"
    assert await site.carry_out() or await site.complete()
    assert site.town.moves[before:] == ["rack2 secondary", "rack1 primary"]


@asynchronous
async def test_an_owner_that_has_not_noticed_its_loss_tells_nothing(site: Site) -> None:
    """What it is about to tell is asked of the database first, under its own epoch."""
    await site.racks[0].join(site.workers[1].registration)
    await at_rest(site.pool, site.clock)
    lost, winner = Ownership(site.workers[0].standing.worker, Stamp(1, 1)), site.workers[1]
    await site.pool.run(lambda tx: claim(tx, KEY, lost, winner.standing.worker))
    await serve(site.pool, "rack1")
    site.workers[0].wardship.wake_stewards()
    await at_rest(site.pool, site.clock)
    assert site.town.moves == []
    await after(site.pool, site.clock, LOOK)
    await site.carry_out()
    assert site.town.moves == ["rack1 solo"]
    assert site.racks[0].obedience.owner == Ownership(winner.standing.worker, Stamp(1, 2))


@asynchronous
async def test_an_owner_that_has_lost_its_rack_outdates_nobody(site: Site) -> None:
    """The rack obeys a newer epoch that the database itself has given out."""
    await site.racks[0].join(site.workers[1].registration)
    await at_rest(site.pool, site.clock)
    site.lines[0].error = LinkLost("for a moment")
    await serve(site.pool, "rack1")
    site.workers[0].wardship.wake_stewards()
    await at_rest(site.pool, site.clock)
    lost, winner = Ownership(site.workers[0].standing.worker, Stamp(1, 1)), site.workers[1]
    await site.pool.run(lambda tx: claim(tx, KEY, lost, winner.standing.worker))
    site.racks[0].obey(Stamp(1, 2))
    site.lines[0].error = None
    site.workers[0].wardship.wake_stewards()
    await at_rest(site.pool, site.clock)
    assert site.lines[0].orders[-1] == "own"
    kinds = [event.kind for event in await site.pool.run(history)]
    assert "instance.incarnation" not in kinds


@asynchronous
async def test_a_faulty_vlan_keeps_no_other_from_being_served(
    worker: Worker, pool: WatchedPool, clock: Clock, tmp_path: Path
) -> None:
    """The rack serves what it can, and the problem names the other."""
    rack = Rack(tmp_path, "rack1", Town(), "10.0.0.1/24")
    rack.interfaces = (*rack.interfaces, interface("eth2", "10.0.1.1/24"))
    await rack.join(worker.registration)
    await serve(pool, "rack1")  # the range of 10.0.0.0/24 is written to 10.0.1.0/24 as well
    await at_rest(pool, clock)
    worker.wardship.wake_stewards()
    await at_rest(pool, clock)
    assert rack.server.plan.interfaces == ("eth1",)
    shown = await progress(pool, "rack1")
    assert shown.running == shown.wanted
    assert shown.complaint.startswith("VLAN 2: ")
