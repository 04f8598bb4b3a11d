"""What dhcp_status says where IPv6 addresses are handed out, beside IPv4 or alone."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv6Address

import pytest
from attrs import evolve

from maasha.api.outcome6 import outcome_of_both
from maasha.db.overview import RackView
from maasha.db.overview6 import RackView6, ServiceView6
from maasha.db.vlans import VlanRow
from maasha.model.dhcp import OFF, SOLO
from maasha.model.network import Stretch
from maasha.model.stamp import Stamp
from tests.unit.api.samples import GENERATION, ONE, TWO, VLAN, rack_view

SHARE = (Stretch(IPv6Address("fd00::1"), IPv6Address("fd00::9")),)
SERVES = RackView6(
    running=GENERATION,
    judged=GENERATION,
    serving=True,
    services=(ServiceView6(VLAN.id, SHARE, SHARE),),
)
WAITS = evolve(SERVES, serving=False, services=())
ALONE = evolve(VLAN, primary=ONE, dhcp_on=True)


def rack(six: RackView6 = SERVES) -> RackView:
    """Give a rack that serves IPv4 alone, and this of IPv6."""
    return evolve(rack_view(ONE, role=SOLO), six=six)


def judged(*racks: RackView, vlan: VlanRow = ALONE, families: Collection[int] = (4, 6)) -> str:
    """Give the text of dhcp_status."""
    return outcome_of_both(vlan, families, {each.name.key: each for each in racks}).status


def test_both_run() -> None:
    """It runs when both do; a VLAN of IPv6 alone needs no DHCPv4, and one of IPv4 no DHCPv6."""
    assert judged(rack()) == "running"
    assert judged(evolve(rack_view(ONE, role=OFF), six=SERVES), families=(6,)) == "running"
    assert judged(rack(WAITS), families=(4,)) == "running"


@pytest.mark.parametrize(
    ("six", "status"),
    [
        (WAITS, "pending: rack rack-1 gets IPv6 addresses when others' leases of them have ended"),
        (evolve(SERVES, running=Stamp(1, 1)), "pending: rack rack-1 has not confirmed generation"),
        (evolve(SERVES, serving=False), "pending: rack rack-1's DHCPv6 server is starting"),
        (
            evolve(SERVES, serving=False, problem="it died"),
            "failed: rack rack-1's DHCPv6 server does not run",
        ),
        (
            evolve(SERVES, failed=GENERATION, refusal="line 3"),
            "failed: rack rack-1 refused the configuration of DHCPv6",
        ),
        (
            evolve(SERVES, services=(ServiceView6(VLAN.id, (), (), "no address"),)),
            "failed: rack rack-1 cannot serve IPv6 on this VLAN",
        ),
    ],
)
def test_what_is_wrong_with_dhcpv6(six: RackView6, status: str) -> None:
    """The worse of the families is told, whatever DHCPv4 does."""
    assert judged(rack(six)).startswith(status)


def test_racks_that_are_not_there() -> None:
    """A rack that is deleted, away, or still to be chosen is waited for."""
    alone = ALONE, (6,)
    assert judged(vlan=alone[0], families=alone[1]) == "pending: rack rack-1 is deleted"
    away = evolve(rack_view(ONE, linked=False), six=SERVES)
    assert judged(away, families=(6,)) == "pending: rack rack-1 is not connected"
    nobody = evolve(VLAN, dhcp_on=True)
    assert judged(vlan=nobody, families=(6,)).startswith("pending: its primary rack is being")


def test_who_still_serves() -> None:
    """DHCP is off when nobody hands out IPv6 addresses either."""
    left = evolve(rack_view(TWO, role=OFF), six=SERVES)
    words = "pending: rack rack-2 still hands out IPv6 addresses"
    assert judged(rack(), left) == words
    assert judged(left, vlan=VLAN, families=()) == words
    idle = evolve(left, six=evolve(SERVES, services=(ServiceView6(VLAN.id, (), ()),)))
    assert judged(idle, vlan=VLAN, families=()) == "off"
