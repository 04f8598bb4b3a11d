"""Racks of VLANs as people read them: who serves, by whose choice, and why nobody else does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from maasha.cli.placement_text import pause_line
from maasha.cli.progress import drawn
from maasha.cli.shape import Record, record, records, text, texts
from maasha.cli.tables import table

WIDTH = 80
"""Columns of a terminal."""
MOST_NAMES = 10
"""As many as a few lines have."""
INDENT = "    "
HEADS = ("FABRIC", "VID", "DHCP", "PRIMARY", "SECONDARY")
PLAIN = ("DHCP is off", "both places are filled")
"""What the table says already."""


def roles_text(document: object) -> str:
    """Give a table of what `dhcp-roles/` answered, and below a VLAN what that cannot say."""
    shown = record(document)
    vlans = records(shown.get("vlans"))
    if not vlans:
        return "There is no VLAN yet"
    heads, *rows = table(HEADS, [_row(vlan) for vlan in vlans]).splitlines()
    lines = [heads]
    for row, vlan in zip(rows, vlans, strict=True):
        lines += [row, *_why(vlan)]
    standing = "\n".join(_standing(shown))
    return "\n\n".join(part for part in ("\n".join(lines), standing) if part)


def plan_text(document: object) -> str:
    """Give the swaps that would even the primaries, in their order."""
    swaps = records(record(document).get("plan"))
    if not swaps:
        return "Planned: nothing; no pairs that are normal and automatic make primaries more even"
    heads = ("FABRIC", "VID", "PRIMARY", "REASON")
    rows = [
        (text(swap.get("fabric")), text(swap.get("vid")), _change(swap), text(swap.get("reason")))
        for swap in swaps
    ]
    apply = "Nothing is done yet; carry it out with: maasha dhcp roles --plan --apply"
    return f"Planned: {len(swaps)}\n{table(heads, rows)}\n{apply}"


def _change(swap: Record) -> str:
    return f"{text(swap.get('secondary'))} -> {text(swap.get('primary'))}"


def vlan_label(vlan: Record) -> str:
    """Name a VLAN in a sentence."""
    return f"{text(vlan.get('fabric'))} VID {text(vlan.get('vid'))}"


def step_words(done: int, total: int, vlan: str, status: str, silence: str = "") -> tuple[str, str]:
    """Say how far a plan is, as a bar and as a line; `silence`: why nobody says it now."""
    words = f"{done} of {total} changed, {vlan}: {status.partition(':')[0] or 'unknown'}"
    if not silence:
        return f"{drawn(done, total)} {words}", words
    line = f"{words} when last heard; no answer ({silence}), trying again"
    return f"{drawn(done, total)} {words}, no answer for now", line


def not_begun_text(swaps: Sequence[Record]) -> str:
    """Name what of a plan was not begun; empty: nothing was left."""
    if not swaps:
        return ""
    names = ", ".join(vlan_label(swap) for swap in swaps[:MOST_NAMES])
    more = f" and {len(swaps) - MOST_NAMES} more" if len(swaps) > MOST_NAMES else ""
    return f"Not begun: {names}{more}; plan anew: maasha dhcp roles --plan"


def _row(vlan: Record) -> tuple[str, ...]:
    status = text(vlan.get("dhcp_status")).partition(":")[0]
    plain = (text(vlan.get("fabric")), text(vlan.get("vid")), status)
    return (*plain, _place(vlan, "primary"), _place(vlan, "secondary"))


def _place(vlan: Record, place: str) -> str:
    name, by = text(vlan.get(place)), text(vlan.get(f"{place}_by"))
    if not name:
        return "" if by in ("", "automatic") else f"nobody ({by})"
    return f"{name} ({by})"


def _why(vlan: Record) -> Sequence[str]:
    words = text(vlan.get("why"))
    if not words or words in PLAIN:
        return ()
    return wrap(words, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)


def _standing(shown: Record) -> Iterator[str]:
    pause = record(shown.get("pause"))
    if pause:
        yield pause_line(pause)
    for stop in texts(shown.get("stops"))[bool(pause) :]:
        yield f"Nothing is changed without a hand: {stop}"
    planned = len(records(shown.get("plan")))
    if planned:
        changes = f"{planned} change{'' if planned == 1 else 's'}"
        yield f"Primaries can be more even by {changes}: maasha dhcp roles --plan"
