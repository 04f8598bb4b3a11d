"""VLANs and racks for the tests of roles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import evolve

from maasha.balancer.brakes import Act, NotLeading, Verdict
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.roles import Candidate, Evidence, Place, VlanRoles

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HELD = Verdict({Act.ROLE_CHANGE: (NotLeading(),)})
FIT = Evidence(address=True, probed=NOW, reached=NOW, clock_offset=0.1)
EMPTY = Place()


def ago(seconds: float) -> datetime:
    """Give an instant before now."""
    return NOW - timedelta(seconds=seconds)


def rack(number: int, evidence: Evidence = FIT) -> Candidate:
    """Give a rack that is fit for every part."""
    return Candidate(RackKey(number), f"r{number}", evidence=evidence)


def lost(number: int) -> Candidate:
    """Give a rack that is lost for good."""
    return evolve(rack(number), linked=False, lost=True)


def place(number: int | None, by: str = "") -> Place:
    """Give a place with this rack."""
    return Place(None if number is None else RackKey(number), by)


def vlan(
    *candidates: Candidate, primary: Place = EMPTY, secondary: Place = EMPTY, number: int = 7
) -> VlanRoles:
    """Give a VLAN with DHCP and these racks on it."""
    return VlanRoles(VlanId(number), primary, secondary, candidates=candidates)
