from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.api.rack_removal import succeed
from maasha.db.vlans import RackChoice
from tests.unit.api.samples import CHOICES, ONE, THREE, TWO, VLAN

SOLO = evolve(VLAN, primary=ONE, dhcp_on=True)
PAIRED = evolve(SOLO, secondary=TWO)
TWO_RACKS = CHOICES[:2]


def test_secondary_is_promoted() -> None:
    """The secondary becomes the primary, under a new pairing."""
    after = succeed(PAIRED, ONE, TWO_RACKS).after
    assert after == evolve(SOLO, primary=TWO, pairing=PAIRED.pairing + 1)


def test_a_fresh_rack_stands_by() -> None:
    """A third rack on the VLAN takes the free place of a pair."""
    assert succeed(PAIRED, ONE, CHOICES).after.racks == (TWO, THREE)
    assert succeed(PAIRED, TWO, CHOICES).after.racks == (ONE, THREE)


def test_another_rack_takes_over() -> None:
    """Without a secondary another connected rack on the VLAN becomes the primary."""
    succession = succeed(SOLO, ONE, TWO_RACKS)
    assert succession.after.racks == (TWO,)
    assert not succession.loses_dhcp


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
