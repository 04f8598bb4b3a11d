"""Leases of a VLAN that is not served are kept, and come back with it."""

from __future__ import annotations

from pathlib import Path

from maasha.dhcp.aside import rearranged
from maasha.dhcp.folder import Folder
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.render import render
from maasha.model.dhcp import SOLO
from tests.unit.dhcp.networks import PLAIN, PRIMARY, rack, span, subnet, vlan

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
