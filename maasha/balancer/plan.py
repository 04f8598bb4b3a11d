"""What to do about a placement: link moves and owner flips, each with its reason, or why none.

Invariants, in every state that any part of a plan leads to (in order for each rack):

- No rack is without a link, no two links of a rack share a worker, and none share a region that
  did not before, as long as the rack can have them on different ones.
- The owner of a rack has a link to it.

The order of a plan:

1. *Draining workers* lose their owners, then their links, whatever the loads and the dwell.
2. *Racks whose links are together* have them parted, and pairs of a VLAN their owners.
3. *Evening*, if the greatest or the least load is out of band: regions first, then workers within
   (`maasha.balancer.links`), each move from the fullest to the emptiest, and only what is too much.
4. *Owners* are evened in the same way (`maasha.balancer.owners`).

The rule has two thresholds (`maasha.balancer.scale`): it begins at 1.25 and goes on until 1.10. A
plan that is cut short between the two would not begin again, so it says that it is *acting*, and
the next placement brings that along. That is one bit for links and one for owners; all else is
decided from what is. Where nobody remembers, the loads stay within the outer band.

Moves end: a link moves once in a plan, and each move that is worth it brings two loads together
that were apart. What follows from a plan's moves is planned as well, until there is nothing: so the
plan of the state that a plan leads to is empty.
"""

from __future__ import annotations

from datetime import datetime

from maasha.balancer import links, owners
from maasha.balancer.actions import Plan, Verdict
from maasha.balancer.board import Board
from maasha.balancer.policy import Policy
from maasha.model.placement import Acting, Placement


def plan(placement: Placement, policy: Policy, now: datetime) -> Plan:
    """Decide what is to be done; the module's text has the order and its reasons."""
    board, acting = Board(placement, policy, now), placement.acting
    links_go_on = owners_go_on = False
    while True:
        before = len(board.actions)
        of_links, links_act = _links(board, acting.links)
        of_owners, owners_act = _owners(board, acting.owners)
        links_go_on, owners_go_on = links_go_on or links_act, owners_go_on or owners_act
        if len(board.actions) == before:
            goes_on = Acting(links_go_on, owners_go_on)
            return Plan(tuple(board.actions), of_links, of_owners, goes_on)
        acting = Acting(acting.links or links_act, acting.owners or owners_act)
        board.refresh()


def _links(board: Board, acting: bool) -> tuple[Verdict, bool]:
    owners.relieve(board)
    links.empty(board)
    links.part(board)
    return links.even(board, acting)


def _owners(board: Board, acting: bool) -> tuple[Verdict, bool]:
    owners.part(board)
    return owners.even(board, acting)
