"""`maasha dhcp roles`: the real command against a small region."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from tests.integration.cli.conftest import DEADLINE, User
from tests.integration.cli.small_region import KEY, Reply, SmallRegion, running_region

SWAPS = [
    {
        "id": number,
        "fabric": f"fabric-{number}",
        "vid": 0,
        "primary": "rack2",
        "secondary": "rack1",
        "reason": "rack1 is the primary of 4 VLANs, rack2 of 0",
    }
    for number in (7, 8)
]
NOT_BEGUN = "Not begun: fabric-8 VID 0; plan anew: maasha dhcp roles --plan\n"
VLAN = {
    "id": 7,
    "fabric": "fabric-7",
    "vid": 0,
    "dhcp_status": "running",
    "primary": "rack1",
    "primary_by": "automatic",
    "secondary": None,
    "secondary_by": "user:admin",
    "why": "a person (user:admin) wants no secondary",
}
ROLES = {"vlans": [VLAN], "plan": SWAPS, "pause": None, "stops": []}


def stands(status: str) -> Reply:
    """Give a VLAN whose DHCP stands so."""
    return Reply(200, {"id": 7, "dhcp_status": status})


PENDING, RUNNING = stands("pending: rack rack1 is off and becomes secondary"), stands("running")


def test_programs_get_json(admin: User, region: SmallRegion) -> None:
    """All of it, or the plan alone; nothing is done."""
    region.will_answer("GET dhcp-roles/", Reply(200, ROLES))
    done = admin.maasha("dhcp roles maas")
    assert (done.status, json.loads(done.out), done.err) == (0, ROLES, "")
    assert json.loads(admin.maasha("dhcp roles --plan").out) == SWAPS
    assert {seen.method for seen in region.seen} == {"GET"}


def test_all_pages_are_read(admin: User, region: SmallRegion) -> None:
    """People and programs get all VLANs as one; the plan is whole on each page."""
    pages = [
        Reply(200, ROLES | {"count": 1, "next_uri": "/further"}),
        Reply(200, ROLES | {"vlans": [VLAN | {"fabric": "fabric-8"}], "next_uri": None}),
    ]
    region.will_answer("GET dhcp-roles/", *pages)
    document = json.loads(admin.maasha("dhcp roles").out)
    assert [vlan["fabric"] for vlan in document["vlans"]] == ["fabric-7", "fabric-8"]
    assert (document["count"], document["next_uri"], document["plan"]) == (2, None, SWAPS)
    asked = [dict(seen.fields) for seen in region.asked("GET", "dhcp-roles/")]
    assert asked == [{"limit": "1000"}, {"limit": "1000", "offset": "1"}]
    region.will_answer("GET dhcp-roles/", *pages)
    assert "fabric-8  0    running" in admin.on_a_terminal("dhcp roles").out
    region.will_answer("GET dhcp-roles/", pages[0])
    assert json.loads(admin.maasha("dhcp roles --plan").out) == SWAPS
    region.will_answer("GET dhcp-roles/", pages[0], Reply(503, "Later."))
    assert admin.maasha("dhcp roles").status != 0


def test_people_get_tables(admin: User, region: SmallRegion) -> None:
    """Who serves and why nobody else does; the plan says how it is carried out."""
    region.will_answer("GET dhcp-roles/", Reply(200, ROLES))
    shown = admin.on_a_terminal("dhcp roles").out
    assert "fabric-7  0    running  rack1 (automatic)  nobody (user:admin)\n    a person" in shown
    plan = admin.on_a_terminal("dhcp roles --plan").out
    assert plan.startswith("Planned: 2\nFABRIC    VID  PRIMARY ")
    assert "rack1 is the primary of 4 VLANs" in plan


def test_a_plan_is_carried_out(admin: User, region: SmallRegion) -> None:
    """One VLAN after the other, each normal before the next; a log has a line for each change."""
    region.will_answer("GET dhcp-roles/", Reply(200, ROLES))
    region.will_answer("POST dhcp-roles/", PENDING, RUNNING)
    region.will_answer("GET vlans/7/", PENDING, RUNNING)
    done = admin.maasha("dhcp roles --plan --apply")
    assert (done.status, done.out) == (0, "")
    assert done.err.splitlines() == [
        "0 of 2 changed, fabric-7 VID 0: begins",
        "0 of 2 changed, fabric-7 VID 0: pending",
        "1 of 2 changed, fabric-7 VID 0: running",
        "1 of 2 changed, fabric-8 VID 0: begins",
        "2 of 2 changed, fabric-8 VID 0: running",
    ]
    assert [(seen.method, seen.path) for seen in region.seen] == [
        ("GET", "dhcp-roles/"),
        ("POST", "dhcp-roles/"),
        ("GET", "vlans/7/"),
        ("GET", "vlans/7/"),
        ("POST", "dhcp-roles/"),
    ]
    assert [seen.fields for seen in region.asked("POST")] == [
        (("op", "swap"), ("vlan", "7"), ("primary", "rack2")),
        (("op", "swap"), ("vlan", "8"), ("primary", "rack2")),
    ]


@pytest.mark.parametrize(
    ("silence", "why"),
    [
        (Reply(503, "Later.", {"Retry-After": "1"}), "it answered 503"),
        (Reply(502, "Bad gateway."), "it answered 502"),
        (Reply(0), "Remote end closed connection without response"),
    ],
)
def test_a_region_that_is_away_is_waited_for(
    admin: User, region: SmallRegion, silence: Reply, why: str
) -> None:
    """The same swap is asked for again, which does no harm; and so is how far it is."""
    region.will_answer("GET dhcp-roles/", Reply(200, ROLES | {"plan": SWAPS[:1]}))
    region.will_answer("POST dhcp-roles/", silence, PENDING)
    region.will_answer("GET vlans/7/", PENDING, silence, RUNNING)
    done = admin.maasha("dhcp roles --plan --apply")
    assert (done.status, done.out) == (0, "")
    away = f"when last heard; no answer ({why}), trying again"
    assert done.err.splitlines() == [
        "0 of 1 changed, fabric-7 VID 0: begins",
        f"0 of 1 changed, fabric-7 VID 0: begins {away}",
        "0 of 1 changed, fabric-7 VID 0: pending",
        f"0 of 1 changed, fabric-7 VID 0: pending {away}",
        "1 of 1 changed, fabric-7 VID 0: running",
    ]
    asked = region.asked("POST")
    assert [seen.fields for seen in asked] == [asked[0].fields] * 2


def test_a_region_that_restarts_is_waited_for(admin: User) -> None:
    """Nobody listens there meanwhile."""
    with ExitStack() as life:
        before = life.enter_context(running_region())
        assert admin.maasha(f"login again {before.url} {KEY}").status == 0
        before.will_answer("GET dhcp-roles/", Reply(200, ROLES | {"plan": SWAPS[:1]}))
        before.will_answer("POST dhcp-roles/", PENDING)
        before.will_answer("GET vlans/7/", PENDING)
        with admin.begins("dhcp roles again --plan --apply") as process:
            remarks = process.stderr
            assert remarks is not None
            assert [remarks.readline().split()[-1] for _ in range(2)] == ["begins", "pending"]
            life.close()
            assert "no answer (Connection refused), trying again" in remarks.readline()
            with running_region(port=before.port) as after:
                after.will_answer("GET vlans/7/", RUNNING)
                assert process.wait(DEADLINE) == 0
            assert remarks.read() == "1 of 1 changed, fabric-7 VID 0: running\n"


def test_a_region_that_stays_away(admin: User, region: SmallRegion) -> None:
    """It is waited for as long as is said; then it is told what is not known and not begun."""
    region.will_answer("GET dhcp-roles/", Reply(200, ROLES))
    region.will_answer("POST dhcp-roles/", Reply(503, "Later."))
    done = admin.maasha("dhcp roles --plan --apply --deadline 2")
    assert done.status == 1
    assert "fabric-7 VID 0 is not normal again: there is no answer: it answered 503\n" in done.err
    assert NOT_BEGUN in done.err


def test_at_a_terminal(admin: User, region: SmallRegion) -> None:
    """There is one bar."""
    region.will_answer("GET dhcp-roles/", Reply(200, ROLES))
    region.will_answer("POST dhcp-roles/", RUNNING)
    done = admin.on_a_terminal("dhcp roles --plan --apply")
    bars = [
        f"[{'.' * 30}] 0 of 2 changed, fabric-7 VID 0: begins",
        f"[{'#' * 15}{'.' * 15}] 1 of 2 changed, fabric-7 VID 0: running",
        f"[{'#' * 15}{'.' * 15}] 1 of 2 changed, fabric-8 VID 0: begins",
        f"[{'#' * 30}] 2 of 2 changed, fabric-8 VID 0: running",
    ]
    assert (done.status, done.out) == (0, "".join(f"\r{bar}\x1b[K" for bar in bars) + "\n")


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ((stands("failed: rack rack1 refused the configuration"),), "refused the configuration"),
        ((PENDING,), "pending: rack rack1 is off"),
        ((Reply(200, "Hello."),), "fabric-7 VID 0 is not normal again: unknown"),
    ],
)
def test_a_pair_that_does_not_become_normal(
    admin: User, region: SmallRegion, answers: tuple[Reply, ...], found: str
) -> None:
    """The next one is not touched."""
    region.will_answer("GET dhcp-roles/", Reply(200, ROLES))
    region.will_answer("POST dhcp-roles/", PENDING)
    region.will_answer("GET vlans/7/", *answers)
    done = admin.maasha("dhcp roles --plan --apply --deadline 2")
    assert (done.status, found in done.err) == (1, True), done.err
    assert NOT_BEGUN in done.err
    assert len(region.asked("POST")) == 1


def test_a_swap_that_is_refused(admin: User, region: SmallRegion) -> None:
    """The region's sentence is shown, and the rest is left."""
    region.will_answer("GET dhcp-roles/", Reply(200, ROLES))
    region.will_answer("POST dhcp-roles/", RUNNING, Reply(409, "The racks of VLAN x do not ..."))
    done = admin.maasha("dhcp roles --plan --apply")
    assert (done.status, done.out) == (2, "The racks of VLAN x do not ...\n")
    assert "1 of 2 changed, fabric-8 VID 0: begins\nIt contradicts" in done.err
    assert "Not begun" not in done.err
    region.will_answer("POST dhcp-roles/", PENDING)
    region.will_answer("GET vlans/7/", Reply(404, "No VLAN."))
    done = admin.maasha("dhcp roles --plan --apply")
    assert (done.out, NOT_BEGUN in done.err) == ("No VLAN.\n", True)


def test_nothing_is_planned(admin: User, region: SmallRegion) -> None:
    """Nothing is done, which is no failure."""
    region.will_answer("GET dhcp-roles/", Reply(200, ROLES | {"plan": []}))
    done = admin.maasha("dhcp roles --plan --apply")
    assert (done.status, done.err.startswith("Planned: nothing; ")) == (0, True)
    assert region.asked("POST") == []


def test_another_region_that_cannot(admin: User, region: SmallRegion) -> None:
    """An answer that is none is shown as it came."""
    region.will_answer("GET dhcp-roles/", Reply(404, "Unknown path."))
    done = admin.maasha("dhcp roles")
    assert (done.status, done.out) == (2, "Unknown path.\n")
