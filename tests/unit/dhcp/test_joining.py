"""What a rack forgets before it joins a pair."""

from __future__ import annotations

from ipaddress import IPv4Address

from attrs import evolve
from hypothesis import given, settings

from maasha.dhcp.facts import RackFacts
from maasha.dhcp.joining import Past, forget, new_primaries, past, spans
from maasha.dhcp.plan import EMPTY
from maasha.dhcp.pools import Span, pools
from maasha.dhcp.render import render
from maasha.model.dhcp import SOLO, DhcpPlan, Duty, Role
from maasha.model.network import VlanId
from tests.unit.dhcp.networks import PLAIN, PRIMARY, rack, situations

LEASE = "lease 10.0.0.{} {{\n  binding state active;\n}}\n"
STATE = 'failover peer "{}" state {{\n  my state normal at 1 2026/11/23 16:08:55;\n}}\n'
HOST = "host old {\n  dynamic;\n  deleted;\n}\n"
HEAD = "# a comment\nauthoring-byte-order little-endian;\n"
SECONDARY = evolve(PRIMARY, duty=Duty.SECONDARY)
POOL = Span(IPv4Address("10.0.0.50"), IPv4Address("10.0.0.99"))


def plan(role: Role) -> DhcpPlan:
    """Give the plan of a rack that serves one VLAN in this role."""
    return render(rack(PLAIN), {PLAIN.vlan: role}).plan


def test_a_new_secondary_knows_nothing_of_the_vlan() -> None:
    """Leases from before its time overwrite the primary's newer ones."""
    assert past(plan(SECONDARY), EMPTY) == Past(frozenset({PRIMARY.peer_name}), (POOL,))
    assert past(plan(SECONDARY), None) == past(plan(SECONDARY), EMPTY)


def test_a_rack_that_serves_keeps_its_leases() -> None:
    """It forgets only an older life of the pair that it forms now."""
    assert past(plan(PRIMARY), plan(SOLO)) == Past(frozenset({PRIMARY.peer_name}), ())
    assert past(plan(SECONDARY), plan(SOLO)) == Past(frozenset({PRIMARY.peer_name}), ())
    assert past(plan(SOLO), plan(PRIMARY)) == Past()


def test_a_restart_forgets_nothing() -> None:
    """The same pair under the same name goes on."""
    assert past(plan(SECONDARY), plan(SECONDARY)) == Past()


def test_a_rack_depends_on_a_new_secondary_only() -> None:
    """Only the primary of a pair that it did not have has to be sure of its peer."""
    assert new_primaries(plan(PRIMARY), plan(SOLO)) == (PRIMARY,)
    assert new_primaries(plan(PRIMARY), plan(PRIMARY)) == ()
    assert new_primaries(plan(SECONDARY), EMPTY) == ()


@given(situations())
@settings(max_examples=40, deadline=None)
def test_the_addresses_of_a_vlan_can_be_read_back(
    situation: tuple[RackFacts, dict[VlanId, Role]],
) -> None:
    """A rack knows from the text alone what it may lease on which VLAN."""
    facts, roles = situation
    config = render(facts, roles).plan.config
    for vlan in facts.vlans:
        taken = [member.address for member in vlan.members if member.address is not None]
        nets = sorted(vlan.subnets, key=lambda net: net.cidr)
        expected = tuple(entry for net in nets for entry in pools(net, taken))
        role = roles[vlan.vlan]
        served = f"\nshared-network vlan-{vlan.vlan} " in config
        relayed = [entry for entry in vlan.relayed if f"-network vlan-{entry.vlan} " in config]
        for other in sorted(relayed, key=lambda entry: entry.vlan):
            nets = sorted(other.subnets, key=lambda net: net.cidr)
            expected += tuple(entry for net in nets for entry in pools(net, taken))
        found = spans(config, role.peer_name)
        assert found == (expected if served and role.paired else ())


def test_what_belongs_to_the_past_goes_and_all_else_stays() -> None:
    """Leases and states are told apart by address and name."""
    gone = Past(frozenset({"failover-vlan-1-2"}), (POOL,))
    kept = HEAD + STATE.format("failover-vlan-1-1") + LEASE.format(49) + LEASE.format(100)
    text = kept + STATE.format("failover-vlan-1-2") + LEASE.format(50) + LEASE.format(99)
    assert forget(text, gone) == kept


def test_hosts_and_damage_always_go() -> None:
    """A tombstone would hide a configured host; a record cut short is no record."""
    cut = LEASE.format(7)[:-2]
    text = HEAD + HOST + cut + LEASE.format(49) + HOST + cut
    assert forget(text, Past()) == HEAD + LEASE.format(49)
