"""Runs `maasha dhcp roles` against the API."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from attrs import frozen

from maasha.cli.answer import Answer, advice, exit_status, printed, shown
from maasha.cli.api import Api, open_api
from maasha.cli.failures import Failure, Status
from maasha.cli.looking import Silence, once
from maasha.cli.patience import Patience
from maasha.cli.placement import fields
from maasha.cli.roles_text import not_begun_text, plan_text, roles_text, step_words, vlan_label
from maasha.cli.roles_words import Roles
from maasha.cli.shape import Record, record, records, text
from maasha.cli.store import Store
from maasha.cli.terminal import Meter, Terminal

RUNNING = "running"
"""The state that a pair is to reach."""
MOST = 1000
"""VLANs of one answer."""
SWAP_ANSWER = 30.0
"""Seconds that the answer to a swap may take; it waits up to ten for the racks."""


class NotNormal(Failure):
    """A pair did not become normal again, so the rest of the plan is left."""

    def __init__(self, vlan: str, found: str) -> None:
        self.vlan = vlan
        self.found = found
        super().__init__(
            f"{vlan} is not normal again: {found}\nWhat becomes of it says: maasha dhcp roles"
        )


def run_roles(store: Store, terminal: Terminal, wanted: Roles) -> Status:
    """Show the racks of VLANs, or the plan that evens primaries; `apply` carries it out.

    Raises `NotNormal`.
    """
    api = open_api(store, store.profile(wanted.profile), terminal)
    answer, document = _read(api, 1 if wanted.plan else MOST)
    if not answer.good:
        return _told(api, answer)
    if wanted.apply:
        return _apply(api, records(document.get("plan")), wanted.deadline)
    if not terminal.is_for_people:
        terminal.write(printed(document.get("plan") if wanted.plan else document))
    else:
        terminal.show(plan_text(document) if wanted.plan else roles_text(document))
    return Status.DONE


def _read(api: Api, limit: int) -> tuple[Answer, Record]:
    """Read all pages; gives the last answer, and the first one's document with all VLANs.

    With a limit of one it is only that one VLAN: each page has the whole plan.
    """
    answer = api.fetch(f"dhcp-roles/?limit={limit}")
    document = page = record(answer.json) if answer.good else {}
    vlans = list(records(page.get("vlans")))
    while limit > 1 and text(page.get("next_uri")):
        answer = api.fetch(f"dhcp-roles/?limit={limit}&offset={len(vlans)}")
        page = record(answer.json) if answer.good else {}
        vlans += records(page.get("vlans"))
    if document is page:
        return answer, document
    return answer, {**document, "count": len(vlans), "vlans": vlans, "next_uri": None}


def _apply(api: Api, swaps: Sequence[Record], deadline: int) -> Status:
    """Have one pair after the other change places; a refusal ends it.

    However it ends, it is said what was not begun.
    """
    if not swaps:
        api.terminal.say(plan_text({}))
    left = swaps
    try:
        with closing(Meter(api.terminal.stderr)) as meter:
            while left:
                place, left = len(swaps) - len(left), left[1:]
                refused = _swap(api, Turn(meter, swaps, place), deadline)
                if refused is not None:
                    return _told(api, refused)
        return Status.DONE
    finally:
        api.terminal.say(not_begun_text(left))


@frozen
class Turn:
    """One of the swaps of a plan."""

    meter: Meter
    swaps: Sequence[Record]
    place: int

    @property
    def swap(self) -> Record:
        """What is to be done."""
        return self.swaps[self.place]

    def show(self, status: str, silence: str = "") -> None:
        """Show how far all of it is."""
        vlan, count = vlan_label(self.swap), self.place + (status == RUNNING and not silence)
        self.meter.show(*step_words(count, len(self.swaps), vlan, status, silence))


def _swap(api: Api, turn: Turn, deadline: int) -> Answer | None:
    """Have a pair change places and wait until it is normal; gives the answer that refuses it.

    Whoever restarts is asked again: a swap that names the primary changes nothing when it was done.
    """
    clock, status, begun, silence = api.terminal.clock, "begins", False, ""
    patience = Patience(clock() + deadline)
    turn.show(status)
    while True:
        answer = _asked(api, turn.swap, patience, begun=begun)
        if isinstance(answer, Silence):
            silence, patience = answer.why, patience.missed(answer.rest)
        elif not answer.good:
            return answer
        else:
            begun, silence, patience = True, "", patience.answered
            status = text(record(answer.json).get("dhcp_status"))
        turn.show(status, silence)
        if status == RUNNING and not silence:
            return None
        pause = patience.pause(clock())
        if not pause or status.startswith("failed"):
            found = f"there is no answer: {silence}" if silence else status or "unknown"
            raise NotNormal(vlan_label(turn.swap), found)
        api.terminal.sleep(pause)


def _asked(api: Api, swap: Record, patience: Patience, *, begun: bool) -> Answer | Silence:
    """Ask for the swap, or how far it is; once."""
    now, vlan = api.terminal.clock(), text(swap.get("id"))
    if begun:
        return once(lambda: api.ask(f"vlans/{vlan}/", patience.timeout(now)))
    timeout = patience.timeout(now, SWAP_ANSWER)
    form = fields(vlan=vlan, primary=text(swap.get("primary")))
    return once(lambda: api.try_post("dhcp-roles/?op=swap", form, timeout))


def _told(api: Api, answer: Answer) -> Status:
    """Show an answer that refuses something."""
    api.terminal.write(shown(answer))
    api.terminal.say(advice(answer, api.profile.name))
    return exit_status(answer)
