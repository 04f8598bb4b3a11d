"""Which racks look out for each other on VLANs whose second place is free: in turns, if need be.

Rules:

1. The primary of a VLAN and each other rack there look out for each other.
2. A rack watches so many VLANs at once, and on each of them so many others have their turn; whoever
   has no room is left out on both sides, for one that looks alone sees nothing.
3. VLANs come in an order that begins elsewhere with each turn, so that each is among the first in
   one turn of a round. When all of them had theirs, others have theirs on each VLAN. So every pair
   has its turn, whatever there is.

All workers come to the same by themselves: it follows from what is there and the turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import ceil
from typing import TypeVar

from attrs import evolve

from maasha.model.cluster import RackKey
from maasha.model.sighting import MOST_WATCHED, Peer, Spot, Vacancy, Watch

MOST_PEERS = 16
"""Racks that are looked at for one place at a time."""
T = TypeVar("T")


def attention(vacancies: Sequence[Vacancy], turn: int) -> Iterator[Vacancy]:
    """Give the VLANs that are watched in this turn, each with the others whose turn it is."""
    rounds = max(1, ceil(len(vacancies) / MOST_WATCHED))
    busy = Counter[RackKey]()
    for vacancy in _from(vacancies, turn % rounds * MOST_WATCHED):
        others = tuple(
            other for other in in_turn(vacancy.others, turn // rounds) if busy[other] < MOST_WATCHED
        )
        if others and busy[vacancy.primary] < MOST_WATCHED:
            busy.update((vacancy.primary, *others))
            yield evolve(vacancy, others=others)


def concerned(vacancy: Vacancy, mine: Collection[RackKey]) -> tuple[RackKey, ...]:
    """Give the racks whose spots one has to know to tell these what to watch."""
    if vacancy.primary in mine:
        return (vacancy.primary, *vacancy.others)
    others = tuple(other for other in vacancy.others if other in mine)
    return (vacancy.primary, *others) if others else ()


def watches(
    vacancy: Vacancy, spots: Mapping[RackKey, Spot], mine: Collection[RackKey], key: str
) -> Iterator[Watch]:
    """Say what these racks are to watch there; `key` is the secret of the VLAN's watch."""
    peers = {
        rack: Peer(rack, spots[rack].address, spots[rack].hostname)
        for rack in (vacancy.primary, *vacancy.others)
        if rack in spots
    }
    first = peers.pop(vacancy.primary, None)
    if first is None or not peers:
        return
    looks = {first.rack: tuple(peers.values()), **dict.fromkeys(peers, (first,))}
    for rack, seen in looks.items():
        if rack in mine:
            spot = spots[rack]
            yield Watch(vacancy.vlan, rack, spot.interface, spot.address, seen, key)


def in_turn(everyone: Sequence[T], turn: int) -> Sequence[T]:
    """Give those whose turn it is; after as many turns as it takes each has had one."""
    if len(everyone) <= MOST_PEERS:
        return everyone
    return _from(everyone, turn * MOST_PEERS % len(everyone))[:MOST_PEERS]


def _from(everyone: Sequence[T], start: int) -> Sequence[T]:
    return [*everyone[start:], *everyone[:start]]
