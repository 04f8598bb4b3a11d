"""What the server's end of every AMP link answers to the contract, stock or maasha's."""

from __future__ import annotations

from typing import Any

from attrs import define
from twisted.internet import reactor, task
from twisted.internet.defer import Deferred
from twisted.protocols import amp

from benchmarks.contract import BLOB, SLOW, Lookup, LookupBlob, Report, Sleep

clock: Any = reactor
"""The one of this process."""

Answer = dict[str, object]


@define
class Counts:
    """What one process counted on all its links; for stock AMP the beats alone."""

    answered: int = 0
    """Calls with a good answer."""
    served: int = 0
    """Requests with a good answer."""
    detours: int = 0
    """Messages that missed the fast path."""
    beats: int = 0
    """Heartbeats that were answered by this side or the other."""


class Desk(amp.CommandLocator):
    """Answers the contract."""

    def counts(self) -> Counts:
        """Give what this process has counted."""
        raise NotImplementedError

    @Lookup.responder
    def lookup(self, id: int, name: str) -> Answer:  # noqa: ARG002  # AMP passes it
        """Answer the small call."""
        return {"ok": True, "count": id + 1}

    @LookupBlob.responder
    def lookup_blob(self, id: int, name: str, data: bytes) -> Answer:  # noqa: ARG002  # likewise
        """Answer the large call."""
        return {"ok": len(data) == len(BLOB), "count": id + 1}

    @Sleep.responder
    def sleep(self, id: int) -> Deferred[Answer]:  # noqa: ARG002  # likewise
        """Answer late."""
        return task.deferLater(clock, SLOW, dict)

    @Report.responder
    def report(self) -> Answer:
        """Tell what was counted."""
        counts = self.counts()
        return {"served": counts.served, "detours": counts.detours, "beats": counts.beats}
