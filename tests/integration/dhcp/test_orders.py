"""Orders on the spot, carried out by real dhcpd on a link of its own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve

from maasha.dhcp import orders
from maasha.dhcp.held import Held
from maasha.model.dhcp import SOLO, Duty, PeerState
from maasha.model.orders import Standing
from maasha.model.stamp import Stamp
from tests.integration.dhcp.rack import Bare, Rack, state_of, until
from tests.integration.dhcp.wire import HERE, THERE, VLAN, Link, paired, plan_for
from tests.unit.dhcp.real import asynchronous, reactor

pytestmark = pytest.mark.root

PRIMARY = evolve(plan_for(paired(Duty.PRIMARY, HERE)), acts=0)
SECONDARY = plan_for(paired(Duty.SECONDARY, THERE), THERE)
LEASE = """\
lease 10.77.0.120 {
  starts 6 2025/03/01 10:00:00;
  ends never;
  tstp never;
  cltt 6 2025/03/01 10:00:00;
  binding state active;
  next binding state free;
  hardware ethernet 02:00:5a:cb:ba:51;
}
"""


def stopped(held: Held) -> Standing:
    """Order a stop of the VLAN."""
    return orders.stop(held.standing, VLAN, datetime.now(UTC), None, "ann")


def alone(held: Held) -> Standing:
    """Order to serve alone."""
    return orders.solo(held.standing, held.base, VLAN, datetime.now(UTC), "ann")


def resumed(held: Held) -> Standing:
    """End all orders."""
    return orders.resume(held.standing, None)


async def normal(here: Rack, there: Bare) -> None:
    """Bring the pair up."""
    there.start(SECONDARY)
    await until(lambda: there.said("Server starting service"))
    await here.server.apply(PRIMARY)
    await until(lambda: state_of(here) is PeerState.NORMAL)


@asynchronous
async def test_a_rack_serves_alone_without_its_peer_at_once(here: Rack, there: Bare) -> None:
    """The server starts anew without a failover block, and a region's older plan is not run."""
    await normal(here, there)
    there.kill()
    begun = reactor.seconds()
    report = await here.server.order(alone)
    print(f"served alone {reactor.seconds() - begun:.3f} s after the order")
    assert (report.serving, report.services[0].role, report.acts) == (True, SOLO, 1)
    assert "failover" not in here.config.read_text()
    before = here.pids()
    again = await here.server.apply(evolve(PRIMARY, generation=Stamp(1, 9)))
    assert (again.services[0].role, here.pids()) == (SOLO, before)


@asynchronous
async def test_a_solo_outlives_rackd_and_the_host(here: Rack, there: Bare) -> None:
    """What runs then is what the order left, also after it was ended there."""
    await normal(here, there)
    there.kill()
    await here.server.order(alone)
    before = here.pids()
    await here.server.release()
    after = here.successor()
    assert (await after.server.resume()).services[0].role == SOLO
    assert here.pids() == before
    assert (await after.server.order(resumed)).services[0].role == SOLO
    assert here.pids() == before
    await after.server.release()


@asynchronous
async def test_a_stop_in_the_dark_is_taken_back_with_its_leases(link: Link, here: Rack) -> None:
    """The same leases file, and the same duty."""
    assert link.there
    await here.server.apply(plan_for(SOLO))
    await here.server.order(stopped)
    assert here.pids() == []
    leases = here.directory / "dhcpd.leases"
    leases.write_text(leases.read_text() + LEASE)
    report = await here.server.order(resumed)
    assert (report.serving, report.services[0].role, report.orders) == (True, SOLO, ())
    assert "lease 10.77.0.120" in leases.read_text()


@asynchronous
async def test_a_stopped_primary_comes_back_into_its_pair(here: Rack, there: Bare) -> None:
    """The pair goes on under its name: nobody was told that it had ended."""
    await normal(here, there)
    await here.server.order(stopped)
    assert here.pids() == []
    await here.server.order(resumed)
    await until(lambda: state_of(here) is PeerState.NORMAL)


@asynchronous
async def test_a_stop_that_was_told_lasts_until_the_next_plan(here: Rack, there: Bare) -> None:
    """A report to a region is what makes the difference."""
    await normal(here, there)
    await here.server.order(stopped)
    told = here.server.disclose()
    assert told is not None
    assert (told.services, told.acts, len(told.orders)) == ((), 1, 1)
    report = await here.server.order(resumed)
    assert (report.serving, report.orders, here.pids()) == (False, (), [])
    again = await here.server.apply(evolve(plan_for(SOLO), acts=2))
    assert again.services[0].role == SOLO
