"""What the numbers of a pair mean."""

from __future__ import annotations

from maasha.api.pair_words import consequences
from maasha.model.options import MANUAL, PairNumbers


def test_the_manuals_numbers() -> None:
    """Each number has its sentence."""
    mclt, split, delay = consequences(MANUAL, 600)
    assert "free addresses after 3600 s" in mclt
    assert "255 of 256" in split
    assert "after 60 s at most" in delay


def test_an_mclt_below_the_lease_time() -> None:
    """First leases are shorter then."""
    _, first, *_ = consequences(PairNumbers(mclt=30), 600)
    assert "a client's first lease lasts 30 s only" in first
