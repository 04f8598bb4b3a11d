"""Runs `maasha drain`, `balance`, `pause` and `resume` against the API."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from maasha.cli.answer import Answer, advice, exit_status, printed, shown
from maasha.cli.api import Api, open_api
from maasha.cli.failures import Failure, NotAnApi, Status
from maasha.cli.placement_text import balance_text, drain_line, pause_line, plan_text
from maasha.cli.placement_words import Balance, Drain, Pause, Resume
from maasha.cli.progress import Progress
from maasha.cli.request import Field
from maasha.cli.shape import Record, record, records, text
from maasha.cli.store import Store
from maasha.cli.terminal import Meter, Terminal

LOOK = 1.0
"""Seconds between looks at a drain."""


class NotDrained(Failure):
    """There is no drain to undo."""

    status = Status.REFUSED

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        super().__init__(f"{kind} {name} is not drained; see: maasha status")


class UndoneMeanwhile(Failure):
    """A drain ended before it was done."""

    def __init__(self, kind: str, name: str, left: int) -> None:
        self.kind = kind
        self.name = name
        self.left = left
        super().__init__(f"{kind} {name} is not drained any more; {left} links were left")


def run_balance(store: Store, terminal: Terminal, wanted: Balance) -> Status:
    """Show the placement and, if asked, the plan: what the leader does, or would do."""
    api = open_api(store, store.profile(wanted.profile), terminal)
    answer = api.fetch("placement/")
    if not answer.good:
        return _told(api, answer)
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
    answer = api.post("placement/?op=pause", _fields(seconds=wanted.seconds))
    return _told(api, answer, lambda found: pause_line(record(found.get("pause"))))


def run_resume(store: Store, terminal: Terminal, wanted: Resume) -> Status:
    """Let automatic acts go on."""
    api = open_api(store, store.profile(wanted.profile), terminal)
    answer = api.post("placement/?op=resume")
    return _told(api, answer, lambda _: "Automatic acts go on")


def run_drain(store: Store, terminal: Terminal, wanted: Drain) -> Status:
    """Drain, and wait until it is done if asked; or undo it.

    Raises `NotDrained` and `UndoneMeanwhile`.
    """
    api = open_api(store, store.profile(wanted.profile), terminal)
    if wanted.undo:
        return _undo(api, wanted)
    fields = _fields(**{wanted.kind: wanted.name}, seconds=wanted.seconds, at_end=wanted.at_end)
    answer = api.post("drains/", fields)
    if not answer.good or not wanted.wait:
        return _told(api, answer, drain_line)
    return _wait(api, wanted, record(answer.json))


def _undo(api: Api, wanted: Drain) -> Status:
    answer = api.fetch("drains/")
    if not answer.good:
        return _told(api, answer)
    for drain in records(answer.json):
        if text(drain.get("kind")) == wanted.kind and _is_named(drain, wanted.name):
            answer = api.delete(f"drains/{text(drain.get('id'))}/")
            return _told(api, answer, lambda _: f"{wanted.kind} {wanted.name} is open again")
    raise NotDrained(wanted.kind, wanted.name)


def _is_named(drain: Record, name: str) -> bool:
    """Whether it is called so, by host name or system id; a worker's has its slot."""
    hostname, slash, slot = text(drain.get("name")).partition("/")
    return name in (f"{hostname}{slash}{slot}", f"{text(drain.get('system_id'))}{slash}{slot}")


def _wait(api: Api, wanted: Drain, drain: Record) -> Status:
    """Show how far it is until nothing is left."""
    path = f"drains/{text(drain.get('id'))}/"
    progress = Progress(0, _left(api, drain))
    with closing(Meter(api.terminal.stderr)) as meter:
        while True:
            progress = progress.next(_left(api, drain))
            meter.show(progress.bar, progress.line)
            if not progress.left:
                return Status.DONE
            api.terminal.sleep(LOOK)
            answer = api.fetch(path)
            if answer.status == 404:
                raise UndoneMeanwhile(wanted.kind, wanted.name, progress.left)
            if not answer.good:
                return _told(api, answer)
            drain = record(answer.json)


def _left(api: Api, drain: Record) -> int:
    """Give how many links are left. Raises `NotAnApi` where the answer does not say."""
    left = drain.get("remaining")
    if not isinstance(left, int) or isinstance(left, bool):
        raise NotAnApi(api.profile.url, "asked for a drain, it does not say what remains")
    return left


def _fields(**values: object) -> tuple[Field, ...]:
    """Make the fields of a form; what is None is left out."""
    given = {name: value for name, value in values.items() if value is not None}
    return tuple(Field(name, str(value).encode()) for name, value in given.items())


def _told(api: Api, answer: Answer, words: Callable[[Record], str] | None = None) -> Status:
    """Show an answer: in words if it is good and people read it, else as it came."""
    if answer.good and words is not None and api.terminal.is_for_people:
        api.terminal.show(words(record(answer.json)))
    else:
        api.terminal.write(shown(answer))
        api.terminal.say(advice(answer, api.profile.name))
    return exit_status(answer)
