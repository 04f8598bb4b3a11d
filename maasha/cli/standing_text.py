"""How DHCP stands as people read it: states, addresses, hours left, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from maasha.cli.shape import Record, flag, record, records, text, texts
from maasha.cli.tables import table

WIDTH = 80
"""Columns of a terminal."""
INDENT = "    "
HEADS = ("VLAN", "FABRIC", "VID", "STANDING", "LEFT", "CLIENTS/H", "LASTS")
RACKS = (
    "RACK",
    "PLACE",
    "SERVES",
    "STATE",
    "SINCE",
    "FREE",
    "BACKUP",
    "ACTIVE",
    "RETURNING",
    "ALL",
)


def standing_text(document: object, *, whole: bool = False) -> str:
    """Give a table of what `dhcp-status/` answered; `whole`: all that is known of each VLAN."""
    vlans = [vlan for vlan in records(document) if whole or flag(vlan.get("dhcp_on"))]
    if not vlans:
        return "DHCP is on for no VLAN yet"
    heads, *rows = table(HEADS, [_row(vlan) for vlan in vlans]).splitlines()
    lines = [heads]
    for row, vlan in zip(rows, vlans, strict=True):
        lines += [row, *(_whole(vlan) if whole else _short(vlan))]
    return "\n".join(lines)


def taken_over_text(answer: Record) -> str:
    """Say what a take-over came to."""
    survivor, away = text(answer.get("survivor")), text(answer.get("off"))
    taken = answer.get("taken_over")
    vlans = ", ".join(text(vlan) for vlan in taken) if isinstance(taken, list) else ""
    status = text(answer.get("dhcp_status"))
    return (
        f"{survivor} serves alone in the stead of {away}, with all addresses, on VLAN {vlans}: "
        f"{status}\nWhen {away} is back it learns the leases anew, and the pair goes on."
    )


def _row(vlan: Record) -> tuple[str, ...]:
    lasting = record(vlan.get("endurance"))
    plain = (text(vlan.get("id")), text(vlan.get("fabric")), text(vlan.get("vid")))
    left, hourly = text(lasting.get("addresses_left")), text(lasting.get("clients_per_hour"))
    return (*plain, text(vlan.get("standing")), left, hourly, _lasts(lasting))


def _lasts(lasting: Record) -> str:
    """Write hours as people read them."""
    if not lasting:
        return ""
    hours = lasting.get("hours")
    if not isinstance(hours, int | float):
        return "without end"
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} d"


def _short(vlan: Record) -> Iterator[str]:
    home = record(vlan.get("relay_vlan"))
    if home:
        yield from _wrapped(f"relayed to VLAN {text(home.get('id'))}, whose racks serve it")
    for alarm in records(vlan.get("alarms")):
        yield from _wrapped(f"{text(alarm.get('kind'))}: {text(alarm.get('detail'))}")


def _whole(vlan: Record) -> Iterator[str]:
    yield from _wrapped(text(vlan.get("meaning")))
    racks = records(vlan.get("racks"))
    if racks:
        yield ""
        yield from table(RACKS, [_rack(one) for one in racks]).splitlines()
    for one in racks:
        yield from _explained(one)
    lasting = record(vlan.get("endurance"))
    if lasting:
        yield from _wrapped(_lasting(vlan, lasting))
    yield from _short(vlan)
    for words in texts(vlan.get("advice")):
        yield from _wrapped(f"Advice: {words}")


def _rack(one: Record) -> tuple[str, ...]:
    pools = record(one.get("pools"))
    numbers = (text(pools.get(name)) for name in ("free", "backup", "active", "returning", "total"))
    state = text(one.get("state")) or text(one.get("role"))
    since = text(one.get("since")).partition(".")[0].replace("T", " ")
    serves = "yes" if flag(one.get("serves")) else "no"
    return (text(one.get("rack")), text(one.get("place")), serves, state, since, *numbers)


def _explained(one: Record) -> Sequence[str]:
    """Say what a state means that is not the usual one, what was ordered, and who took over."""
    rack = text(one.get("rack"))
    lines: list[str] = []
    if text(one.get("state")) not in ("", "normal"):
        mend = text(one.get("mend"))
        lines += _wrapped(f"{rack}: {text(one.get('meaning'))}" + (f". {mend}" if mend else ""))
    if text(one.get("ordered")):
        lines += _wrapped(f"{rack}: a person ordered it on the spot: {text(one['ordered'])}")
    if text(one.get("taken_over_by")):
        since = text(one.get("taken_over_since")).partition(".")[0].replace("T", " ")
        lines += _wrapped(
            f"{rack}: its peer took over at {since}, says {text(one['taken_over_by'])}"
        )
    return lines


def _lasting(vlan: Record, lasting: Record) -> str:
    rack, left = text(lasting.get("rack")), text(lasting.get("addresses_left"))
    whose = f"If the other died now, {rack} would have" if _paired(vlan) else f"{rack} has"
    bound = text(vlan.get("endurance_bound"))
    hourly = text(lasting.get("clients_per_hour"))
    return (
        f"{whose} {left} addresses for new clients, of whom {hourly} an hour came lately: it lasts "
        f"{_lasts(lasting)} (alarm below {bound} h when alone)"
    )


def _paired(vlan: Record) -> bool:
    return text(vlan.get("standing")) == "pair"


def _wrapped(words: str) -> Sequence[str]:
    return wrap(words, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
