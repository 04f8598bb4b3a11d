from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.api.errors import FieldErrors
from maasha.api.forms import ABSENT, Absent
from maasha.api.submissions import VlanUpdate
from maasha.api.vlan_rules import (
    VlanSurroundings,
    changed_vlan,
    concerned,
    matters_to_dhcp,
    matters_to_roles,
)
from maasha.db.vlans import VlanRow
from maasha.model.network import VlanId
from maasha.model.options import Boot, BootFile, PairNumbers
from tests.unit.api.samples import CHOICES, ONE, THREE, TWO, VLAN

AROUND = VlanSurroundings(CHOICES, dynamic_ranges=1)
NO_RACKS = VlanSurroundings(CHOICES[3:], dynamic_ranges=1)
WHO = "user:bob"
SERVED = evolve(VLAN, primary=ONE, dhcp_on=True)
PAIRED = evolve(SERVED, secondary=TWO)


def refusal(before: VlanRow, update: VlanUpdate, around: VlanSurroundings = AROUND) -> FieldErrors:
    """Give what refuses an update."""
    with pytest.raises(FieldErrors) as caught:
        changed_vlan(before, update, around, WHO)
    return caught.value


def test_nothing_submitted() -> None:
    """An update without fields changes nothing."""
    assert changed_vlan(PAIRED, VlanUpdate(), AROUND, WHO) == PAIRED


def test_plain_fields() -> None:
    """Name, description, MTU and lease time become what was submitted."""
    update = VlanUpdate(name="lan", description="d", mtu=9000, lease_time=60)
    expected = evolve(VLAN, name="lan", description="d", mtu=9000, lease_time=60)
    assert changed_vlan(VLAN, update, AROUND, WHO) == expected


def test_what_clients_are_told() -> None:
    """The pair's numbers and the boot files matter to racks once DHCP is on."""
    told = VlanUpdate(mclt=60, split=256, boot_files=(BootFile(None, "grub.0"),))
    after = changed_vlan(VLAN, told, AROUND, WHO)
    assert after.numbers == PairNumbers(60, 256, 60)
    assert after.boot == Boot((BootFile(None, "grub.0"),))
    assert not matters_to_dhcp(VLAN, after)
    served = changed_vlan(SERVED, VlanUpdate(max_response_delay=5), AROUND, WHO)
    assert served.numbers == PairNumbers(max_response_delay=5)
    assert matters_to_dhcp(SERVED, served)
    elsewhere = changed_vlan(SERVED, VlanUpdate(next_server=IPv4Address("10.0.0.9")), AROUND, WHO)
    assert elsewhere.boot.server == IPv4Address("10.0.0.9")


def test_the_page_enables_dhcp() -> None:
    """A primary and dhcp_on together enable DHCP; the pairing rises with the member."""
    after = changed_vlan(VLAN, VlanUpdate(primary_rack="rack-1", dhcp_on=True), AROUND, WHO)
    assert after == evolve(SERVED, pairing=VLAN.pairing + 1, primary_by=WHO)


@pytest.mark.parametrize("called", [TWO.hostname, TWO.system_id])
def test_secondary_by_either_name(called: str) -> None:
    """A rack may be called by its system id or its host name."""
    after = changed_vlan(SERVED, VlanUpdate(secondary_rack=called), AROUND, WHO)
    assert after == evolve(PAIRED, pairing=SERVED.pairing + 1, secondary_by=WHO)


def test_cleared_primary_promotes() -> None:
    """Clearing the primary makes the secondary the primary."""
    after = changed_vlan(PAIRED, VlanUpdate(primary_rack=""), AROUND, WHO)
    assert after.racks == (TWO,)
    assert after.primary == TWO


def test_cleared_primary_promotes_a_new_secondary() -> None:
    """A secondary submitted together with a cleared primary is the one that is promoted."""
    after = changed_vlan(SERVED, VlanUpdate(primary_rack="", secondary_rack="rack-3"), AROUND, WHO)
    assert after.racks == (THREE,)


