"""How DISCOVERs fared, from what a sniffer heard on their network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen

from lab import MAC, Heard, Kind


@frozen
class Offered:
    """A client's DISCOVER, repeated until somebody offers; instants are the sniffer's."""

    chaddr: MAC
    asked: Sequence[float]
    """When it was sent."""
    offers: Sequence[float]
    """When it was answered."""

    def lost(self, patience: float) -> bool:
        """Whether nobody offered anything within the client's patience."""
        return not any(self.asked[0] <= offer <= self.asked[0] + patience for offer in self.offers)

    def late(self, seconds: float) -> int:
        """Count the DISCOVERs after which there was no OFFER for so long."""
        return sum(
            not any(sent <= offer <= sent + seconds for offer in self.offers) for sent in self.asked
        )


def offered(messages: Iterable[Heard], since: float, until: float) -> list[Offered]:
    """Give the acquisitions that began between two instants.

    A client keeps its transaction (RFC 2131, `xid`) as long as it repeats a DISCOVER.
    """
    asked: dict[tuple[MAC, int], list[float]] = {}
    offers: dict[tuple[MAC, int], list[float]] = {}
    for message in messages:
        what = {Kind.DISCOVER: asked, Kind.OFFER: offers}.get(message.kind)
        if what is not None:
            what.setdefault((message.chaddr, message.xid), []).append(message.monotonic)
    return [
        Offered(chaddr, sent, offers.get((chaddr, xid), []))
        for (chaddr, xid), sent in asked.items()
        if since <= sent[0] <= until
    ]
