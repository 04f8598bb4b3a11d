"""Evidence counts while it is fresh, and clocks are compared by the quickest exchange."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from maasha.model.cluster import RackKey
from maasha.model.sighting import Sighting
from maasha.rack.lookout.evidence import (
    EXCHANGES,
    FRESH,
    LATELY,
    NEAR,
    Evidence,
    Exchange,
    Outline,
    exchange,
)
from tests.unit.rack.lookout.segment import VLAN

delays = st.floats(0, 1)


@given(delays, delays, st.floats(-1000, 1000))
def test_an_offset_is_wrong_by_half_the_round_trip_at_most(
    there: float, back: float, ahead: float
) -> None:
    """However the two ways differ."""
    sent = 1000.0
    made = exchange(5.0, there + back, sent, sent + there + ahead)
    assert abs(made.offset - ahead) <= (there + back) / 2 + 1e-9


def test_equal_ways_give_the_offset_itself() -> None:
    """As NTP has it: the answer was given half way."""
    assert exchange(5.0, 0.2, 1000.0, 1000.1 + 7.0) == Exchange(5.0, 0.2, 7.0)


def test_nothing_is_known_at_first() -> None:
    """And told so."""
    assert Evidence().sighting(VLAN, RackKey(2), 10.0) == Sighting(VLAN, RackKey(2))
    assert Evidence().outline(10.0) == Outline()


def test_ages_are_told() -> None:
    """Of the latest of each kind."""
    seen = Evidence().answered(Exchange(3.0, 0.1, 0.5)).answered(Exchange(5.0, 0.2, 0.6))
    sighting = seen.reached(6.0).sighting(VLAN, RackKey(2), 10.0)
    assert sighting == Sighting(VLAN, RackKey(2), 5.0, 4.0, 0.5)


def test_the_quickest_exchange_compares_the_clocks() -> None:
    """While it is not too old; of so many only the last are kept."""
    seen = Evidence().answered(Exchange(0.0, 0.001, 1.0)).answered(Exchange(5.0, 0.5, 1.2))
    assert seen.offset(LATELY) == 1.0
    assert seen.offset(LATELY + 1.0) == 1.2
    assert seen.offset(LATELY + 6.0) is None
    for number in range(EXCHANGES):
        seen = seen.answered(Exchange(6.0 + number, 0.4, 2.0))
    assert seen.offset(20.0) == 2.0
    assert len(seen.exchanges) == EXCHANGES


def test_evidence_is_complete_while_it_is_fresh() -> None:
    """Both kinds; the clocks are judged besides."""
    seen = Evidence().answered(Exchange(0.0, 0.1, NEAR)).reached(1.0)
    assert seen.outline(FRESH) == Outline(probed=True, reached=True, clocks_near=False)
    assert seen.outline(FRESH).complete
    assert not seen.outline(FRESH + 0.5).complete
    assert seen.outline(LATELY + 1) == Outline()


def test_clocks_are_near_within_five_seconds() -> None:
    """Either way."""
    for offset in (4.9, -4.9):
        assert Evidence().answered(Exchange(0.0, 0.1, offset)).outline(0.0).clocks_near
