"""The placement as people read it: loads, what is drained or paused, the plan and its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from maasha.cli.leader_text import instant, leader_text, stops_text, waiting_text, wrapped
from maasha.cli.shape import Record, flag, record, records, text, texts
from maasha.cli.tables import table

REASON = "REASON"
NO_ALARM = "There is no alarm of racks that vanished; nothing was changed"


def balance_text(document: object, *, explain: bool) -> str:
    """Give tables of what `placement/` answered; with `explain` the plan as well."""
    placement = record(document)
    parts = [
        _evenness(placement),
        _workers(records(placement.get("regions"))),
        leader_text(placement),
        standing_text(placement),
        _under_way(records(placement.get("under_way"))),
    ]
    parts += [plan_text(placement, reasons=True)] if explain else [_summary(placement)]
    return "\n\n".join(part for part in parts if part)


def plan_text(document: object, *, reasons: bool) -> str:
    """Give what would be done, in its order, and why no more than that."""
    placement = record(document)
    plan = record(placement.get("plan"))
    actions = records(plan.get("actions"))
    lines = [f"Planned: {len(actions) or 'nothing'}"]
    if actions:
        heads = ("ACTION", "RACK", "FROM", "TO", REASON)
        rows = [tuple(text(action.get(head.lower())) for head in heads) for action in actions]
        kept = len(heads) if reasons else heads.index(REASON)
        lines.append(table(heads[:kept], [row[:kept] for row in rows]))
    if reasons:
        then = "Then the links" if actions else "The links"
        lines += [f"{then}: {text(plan.get('links')) or 'unknown'}"]
        lines += [f"{then.replace('links', 'owners')}: {text(plan.get('owners')) or 'unknown'}"]
        lines += [waiting_text(plan)]
    return "\n".join(filter(None, (*lines, stops_text(placement))))


def standing_text(document: object) -> str:
    """Give one line for a pause and one for each drain; empty where there is none."""
    shown = record(document)
    pause = record(shown.get("pause"))
    lines = [pause_line(pause)] if pause else []
    return "\n".join((*lines, *map(drain_line, records(shown.get("drains")))))


def pause_line(pause: Record) -> str:
    """Say who paused what until when."""
    until = instant(text(pause.get("until")))
    end = f"until {until}" if until else "until somebody says: maasha resume"
    return f"Paused by {text(pause.get('by'))} {end}: nothing is done without a hand"


def acknowledged_line(document: Record) -> str:
    """Say which racks are known to have vanished by now, and of which alarm, if there was one."""
    known = record(document.get("acknowledged"))
    if not known:
        return NO_ALARM
    until = instant(text(known.get("until")))
    lines = [wrapped(f"Racks that vanished up to {until} are known; automatic acts go on")]
    racks, alarm = texts(document.get("racks")), text(document.get("alarm"))
    if alarm:
        lines.append(wrapped(f"The alarm was: {alarm}"))
    if racks:
        lines.append(wrapped(f"Away since before it: {', '.join(racks)}"))
    return "\n".join(lines)


def known_racks_text(document: Record) -> str:
    """Say which of the racks that vanished were let go by name."""
    if not record(document.get("acknowledged")):
        return NO_ALARM
    names = ", ".join(texts(document.get("racks")))
    return wrapped(f"Known to have vanished, so they stop nothing any more: {names}")


def drain_line(drain: Record) -> str:
    """Say what is drained, by whom, until when, and what is left of it."""
    kind, name = text(drain.get("kind")), text(drain.get("name"))
    left = text(drain.get("remaining"))
    unit = "VLANs served" if kind == "rack" else "links left"
    expires = instant(text(drain.get("expires")))
    end = f"overdue since {expires}" if flag(drain.get("overdue")) else _end(drain, expires)
    return f"Drained: {kind} {name} by {text(drain.get('by'))} {end}, {left} {unit}"


def _end(drain: Record, expires: str) -> str:
    return f"until {expires}" + (", then an alarm" if text(drain.get("at_end")) == "alarm" else "")


def _evenness(placement: Record) -> str:
    return (
        f"Evenness: the fullest worker has {text(placement.get('ratio'))} times the mean of "
        f"{text(placement.get('mean'))} links, {text(placement.get('links'))} in all"
    )


def _workers(regions: Sequence[Record]) -> str:
    rows = [row for region in regions for row in _rows(region)]
    return table(("WORKER", "LINKS", "LOAD", "CAPACITY", "RACKS OWNED", "STATE"), rows)


def _rows(region: Record) -> Iterator[tuple[str, ...]]:
    for worker in records(region.get("workers")):
        yield (
            f"{text(region.get('hostname'))}/{text(worker.get('slot'))}",
            text(worker.get("links")),
            text(worker.get("load")),
            text(worker.get("capacity")),
            str(len(texts(worker.get("racks")))),
            "draining" if flag(worker.get("draining")) else "open",
        )


def _under_way(moves: Sequence[Record]) -> str:
    if not moves:
        return ""
    heads = ("RACK", "FROM", "TO", "SINCE")
    rows = [tuple(instant(text(move.get(head.lower()))) for head in heads) for move in moves]
    return f"Under way: {len(moves)}\n{table(heads, rows)}"


def _summary(placement: Record) -> str:
    count = len(records(record(placement.get("plan")).get("actions")))
    words = f"Planned: {count}, see: maasha balance --explain" if count else "Planned: nothing"
    return "\n".join(filter(None, (words, stops_text(placement))))
