"""What the leader has in mind, why nothing happens and how even it was, as people read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from textwrap import wrap

from maasha.cli.shape import Record, flag, record, records, text, texts
from maasha.cli.tables import table

COLUMNS = 80
EVENS = "evens"
"""The leader's state while it has links or owners moved."""
MOST = 10
"""Racks of which it is said one by one why they wait."""


def instant(value: str) -> str:
    """Give an instant as people read it; what is none, as it is."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return value
    return f"{found.astimezone(UTC):%F %T} UTC" if found.tzinfo else value


def wrapped(sentence: str) -> str:
    """Break a sentence for a terminal; what follows its first line is set in."""
    lines = wrap(sentence, COLUMNS, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines)


def listed(title: str, sentences: Sequence[str]) -> str:
    """Give sentences below their title; nothing where there are none."""
    lines = (wrapped(f"- {each}") for each in sentences)
    return "\n".join((title, *lines)) if sentences else ""


def leader_text(placement: Record) -> str:
    """Say who leads, since when, and what it is about."""
    if "leader" not in placement:
        return ""
    leader = record(placement.get("leader"))
    if not leader:
        return wrapped("Leader: none that has looked yet; nothing is begun until there is one")
    words = f"Leader: {text(leader.get('worker')) or 'a worker'}"
    state, evening = text(leader.get("state")), record(leader.get("evening"))
    what = [kind for kind in ("links", "owners") if flag(evening.get(kind))]
    doing = f"{state} {' and '.join(what)}" if state == EVENS else state
    return wrapped(f"{words} since {instant(text(leader.get('since')))}, {doing}")


def stops_text(placement: Record) -> str:
    """Give the reasons why nothing of a plan is begun; empty where there is none."""
    reasons = list(texts(placement.get("stops")))
    leader = record(placement.get("leader"))
    if leader and not flag(leader.get("settled")):
        since = instant(text(leader.get("unsettled_since")))
        reasons.append(f"racks or workers come and go since {since}")
    return listed("Nothing but drains is begun now:", reasons)


def waiting_text(plan: Record) -> str:
    """Say which racks are left as they are for now, and why."""
    waiting = records(plan.get("waiting"))
    lines = [text(each.get("reason")) for each in waiting[:MOST]]
    if len(waiting) > MOST:
        lines.append(f"{len(waiting) - MOST} more racks, see: maasha PROFILE placement read")
    return listed("Left as they are for now:", lines)


def history_text(document: object) -> str:
    """Give a table of how even it was, the newest first, and how to see what was before."""
    page = record(document)
    noted = records(page.get("history"))
    if not noted:
        return "Nothing was noted yet"
    parts = [table(("FROM", "FULLEST TO MEAN", "LINKS", "WORKERS"), list(_rows(noted)))]
    if text(page.get("next_uri")):
        before = text(noted[-1].get("at"))
        parts.append(f"Before that:\n  maasha PROFILE placement history before={before}")
    return "\n".join(parts)


def _rows(noted: Sequence[Record]) -> Iterator[tuple[str, ...]]:
    for each in noted:
        figures = (text(each.get(key)) for key in ("ratio", "links", "workers"))
        yield (instant(text(each.get("at"))), *figures)
