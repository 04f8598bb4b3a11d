"""Links go to different workers and regions, as far as there are any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from maasha.model.cluster import Endpoint, EventLoop
from maasha.rack.choice import (
    Pick,
    Standing,
    lacking,
    lighter_of_two,
    next_loop,
    surplus,
)


def loop(region: int, worker: int) -> EventLoop:
    """Name a worker of a region."""
    return EventLoop(f"region{region}:pid={worker}", (Endpoint("10.0.0.1", 5250 + worker),))


def first(several: Sequence[EventLoop]) -> EventLoop:
    """Pick the first."""
    return several[0]


A1, A2, A3, B1, B2, C1 = (
    loop(region, worker) for region, worker in ((1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1))
)
A, B = A1.region, B1.region

clusters = st.sets(st.builds(loop, st.integers(0, 4), st.integers(0, 4)), max_size=12).map(
    lambda loops: sorted(loops, key=lambda each: each.name)
)
counts = st.integers(1, 6)
picks = st.integers().map(lambda seed: Random(seed).choice)
doubts = st.lists(st.sampled_from([f"region{number}" for number in range(5)]), unique=True).map(
    tuple
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[EventLoop], Standing]:
    """Give the workers of a cluster, and links in every state to some of them."""
    known = draw(clusters)
    states = [draw(st.sampled_from(("linked", "dialled", "parting", "free"))) for _ in known]

    def those(state: str) -> tuple[EventLoop, ...]:
        return tuple(each for each, its in zip(known, states, strict=True) if its == state)

    return known, Standing(
        draw(counts), those("linked"), those("dialled"), those("parting"), draw(doubts)
    )


def filled(known: Sequence[EventLoop], standing: Standing, pick: Pick) -> Standing:
    """Link until nothing more is to be linked."""
    while chosen := next_loop(known, standing, pick):
        standing = evolve(standing, linked=(*standing.linked, chosen))
    return standing


def per_region(loops: Sequence[EventLoop]) -> Counter[str]:
    """Count."""
    return Counter(each.region for each in loops)


def is_even(known: Sequence[EventLoop], linked: Sequence[EventLoop]) -> bool:
    """Whether no region with a free worker has two links fewer than another."""
    links, workers = per_region(linked), per_region(known)
    open_to_more = [links[region] for region in workers if links[region] < workers[region]]
    return not linked or max(links.values()) - min(open_to_more, default=99) <= 1


@given(clusters, counts, picks)
def test_every_link_has_a_worker_of_its_own(
    known: list[EventLoop], wanted: int, pick: Pick
) -> None:
    """As many links are made as there can be."""
    linked = filled(known, Standing(wanted), pick).linked
    assert len(set(linked)) == len(linked) == min(wanted, len(known))


@given(clusters, counts, picks)
def test_links_spread_over_regions(known: list[EventLoop], wanted: int, pick: Pick) -> None:
    """A region has a second link only when every region with a free worker has one."""
    assert is_even(known, filled(known, Standing(wanted), pick).linked)


@given(situations(), picks)
def test_no_worker_gets_two_links(situation: tuple[list[EventLoop], Standing], pick: Pick) -> None:
    """Not while it is dialled, nor before the link that was given up is gone."""
    known, standing = situation
    taken = standing.linked + standing.dialled + standing.parting
    assert next_loop(known, standing, pick) not in taken


@given(situations(), picks)
def test_doubt_never_keeps_a_rack_from_its_links(
    situation: tuple[list[EventLoop], Standing], pick: Pick
) -> None:
    """Dials to regions in doubt may all hang: a free worker elsewhere is dialled still."""
    known, standing = situation
    hanging = tuple(each for each in known if each.region in standing.doubted)
    standing = evolve(standing, linked=(), parting=(), dialled=hanging)
    reachable = len(known) - len(hanging)
    assert len(filled(known, standing, pick).linked) >= min(standing.wanted, reachable)


@given(clusters, counts, picks, doubts)
def test_regions_in_doubt_are_chosen_last(
    known: list[EventLoop], wanted: int, pick: Pick, doubted: tuple[str, ...]
) -> None:
    """They get a link only where there is nobody else."""
    linked = filled(known, Standing(wanted, doubted=doubted), pick).linked
    sure = [each for each in known if each.region not in doubted]
    assert sum(each in sure for each in linked) == min(wanted, len(sure))


@given(st.permutations([A1, A2, A3, B1, B2, C1]), counts, st.sets(st.sampled_from([A1, B1, C1])))
def test_a_surplus_is_taken_from_the_fullest_region(
    linked: list[EventLoop], wanted: int, kept: set[EventLoop]
) -> None:
    """And only where more than wanted links stand."""
    spare = surplus(linked, wanted, kept)
    assert (spare is None) == (len(linked) <= wanted)
    assert spare is None or (spare.region == A and spare not in kept)


def test_the_newest_link_is_given_up() -> None:
    """The oldest has proved itself for longest; what is to be kept is kept where possible."""
    assert surplus([A1, B1, A2], 2, kept=()) == A2
    assert surplus([A1, B1, A2], 2, kept=[A2]) == A1
    assert surplus([A1, B1, A2], 2, kept=[A1, A2]) == A2


def test_a_dial_counts_until_its_region_is_in_doubt() -> None:
    """Then another worker is dialled beside it."""
    standing = Standing(2, linked=(A1,), dialled=(B1,))
    assert not lacking(standing)
    assert next_loop([A2, B2], standing, first) is None
    doubting = evolve(standing, doubted=(B,))
    assert lacking(doubting)
    assert next_loop([A2, B2], doubting, first) == A2


def test_regions_in_doubt_are_not_stormed() -> None:
    """No more dials to one of them hang than links are missing, and none keeps another from its."""
    standing = Standing(2, linked=(A1,), doubted=(A, B))
    assert next_loop([B1, B2], standing, first) == B1
    assert next_loop([B2], evolve(standing, dialled=(B1,)), first) is None
    assert next_loop([B2, A2], evolve(standing, dialled=(B1,)), first) == A2


def test_regions_in_doubt_take_turns() -> None:
    """The one that failed longest ago is tried first: none waits for another to come back."""
    standing = Standing(4, linked=(A1, A2, A3), doubted=(C1.region, B))
    assert next_loop([B1, C1], standing, first) == C1
    assert next_loop([B1, C1], evolve(standing, doubted=(B, C1.region)), first) == B1


def test_of_two_random_workers_the_lighter_is_picked() -> None:
    """Not the lightest of all: everybody would pick that one."""
    several = [evolve(each, load=load) for each, load in ((A1, 5.0), (A2, 1.0), (B1, 3.0))]
    drawn = iter((several[0], several[2]))
    assert lighter_of_two(lambda _: next(drawn))(several) == several[2]
