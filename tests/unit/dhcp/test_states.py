"""Each failover state is explained."""

from __future__ import annotations

import pytest

from maasha.dhcp.states import meaning, mend
from maasha.model.dhcp import PeerState


@pytest.mark.parametrize("state", PeerState)
def test_each_state_has_a_meaning_and_what_to_do(state: PeerState) -> None:
    """Only when all is well nothing need be done."""
    assert meaning(state)
    assert bool(mend(state)) is (state is not PeerState.NORMAL)
