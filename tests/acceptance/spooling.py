"""A rack's day without any region, written by the spool's own code as a feed would write it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from attrs import frozen

from maasha.dhcp.book import LeaseBook
from maasha.dhcp.feed import LINES
from maasha.dhcp.spool import Spool
from maasha.model.lease import BindingState, Lease

FIRST = IPv4Address("10.1.128.0")
RATE = 50
"""Leases a second."""
TOGETHER = 10
"""Seconds whose words are made safe together: 500, as in a second on a busy rack."""
LEASE_TIME = timedelta(seconds=600)
STATES = (BindingState.ACTIVE,) * 8 + (BindingState.RELEASED, BindingState.FREE)


@frozen
class Day:
    """So many words on so many addresses, `RATE` in each second from `begin` on."""

    words: int
    addresses: int
    begin: datetime

    def leases(self, second: int) -> list[Lease]:
        """Give what dhcpd said in one second."""
        numbers = range(second * RATE, min((second + 1) * RATE, self.words))
        return [self.lease(number) for number in numbers]

    def lease(self, number: int) -> Lease:
        """Give one word; its address comes again after all others did, in another order."""
        turn, place = divmod(number, self.addresses)
        host = (place * 7919 + turn * 104729) % self.addresses
        at = self.begin + timedelta(seconds=number // RATE)
        state = STATES[(number * 31 + turn) % len(STATES)]
        return Lease(
            ip=FIRST + host,
            state=state,
            mac=":".join(f"{byte:02x}" for byte in (2, 0, *(host + turn % 3).to_bytes(4, "big"))),
            starts=at,
            ends=at + LEASE_TIME if state is BindingState.ACTIVE else at,
            last_transaction=at,
            hostname=f"host-{host}",
            fixed=host % 10 == 0,
        )

    def last(self) -> dict[IPv4Address, Lease]:
        """Give the last word on each address."""
        recent = range(max(0, self.words - 2 * self.addresses), self.words)
        return {lease.ip: lease for lease in map(self.lease, recent)}


def days_end(words: int, addresses: int) -> Day:
    """Give a day that ends now."""
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=words // RATE)
    return Day(words, addresses, begin)


def write(day: Day, folder: Path) -> int:
    """Write the whole day into the spool in a folder, nobody acknowledging; gives its bytes."""
    spool, book = Spool(folder), LeaseBook()
    for _ in spool.read():
        pass
    book.recall(spool.words.values(), spool.state.acknowledged, spool.highest)
    for second in range(-(-day.words // RATE)):
        book.put(day.leases(second))
        for _ in _written(spool, book):
            pass
        if second % TOGETHER == TOGETHER - 1:
            spool.sync(book.acknowledged)
            book.rewrite(spool.tidy())
    spool.sync(book.acknowledged)
    spool.close()
    return sum(path.stat().st_size for path in folder.iterdir())


def _written(spool: Spool, book: LeaseBook) -> Iterator[None]:
    while words := book.unwritten(LINES):
        spool.append(words)
        book.written(words)
        yield