def test_primary_that_was_the_secondary() -> None:
    """Making the secondary the primary leaves no secondary."""
    after = changed_vlan(PAIRED, VlanUpdate(primary_rack="rack-2"), AROUND, WHO)
    assert after.racks == (TWO,)


def test_swap() -> None:
    """Both racks can change places in one update."""
    update = VlanUpdate(primary_rack="rack-2", secondary_rack="rack-1")
    assert changed_vlan(PAIRED, update, AROUND, WHO).racks == (TWO, ONE)


def test_cleared_secondary() -> None:
    """An empty secondary dissolves the pair."""
    assert changed_vlan(PAIRED, VlanUpdate(secondary_rack=""), AROUND, WHO).racks == (ONE,)


@pytest.mark.parametrize(
    ("before", "update", "field", "words"),
    [
        (SERVED, VlanUpdate(primary_rack="nope"), "primary_rack", "choose from rack-1, rack-2"),
        (SERVED, VlanUpdate(secondary_rack="rack-4"), "secondary_rack", "no interface"),
        (SERVED, VlanUpdate(secondary_rack="rack-1"), "secondary_rack", "primary rack already"),
        (
            VLAN,
            VlanUpdate(primary_rack="rack-1", secondary_rack="aaa111"),
            "secondary_rack",
            "must be different",
        ),
        (VLAN, VlanUpdate(secondary_rack="rack-1"), "secondary_rack", "set primary_rack as well"),
        (VLAN, VlanUpdate(dhcp_on=True, ha_auto=False), "dhcp_on", "or ha_auto=true"),
        (evolve(VLAN, primary_by=WHO), VlanUpdate(dhcp_on=True), "dhcp_on", "needs a primary rack"),
        (SERVED, VlanUpdate(primary_rack=""), "dhcp_on", "needs a primary rack"),
    ],
)
def test_refusals(before: VlanRow, update: VlanUpdate, field: str, words: str) -> None:
    """What breaks a rule is refused at its field, with the mend."""
    refused = refusal(before, update)
    assert list(refused.fields) == [field]
    assert words in refused.fields[field][0]


def test_dhcp_needs_a_range() -> None:
    """DHCP without a dynamic range is refused, also when the primary is right."""
    around = VlanSurroundings(CHOICES, dynamic_ranges=0)
    refused = refusal(VLAN, VlanUpdate(primary_rack="rack-1", dhcp_on=True), around)
    assert "dynamic IPv4 range" in refused.fields["dhcp_on"][0]


def test_a_primary_that_is_chosen_without_a_hand() -> None:
    """DHCP may be on without one as long as a rack on the VLAN can become it."""
    after = changed_vlan(VLAN, VlanUpdate(dhcp_on=True), AROUND, WHO)
    assert after == evolve(VLAN, dhcp_on=True)
    refused = refusal(VLAN, VlanUpdate(dhcp_on=True), NO_RACKS)
    assert "no rack is on this VLAN yet: connect one" in refused.fields["dhcp_on"][0]
    by_hand = refusal(after, VlanUpdate(ha_auto=False))
    assert "needs a primary rack" in by_hand.fields["dhcp_on"][0]


def test_a_lost_rack() -> None:
    """It is not taken, nor offered, nor enough to serve a VLAN."""
    lost = VlanSurroundings((evolve(CHOICES[0], lost=True),), dynamic_ranges=1)
    assert (
        "no rack is on this VLAN"
        in refusal(VLAN, VlanUpdate(dhcp_on=True), lost).fields["dhcp_on"][0]
    )
    refused = refusal(
        VLAN, VlanUpdate(primary_rack="rack-1"), evolve(AROUND, racks=(*lost.racks, *CHOICES[1:]))
    )
    (text,) = refused.fields["primary_rack"]
    assert (
        text == "Rack rack-1 was declared lost; bring it back first, or choose from rack-2, rack-3."
    )


ANN = "user:ann"
BY_ANN = evolve(PAIRED, primary_by=ANN, secondary_by=ANN)
KEPT = evolve(SERVED, secondary_by=ANN)


