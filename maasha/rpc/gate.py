"""Who may knock before anything is proved, decided from sources, counts and time alone.

A source is where a connection comes from (`maasha.rpc.addresses.source_of`). One that has a proved
connection, or had one lately, is *known*; any other is a *stranger*.

1. All unproved connections together are bounded. At that bound the oldest one of a stranger makes
   room; where all are of known sources the newcomer has to wait.
2. A stranger has few unproved connections at a time, opens new ones at a limited rate, and pauses
   after each refusal, twice as long each time. Known sources do not: a rack with a wrong secret
   locks nobody out who is behind the same address.
3. What is remembered is bounded too. Strangers are forgotten for newer strangers only, so that no
   flood of them makes the gate forget whom it knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from enum import Enum
from typing import Generic, TypeVar

from attrs import evolve, frozen

Visit = TypeVar("Visit", bound=Hashable)
Entry = TypeVar("Entry")


@frozen
class Limits:
    """How much is left to those who have proved nothing; times in seconds."""

    unproved: int = 512
    """Connections at a time; each costs at most 75 KiB under TLS (measured)."""
    unproved_per_source: int = 32
    rate_per_source: float = 10.0
    """New connections a second; `unproved_per_source` may come at once."""
    first_pause: float = 0.5
    longest_pause: float = 8.0
    """Shorter than a rack's longest rest, so that one with a wrong secret keeps hearing why."""
    forgiveness: float = 600.0
    """After the last pause, until the next refusal counts as the first one again."""
    lately: float = 3600.0
    """For which a source stays known when its last proved connection has ended."""
    remembered: int = 10_000
    """Strangers, and as many known sources."""


LIMITS = Limits()


class Refusal(Enum):
    """Why a source may not knock now; for people."""

    PAUSED = "it pauses after a refusal"
    CROWDED = "it has too many connections that prove nothing"
    HASTY = "it opens connections too fast"
    FULL = "too many connections of known sources are proving themselves"


@frozen
class Stranger:
    """What is remembered of a source: its tokens at an instant, its refusals and its pause."""

    tokens: float
    at: float
    refusals: int = 0
    paused_until: float = 0.0


class Gate(Generic[Visit]):
    """The book of visits; each is named by any value the caller likes. `now` never falls."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._unproved: dict[Visit, str] = {}  # the oldest first
        self._proved: dict[Visit, str] = {}
        self._crowds: Counter[str] = Counter()
        self._homes: Counter[str] = Counter()
        self._known: dict[str, float] = {}
        self._strangers: dict[str, Stranger] = {}

    def knock(self, source: str, now: float) -> Refusal | None:
        """Say why a source may not come in, None if it may; each knock of a stranger counts."""
        if not self._knows(source, now):
            refusal = self._judge(source, now)
            if refusal is not None:
                return refusal
        full = len(self._unproved) >= self._limits.unproved
        return Refusal.FULL if full and self._oldest_stranger(now) is None else None

    def enter(self, visit: Visit, source: str, now: float) -> Visit | None:
        """Note a visit that was let in; gives the one that has to make room for it, if any."""
        leaving = None
        if len(self._unproved) >= self._limits.unproved:
            leaving = self._oldest_stranger(now)
        if leaving is not None:
            self.leave(leaving, now)
        self._unproved[visit] = source
        self._crowds[source] += 1
        return leaving

    def prove(self, visit: Visit, now: float) -> None:
        """Know the source of a visit from now on."""
        source = self._unproved.pop(visit, None)
        if source is not None:
            _less(self._crowds, source)
            self._proved[visit] = source
            self._homes[source] += 1
            self._strangers.pop(source, None)
            self._remember(self._known, source, now)

    def refuse(self, visit: Visit, now: float) -> None:
        """Make the source of a refused visit pause, unless it is known."""
        source = self._unproved.get(visit)
        if source is not None and not self._knows(source, now):
            self._remember(self._strangers, source, self._paused(source, now))

    def leave(self, visit: Visit, now: float) -> None:
        """Note the end of a visit, whatever became of it; once or more often."""
        if visit in self._unproved:
            _less(self._crowds, self._unproved.pop(visit))
        elif visit in self._proved:
            source = self._proved.pop(visit)
            _less(self._homes, source)
            self._remember(self._known, source, now)

    def _knows(self, source: str, now: float) -> bool:
        if self._homes[source]:
            return True
        seen = self._known.get(source)
        return seen is not None and now - seen < self._limits.lately

    def _judge(self, source: str, now: float) -> Refusal | None:
        """Judge a stranger; takes a token if it may come in."""
        stranger = self._stranger(source, now)
        refusal = None
        if now < stranger.paused_until:
            refusal = Refusal.PAUSED
        elif self._crowds[source] >= self._limits.unproved_per_source:
            refusal = Refusal.CROWDED
        elif stranger.tokens < 1:
            refusal = Refusal.HASTY
        else:
            stranger = evolve(stranger, tokens=stranger.tokens - 1)
        self._remember(self._strangers, source, stranger)
        return refusal

    def _stranger(self, source: str, now: float) -> Stranger:
        """Give what is remembered of a source, with the tokens it has by now."""
        most = float(self._limits.unproved_per_source)
        stranger = self._strangers.get(source)
        if stranger is None:
            return Stranger(most, now)
        grown = stranger.tokens + (now - stranger.at) * self._limits.rate_per_source
        return evolve(stranger, tokens=min(most, grown), at=now)

    def _paused(self, source: str, now: float) -> Stranger:
        limits, stranger = self._limits, self._stranger(source, now)
        forgiven = now - stranger.paused_until >= limits.forgiveness
        refusals = 1 if forgiven else stranger.refusals + 1
        # a float has no 2.0**1024, and the longest pause comes long before
        pause = min(limits.longest_pause, limits.first_pause * 2.0 ** min(refusals - 1, 30))
        return evolve(stranger, refusals=refusals, paused_until=now + pause)

    def _oldest_stranger(self, now: float) -> Visit | None:
        for visit, source in self._unproved.items():
            if not self._knows(source, now):
                return visit
        return None

    def _remember(self, book: dict[str, Entry], source: str, entry: Entry) -> None:
        """Write an entry as the newest, and forget the oldest of too many."""
        book.pop(source, None)
        book[source] = entry
        if len(book) > self._limits.remembered:
            del book[next(iter(book))]


def _less(counts: Counter[str], source: str) -> None:
    counts[source] -= 1
    if not counts[source]:
        del counts[source]
