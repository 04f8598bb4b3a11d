"""Who looks out for whom, and that everybody has a turn."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maasha.balancer.attention import MOST_PEERS, attention, concerned, in_turn, watches
from maasha.model.cluster import RackKey
from maasha.model.network import VlanId
from maasha.model.sighting import MOST_WATCHED, Peer, Spot, Vacancy, Watch

ONE, TWO, THREE = (RackKey(number) for number in (1, 2, 3))
CROWD = 2 * MOST_PEERS + 5


def vacancy(vlan: int, primary: int, *others: int) -> Vacancy:
    """Give a VLAN with these racks on it."""
    return Vacancy(VlanId(vlan), RackKey(primary), tuple(map(RackKey, others)))


def trunk(vlans: int, racks: int) -> list[Vacancy]:
    """Give VLANs with the same racks on all of them; primaries are spread."""
    keys = range(1, racks + 1)
    return [
        vacancy(vlan, 1 + vlan % racks, *(key for key in keys if key != 1 + vlan % racks))
        for vlan in range(vlans)
    ]


def pairs(vacancies: list[Vacancy], turn: int) -> set[tuple[VlanId, RackKey]]:
    """Give the VLANs of a turn with each other rack that looks out there."""
    return {(each.vlan, other) for each in attention(vacancies, turn) for other in each.others}


def spot(number: int) -> Spot:
    """Give where a rack stands."""
    return Spot(f"eth{number}", IPv4Address(f"10.0.0.{number}"), f"rack{number}")


def test_few_are_all_watched() -> None:
    """In every turn, in the same order."""
    few = trunk(MOST_WATCHED, 3)
    assert [list(attention(few, turn)) for turn in (0, 1, 7)] == [few] * 3
    assert list(attention([], 3)) == []


@pytest.mark.parametrize("count", [1, MOST_PEERS, MOST_PEERS + 1, 5 * MOST_PEERS + 3])
def test_everyone_has_a_turn(count: int) -> None:
    """Of a crowd a part at a time, and all of it in as many turns as that takes."""
    everyone = range(count)
    turns = [in_turn(everyone, turn) for turn in range(-(-count // MOST_PEERS))]
    assert {one for turn in turns for one in turn} == set(everyone)
    assert {len(turn) for turn in turns} == {min(count, MOST_PEERS)}


@pytest.mark.parametrize("vlans", [MOST_WATCHED + 1, 3 * MOST_WATCHED, 4 * MOST_WATCHED - 7])
def test_every_vlan_has_a_turn(vlans: int) -> None:
    """No rack watches too many at once, and none comes too late because of those before it."""
    many = trunk(vlans, 2)
    rounds = -(-vlans // MOST_WATCHED)
    seen = Counter(each.vlan for turn in range(rounds) for each in attention(many, turn))
    assert set(seen) == {each.vlan for each in many}
    assert {len(list(attention(many, turn))) for turn in range(rounds)} == {MOST_WATCHED}


@pytest.mark.parametrize("vlans", [1, MOST_WATCHED + 1, 2 * MOST_WATCHED + 1])
def test_every_pair_has_a_turn(vlans: int) -> None:
    """Also where both VLANs and racks have to take turns: these do not go in step."""
    many = trunk(vlans, CROWD)
    turns = -(-vlans // MOST_WATCHED) * -(-(CROWD - 1) // MOST_PEERS)
    seen = {pair for turn in range(turns) for pair in pairs(many, turn)}
    assert len(seen) == vlans * (CROWD - 1)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sets(st.integers(1, 6), min_size=2), min_size=1, max_size=3 * MOST_WATCHED),
    st.integers(0, 99),
)
def test_nobody_watches_too_many(racks: list[set[int]], turn: int) -> None:
    """A rack that has no room is not looked for either, and a VLAN that all have room for is on."""
    many = [vacancy(vlan, *sorted(several)) for vlan, several in enumerate(racks)]
    found = list(attention(many, turn))
    busy = Counter(rack for each in found for rack in (each.primary, *each.others))
    assert all(number <= MOST_WATCHED for number in busy.values())
    left = {each.vlan for each in many} - {each.vlan for each in found}
    for each in many:
        if each.vlan in left:
            others_full = all(busy[other] == MOST_WATCHED for other in each.others)
            assert busy[each.primary] == MOST_WATCHED or others_full


def test_who_has_to_be_known() -> None:
    """All of a VLAN for its primary; for another the primary and itself; else nobody."""
    one = vacancy(7, ONE, TWO, THREE)
    assert concerned(one, {ONE}) == (ONE, TWO, THREE)
    assert concerned(one, {THREE}) == (ONE, THREE)
    assert concerned(one, {RackKey(9)}) == ()


def test_the_primary_and_the_others_watch_each_other() -> None:
    """Each of these racks hears of the others' addresses."""
    one = vacancy(7, ONE, TWO, THREE)
    spots = {rack: spot(rack) for rack in (ONE, TWO, THREE)}
    first, second, third = (
        Peer(rack, spots[rack].address, f"rack{rack}") for rack in (ONE, TWO, THREE)
    )
    assert list(watches(one, spots, {ONE, TWO}, "key")) == [
        Watch(one.vlan, ONE, "eth1", first.address, (second, third), "key"),
        Watch(one.vlan, TWO, "eth2", second.address, (first,), "key"),
    ]


@pytest.mark.parametrize("known", [(), (ONE,), (TWO, THREE)])
def test_whoever_is_gone_meanwhile_is_left_out(known: tuple[RackKey, ...]) -> None:
    """Without the primary, or without any other, nobody looks out."""
    one = vacancy(7, ONE, TWO, THREE)
    assert list(watches(one, {rack: spot(rack) for rack in known}, {ONE, TWO, THREE}, "")) == []
