"""VLANs' places as JSON."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from maasha.api.outcome import RUNNING
from maasha.api.picture import Picture, picture_of
from maasha.api.role_shapes import RoleSituation, roles_json, working
from maasha.api.submissions import RolesPage
from maasha.balancer.brakes import FREE
from maasha.balancer.rearranging import Evens, Swap
from maasha.balancer.roles import decide_all
from maasha.db.drains import PauseView
from maasha.db.overview import RackView
from maasha.db.vlans import VlanRow
from maasha.model.network import FabricId, VlanId
from maasha.model.roles import VlanRoles
from tests.unit.api.samples import NETWORKS, ONE, PRIMARY, SECONDARY, TWO, VLAN, rack_view
from tests.unit.balancer.vlans import FIT, NOW, ago, lost, place, rack, vlan

ALONE = evolve(VLAN, primary=ONE, primary_by="user:ann", dhcp_on=True)
PAIRED = evolve(ALONE, secondary=TWO)
ALL = RolesPage()
FAR = evolve(FIT, probed=ago(2), reached=ago(60), clock_offset=-0.12345)


def picture(row: VlanRow, *racks: RackView) -> Picture:
    """Give the networks with this VLAN."""
    return picture_of(evolve(NETWORKS, vlans={row.id: row}), racks)


def situation(row: VlanRow, roles: VlanRoles, *swaps: Swap) -> RoleSituation:
    """Give what is shown of one VLAN."""
    racks = (rack_view(ONE, role=PRIMARY), rack_view(TWO, role=SECONDARY))
    decisions = decide_all((roles,), {}, FREE, NOW)
    return RoleSituation((roles,), decisions, swaps, picture(row, *racks), NOW)


def test_a_free_place() -> None:
    """It says who could take it, what is known of them, and what each lacks."""
    roles = vlan(rack(1), rack(2, FAR), primary=place(1, "user:ann"))
    shown: Any = roles_json(situation(ALONE, roles), ALL)
    (one,) = shown["vlans"]
    assert [one[key] for key in ("primary", "primary_by", "secondary", "secondary_by")] == [
        "rack-1",
        "user:ann",
        None,
        "automatic",
    ]
    assert (one["decision"], one["why"]) == (
        "nobody",
        "nobody: r2 and the primary do not reach each other's TCP port 647",
    )
    first, second = one["candidates"]
    assert (first["rack"], first["system_id"], first["lacks"]) == ("r1", "aaa111", [])
    assert second == {
        "rack": "r2",
        "system_id": "bbb222",
        "linked": True,
        "lost": False,
        "draining": False,
        "has_address": True,
        "probed_age": 2.0,
        "reached_age": 60.0,
        "clock_offset": -0.123,
        "lacks": ["and the primary do not reach each other's TCP port 647"],
    }
    assert (shown["plan"], shown["pause"], shown["stops"]) == ([], None, [])


def test_a_settled_vlan() -> None:
    """Nobody looks for a peer there, so nothing is said to lack."""
    bare = evolve(FIT, probed=None, reached=None, clock_offset=None)
    roles = vlan(
        rack(1, bare), lost(2), primary=place(1, "user:ann"), secondary=place(None, "user:ann")
    )
    shown: Any = roles_json(situation(ALONE, roles), ALL)
    (one,) = shown["vlans"]
    assert one["decision"] == "settled"
    assert one["candidates"][0]["probed_age"] is None
    assert one["candidates"][0]["clock_offset"] is None
    assert [each["lacks"] for each in one["candidates"]] == [[], []]


def test_the_plan_and_what_holds_it() -> None:
    """Swaps are told with their reason, brakes as they are on record."""
    roles = vlan(rack(1), rack(2), primary=place(1), secondary=place(2))
    swap = Swap(VLAN.id, TWO.key, ONE.key, Evens(2, 0))
    seen = evolve(
        situation(PAIRED, roles, swap), pause=PauseView("user:ann", None), stops=("paused",)
    )
    shown: Any = roles_json(seen, ALL)
    assert shown["plan"] == [
        {
            "id": 7,
            "vid": 0,
            "name": "untagged",
            "fabric": "fabric-0",
            "fabric_id": 1,
            "primary": "r2",
            "secondary": "r1",
            "reason": "r1 is the primary of 2 VLANs, r2 of 0",
        }
    ]
    assert (shown["pause"], shown["stops"]) == ({"by": "user:ann", "until": None}, ["paused"])


def test_pages() -> None:
    """They follow each other by fabric and VID, or are of some VLANs or fabrics only."""
    numbers = range(1, 6)
    rows = {
        VlanId(number): evolve(VLAN, id=VlanId(number), fabric=FabricId(number % 2))
        for number in numbers
    }
    roles = tuple(evolve(vlan(), vlan=vlan_id) for vlan_id in rows)
    known = evolve(picture(VLAN), networks=evolve(NETWORKS, vlans=rows))
    known = evolve(known, outcomes=dict.fromkeys(rows, RUNNING))
    seen = RoleSituation(roles, decide_all(roles, {}, FREE, NOW), (), known, NOW)

    def asked(page: RolesPage) -> tuple[list[int], object]:
        shown: Any = roles_json(seen, page)
        assert shown["count"] == len(shown["vlans"])
        return [one["id"] for one in shown["vlans"]], shown["next_uri"]

    assert asked(ALL) == ([*numbers], None)
    root = "/MAAS/api/2.0/dhcp-roles/"
    assert asked(RolesPage(limit=2)) == ([1, 2], f"{root}?limit=2&offset=2")
    assert asked(RolesPage(limit=2, offset=4)) == ([5], None)
    assert asked(RolesPage(vlan=(2, 5, 9))) == ([2, 5], None)
    assert asked(RolesPage(fabric=(1,), limit=1)) == ([1], f"{root}?fabric=1&limit=1&offset=1")
    assert asked(RolesPage(vlan=(2, 4, 5), fabric=(0,), limit=1, offset=1)) == ([4], None)


def test_which_pairs_work() -> None:
    """Those that serve, both in state normal."""
    first, second = rack_view(ONE, role=PRIMARY), rack_view(TWO, role=SECONDARY)
    assert working(picture(PAIRED, first, second)) == {VLAN.id}
    assert working(picture(PAIRED, first, evolve(second, links=()))) == set()
    assert working(picture(ALONE, first)) == set()
    assert working(picture(evolve(PAIRED, dhcp_on=False), first, second)) == set()
