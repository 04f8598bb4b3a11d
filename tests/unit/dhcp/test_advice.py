"""Advice on the size of pools."""

from __future__ import annotations

from math import inf

from attrs import evolve

from maasha.dhcp.advice import Wishes, advice, rounded, share, taken
from maasha.model.dhcp import Duty
from maasha.model.pools import NO_FLOW
from tests.unit.dhcp.standings import COUNT, ONE, PAIR, STEADY, TWO

QUIET = evolve(PAIR, members=(evolve(ONE, flow=NO_FLOW), evolve(TWO, flow=NO_FLOW)))


def test_a_single_rack_that_nobody_knows_yet_needs_no_advice() -> None:
    """There is nothing to base it on; without addresses there is no pool at all."""
    assert advice(Wishes(100, 600, paired=False), None) == ()
    assert advice(Wishes(0, 600, paired=True), None) == ()


def test_a_pair_is_told_of_its_halves() -> None:
    """That is what surprises people weeks later."""
    (words,) = advice(Wishes(100, 600, paired=True), None)
    assert "half of the 100 free addresses for new clients, 50" in words
    (words,) = advice(Wishes(100, 600, paired=True), QUIET)
    assert "half of the 50 free addresses for new clients, 25" in words


def test_a_rate_makes_a_size() -> None:
    """In use are 50; each half has to do for them anew and for 60 an hour more, for 24 hours."""
    words = advice(Wishes(100, 600, paired=True), PAIR)[1]
    assert "100 clients an hour take one up" in words
    assert "need 3030 addresses, not 100" in words
    assert len(advice(Wishes(3030, 600, paired=True), PAIR)) == 1
    assert len(advice(Wishes(100, 600, paired=True), evolve(PAIR, endurance_bound=0))) == 1


def test_who_comes_and_goes_needs_twice_what_is_in_use() -> None:
    """Nothing grows then, so each half has to do for all who hold an address."""
    even = evolve(STEADY, returns=STEADY.arrivals)
    steady = evolve(PAIR, members=(evolve(ONE, flow=even), evolve(TWO, flow=even)))
    assert "need 150 addresses" in advice(Wishes(100, 600, paired=True), steady)[1]
    assert advice(Wishes(100, 600, paired=False), steady) == ()


def test_a_single_rack_needs_no_second_half() -> None:
    """What is in use, and what grows; no words of halves."""
    (words,) = advice(Wishes(100, 600, paired=False), PAIR)
    assert "need 1490 addresses, not 100" in words


def test_long_leases_are_named() -> None:
    """They hold addresses back; the first one of a pair is shorter than configured."""
    words = advice(Wishes(100, 7200, paired=True), QUIET)
    assert "keep the addresses of clients that have gone" in words[1]
    assert "3600 s at most (mclt)" in words[2]
    assert len(advice(Wishes(100, 7200, paired=False), None)) == 1


def test_more_in_use_than_there_will_be_leaves_nothing() -> None:
    """A range that was made smaller."""
    assert advice(Wishes(10, 600, paired=True), QUIET) == (
        "All 10 addresses are in use: no new client gets one",
    )


def test_what_is_taken_is_the_most_that_anybody_counts() -> None:
    """The other has not heard of the rest yet."""
    less = evolve(TWO, count=evolve(COUNT, free=60))
    assert taken(evolve(PAIR, members=(ONE, less))) == 50
    assert taken(evolve(PAIR, members=(evolve(ONE, count=None), less))) == 20
    assert taken(None) == 0


def test_words_and_numbers_for_json() -> None:
    """Without end is null."""
    assert rounded(inf) is None
    assert rounded(1.2345) == 1.23
    assert share(Duty.PRIMARY) == "free"
    assert share(Duty.SECONDARY) == "backup"
    assert share(Duty.SOLO) == "all that nobody holds"
