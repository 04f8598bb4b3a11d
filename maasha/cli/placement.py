"""Runs `maasha balance`, `pause`, `resume` and `acknowledge` against the API."""

from __future__ import annotations

from collections.abc import Callable

from maasha.cli.answer import Answer, advice, exit_status, printed, shown
from maasha.cli.api import Api, open_api
from maasha.cli.failures import Status
from maasha.cli.leader_text import history_text
from maasha.cli.placement_text import (
    acknowledged_line,
    balance_text,
    known_racks_text,
    pause_line,
    plan_text,
)
from maasha.cli.placement_words import Acknowledge, Balance, Pause, Resume
from maasha.cli.request import Field
from maasha.cli.shape import Record, record
from maasha.cli.store import Store
from maasha.cli.terminal import Terminal


def run_balance(store: Store, terminal: Terminal, wanted: Balance) -> Status:
    """Show the placement and, if asked, the plan: what the leader does, or would do."""
    api = open_api(store, store.profile(wanted.profile), terminal)
    if wanted.history is not None:
        return _history(api, wanted.history)
    answer = api.fetch("placement/")
    if not answer.good:
        return told(api, answer)
    if not terminal.is_for_people:
        document = record(answer.json)
        terminal.write(printed(document.get("plan") if wanted.dry_run else document))
    elif wanted.dry_run:
        terminal.show(plan_text(answer.json, reasons=wanted.explain))
    else:
        terminal.show(balance_text(answer.json, explain=wanted.explain))
    return Status.DONE


def run_pause(store: Store, terminal: Terminal, wanted: Pause) -> Status:
    """Stop automatic acts."""
    api = open_api(store, store.profile(wanted.profile), terminal)
    answer = api.post("placement/?op=pause", fields(seconds=wanted.seconds))
    return told(api, answer, lambda found: pause_line(record(found.get("pause"))))


def run_resume(store: Store, terminal: Terminal, wanted: Resume) -> Status:
    """Let automatic acts go on."""
    api = open_api(store, store.profile(wanted.profile), terminal)
    answer = api.post("placement/?op=resume")
    return told(api, answer, lambda _: "Automatic acts go on")


def run_acknowledge(store: Store, terminal: Terminal, wanted: Acknowledge) -> Status:
    """Say that the racks of the alarm are known to have vanished."""
    api = open_api(store, store.profile(wanted.profile), terminal)
    form = tuple(Field("rack", rack.encode()) for rack in wanted.racks)
    answer = api.post("placement/?op=acknowledge", form)
    words = known_racks_text if wanted.racks else acknowledged_line
    return told(api, answer, words)


def _history(api: Api, count: int) -> Status:
    answer = api.fetch(f"placement/?op=history&limit={count}")
    if not answer.good or not api.terminal.is_for_people:
        return told(api, answer)
    api.terminal.show(history_text(answer.json))
    return Status.DONE


def fields(**values: object) -> tuple[Field, ...]:
    """Make the fields of a form; what is None is left out."""
    given = {name: value for name, value in values.items() if value is not None}
    return tuple(Field(name, str(value).encode()) for name, value in given.items())


def told(api: Api, answer: Answer, words: Callable[[Record], str] | None = None) -> Status:
    """Show an answer: in words if it is good and people read it, else as it came."""
    if answer.good and words is not None and api.terminal.is_for_people:
        api.terminal.show(words(record(answer.json)))
    else:
        api.terminal.write(shown(answer))
        api.terminal.say(advice(answer, api.profile.name))
    return exit_status(answer)
