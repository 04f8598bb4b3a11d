"""Which IPv6 addresses of a VLAN each of its racks hands out next: DHCPv6 has no failover.

Invariants, in every state that these allotments lead through, interrupted anywhere, whatever else
changes meanwhile (the racks, the ranges, who is present):

- No address is ever in the pools of a rack while another may serve it, or may have granted a lease
  of it that has not ended. A client renews its lease with the server that granted it, until then
  nobody else can know of it.
- Once a rack serves the VLAN, some rack serves it until it is wanted off, or until the addresses
  are taken from the VLAN's ranges.

What a rack *holds* is all that it was asked to serve, or says it serves: until it has confirmed
otherwise it may hand out both. What it gave up *lapses* when the longest lease that it may have
granted there has ended. A rack gets what it is wanted to have less what any other holds or what has
not lapsed; so the order of the moves does not matter, and each is decided from the facts alone.

Wanted of two racks: half of every range each, the primary the lower ones, but the other way round
where they hold more that way already. Wanted of one: all. So a survivor has the other half only
after somebody vouched that the other one is off (drained, deleted, declared lost: it is not wanted
then and holds nothing), and its leases there have lapsed.

Who holds what another one is to have gives it up as soon as that one is present. Where that would
leave nobody who serves, only half of it: the other half follows when the next one serves. The
smallest VLAN that can be handed over like that has two addresses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import assert_never

from attrs import field, frozen

from maasha.dhcp.facts import Off, Pair, Solo, Wanted
from maasha.model.cluster import RackKey
from maasha.model.network import Stretch
from maasha.model.stretches import (
    Stretches,
    common,
    joined,
    lower_half,
    size,
    union,
    upper_half,
    without,
)


@frozen
class Lapse:
    """Addresses that a rack gave up, and when the last lease there has ended for sure."""

    stretch: Stretch
    until: datetime


@frozen
class Holder:
    """A rack that takes part in a VLAN: it is wanted there, holds addresses or has lapsing ones."""

    rack: RackKey
    asked: Stretches = ()
    """What it was told last; written before it is told."""
    running: Stretches = ()
    """What it said it runs."""
    lapses: tuple[Lapse, ...] = ()
    present: bool = False
    """It has a living link, and an address on the VLAN: it can serve."""
    hostname: str = ""
    """For people."""
    doubt: Stretches = ()
    """What it may hold besides, for all that is known: nobody else begins with that."""

    @property
    def held(self) -> Stretches:
        """What it may be handing out."""
        return union(self.asked, self.running)

    @property
    def certain(self) -> bool:
        """Whether it is known what it hands out."""
        return self.asked == self.running

    def __str__(self) -> str:
        return self.hostname or f"rack {self.rack}"


@frozen
class Allotment:
    """What every rack of the VLAN should hand out next."""

    shares: tuple[tuple[RackKey, Stretches], ...]
    complete: bool
    """What runs is what is wanted."""
    waiting: str = ""
    """What is waited for, for people."""
    away: str = ""
    """Whose half nobody hands out, and what to do about it, for people; empty: nobody's."""

    def share(self, rack: RackKey) -> Stretches:
        """Give what the rack is to hand out."""
        return dict(self.shares).get(rack, ())


@frozen
class _View:
    """The facts of one decision, and who is wanted to have what."""

    ranges: Stretches
    holders: Sequence[Holder]
    now: datetime
    desired: Mapping[RackKey, Stretches] = field(factory=dict)

    def wish(self, holder: Holder) -> Stretches:
        return self.desired.get(holder.rack, ())

    def foreign(self, holder: Holder) -> Stretches:
        """Give what others hold, as far as that is known for sure or not."""
        held: Stretches = ()
        for other in self.holders:
            if other.rack != holder.rack:
                held = union(held, other.held)
        return held

    def doubted(self, holder: Holder) -> Stretches:
        """Give what others may hold though nobody knows of it."""
        return joined(
            each for other in self.holders if other.rack != holder.rack for each in other.doubt
        )

    def blocked(self, holder: Holder) -> Stretches:
        """Give what others hold or have not lapsed yet."""
        taken = self.foreign(holder)
        for other in self.holders:
            if other.rack != holder.rack:
                live = [lapse.stretch for lapse in other.lapses if lapse.until > self.now]
                for each in live:
                    taken = union(taken, (each,))
        return taken

    def serves(self, holder: Holder) -> bool:
        """Whether it is known that the rack hands out some of what it is to keep."""
        kept = common(common(holder.asked, holder.running), self.wish(holder))
        return holder.present and bool(kept)


