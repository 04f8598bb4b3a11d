"""`maasha dhcp status` and `takeover`: the real command against a small region."""

from __future__ import annotations

import json

from tests.integration.cli.conftest import User
from tests.integration.cli.small_region import Reply, SmallRegion
from tests.unit.cli.test_standing_text import ALONE, OFF

TAKEN = {
    "id": 5001,
    "dhcp_status": "running",
    "survivor": "rack2",
    "off": "rack1",
    "taken_over": [5001],
}


def test_programs_get_json(admin: User, region: SmallRegion) -> None:
    """Of all VLANs, or of one."""
    region.will_answer("GET dhcp-status/", Reply(200, [ALONE, OFF]))
    done = admin.maasha("dhcp status")
    assert (done.status, json.loads(done.out), done.err) == (0, [ALONE, OFF], "")
    admin.maasha("dhcp status 5001")
    assert [seen.fields for seen in region.seen] == [(), (("vlan", "5001"),)]


def test_people_get_tables(admin: User, region: SmallRegion) -> None:
    """With what the alarms say; of one VLAN with all that is known."""
    region.will_answer("GET dhcp-status/", Reply(200, [ALONE]))
    assert "rack2 serves alone, as rack1 is away" in admin.on_a_terminal("dhcp status").out
    assert "Advice: Leases of 7200 s" in admin.on_a_terminal("dhcp status 5001").out


def test_a_refusal_is_shown(admin: User, region: SmallRegion) -> None:
    """As the region words it."""
    region.will_answer("GET dhcp-status/", Reply(404, "There is no such VLAN."))
    done = admin.maasha("dhcp status 7")
    assert (done.status, done.out) == (2, "There is no such VLAN.\n")


def test_taking_over(admin: User, region: SmallRegion) -> None:
    """Whose host is off goes along."""
    region.will_answer("POST dhcp-status/", Reply(200, TAKEN))
    shown = admin.on_a_terminal("dhcp takeover 5001 --off rack1").out
    assert "rack2 serves alone in the stead of rack1, with all addresses, on VLAN 5001" in shown
    admin.maasha("dhcp takeover 5001 --off rack1 --force")
    assert [seen.fields for seen in region.seen] == [
        (("op", "takeover"), ("vlan", "5001"), ("off", "rack1")),
        (("op", "takeover"), ("vlan", "5001"), ("off", "rack1"), ("force", "true")),
    ]


def test_nobody_takes_over_without_naming_who_is_off(admin: User, region: SmallRegion) -> None:
    """The region is not even asked."""
    done = admin.maasha("dhcp takeover 5001")
    assert done.status == 2
    assert "--off RACK" in done.err
    assert region.seen == []
