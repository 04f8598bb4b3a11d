"""Leases of a VLAN that is not served are kept, and come back with it."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from maasha.dhcp.aside import rearranged
from maasha.dhcp.effective import effective
from maasha.dhcp.folder import Folder
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.render import render
from maasha.model.dhcp import SOLO
from maasha.model.network import RelayedVlan, VlanId
from maasha.model.orders import Order, OrderKind
from tests.unit.dhcp.networks import PLAIN, PRIMARY, rack, span, subnet, vlan
from tests.unit.region.spot import NOON

HEAD = "authoring-byte-order little-endian;\n"
MINE = "lease 10.0.0.50 {\n  binding state active;\n}\n"
STATE = 'failover peer "failover-vlan-5001-1" state {\n  my state normal at 1;\n}\n'
OTHERS = "lease 10.1.0.50 {\n  binding state active;\n}\n"
CUT = "lease 10.0.0.51 {\n"
OTHER = vlan(
    subnet(span("10.1.0.50", "10.1.0.99"), cidr="10.1.0.0/24"),
    number=2,
    own="10.1.0.1",
    interface="eth1",
)
BOTH = render(rack(PLAIN, OTHER), {PLAIN.vlan: PRIMARY, OTHER.vlan: SOLO}).plan
ONE = render(rack(PLAIN, OTHER), {OTHER.vlan: SOLO}).plan


def test_what_is_declared_no_more_goes_aside() -> None:
    """Leases and the state of the pair; the rest stays as it is."""
    kept, aside = rearranged(HEAD + MINE + STATE + OTHERS + CUT, "", BOTH, ONE)
    assert kept == HEAD + OTHERS
    assert aside == MINE + STATE


def test_the_leases_of_relayed_vlans_go_with_them() -> None:
    """They have ranges of their own."""
    far = RelayedVlan(
        VlanId(8), 600, 1500, (subnet(span("20.0.0.50", "20.0.0.99"), cidr="20.0.0.0/24"),)
    )
    there = "lease 20.0.0.50 {\n  binding state active;\n}\n"
    for role in (SOLO, PRIMARY):
        facts = rack(evolve(PLAIN, relayed=(far,)), OTHER)
        both = render(facts, {PLAIN.vlan: role, OTHER.vlan: SOLO}).plan
        one = effective(both, [Order(1, OrderKind.STOP, PLAIN.vlan, NOON)])
        assert rearranged(MINE + there + OTHERS, "", both, one) == (OTHERS, MINE + there)
        assert rearranged(OTHERS, MINE + there, one, both) == (OTHERS + MINE + there, "")


def test_what_is_declared_again_comes_back() -> None:
    """Behind what is there, as the newest word."""
    assert rearranged(HEAD + OTHERS, MINE + STATE, BOTH, BOTH) == (HEAD + OTHERS + MINE + STATE, "")


def test_a_restart_moves_nothing() -> None:
    """Neither here nor aside."""
    assert rearranged(HEAD + OTHERS, MINE, BOTH, ONE) == (HEAD + OTHERS, MINE)
    assert rearranged(HEAD + MINE, "", EMPTY, BOTH) == (HEAD + MINE, "")


def test_the_files_are_put_in_order_before_a_start(tmp_path: Path) -> None:
    """And once more after a crash in between, which changes nothing."""
    folder = Folder(tmp_path, lambda: "store")
    folder.set_aside(BOTH, ONE)
    folder.leases.write_text(HEAD + MINE + STATE + OTHERS)
    for _ in range(2):
        folder.set_aside(BOTH, ONE)
        assert folder.leases.read_text() == HEAD + OTHERS
    folder.set_aside(ONE, BOTH)
    assert folder.leases.read_text() == HEAD + OTHERS + MINE + STATE
    folder.set_aside(ONE, BOTH)
    assert folder.leases.read_text() == HEAD + OTHERS + MINE + STATE
