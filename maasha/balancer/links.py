"""Which links move: draining workers are emptied, racks' links kept apart, loads evened.

A rack's links are on different workers always, and on different regions as far as there are any: a
link may go only to a region where its rack has fewer than where it is.

Regions are evened first, then the workers of each. As long as regions are even, all workers are
held against the mean of all. Where racks or the dwell keep regions from being even, each region's
workers are held against their own mean: else they would be moved for a load that no worker of
theirs can change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from maasha.balancer.actions import Reason, Verdict
from maasha.balancer.board import Board
from maasha.balancer.detours import Detours
from maasha.balancer.scale import Scale
from maasha.model.cluster import RackKey, SystemId, WorkerId
from maasha.model.placement import Link

Key = TypeVar("Key", SystemId, WorkerId)


def empty(board: Board) -> None:
    """Move everything off draining workers, whatever the loads and the dwell."""
    for worker in board.home:
        if worker not in board.open:
            for link in board.still(worker):
                _evacuate(board, link)


def _evacuate(board: Board, link: Link) -> None:
    others = board.others(link)
    to = _best(board, link, others)
    if to is not None:
        board.move(link, to, Reason.DRAIN)
        return
    heir = board.calmest(link.rack)
    if heir is not None:
        if board.carries(link):
            board.flip(link.rack, heir, Reason.DRAIN)
        board.close(link, Reason.NOWHERE_ELSE)


def _best(board: Board, link: Link, others: list[WorkerId]) -> WorkerId | None:
    """Give the emptiest worker that keeps the rack's links apart, and a pair's owners if it can."""
    if not board.carries(link):
        return next(_choices(board, others), None)
    choices = list(_choices(board, others))
    calm = (to for to in choices if board.may_flip(link.rack, to))
    return next(calm, choices[0] if choices else None)


def _choices(board: Board, others: list[WorkerId]) -> Iterator[WorkerId]:
    """Give workers for a link whose rack has these others: the best regions, the emptiest first."""
    homes = [board.home[spot] for spot in others]
    for region in sorted(board.between.rising(), key=homes.count):
        for worker in board.within[region].rising():
            if worker not in others:
                yield worker


def part(board: Board) -> None:
    """Move a link where a rack has two on one worker, or more on a region than it need have.

    Also where a rack has but one link and its owner is where its partner's is.
    """
    several = ((rack, spots) for rack, spots in board.spots.items() if len(spots) > 1)
    crowded = {rack for rack, spots in several if doubled(board, spots)}
    alone = {rack for rack in board.partners if _clinging(board, rack)}
    wanted = (crowded | alone) - board.leaving
    if not wanted:
        return
    for worker in list(board.whole().falling()):
        for link in board.movable(worker):
            if link.rack in wanted and not board.held(link):
                _part(board, link)


def doubled(board: Board, spots: list[WorkerId]) -> bool:
    """Whether a rack has two links on one worker, or more on a region than it need have."""
    home = board.home
    if len(spots) == 2 and home[spots[0]] != home[spots[1]]:  # nearly all, and quick to see
        return False
    if len(set(spots)) < len(spots):
        return True
    homes = [home[spot] for spot in spots]
    most = max(homes.count(region) for region in homes)
    return any(homes.count(region) + 1 < most for region in board.regions)


def _clinging(board: Board, rack: RackKey) -> bool:
    """Whether the rack's only link brings its owner to where a partner's owner is."""
    spots = board.spots.get(rack, ())
    return len(spots) == 1 and rack in board.owner and board.clashes(rack, spots[0]) > 0


def _part(board: Board, link: Link) -> None:
    """Move one link, if it is still one of too many there."""
    rack, spots, others = link.rack, board.spots[link.rack], board.others(link)
    if _clinging(board, rack):
        there = board.clashes(rack, link.worker)
        better = (to for to in board.whole().rising() if board.clashes(rack, to) < there)
        _move(board, link, next(better, None), Reason.PARTNER)
        return
    if not doubled(board, spots):
        return
    homes = [board.home[spot] for spot in spots]
    twin, here = link.worker in others, homes.count(board.home[link.worker])
    for to in _choices(board, others):
        fewer = homes.count(board.home[to]) + 1 < here
        same = board.home[to] == board.home[link.worker]
        if (fewer or (twin and same)) and board.may_go(link, to):
            _move(board, link, to, Reason.DOUBLED)
            return


def _move(board: Board, link: Link, to: WorkerId | None, reason: Reason) -> None:
    if to is not None:
        board.move(link, to, reason)


def even(board: Board, acting: bool) -> tuple[Verdict, bool]:
    """Even regions, then workers, if they are out of band or already being evened.

    Says why no more is done, and whether the next plan is to go on.
    """
    if len(board.open) < 2:
        return (Verdict.ONE_WORKER if board.open else Verdict.NO_WORKER), False
    whole, before = board.whole(), len(board.actions)
    mean = whole.mean
    if not acting and not whole.out_of_band(mean):
        return (Verdict.EVEN if whole.at_rest(mean) else Verdict.WITHIN_BAND), False
    _even_regions(board, mean)
    means = dict.fromkeys(board.within, mean)
    if not board.between.at_rest(mean):
        means = {region: scale.mean for region, scale in board.within.items()}
        beyond = any(scale.out_of_band(means[r]) for r, scale in board.within.items())
        acting = acting or beyond or len(board.actions) > before
    else:
        acting = True
    if acting:
        for region, scale in board.within.items():
            _even(scale, means[region], lambda donor, receiver: _inside(board, donor, receiver))
    verdict = _verdict(board, mean, means)
    return verdict, len(board.actions) > before or (acting and verdict is Verdict.HELD)


def _even_regions(board: Board, mean: float) -> None:
    """Move the excess straight, and by detours where that is all that is left."""
    detours, going = Detours(board), True
    while going:
        _even(board.between, mean, lambda donor, receiver: _across(board, donor, receiver))
        going = detours.take(mean)


def _even(scale: Scale[Key], mean: float, step: Callable[[Key, Key], bool]) -> None:
    """Move the excess, one link at a time."""
    going = True
    while going:
        pair = scale.clearest(mean)
        if pair is None or not step(*pair):
            going = any(step(donor, receiver) for donor, receiver in scale.worth(mean))


def _across(board: Board, donor: SystemId, receiver: SystemId) -> bool:
    """Move a link from one region to another."""
    targets = board.within[receiver]
    for worker in board.within[donor].falling():
        for link in board.row(worker, receiver):
            if board.lacks(link.rack, receiver, donor):
                for to in targets.rising():
                    if board.may_go(link, to):
                        board.move(link, to, Reason.REGIONS)
                        return True
    return False


def _inside(board: Board, donor: WorkerId, receiver: WorkerId) -> bool:
    """Move a link from one worker to another of the same region."""
    for link in board.row(donor, receiver):
        if board.may_go(link, receiver):
            board.move(link, receiver, Reason.WORKERS)
            return True
    return False


def _verdict(board: Board, mean: float, means: dict[SystemId, float]) -> Verdict:
    """Say why no more is done."""
    uneven: set[WorkerId] = set()
    for region, _ in board.between.worth(mean):
        uneven.update(worker.id for worker in board.regions[region])
    for region, scale in board.within.items():
        uneven.update(donor for donor, _ in scale.worth(means[region]))
    if any(board.held(link) for worker in uneven for link in board.on[worker]):
        return Verdict.HELD
    return Verdict.NOWHERE if uneven else Verdict.EVEN