@pytest.mark.parametrize(
    ("before", "update", "authors"),
    [
        (BY_ANN, VlanUpdate(mtu=1400), (ANN, ANN)),
        (PAIRED, VlanUpdate(secondary_rack="rack-2"), ("", WHO)),
        (PAIRED, VlanUpdate(primary_rack="rack-3"), (WHO, "")),
        (BY_ANN, VlanUpdate(primary_rack="rack-3"), (WHO, ANN)),
        # who is named or cleared is his choice, what becomes free by that is nobody's
        (BY_ANN, VlanUpdate(secondary_rack=""), (ANN, WHO)),
        (BY_ANN, VlanUpdate(primary_rack="rack-2"), (WHO, "")),
        (BY_ANN, VlanUpdate(primary_rack=""), (WHO, "")),
        (BY_ANN, VlanUpdate(primary_rack="", secondary_rack="rack-3"), (WHO, "")),
        (KEPT, VlanUpdate(primary_rack="", secondary_rack="rack-3"), (WHO, "")),
        (BY_ANN, VlanUpdate(primary_rack="rack-2", secondary_rack=""), (WHO, WHO)),
        (
            evolve(BY_ANN, dhcp_on=False),
            VlanUpdate(primary_rack="", secondary_rack=""),
            (WHO, WHO),
        ),
        # an empty place that somebody wants empty stays so
        (KEPT, VlanUpdate(primary_rack="rack-3"), (WHO, ANN)),
        (KEPT, VlanUpdate(ha_auto=False), ("", ANN)),
        # places that are not named are handed back
        (KEPT, VlanUpdate(ha_auto=True), ("", "")),
        (BY_ANN, VlanUpdate(ha_auto=True), ("", "")),
        (BY_ANN, VlanUpdate(ha_auto=True, primary_rack="rack-1"), (WHO, "")),
        (BY_ANN, VlanUpdate(ha_auto=True, secondary_rack=""), ("", WHO)),
    ],
)
def test_who_chose(before: VlanRow, update: VlanUpdate, authors: tuple[str, str]) -> None:
    """An operator's choice is on record, also that of an empty place; all else is automatic."""
    after = changed_vlan(before, update, AROUND, WHO)
    assert (after.primary_by, after.secondary_by) == authors


def test_what_matters_to_roles() -> None:
    """Places, their authors and the switches do."""
    assert matters_to_roles(KEPT, evolve(KEPT, secondary_by=""))
    assert matters_to_roles(KEPT, evolve(KEPT, ha_auto=False))
    assert not matters_to_roles(KEPT, evolve(KEPT, mtu=1400))


def test_both_racks_wrong() -> None:
    """Both racks are judged at once; with no rack on the VLAN the message says so."""
    update = VlanUpdate(primary_rack="rack-4", secondary_rack="x", dhcp_on=True)
    refused = refusal(VLAN, update, NO_RACKS)
    assert set(refused.fields) == {"primary_rack", "secondary_rack"}
    assert "no rack is on this VLAN yet" in refused.fields["secondary_rack"][0]


NAMES = st.sampled_from([ABSENT, "", "rack-1", "rack-2", "bbb222", "rack-4", "x"])
FLAGS = st.sampled_from([ABSENT, True, False])


@given(st.sampled_from([VLAN, SERVED, PAIRED]), NAMES, NAMES, FLAGS, st.integers(0, 1))
def test_invariants(
    before: VlanRow, primary: str | Absent, secondary: str | Absent, on: bool | Absent, ranges: int
) -> None:
    """Whatever is submitted, a VLAN that results has what it needs and a pairing of its own."""
    update = VlanUpdate(primary_rack=primary, secondary_rack=secondary, dhcp_on=on)
    try:
        after = changed_vlan(before, update, VlanSurroundings(CHOICES, ranges), WHO)
    except FieldErrors:
        return
    on_vlan = {choice.rack for choice in CHOICES if choice.on_vlan}
    assert set(after.racks) <= on_vlan
    assert after.primary is not None or after.secondary is None
    assert len(set(after.racks)) == len(after.racks)
    chosen = after.ha_auto and not after.primary_by
    assert not after.dhcp_on or ((after.primary is not None or chosen) and ranges)
    assert (after.pairing > before.pairing) == (after.racks != before.racks)


