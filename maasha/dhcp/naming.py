"""Which name servers of regions a VLAN's clients are told of, and in which order.

A region's name server is told of as soon as it has answered a rack on the VLAN, or where an
operator named it; from then on as long as the region has that address. Of the addresses that a
region has by itself one is told, of those that an operator named all. The order is that of the
regions, and stays. One that has not answered for DEAD_AFTER while it was asked goes last, and back
to its place when it answers again; where a region has another address that answers it is taken
instead. That is a *rearrangement*: there is at most one in REST, for clients and dhcpd's restarts.
Where nobody answers the order stays as it is. Nothing changes while a pair is not normal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from itertools import groupby

from attrs import frozen

from maasha.model.naming import Naming, Resolver

DEAD_AFTER = 600.0
"""Seconds."""
REST = 3600.0
"""Seconds."""

Addresses = tuple[IPv4Address, ...]


@frozen
class Telling:
    """What clients are to be told from now on."""

    servers: Addresses
    rearranges: bool
    """Someone died or came back, and for the next while nobody else does."""


def decide(naming: Naming, now: datetime) -> Telling | None:
    """Say what is to be told instead of what is; None: it stays as it is, for now at least."""
    if not naming.calm:
        return None
    groups = tuple(_by_region(naming))
    usual = [each for group in groups for each in _of_region(group, naming.told)]
    kept = wanted = _as_told(naming.told, _addresses(usual))
    resting = naming.rearranged is not None and now < naming.rearranged + _seconds(REST)
    if not resting and not all(dead(each) for each in usual):
        alive = [each for group in groups for each in _alive(group, naming.told)]
        wanted = _addresses(sorted(alive, key=dead))
    if wanted == naming.told:
        return None
    return Telling(wanted, rearranges=_differ(naming.told, kept, wanted))


def dead(resolver: Resolver) -> bool:
    """Whether it has not answered for long though it was asked.

    What an operator names and nobody ever heard an answer of is not: racks may be barred from it.
    """
    asked, answered = resolver.asked, resolver.answered
    if asked is None or answered is None:
        return asked is not None and not resolver.by_hand
    return asked - answered > _seconds(DEAD_AFTER)


def _by_region(naming: Naming) -> Iterator[Sequence[Resolver]]:
    for _, group in groupby(naming.resolvers, key=lambda each: each.region):
        yield tuple(group)


def _of_region(group: Sequence[Resolver], told: Addresses) -> Sequence[Resolver]:
    """Give those of a region that clients are told of, of its own addresses that which they are."""
    by_hand = [each for each in group if each.by_hand]
    known = [each for each in group if each.address in told]
    answering = [each for each in group if each.answered is not None]
    return by_hand or (known or sorted(answering, key=dead))[:1]


def _alive(group: Sequence[Resolver], told: Addresses) -> Sequence[Resolver]:
    """Give the same, but rather an address that answers than one that is dead."""
    usual = _of_region(group, told)
    if any(each.by_hand or not dead(each) for each in usual):
        return usual
    others = [each for each in group if each.answered is not None and not dead(each)]
    return others[:1] or usual


def _as_told(told: Addresses, wanted: Addresses) -> Addresses:
    """Keep the order, what is new goes last."""
    stays = tuple(each for each in told if each in wanted)
    return (*stays, *(each for each in wanted if each not in told))


def _differ(told: Addresses, kept: Addresses, wanted: Addresses) -> bool:
    """Whether two lists have other addresses, or another order of those that were told before."""
    before = [each for each in kept if each in told]
    return set(kept) != set(wanted) or before != [each for each in wanted if each in told]


def _addresses(resolvers: Sequence[Resolver]) -> Addresses:
    return tuple(dict.fromkeys(each.address for each in resolvers))


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)
