"""DHCP clients that come and go all the time, beside whatever a test does."""

from __future__ import annotations

import threading
from collections import Counter
from random import Random
from types import TracebackType

from lab import MAC, DHCPClients, Errand, Host, Lease, NoLease, Patience, Wish, mac

PATIENCE = Patience(total=8.0, resend=1.0)
IN_FLIGHT = 8
"""Errands under way at once."""


class Churn:
    """`count` clients on an interface: each gets an address, renews, rebinds, releases or vanishes.

    Runs in a thread with a DHCP agent of its own until the block is left. `outcomes` counts what
    became of each wish.
    """

    def __init__(self, host: Host, interface: str, count: int, first: int, seed: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self.served: set[MAC] = set()
        self.failures: list[NoLease] = []
        self._clients = DHCPClients(host, interface)
        self._macs = [mac(first + number) for number in range(count)]
        self._held: dict[MAC, Lease] = {}
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
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._round()
        except BaseException as error:
            self._error = error

    def _round(self) -> None:
        """Let some clients do one thing each, at the same time."""
        chosen = self._random.sample(self._macs, IN_FLIGHT)
        tickets = []
        for chaddr in chosen:
            wish, lease = self._wish(chaddr), self._held.get(chaddr)
            if lease is not None and wish in (Wish.RELEASE, Wish.LEAVE):
                self._part(wish, lease)
            else:
                tickets.append(self._clients.submit(Errand(wish, chaddr, PATIENCE, lease=lease)))
        for ticket in tickets:
            self._note(ticket.errand.wish, ticket.errand.chaddr, self._clients.outcome(ticket))

    def _part(self, wish: Wish, lease: Lease) -> None:
        if wish is Wish.RELEASE:
            self._clients.release(lease)
        else:
            self._clients.leave(lease.chaddr)
        del self._held[lease.chaddr]
        self.outcomes[wish.value] += 1

    def _note(self, wish: Wish, chaddr: MAC, outcome: Lease | NoLease) -> None:
        if isinstance(outcome, Lease):
            self._held[chaddr] = outcome
            self.served.add(chaddr)
            self.outcomes[wish.value] += 1
        else:
            self._held.pop(chaddr, None)
            self.failures.append(outcome)
            self.outcomes[f"{wish.value} failed"] += 1

    def _wish(self, chaddr: MAC) -> Wish:
        if chaddr not in self._held:
            return Wish.ACQUIRE
        wishes = (Wish.RENEW, Wish.REBIND, Wish.RELEASE, Wish.LEAVE)
        return self._random.choices(wishes, weights=(4, 2, 3, 1))[0]
