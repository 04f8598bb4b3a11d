"""Who has nothing to do with DHCP obeys and reports all the same, and serves nothing."""

from __future__ import annotations

from typing import cast

import pytest
from twisted.internet.defer import ensureDeferred

from maasha.model.cluster import Endpoint, EventLoop, Move, Ownership, WorkerId
from maasha.model.dhcp import DhcpPlan
from maasha.model.lease import LeaseReport
from maasha.model.stamp import Stamp
from maasha.rpc.errors import DhcpRefused, NotMoved, NotOwner, StaleEpoch
from maasha.rpc.idle import IdleRack, IdleRegion
from maasha.rpc.rack_side import Session
from tests.unit.rpc.parts import EPOCH, PLAN, REPORT, WORKER, error_of, house, value_of

OTHER = WorkerId(8)
OLD, NEW = Stamp(1, 3), Stamp(1, 5)


def test_an_idle_rack_obeys_the_newest_owner() -> None:
    """An older epoch, or another worker with the same, is stale."""
    rack = IdleRack()
    assert not value_of(ensureDeferred(rack.own(WORKER, EPOCH))).serving
    for worker, epoch in ((WORKER, OLD), (OTHER, EPOCH)):
        error = error_of(ensureDeferred(rack.own(worker, epoch)))
        assert isinstance(error, StaleEpoch)
        assert error.known == EPOCH
    value_of(ensureDeferred(rack.own(WORKER, EPOCH)))
    value_of(ensureDeferred(rack.own(OTHER, NEW)))


def test_an_idle_rack_takes_empty_plans_only() -> None:
    """It says that nothing of the generation is left to do; any work it refuses, with a mend."""
    rack = IdleRack()
    nothing = DhcpPlan(EPOCH, "", (), ())
    report = value_of(ensureDeferred(rack.configure_dhcp(WORKER, EPOCH, nothing)))
    assert (report.serving, report.generation) == (False, EPOCH)
    error = error_of(ensureDeferred(rack.configure_dhcp(WORKER, NEW, PLAN)))
    assert isinstance(error, DhcpRefused)
    assert "name another one for the VLAN" in str(error)
    stale = error_of(ensureDeferred(rack.configure_dhcp(WORKER, OLD, nothing)))
    assert isinstance(stale, StaleEpoch)


def test_an_idle_rack_knows_no_hosts() -> None:
    """It takes note of the generation, from its owner."""
    rack = IdleRack()
    report = value_of(ensureDeferred(rack.change_hosts(WORKER, EPOCH, NEW, "")))
    assert (report.generation, report.hosts) == (NEW, "")
    stale = error_of(ensureDeferred(rack.change_hosts(WORKER, OLD, NEW, "")))
    assert isinstance(stale, StaleEpoch)


def test_an_idle_rack_stays_where_it_is() -> None:
    """Whoever joins by `join` alone keeps its link itself."""
    move = Move(EventLoop("b:pid=7", (Endpoint("10.0.0.9", 5251),)), 20.0, "evening")
    link = cast(Session, None)
    assert isinstance(error_of(ensureDeferred(IdleRack().migrate(link, move))), NotMoved)


def test_an_idle_rack_looks_out_for_nobody() -> None:
    """It obeys its owner all the same."""
    rack = IdleRack()
    value_of(ensureDeferred(rack.look_out(WORKER, EPOCH, ())))
    assert isinstance(error_of(ensureDeferred(rack.look_out(OTHER, OLD, ()))), StaleEpoch)


def test_an_idle_rack_probes_nothing() -> None:
    """It obeys its owner all the same."""
    rack = IdleRack()
    value_of(ensureDeferred(rack.probe_networks(WORKER, EPOCH, ())))
    assert isinstance(error_of(ensureDeferred(rack.probe_networks(OTHER, OLD, ()))), StaleEpoch)


def test_an_idle_rack_hears_that_it_was_deleted() -> None:
    """From its owner, not from a worker of long ago."""
    heard: list[str] = []
    rack = IdleRack(lambda: heard.append("retired"))
    value_of(ensureDeferred(rack.own(WORKER, EPOCH)))
    assert isinstance(error_of(ensureDeferred(rack.retire(OTHER, OLD))), StaleEpoch)
    assert heard == []
    value_of(ensureDeferred(rack.retire(WORKER, EPOCH)))
    value_of(ensureDeferred(IdleRack().retire(WORKER, EPOCH)))
    ended = value_of(ensureDeferred(rack.resume_dhcp(WORKER, EPOCH, (1,), "user:ann")))
    assert not ended.serving
    assert heard == ["retired"]


def test_an_idle_region_takes_reports_and_owns_nothing() -> None:
    """It hears how its links end."""
    ended: list[str] = []
    home = house()
    home.door.desk = IdleRegion(ended.append)  # type: ignore[assignment]  # also RegionDuties
    region = value_of(home.join()).remote
    value_of(home.run(region.report_dhcp(REPORT)))
    value_of(home.run(region.report_interfaces(())))
    value_of(home.run(region.report_sightings(())))
    value_of(home.run(region.report_acts(())))
    value_of(home.run(region.report_pools(())))
    value_of(home.run(region.report_findings(())))
    assert value_of(home.run(region.report_leases(LeaseReport(12, ())))) == 12
    assert isinstance(error_of(home.run(region.claim(Ownership(WORKER, EPOCH)))), NotOwner)
    home.door.racks[0].close("drained")
    home.line.pump.flush()
    assert ended == ["drained"]
    value_of(ensureDeferred(IdleRegion().lost("drained")))


@pytest.mark.parametrize("command", ["own", "retire"])
def test_an_idle_rack_answers_over_a_link(command: str) -> None:
    """It is all that a guest needs to join."""
    home = house()
    value_of(home.join(duties=IdleRack()))
    value_of(home.run(getattr(home.door.racks[0], command)(EPOCH)))
