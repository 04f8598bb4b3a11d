"""What each state of ISC dhcpd's failover means for clients, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Mapping

from maasha.model.dhcp import PeerState

MEANINGS: Mapping[PeerState, tuple[str, str]] = {
    PeerState.UNKNOWN: (
        "its dhcpd says nothing: it is down, or its rack is away",
        "look at the rack; its peer serves meanwhile",
    ),
    PeerState.STARTUP: (
        "it has just started and answers nobody until it hears its peer, for 15 s at most",
        "wait",
    ),
    PeerState.NORMAL: ("both peers serve and know each other's leases", ""),
    PeerState.COMMUNICATIONS_INTERRUPTED: (
        "it serves, but does not reach its peer on TCP 647: it has only its own half of the free "
        "addresses, and of those that expire only what it handed out since comes back to it",
        "bring the peer back, or open that port both ways; if the peer's host is off and stays "
        "off for a while, take over",
    ),
    PeerState.PARTNER_DOWN: (
        "it was told that its peer is down; the peer's addresses become its own only MCLT (an "
        "hour) later",
        "nothing of maasha's says so: bring the peer back, or take over, which waits for nothing",
    ),
    PeerState.POTENTIAL_CONFLICT: (
        "both peers served without each other and compare their leases; they answer nobody until "
        "that is done, a second or so",
        "wait; if it lasts, look at dhcpd.log of both racks",
    ),
    PeerState.RECOVER: (
        "it has to get every lease from its peer first and answers nobody",
        "see that its peer serves and reaches it on TCP 647; alone it never comes out of this",
    ),
    PeerState.PAUSED: ("it was told to pause and answers nobody", "restart its dhcpd"),
    PeerState.SHUTDOWN: ("it has shut down in good order", "start it again"),
    PeerState.RECOVER_DONE: (
        "it has every lease and waits for its peer to say so",
        "wait a second",
    ),
    PeerState.RESOLUTION_INTERRUPTED: (
        "it lost its peer while they compared leases; it answers known clients only",
        "bring the peer back",
    ),
    PeerState.CONFLICT_DONE: (
        "the leases are compared; the secondary has yet to agree",
        "wait a second",
    ),
    PeerState.RECOVER_WAIT: (
        "it has every lease but answers nobody until MCLT (an hour) has passed since it was last "
        "in service",
        "its peer serves meanwhile; if it cannot wait, take this rack from the VLAN and name it "
        "again: under a new pairing it serves at once",
    ),
}


def meaning(state: PeerState) -> str:
    """Say what a state means for clients."""
    return MEANINGS[state][0]


def mend(state: PeerState) -> str:
    """Say what can be done; empty: nothing need be."""
    return MEANINGS[state][1]
