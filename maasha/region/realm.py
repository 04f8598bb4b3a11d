"""What the two address families of DHCP have apart for whoever acts for a rack."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from attrs import frozen

from maasha.db import services, services6
from maasha.db.situations import load_situation
from maasha.db.situations6 import load_situation6
from maasha.db.transaction import Transaction
from maasha.db.unchanged import Word
from maasha.model.cluster import RackKey
from maasha.model.dhcp import DhcpPlan, DhcpReport, VlanRole
from maasha.model.network import VlanId
from maasha.model.options import SnippetId
from maasha.model.stamp import Stamp
from maasha.region.clerk import Clerk
from maasha.region.decision import Verdict, decide
from maasha.region.decision6 import decide6
from maasha.rpc.remote import RemoteRack


class Book(Protocol):
    """Where it is written what a rack was asked and what became of it: a module of `maasha.db`."""

    async def record_asked(
        self, tx: Transaction, rack: RackKey, epoch: Stamp, roles: tuple[VlanRole, ...], /
    ) -> bool:
        """Write what it is about to be told."""

    async def record_refusal(
        self,
        tx: Transaction,
        rack: RackKey,
        epoch: Stamp,
        generation: Stamp,
        listing: str,
        blamed: SnippetId | None = None,
        /,
    ) -> bool:
        """Write that it refused a generation."""

    async def record_problems(
        self,
        tx: Transaction,
        rack: RackKey,
        epoch: Stamp,
        generation: Stamp,
        problems: Mapping[VlanId, str],
        /,
    ) -> bool:
        """Write what it cannot serve."""

    async def mark_running(
        self, tx: Transaction, rack: RackKey, epoch: Stamp, generation: Stamp, hosts: str, /
    ) -> bool:
        """Write that it runs a generation, and knows hosts of this fingerprint."""


@frozen
class Judged:
    """What to do for a rack, the generation that it is to run, and whether `six` has work too."""

    verdict: Verdict
    generation: Stamp
    six: bool = False


@frozen
class Realm:
    """One address family, as a steward is to treat it."""

    name: str
    """For people."""
    book: Book
    judge: Callable[[Transaction, RackKey, bool], Awaitable[Judged | None]]
    """Loads and decides, also to act on it (True); None: the rack is not concerned."""
    own: Callable[[RemoteRack, Stamp], Awaitable[DhcpReport]]
    """Has the rack obey, and say what it runs."""
    configure: Callable[[RemoteRack, Stamp, DhcpPlan], Awaitable[DhcpReport]]
    record: Callable[[Clerk, Word], Awaitable[None]]
    """Writes down what the rack says."""


async def _judge4(tx: Transaction, rack: RackKey, deciding: bool) -> Judged | None:
    situation = await load_situation(tx, rack, deciding=deciding)
    if situation is None:
        return None
    return Judged(decide(situation), situation.generation, situation.six)


async def _judge6(tx: Transaction, rack: RackKey, deciding: bool) -> Judged | None:
    situation = await load_situation6(tx, rack, deciding=deciding)
    if situation is None or not situation.concerned:
        return None
    found = decide6(situation)
    if deciding:
        await services6.note_away(tx, rack, found.away)
    return Judged(found.verdict, situation.generation)


async def _record4(clerk: Clerk, word: Word) -> None:
    await clerk.record(word)


async def _record6(clerk: Clerk, word: Word) -> None:
    await clerk.record6(word)


IPV4 = Realm(
    "DHCP",
    services,
    _judge4,
    lambda rack, epoch: rack.own(epoch),
    lambda rack, epoch, plan: rack.configure_dhcp(epoch, plan),
    _record4,
)
IPV6 = Realm(
    "DHCPv6",
    services6,
    _judge6,
    lambda rack, epoch: rack.settle_dhcp6(epoch),
    lambda rack, epoch, plan: rack.configure_dhcp6(epoch, plan),
    _record6,
)