def allot(wanted: Wanted, ranges: Stretches, holders: Sequence[Holder], now: datetime) -> Allotment:
    """Decide what each rack hands out next; the module's text has the rules and their reasons."""
    match wanted:
        case Off():
            return _nothing(holders)
        case Solo():
            view = _View(ranges, holders, now, {wanted.rack: ranges})
        case Pair():
            view = _View(ranges, holders, now, _pair(wanted, ranges, holders))
        case _:
            assert_never(wanted)
    shares = tuple((holder.rack, _share(holder, view)) for holder in holders)
    complete = all(
        holder.certain and holder.running == share == view.wish(holder)
        for holder, (_, share) in zip(holders, shares, strict=True)
    )
    away = _away(view, dict(shares))
    return Allotment(shares, complete, "" if complete else _waiting(view, dict(shares)), away)


def _nothing(holders: Sequence[Holder]) -> Allotment:
    unsure = [str(holder) for holder in holders if holder.held]
    waiting = f"{unsure[0]} has not confirmed that its DHCPv6 is off" if unsure else ""
    return Allotment(tuple((holder.rack, ()) for holder in holders), not unsure, waiting)


def _pair(wanted: Pair, ranges: Stretches, holders: Sequence[Holder]) -> dict[RackKey, Stretches]:
    """Give each its half: the one of which more is in its hands already."""
    lower, upper = lower_half(ranges), upper_half(ranges)
    held = {holder.rack: holder.held for holder in holders}
    first, second = held.get(wanted.primary, ()), held.get(wanted.secondary, ())
    straight = size(common(first, lower)) + size(common(second, upper))
    crossed = size(common(first, upper)) + size(common(second, lower))
    if crossed > straight:
        return {wanted.primary: upper, wanted.secondary: lower}
    return {wanted.primary: lower, wanted.secondary: upper}


def _share(holder: Holder, view: _View) -> Stretches:
    blocked = view.blocked(holder)
    free = without(view.wish(holder), blocked)
    takes = union(common(free, holder.held), without(free, view.doubted(holder)))
    surplus = without(without(common(holder.held, view.ranges), takes), blocked)
    if takes:
        return union(takes, _kept_for_others(holder, surplus, view))
    if any(view.serves(other) for other in view.holders if other is not holder):
        return ()
    return _handing_over(surplus, view)


def _kept_for_others(holder: Holder, surplus: Stretches, view: _View) -> Stretches:
    """Give what this rack serves on until the one that is to have it comes."""
    absent = [each for each in view.holders if each is not holder and not each.present]
    kept: Stretches = ()
    for other in absent:
        kept = union(kept, common(surplus, view.wish(other)))
    return kept


def _handing_over(surplus: Stretches, view: _View) -> Stretches:
    """Give what the last one that serves goes on with until the next one does."""
    nexts = [holder for holder in view.holders if holder.present and view.wish(holder)]
    if not nexts or any(without(view.wish(each), view.foreign(each)) for each in nexts):
        return surplus
    return lower_half(surplus) if upper_half(surplus) else surplus[:1]


def _away(view: _View, shares: Mapping[RackKey, Stretches]) -> str:
    """Name who is wanted and not there while nobody else has all that is his."""
    for holder in view.holders:
        others = [share for rack, share in shares.items() if rack != holder.rack]
        left = view.wish(holder)
        for each in others:
            left = without(left, each)
        if left and not holder.present:
            return (
                f"{holder} is away, and nobody else may hand out its IPv6 addresses: bring it back,"
                " or if it is off for good declare it lost"
            )
    return ""


def _waiting(view: _View, shares: Mapping[RackKey, Stretches]) -> str:
    for holder in view.holders:
        if not holder.certain:
            return f"{holder} has not confirmed which IPv6 addresses it hands out"
    unheard = [holder for holder in view.holders if holder.doubt]
    if unheard:
        return f"{unheard[0]} has not said what it hands out since the database was restored"
    for holder in view.holders:
        missing = without(view.wish(holder), shares[holder.rack])
        lapses = [
            lapse.until
            for other in view.holders
            if other is not holder
            for lapse in other.lapses
            if lapse.until > view.now and common(missing, (lapse.stretch,))
        ]
        if lapses:
            when = f"{max(lapses):%Y-%m-%d %H:%M:%S} UTC"
            return f"{holder} gets more IPv6 addresses when others' leases have ended at {when}"
    return "racks change the IPv6 addresses that they hand out"
