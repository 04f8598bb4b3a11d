"""A peer that fails is left alone for longer and longer."""

from __future__ import annotations

from maasha.host.rests import Rests


def doubling() -> Rests[str]:
    """Rest 2, 4, 8... seconds."""
    return Rests(lambda failures: 2.0**failures)


def test_an_unknown_peer_does_not_rest() -> None:
    """Nothing is known against it."""
    assert not doubling().resting("a", 0.0)


def test_rests_grow_with_each_failure() -> None:
    """Failures in a row are counted."""
    rests = doubling()
    assert rests.failed("a", 0.0) == 2.0
    assert rests.failed("a", 5.0) == 4.0
    assert rests.resting("a", 8.9)
    assert not rests.resting("a", 9.0)


def test_failures_count_up_to_a_limit() -> None:
    """Whoever is in a hurry lets a peer rest less; else the rests grow on from there."""
    rests = doubling()
    assert [rests.failed("a", 0.0, most=2) for _ in range(4)] == [2.0, 4.0, 4.0, 4.0]
    assert rests.failed("a", 0.0) == 8.0


def test_success_forgets_failures() -> None:
    """The next failure counts as the first."""
    rests = doubling()
    rests.failed("a", 0.0)
    rests.succeeded("a")
    assert not rests.resting("a", 0.1)
    assert rests.failed("a", 1.0) == 2.0


def test_peers_rest_apart() -> None:
    """One peer's failures are not another's."""
    rests = doubling()
    rests.failed("a", 0.0)
    assert not rests.resting("b", 0.0)


def test_peers_that_are_gone_are_forgotten() -> None:
    """Only those that are kept go on resting."""
    rests = doubling()
    rests.failed("a", 0.0)
    rests.failed("b", 0.0)
    rests.keep({"b", "c"})
    assert [rests.resting(name, 0.0) for name in "abc"] == [False, True, False]
    assert (rests.failed("a", 1.0), rests.failed("b", 1.0)) == (2.0, 4.0)
