from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.api.rack_removal import succeed, succeed_all
from maasha.db.vlans import RackChoice
from maasha.model.network import VlanId
from tests.unit.api.samples import CHOICES, ONE, THREE, TWO, VLAN

SOLO = evolve(VLAN, primary=ONE, dhcp_on=True)
PAIRED = evolve(SOLO, secondary=TWO)
TWO_RACKS = CHOICES[:2]


def test_secondary_is_promoted() -> None:
    """The secondary becomes the primary, under a new pairing."""
    after = succeed(PAIRED, ONE, TWO_RACKS).after
    assert after == evolve(SOLO, primary=TWO, pairing=PAIRED.pairing + 1)


def test_the_other_place_is_free() -> None:
    """Nobody knows of a third rack whether it can be the peer, so the leader looks for one."""
    assert succeed(PAIRED, ONE, CHOICES).after.racks == (TWO,)
    assert succeed(PAIRED, TWO, CHOICES).after.racks == (ONE,)


def test_another_rack_takes_over() -> None:
    """Without a secondary another connected rack on the VLAN becomes the primary."""
    succession = succeed(SOLO, ONE, TWO_RACKS)
    assert succession.after.racks == (TWO,)
    assert not succession.loses_dhcp


@pytest.mark.parametrize(
    "unfit", [evolve(CHOICES[1], lost=True), evolve(CHOICES[1], draining=True)]
)
def test_an_unfit_rack_takes_nothing_over(unfit: RackChoice) -> None:
    """It is drained, or a person said that it is lost."""
    assert succeed(SOLO, ONE, (CHOICES[0], unfit, CHOICES[2])).after.racks == (THREE,)
    assert succeed(SOLO, ONE, (CHOICES[0], unfit)).loses_dhcp


def test_the_least_busy_rack_takes_over() -> None:
    """What it takes over with the same deletion counts, too."""
    busy = evolve(CHOICES[1], primaries=1)
    vlans = [(evolve(SOLO, id=VlanId(vlan)), (busy, CHOICES[2])) for vlan in (7, 8, 9)]
    paired = (PAIRED, CHOICES)
    after = [each.after.racks for each in succeed_all([paired, *vlans], ONE)]
    assert after == [(TWO,), (THREE,), (THREE,), (TWO,)]
    kept = succeed_all([(PAIRED, CHOICES), vlans[0]], TWO)
    assert [each.after.racks for each in kept] == [(ONE,), (ONE,)]


def test_people_choose() -> None:
    """With ha_auto off nobody is chosen: the peer goes on, and without one DHCP is off."""
    by_hand = evolve(SOLO, ha_auto=False)
    assert succeed(by_hand, ONE, CHOICES).loses_dhcp
    assert succeed(by_hand, ONE, CHOICES).after.racks == ()
    assert succeed(evolve(PAIRED, ha_auto=False), ONE, CHOICES).after.racks == (TWO,)


def test_who_chose() -> None:
    """A rack that keeps its place keeps its author; who comes to another one is automatic."""
    ann = evolve(PAIRED, primary_by="user:ann", secondary_by="user:ann")
    for choices in (CHOICES, TWO_RACKS):
        after = succeed(ann, TWO, choices).after
        assert (after.primary_by, after.secondary_by) == ("user:ann", "")
        after = succeed(ann, ONE, choices).after
        assert (after.primary_by, after.secondary_by) == ("", "")
    kept = evolve(SOLO, primary_by="user:ann", secondary_by="user:ann")
    after = succeed(kept, ONE, CHOICES).after
    assert (after.racks, after.primary_by, after.secondary_by) == ((TWO,), "", "user:ann")


def test_nobody_left() -> None:
    """With nobody left DHCP is off: racks elsewhere and racks without link do not count."""
    absent = RackChoice(TWO, on_vlan=True, connected=False)
    succession = succeed(SOLO, ONE, (CHOICES[0], absent, CHOICES[3]))
    assert succession.loses_dhcp
    assert succession.after.racks == ()


def test_vlan_without_dhcp_loses_nothing() -> None:
    """A VLAN that was not served loses its rack and no DHCP."""
    off = evolve(SOLO, dhcp_on=False)
    assert not succeed(off, ONE, CHOICES[:1]).loses_dhcp
    assert succeed(off, ONE, CHOICES).after.racks == ()


@given(
    st.sampled_from([SOLO, PAIRED]),
    st.sampled_from([ONE, TWO]),
    st.lists(st.sampled_from(CHOICES), unique=True),
)
def test_the_gone_rack_has_no_part(vlan: object, gone: object, choices: list[RackChoice]) -> None:
    """However many racks there are, the one that goes has no part and nobody has two."""
    assert isinstance(vlan, type(VLAN))
    assert isinstance(gone, type(ONE))
    after = succeed(vlan, gone, tuple(choices)).after
    assert gone not in after.racks
    assert len(set(after.racks)) == len(after.racks) <= len(vlan.racks)
    assert after.dhcp_on == bool(after.racks)
