"""When a VLAN's alarm is open."""

from __future__ import annotations

import pytest

from maasha.db.alarms import alarm_wanted
from maasha.model.dhcp import PeerState

NORMAL, INTERRUPTED = PeerState.NORMAL, PeerState.COMMUNICATIONS_INTERRUPTED


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        ([], False),
        ([NORMAL], False),
        ([NORMAL, NORMAL], False),
        ([NORMAL, INTERRUPTED], True),
        ([PeerState.PARTNER_DOWN, PeerState.RECOVER], True),
        ([PeerState.RECOVER, NORMAL], None),
        ([PeerState.UNKNOWN, PeerState.STARTUP], None),
    ],
)
def test_alarm_wanted(states: list[PeerState], wanted: bool | None) -> None:
    """Open while a peer serves alone, cleared when all are normal or nobody is paired."""
    assert alarm_wanted(states) is wanted