def test_what_matters() -> None:
    """Names matter to nobody; members, times and the switch matter while DHCP is on or goes off."""
    assert not matters_to_dhcp(SERVED, evolve(SERVED, name="x", description="y"))
    assert matters_to_dhcp(SERVED, evolve(SERVED, lease_time=60))
    assert matters_to_dhcp(SERVED, evolve(SERVED, dhcp_on=False))
    assert not matters_to_dhcp(VLAN, evolve(VLAN, mtu=9000, primary=ONE))


def test_concerned() -> None:
    """Old and new members are concerned, each once."""
    assert concerned(PAIRED, evolve(PAIRED, primary=TWO, secondary=THREE)) == (ONE, TWO, THREE)


OTHER = evolve(VLAN, id=VlanId(8), vid=8)


def relayed_around(**others: Any) -> VlanSurroundings:
    """Give surroundings in which `relay_vlan` names OTHER."""
    return evolve(AROUND, **{"relay": OTHER, **others})


def test_a_vlan_is_relayed_to_another() -> None:
    """Racks learn of it; racks of its own, or the empty value, end it."""
    after = changed_vlan(VLAN, VlanUpdate(relay_vlan=8), relayed_around(), WHO)
    assert after == evolve(VLAN, relay=OTHER.id)
    assert matters_to_dhcp(VLAN, after)
    assert changed_vlan(after, VlanUpdate(relay_vlan=None), AROUND, WHO) == VLAN
    served = changed_vlan(after, VlanUpdate(dhcp_on=True, primary_rack="rack-1"), AROUND, WHO)
    assert (served.relay, served.dhcp_on) == (None, True)


@pytest.mark.parametrize(
    ("before", "update", "around", "words"),
    [
        (VLAN, VlanUpdate(relay_vlan=9), AROUND, "There is no VLAN with the id 9"),
        (VLAN, VlanUpdate(relay_vlan=7), relayed_around(relay=VLAN), "cannot be relayed to itself"),
        (
            VLAN,
            VlanUpdate(relay_vlan=8),
            relayed_around(relay=evolve(OTHER, relay=VlanId(9))),
            "is relayed itself",
        ),
        (VLAN, VlanUpdate(relay_vlan=8), relayed_around(relayed=(OTHER,)), "end that first"),
        (SERVED, VlanUpdate(relay_vlan=8), relayed_around(), "say dhcp_on=false as well"),
        (VLAN, VlanUpdate(relay_vlan=8), relayed_around(dynamic_ranges=0), "a dynamic IPv4 range"),
        (VLAN, VlanUpdate(relay_vlan=8), relayed_around(serving=("rack-1",)), "DHCP still runs on"),
        (
            evolve(VLAN, relay=VlanId(9)),
            VlanUpdate(relay_vlan=8),
            relayed_around(relaying=("rack-1",)),
            "through another relay, or may still be",
        ),
    ],
)
def test_what_cannot_be_relayed(
    before: VlanRow, update: VlanUpdate, around: VlanSurroundings, words: str
) -> None:
    """The field is named with the mend."""
    (text,) = refusal(before, update, around).fields["relay_vlan"]
    assert words in text


def test_two_tables_of_leases_are_never_in_use() -> None:
    """Racks of its own begin when those behind the relay have stopped."""
    relays = evolve(VLAN, relay=OTHER.id)
    update = VlanUpdate(dhcp_on=True, primary_rack="rack-1")
    (text,) = refusal(relays, update, evolve(AROUND, relaying=("rack-2",))).fields["dhcp_on"]
    assert "is served by rack-2 through its relay" in text
    again = changed_vlan(
        relays, VlanUpdate(relay_vlan=OTHER.id), relayed_around(relaying=("rack-2",)), WHO
    )
    assert again == relays


def test_what_is_relayed_keeps_its_dhcp() -> None:
    """The VLAN that others are relayed to is not switched off under them."""
    (text,) = refusal(SERVED, VlanUpdate(dhcp_on=False), evolve(AROUND, relayed=(OTHER,))).fields[
        "dhcp_on"
    ]
    assert "fabric-0.8 would have no DHCP either" in text
