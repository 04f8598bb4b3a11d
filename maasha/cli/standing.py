"""Runs `maasha dhcp status` and `maasha dhcp takeover` against the API."""

from __future__ import annotations

from maasha.cli.answer import printed
from maasha.cli.api import open_api
from maasha.cli.failures import Status
from maasha.cli.placement import fields, told
from maasha.cli.standing_text import standing_text, taken_over_text
from maasha.cli.standing_words import Standing, TakeOver
from maasha.cli.store import Store
from maasha.cli.terminal import Terminal


def run_standing(store: Store, terminal: Terminal, wanted: Standing) -> Status:
    """Show how all VLANs are served, or all that is known of one."""
    api = open_api(store, store.profile(wanted.profile), terminal)
    answer = api.fetch(f"dhcp-status/?vlan={wanted.vlan}" if wanted.vlan else "dhcp-status/")
    if not answer.good:
        return told(api, answer)
    if terminal.is_for_people:
        terminal.show(standing_text(answer.json, whole=bool(wanted.vlan)))
    else:
        terminal.write(printed(answer.json))
    return Status.DONE


def run_take_over(store: Store, terminal: Terminal, wanted: TakeOver) -> Status:
    """Have a rack take over from its peer; waits for it as an update of a VLAN does."""
    api = open_api(store, store.profile(wanted.profile), terminal)
    force = "true" if wanted.force else None
    form = fields(vlan=wanted.vlan, off=wanted.off, force=force)
    return told(api, api.post("dhcp-status/?op=takeover", form), taken_over_text)
