"""What `maasha dhcp roles` shows."""

from __future__ import annotations

from hypothesis import given

from maasha.cli.roles_text import not_begun_text, plan_text, roles_text, step_words, vlan_label
from tests.unit.cli.test_shape import json_values


def vlan(number: int, primary: str, secondary: str, why: str, **more: object) -> dict[str, object]:
    """Give a VLAN as dhcp-roles/ shows it."""
    return {
        "fabric": f"fabric-{number}",
        "vid": 0,
        "dhcp_status": "running",
        "primary": primary or None,
        "primary_by": "automatic",
        "secondary": secondary or None,
        "secondary_by": "automatic",
        "why": why,
    } | more


NOBODY = "nobody: rack2 and the primary do not reach each other's TCP port 647; it has a clock"
KEPT = "a person (user:ann) wants no secondary"
SWAP = {"fabric": "fabric-1", "vid": 0, "primary": "rack2", "secondary": "rack1", "reason": "3, 1"}
ROLES = {
    "vlans": [
        vlan(0, "", "", "DHCP is off", dhcp_status="off"),
        vlan(1, "rack1", "rack2", "both places are filled", primary_by="user:ann"),
        vlan(2, "rack1", "", NOBODY),
        vlan(3, "rack1", "", KEPT, secondary_by="user:ann"),
        vlan(4, "", "", "held: paused", dhcp_status="pending: its primary rack is being chosen"),
    ],
    "plan": [SWAP],
    "pause": {"by": "user:ann", "until": "13:00"},
    "stops": ["paused by user:ann", "3 of 4 racks vanished at once"],
}

SHOWN = """\
FABRIC    VID  DHCP     PRIMARY            SECONDARY
fabric-0  0    off      -                  -
fabric-1  0    running  rack1 (user:ann)   rack2 (automatic)
fabric-2  0    running  rack1 (automatic)  -
    nobody: rack2 and the primary do not reach each other's TCP port 647; it has
    a clock
fabric-3  0    running  rack1 (automatic)  nobody (user:ann)
    a person (user:ann) wants no secondary
fabric-4  0    pending  -                  -
    held: paused

Paused by user:ann until 13:00: nothing is done without a hand
Nothing is changed without a hand: 3 of 4 racks vanished at once
Primaries can be more even by 1 change: maasha dhcp roles --plan"""

PLANNED = """\
Planned: 1
FABRIC    VID  PRIMARY         REASON
fabric-1  0    rack1 -> rack2  3, 1
Nothing is done yet; carry it out with: maasha dhcp roles --plan --apply"""


def test_the_roles() -> None:
    """Who serves and by whose choice; below it why nobody else does, within 80 columns."""
    assert roles_text(ROLES) == SHOWN
    assert max(map(len, SHOWN.splitlines())) <= 80


def test_without_vlans() -> None:
    """There may be none."""
    assert roles_text({"vlans": []}) == "There is no VLAN yet"
    assert roles_text({"vlans": ROLES["vlans"]}) == SHOWN.partition("\n\n")[0]
    alarm = {"vlans": ROLES["vlans"], "stops": ["3 of 4 racks vanished at once"]}
    assert roles_text(alarm).endswith(
        "\n\nNothing is changed without a hand: 3 of 4 racks vanished at once"
    )


def test_the_plan() -> None:
    """What would change, why, and how it is carried out."""
    assert plan_text(ROLES) == PLANNED
    two = roles_text(ROLES | {"plan": [SWAP, SWAP]})
    assert two.endswith("even by 2 changes: maasha dhcp roles --plan")
    assert plan_text({"plan": []}).startswith("Planned: nothing; ")


def test_how_far_it_is() -> None:
    """How many are done, and how the one that is under way stands."""
    label = vlan_label(SWAP)
    bar, line = step_words(1, 2, label, "pending: rack rack1 has not confirmed")
    assert line == "1 of 2 changed, fabric-1 VID 0: pending"
    assert bar == f"[{'#' * 15}{'.' * 15}] {line}"
    assert step_words(0, 2, label, "")[1].endswith(": unknown")
    assert step_words(2, 2, label, "running")[1] == "2 of 2 changed, fabric-1 VID 0: running"
    bar, line = step_words(1, 2, label, "pending: ...", "it answered 503")
    assert bar.endswith("] 1 of 2 changed, fabric-1 VID 0: pending, no answer for now")
    assert line.endswith("pending when last heard; no answer (it answered 503), trying again")


def test_what_was_not_begun() -> None:
    """The first of it, and how many more."""
    swaps = [{"fabric": "f", "vid": vid} for vid in range(12)]
    assert not_begun_text([]) == ""
    assert not_begun_text(swaps[:2]) == (
        "Not begun: f VID 0, f VID 1; plan anew: maasha dhcp roles --plan"
    )
    assert "f VID 9 and 2 more; plan" in not_begun_text(swaps)


@given(json_values)
def test_any_answer_is_shown(value: object) -> None:
    """An answer of another shape never makes the command fail."""
    for shown in (roles_text, plan_text):
        assert shown(value)
        for key in ("vlans", "plan", "pause", "stops"):
            assert shown({"vlans": [{}], key: value})
            assert shown({key: [value, {}]})
    assert roles_text({"vlans": [{"why": value, "primary": value, "dhcp_status": value}]})
