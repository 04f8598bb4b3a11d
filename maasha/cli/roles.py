"""Runs `maasha dhcp roles` against the API."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from attrs import frozen

from maasha.cli.answer import Answer, advice, exit_status, printed, shown
from maasha.cli.api import Api, open_api
from maasha.cli.failures import Failure, Status
from maasha.cli.request import Field
from maasha.cli.roles_text import plan_text, roles_text, step_words, vlan_label
from maasha.cli.roles_words import Roles
from maasha.cli.shape import Record, record, records, text
from maasha.cli.store import Store
from maasha.cli.terminal import Meter, Terminal

LOOK = 1.0
"""Seconds between looks at a pair."""


class NotNormal(Failure):
    """A pair did not become normal again, so the rest of the plan is left."""

    def __init__(self, vlan: str, found: str) -> None:
        self.vlan = vlan
        self.found = found
        super().__init__(
            f"{vlan} is not normal again: {found}\n"
            "What was planned after it is not begun; see: maasha dhcp roles"
        )


def run_roles(store: Store, terminal: Terminal, wanted: Roles) -> Status:
    """Show the racks of VLANs, or the plan that evens primaries; `apply` carries it out.

    Raises `NotNormal`.
    """
    api = open_api(store, store.profile(wanted.profile), terminal)
    answer = api.fetch("dhcp-roles/")
    if not answer.good:
        return _told(api, answer)
    if wanted.apply:
        return _apply(api, records(record(answer.json).get("plan")), wanted.deadline)
    if not terminal.is_for_people:
        document = record(answer.json)
        terminal.write(printed(document.get("plan") if wanted.plan else document))
    else:
        terminal.show(plan_text(answer.json) if wanted.plan else roles_text(answer.json))
    return Status.DONE


def _apply(api: Api, swaps: Sequence[Record], deadline: int) -> Status:
    """Have one pair after the other change places; a refusal ends it."""
    if not swaps:
        api.terminal.say(plan_text({}))
    refused = None
    with closing(Meter(api.terminal.stderr)) as meter:
        for place in range(len(swaps)):
            refused = _swap(api, Turn(meter, swaps, place), deadline)
            if refused is not None:
                break
    return Status.DONE if refused is None else _told(api, refused)


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

    def show(self, status: str, *, done: bool = False) -> None:
        """Show how far all of it is."""
        vlan, count = vlan_label(self.swap), self.place + done
        self.meter.show(*step_words(count, len(self.swaps), vlan, status))


def _swap(api: Api, turn: Turn, deadline: int) -> Answer | None:
    """Have a pair change places and wait until it is normal; gives the answer that refuses it."""
    vlan, status = text(turn.swap.get("id")), ""
    turn.show("begins")
    answer = api.post("dhcp-roles/?op=swap", (Field("vlan", vlan.encode()),))
    for _ in range(max(1, int(deadline / LOOK))):
        if not answer.good:
            return answer
        status = text(record(answer.json).get("dhcp_status"))
        turn.show(status, done=status == "running")
        if status == "running":
            return None
        if status.startswith("failed"):
            break
        api.terminal.sleep(LOOK)
        answer = api.fetch(f"vlans/{vlan}/")
    raise NotNormal(vlan_label(turn.swap), status or "unknown")


def _told(api: Api, answer: Answer) -> Status:
    """Show an answer that refuses something."""
    api.terminal.write(shown(answer))
    api.terminal.say(advice(answer, api.profile.name))
    return exit_status(answer)
