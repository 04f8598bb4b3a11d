"""DHCP clients that come and go all the time, beside whatever a test does."""

from __future__ import annotations

import threading
import time
from random import Random
from types import TracebackType

from attrs import frozen

from lab import MAC, DHCPClients, Errand, Host, Lease, NoLease, Patience, Ticket, Wish, mac, until
from tests.acceptance.silence import Asking, longest_silence

CLIENTS = 48
GROUPS = 6
"""The clients take turns in groups, one group at a time."""
TURN = 1.0
"""Seconds between two turns: 8 errands a second, one of each client every 6 s."""
ROUND = GROUPS * TURN
PATIENCE = Patience(total=ROUND - 0.2, resend=1.0)
"""A client gives up before its next turn, so that no group holds up another."""
NOBODY = mac(0x02FFFFFFFFFF)


@frozen
class Done:
    """An errand that asked for a lease, and what became of it; instants are CLOCK_MONOTONIC.

    `held` is the lease that the client had and wanted to keep, if it had one.
    """

    wish: Wish
    chaddr: MAC
    began: float
    outcome: Lease | NoLease
    held: Lease | None = None

    @property
    def ended(self) -> float:
        """When the ACK came, or the client gave up."""
        if isinstance(self.outcome, Lease):
            return self.outcome.monotonic
        return self.began + self.outcome.waited

    @property
    def unanswered(self) -> bool:
        """Whether no server said anything, neither yes nor no."""
        return isinstance(self.outcome, NoLease) and not self.outcome.refused

    @property
    def kept(self) -> bool:
        """Whether the client got the address that it had."""
        if self.held is None or isinstance(self.outcome, NoLease):
            return False
        return self.outcome.ip == self.held.ip

    @property
    def asking(self) -> Asking:
        """When it asked, and whether that was answered."""
        return Asking(self.began, self.ended, isinstance(self.outcome, Lease))


class Churn:
    """48 clients on an interface: each renews, rebinds, or goes (with or without a word) and comes.

    Runs in a thread with a DHCP agent of its own until the block is left. A client whose server no
    longer answers asks all servers next, and one that nobody answers then starts over, as RFC 2131
    has it. One that has gone comes back with its next turn, when both servers know: whoever
    releases an address at one dhcpd, and within 0.05 s asks its peer, is granted that address, but
    then both take it for free. `done` has every errand that asked for a lease; `partings` counts
    the others.
    """

    def __init__(self, host: Host, interface: str, first: int, seed: int) -> None:
        self.done: list[Done] = []
        self.partings = 0
        self.macs = tuple(mac(first + number) for number in range(CLIENTS))
        self._clients = DHCPClients(host, interface)
        self._held: dict[MAC, Lease] = {}
        self._unanswered: set[MAC] = set()
        self._under_way: dict[int, list[tuple[Ticket, float]]] = {}
        self._random = Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="churn")
        self._error: BaseException | None = None

    def __enter__(self) -> Churn:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(60.0)
        self._clients.close()
        self._check()

    # what the clients saw

    @property
    def errands(self) -> int:
        """How often a client has done anything."""
        return len(self.done) + self.partings

    def grants(self, since: float = 0.0, by: str | None = None) -> list[Lease]:
        """Give the leases granted or extended since an instant, by one server where told."""
        leases = tuple(self._clients.history)
        return [one for one in leases if one.monotonic >= since and by in (None, str(one.server))]

    def following(self, done: Done) -> Done:
        """Give what the same client did next; raises StopIteration before that has ended."""
        later = self.done[self.done.index(done) + 1 :]
        return next(one for one in later if one.chaddr == done.chaddr)

    def wait_all_served(self, since: float, timeout: float, by: str | None = None) -> None:
        """Wait until each client has got an ACK since an instant, of one server where told."""

        def all_served() -> bool:
            self._check()
            return len({lease.chaddr for lease in self.grants(since, by)}) == CLIENTS

        what = f"{CLIENTS} clients to be served by {by or 'anybody'}"
        until(all_served, what, timeout=timeout, interval=0.1)

    def silence(self, since: float) -> float:
        """Give the longest time from an instant until now with a question and without an answer.

        Waits until all that was asked up to now has ended.
        """
        now = time.monotonic()
        until(lambda: self._settled(now), "errands to end", timeout=2 * ROUND, interval=0.1)
        asked = (done.asking.within(since, now) for done in tuple(self.done))
        return longest_silence(one for one in asked if one is not None)

    def _settled(self, instant: float) -> bool:
        """Whether each errand that began before an instant is in `done`."""
        self._check()
        groups = tuple(self._under_way.values())
        return all(began > instant for group in groups for _, began in group)

    def _check(self) -> None:
        """Raise what has ended the thread, if anything has."""
        if self._error is not None:
            raise self._error

    # what the clients do

    def _run(self) -> None:
        try:
            turn = 0
            while not self._stop.is_set():
                began = time.monotonic()
                self._take_turn(turn % GROUPS)
                turn += 1
                self._stop.wait(max(0.0, began + TURN - time.monotonic()))
            for group in tuple(self._under_way):
                self._collect(group)
        except BaseException as error:
            self._error = error

    def _take_turn(self, group: int) -> None:
        """Let each client of a group do one thing, when its last is over."""
        self._collect(group)
        begun = [self._begin(chaddr) for chaddr in self.macs[group::GROUPS]]
        self._under_way[group] = [one for one in begun if one is not None]
        self._clients.leave(NOBODY)  # whose answer comes behind all that the others got by now

    def _begin(self, chaddr: MAC) -> tuple[Ticket, float] | None:
        """Start what a client does next; None when it goes, which nobody answers."""
        wish, lease = self._wish(chaddr), self._held.get(chaddr)
        if lease is not None and wish in (Wish.RELEASE, Wish.LEAVE):
            self._part(wish, lease)
            return None
        began = time.monotonic()
        return self._clients.submit(Errand(wish, chaddr, PATIENCE, lease=lease)), began

    def _part(self, wish: Wish, lease: Lease) -> None:
        if wish is Wish.RELEASE:
            self._clients.release(lease)
        else:
            self._clients.leave(lease.chaddr)
        del self._held[lease.chaddr]
        self.partings += 1

    def _collect(self, group: int) -> None:
        for ticket, began in self._under_way.get(group, ()):
            errand, outcome = ticket.errand, self._clients.outcome(ticket)
            done = Done(errand.wish, errand.chaddr, began, outcome, errand.lease)
            self.done.append(done)
            self._learn(errand, outcome)

    def _learn(self, errand: Errand, outcome: Lease | NoLease) -> None:
        self._unanswered.discard(errand.chaddr)
        if isinstance(outcome, Lease):
            self._held[errand.chaddr] = outcome
        elif errand.wish is Wish.RENEW and not outcome.refused:
            self._unanswered.add(errand.chaddr)
        else:
            self._held.pop(errand.chaddr, None)

    def _wish(self, chaddr: MAC) -> Wish:
        if chaddr not in self._held:
            return Wish.ACQUIRE
        if chaddr in self._unanswered:
            return Wish.REBIND
        wishes = (Wish.RENEW, Wish.REBIND, Wish.RELEASE, Wish.LEAVE)
        return self._random.choices(wishes, weights=(4, 2, 3, 1))[0]
