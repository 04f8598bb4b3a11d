"""The newest word on every address, which of them nobody has acknowledged, and which is on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, takewhile

from attrs import evolve

from maasha.dhcp.counting import PoolCounter, Pools
from maasha.dhcp.lease_log import Released
from maasha.dhcp.spool_lines import MARK, Key, Mark, Word
from maasha.model.lease import BindingState, Lease, LeaseReport

BATCH = 500
"""Leases offered at once."""
ERA = 1 << 32
"""Numbers that are skipped at each start: some may have been given that no disk remembers."""


class LeaseBook:
    """Offers leases in the order of their changes, in batches that are to be acknowledged.

    Every change gets a number that only grows; a lease that changes again while it is on its way
    has a new number then, which the acknowledgement of the old one does not reach. However much
    changes, there is one word for each address. `counter` hears of every change.
    """

    def __init__(self, counter: PoolCounter | None = None) -> None:
        self._counter = counter or PoolCounter()
        self._words: dict[Key, Word] = {}
        self._due: dict[Key, int] = {}
        self._unwritten: dict[Key, None] = {}
        self.last = 0
        """The highest number that was given."""
        self.acknowledged = 0
        """The highest cursor that a region acknowledged: it has all words up to this number."""

    @property
    def mark(self) -> Mark | None:
        """How far the logs were read; None: not at all."""
        word = self._words.get(MARK)
        return word.said if word is not None and isinstance(word.said, Mark) else None

    @property
    def settled(self) -> bool:
        """Whether all is acknowledged and on disk."""
        return not (self._due or self._unwritten)

    def recall(self, words: Iterable[Word], acknowledged: int, highest: int) -> None:
        """Begin with what a spool remembers, and with numbers beyond all that were ever given."""
        known = sorted(words, key=lambda word: word.number)
        self._words = {word.key: word for word in known}
        late = (word for word in known if word.number > acknowledged and word.key != MARK)
        self._due = {word.key: word.number for word in late}
        self.acknowledged = acknowledged
        self.last = (highest // ERA + 1) * ERA if highest else 0

    def put(self, leases: Iterable[Lease]) -> bool:
        """Take leases in the order of their changes; say whether any was new."""
        before = self.last
        for lease in leases:
            known = self._words.get(lease.ip)
            said = known.said if known is not None and isinstance(known.said, Lease) else None
            if said != lease:
                self._counter.change(said, lease)
                self._note(lease.ip, lease)
        return self.last != before

    def take(self, found: Iterable[Lease | Released]) -> bool:
        """Take what a log says, in its order; say whether any was new."""
        news = False
        for each in found:
            if isinstance(each, Lease):
                news |= self.put((each,))
            else:
                news |= self._release(each)
        return news

    def note_mark(self, mark: Mark) -> None:
        """Take note how far the logs were read, once all that they say there was put."""
        if mark != self.mark:
            self._note(MARK, mark)

    def pending(self) -> LeaseReport | None:
        """Offer what changed longest ago, up to BATCH leases; None: all is acknowledged."""
        batch = list(islice(self._due.items(), BATCH))
        if not batch:
            return None
        words = (self._words[key] for key, _ in batch)
        leases = (evolve(w.said, sequence=w.number) for w in words if isinstance(w.said, Lease))
        return LeaseReport(batch[-1][1], tuple(leases), self.acknowledged)

    def acknowledge(self, cursor: int) -> None:
        """Forget about the changes up to a report's cursor."""
        self.acknowledged = max(self.acknowledged, cursor)
        done = list(takewhile(lambda entry: entry[1] <= cursor, self._due.items()))
        for key, _ in done:
            del self._due[key]

    def arrange(self, pools: Pools) -> None:
        """Have the counter count these pools."""
        self._counter.arrange(pools, self)

    def restart(self, beyond: int = 0) -> None:
        """Offer everything again: somebody listens who may know nothing.

        The new numbers are higher than `beyond`.
        """
        self.acknowledged = 0
        self.last = max(self.last, beyond)
        for key, word in list(self._words.items()):
            self._note(key, word.said)

    def unwritten(self, most: int) -> tuple[Word, ...]:
        """Give words that are not on disk, the longest waiting first."""
        return tuple(self._words[key] for key in islice(self._unwritten, most))

    def written(self, words: Iterable[Word]) -> None:
        """Take note that these words are on disk, unless there are newer ones by now."""
        for word in words:
            if self._words[word.key] is word:
                self._unwritten.pop(word.key, None)

    def rewrite(self, keys: Iterable[Key]) -> None:
        """Have these words written once more."""
        self._unwritten.update(dict.fromkeys(keys))

    def __iter__(self) -> Iterator[Lease]:
        """Give the newest word on each address."""
        return (word.said for word in self._words.values() if isinstance(word.said, Lease))

    def _release(self, released: Released) -> bool:
        """Take the word of a client that has the address by the configuration, no other's."""
        word = self._words.get(released.ip)
        lease = word.said if word is not None else None
        if not isinstance(lease, Lease) or not lease.fixed or lease.mac != released.mac:
            return False
        gone = evolve(lease, state=BindingState.RELEASED, ends=released.at)
        return lease.state is BindingState.ACTIVE and self.put((gone,))

    def _note(self, key: Key, said: Lease | Mark) -> None:
        self.last += 1
        self._words[key] = Word(self.last, said)
        self._unwritten.pop(key, None)
        self._unwritten[key] = None
        if key != MARK:
            self._due.pop(key, None)
            self._due[key] = self.last
