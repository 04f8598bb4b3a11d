"""Clients hear of the regions' name servers in an order that seldom changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.dhcp.naming import DEAD_AFTER, REST, Telling, dead, decide
from maasha.model.naming import Naming, Resolver
from maasha.model.network import VlanId

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
A, B, C = (IPv4Address(f"10.0.{n}.53") for n in (1, 2, 3))


def ago(seconds: float) -> datetime:
    """Give an earlier instant."""
    return NOW - timedelta(seconds=seconds)


def answers(region: int, address: IPv4Address) -> Resolver:
    """Give one that answers."""
    return Resolver(region, address, asked=ago(5), answered=ago(5))


def silent(region: int, address: IPv4Address, *, since: float = DEAD_AFTER + 10) -> Resolver:
    """Give one that answered once."""
    return Resolver(region, address, asked=ago(5), answered=ago(since))


def naming(*resolvers: Resolver, told: tuple[IPv4Address, ...] = ()) -> Naming:
    """Give a VLAN."""
    return Naming(VlanId(1), resolvers, told)


def told(seen: Naming) -> tuple[IPv4Address, ...]:
    """Give what clients are told next."""
    telling = decide(seen, NOW)
    return seen.told if telling is None else telling.servers


def test_who_answers_is_told() -> None:
    """In the order of the regions; nobody answers, and clients are told nothing."""
    assert told(naming(answers(1, A), answers(2, B))) == (A, B)
    never = Resolver(2, B, asked=ago(5))
    assert told(naming(answers(1, A), never)) == (A,)
    assert decide(naming(never), NOW) is None
    assert decide(naming(), NOW) is None


def test_who_is_named_by_hand_is_told() -> None:
    """Answer or not, all of a region's addresses, in the operator's order."""
    resolvers = (Resolver(1, B, by_hand=True), Resolver(1, A, by_hand=True), answers(2, C))
    assert told(naming(*resolvers)) == (B, A, C)


def test_of_its_own_addresses_a_region_has_one() -> None:
    """The first that answers, and then always that one."""
    assert told(naming(answers(1, A), answers(1, B))) == (A,)
    assert told(naming(answers(1, A), answers(1, B), told=(B,))) == (B,)
    assert told(naming(silent(1, A), answers(1, B))) == (B,)


def test_one_address_of_two_regions_is_told_once() -> None:
    """An operator may name it at both."""
    resolvers = (Resolver(1, A, by_hand=True), Resolver(2, A, by_hand=True))
    assert told(naming(*resolvers)) == (A,)


def test_a_dead_one_goes_last() -> None:
    """After ten minutes; it stays on the list."""
    lately = naming(silent(1, A, since=DEAD_AFTER - 10), answers(2, B), told=(A, B))
    assert decide(lately, NOW) is None
    gone = naming(silent(1, A), answers(2, B), told=(A, B))
    assert decide(gone, NOW) == Telling((B, A), rearranges=True)


def test_one_that_comes_back_has_its_place() -> None:
    """When the hour is over."""
    back = naming(answers(1, A), answers(2, B), told=(B, A))
    assert decide(evolve(back, rearranged=ago(REST - 1)), NOW) is None
    assert decide(evolve(back, rearranged=ago(REST)), NOW) == Telling((A, B), rearranges=True)


def test_who_is_not_asked_is_not_dead() -> None:
    """While racks have no region to tell, or there is no rack, nobody knows."""
    assert not dead(Resolver(1, A, asked=ago(9000), answered=ago(9000)))
    assert not dead(Resolver(1, A, by_hand=True))
    assert not dead(Resolver(1, A, by_hand=True, asked=ago(1)))
    assert dead(Resolver(1, A, asked=ago(1)))


def test_where_all_are_dead_the_order_stays() -> None:
    """It is rather the VLAN that is cut off."""
    assert decide(naming(silent(1, A), silent(2, B), told=(B, A)), NOW) is None


def test_another_address_of_the_region_takes_over() -> None:
    """That is a rearrangement, too: at most one an hour."""
    seen = naming(silent(1, A), answers(1, B), answers(2, C), told=(A, C))
    assert decide(seen, NOW) == Telling((B, C), rearranges=True)
    assert decide(evolve(seen, rearranged=ago(60)), NOW) is None


def test_a_new_one_need_not_wait() -> None:
    """Within the hour it goes last, to leave the others as they are."""
    seen = naming(answers(1, A), answers(2, B), answers(3, C), told=(C, B))
    assert decide(evolve(seen, rearranged=ago(60)), NOW) == Telling((C, B, A), rearranges=False)
    in_place = naming(answers(1, A), answers(2, B), answers(3, C), told=(A, C))
    assert decide(in_place, NOW) == Telling((A, B, C), rearranges=False)


def test_an_address_that_is_none_any_more_goes() -> None:
    """A region was deleted, or has another address: that waits for nothing but a pair."""
    seen = evolve(naming(answers(2, B), told=(A, B)), rearranged=ago(60))
    assert decide(seen, NOW) == Telling((B,), rearranges=False)
    assert decide(evolve(seen, calm=False), NOW) is None
    assert decide(naming(told=(A,)), NOW) == Telling((), rearranges=False)


instants = st.none() | st.integers(0, 2000).map(ago)
resolvers = st.builds(
    Resolver,
    st.integers(1, 4),
    st.sampled_from([A, B, C, IPv4Address("10.0.4.53"), IPv4Address("10.0.5.53")]),
    st.booleans(),
    instants,
    instants,
)
situations = st.lists(resolvers, max_size=6, unique_by=lambda each: each.address).map(
    lambda several: tuple(sorted(several, key=lambda each: (each.region, each.address)))
)


@given(st.lists(st.tuples(situations, st.integers(1, 3000), st.booleans()), max_size=12))
def test_whatever_happens(story: list[tuple[tuple[Resolver, ...], int, bool]]) -> None:
    """Nothing changes while a pair is not normal; there is an hour between rearrangements.

    Each decision stands once it is carried out. Whom an operator named is told, and whoever is told
    was named, answered, or was told before; nobody twice, and nobody who is no candidate.
    """
    seen, now = naming(), NOW
    for found, later, calm in story:
        now += timedelta(seconds=later)
        seen = evolve(seen, resolvers=found, calm=calm)
        telling = decide(seen, now)
        if telling is None:
            continue
        assert calm
        assert telling.servers != seen.told
        assert len(set(telling.servers)) == len(telling.servers)
        assert {each.address for each in found if each.by_hand} <= set(telling.servers)
        for server in telling.servers:
            (one,) = (each for each in found if each.address == server)
            assert one.by_hand or one.answered is not None or server in seen.told
        stays = [each for each in telling.servers if each in seen.told]
        if not telling.rearranges:
            assert stays == [each for each in seen.told if each in stays]
        elif seen.rearranged is not None:
            assert now - seen.rearranged >= timedelta(seconds=REST)
        when = now if telling.rearranges else seen.rearranged
        seen = evolve(seen, told=telling.servers, rearranged=when)
        assert decide(seen, now) is None
