"""What this room needs of the reactor, as one interface."""

from __future__ import annotations

from twisted.internet.interfaces import (
    IReactorFDSet,
    IReactorTCP,
    IReactorThreads,
    IReactorTime,
)


class IReactorDhcp(IReactorFDSet, IReactorTCP, IReactorThreads, IReactorTime):
    """Readers (for pidfds), TCP (to the peer), threads (for OMAPI) and a clock."""
