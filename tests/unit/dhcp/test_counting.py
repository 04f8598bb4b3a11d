"""Addresses by state, counted as leases change."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.book import LeaseBook
from maasha.dhcp.counting import KINDS, TO_GIVE, Kind, PoolCounter, Pools, pools_of
from maasha.dhcp.facts import RackFacts
from maasha.dhcp.pools import pools
from maasha.dhcp.render import render
from maasha.model.dhcp import Role
from maasha.model.lease import BindingState, Lease
from maasha.model.network import VlanId
from maasha.model.pools import PoolCount
from tests.unit.dhcp.networks import situations

BASE = 10 << 24
ONE, TWO = VlanId(1), VlanId(2)
POOLS: Pools = {
    ONE: ((BASE + 10, BASE + 19), (BASE + 30, BASE + 34)),
    TWO: ((BASE + 20, BASE + 25),),
}


def lease(number: int, state: BindingState) -> Lease:
    """Give a lease of the address with this number."""
    return Lease(IPv4Address(BASE + number), state)


@given(situations())
def test_pools_are_read_back_from_what_was_rendered(
    situation: tuple[RackFacts, dict[VlanId, Role]],
) -> None:
    """VLAN by VLAN, those behind a relay too."""
    facts, roles = situation
    rendered = render(facts, roles)
    found = pools_of(rendered.plan.config)
    left_out = {problem.vlan for problem in rendered.problems}
    served = [vlan for vlan in facts.vlans if vlan.vlan in roles and vlan.vlan not in left_out]
    expected = {}
    for vlan in served:
        taken = [member.address for member in vlan.members if member.address is not None]
        for network in vlan.networks:
            nets = sorted(network.subnets, key=lambda net: net.cidr)
            spans = [(int(each.start), int(each.end)) for net in nets for each in pools(net, taken)]
            if network.vlan not in left_out:
                expected[network.vlan] = tuple(spans)
    assert found == expected


def test_an_address_that_no_record_names_is_free() -> None:
    """A server without leases has all of its pools."""
    counter = PoolCounter()
    counter.arrange(POOLS, ())
    assert counter.counts == (PoolCount(ONE, 15, 15), PoolCount(TWO, 6, 6))


def test_addresses_are_counted_where_they_are() -> None:
    """One outside of all ranges counts nowhere."""
    counter = PoolCounter()
    book = LeaseBook(counter)
    book.arrange(POOLS)
    book.put(lease(number, BindingState.ACTIVE) for number in (9, 10, 19, 20, 25, 26, 30, 35))
    assert [(one.vlan, one.active, one.free) for one in counter.counts] == [
        (ONE, 3, 12),
        (TWO, 2, 4),
    ]


def test_history_is_no_arrival() -> None:
    """What the file says when it is read for the first time came before."""
    counter = PoolCounter()
    book = LeaseBook(counter)
    book.arrange(POOLS)
    book.put([lease(10, BindingState.ACTIVE)])
    counter.begin()
    book.put([lease(11, BindingState.BACKUP), lease(11, BindingState.ACTIVE)])
    book.put([lease(12, BindingState.ACTIVE), lease(10, BindingState.EXPIRED)])
    book.put([lease(10, BindingState.FREE)])
    (one, _) = counter.counts
    assert (one.arrivals, one.returns) == (2, 1)


def test_a_client_that_comes_back_to_its_own_address_takes_none_up() -> None:
    """Expired and active again: no other address is used."""
    counter = PoolCounter()
    book = LeaseBook(counter)
    book.arrange(POOLS)
    counter.begin()
    book.put([lease(10, state) for state in (BindingState.ACTIVE, BindingState.EXPIRED)])
    book.put([lease(10, BindingState.ACTIVE)])
    assert counter.counts[0].arrivals == 1


def test_other_pools_are_counted_anew_and_flows_go_on() -> None:
    """A VLAN that stays keeps its counters; one that goes is forgotten."""
    counter = PoolCounter()
    book = LeaseBook(counter)
    book.arrange(POOLS)
    counter.begin()
    book.put([lease(10, BindingState.ACTIVE), lease(20, BindingState.ACTIVE)])
    book.arrange({ONE: ((BASE + 10, BASE + 29),)})
    book.arrange({ONE: ((BASE + 10, BASE + 29),)})
    assert counter.counts == (PoolCount(ONE, 20, 18, active=2, arrivals=1),)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(BindingState)), max_size=60),
    st.integers(0, 60),
)
def test_the_running_count_is_the_count(steps: list[tuple[int, BindingState]], moved: int) -> None:
    """Whatever changes, and whenever the pools come to be known, it is what counting all gives."""
    counter = PoolCounter()
    book = LeaseBook(counter)
    last: dict[int, BindingState] = {}
    for place, (number, state) in enumerate(steps):
        if place == moved:
            book.arrange(POOLS)
        book.put([lease(number, state)])
        last[number] = state
    book.arrange(POOLS)
    for found in counter.counts:
        numbers = [n - BASE for first, end in POOLS[found.vlan] for n in range(first, end + 1)]
        kinds = Counter(KINDS[last[n]] if n in last else Kind.FREE for n in numbers)
        assert found.total == len(numbers)
        assert (found.free, found.backup) == tuple(kinds[kind] for kind in TO_GIVE)
        assert (found.active, found.returning, found.abandoned) == tuple(
            kinds[kind] for kind in (Kind.ACTIVE, Kind.RETURNING, Kind.ABANDONED)
        )
