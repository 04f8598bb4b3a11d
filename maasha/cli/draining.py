"""Runs `maasha drain` against the API: begins a drain, waits for its end, or undoes it."""

from __future__ import annotations

from contextlib import closing

from maasha.cli.answer import Answer
from maasha.cli.api import Api, open_api
from maasha.cli.failures import Failure, NotAnApi, Status
from maasha.cli.leader_text import instant
from maasha.cli.looking import Silence, once
from maasha.cli.patience import Patience
from maasha.cli.placement import fields, told
from maasha.cli.placement_text import drain_line
from maasha.cli.placement_words import LIFE, Drain, spelt
from maasha.cli.progress import Progress
from maasha.cli.shape import Record, record, records, text
from maasha.cli.store import Store
from maasha.cli.terminal import Meter, Terminal

WHY = {"link": "maasha balance --explain", "VLAN": "maasha status"}
"""Where it is said why some are left."""


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
        super().__init__(
            f"{kind} {name} is not drained any more; {left} {unit_of(kind)}s were left.\n"
            "Its time was over, or somebody undid it: maasha events read says who.\n"
            f"Drain it anew: maasha drain {kind} {name} --wait"
        )


class NotEmptyYet(Failure):
    """It was waited for a drain as long as was wanted; the drain goes on."""

    status = Status.GAVE_UP

    def __init__(self, wanted: Drain, progress: Progress, expires: str) -> None:
        self.wanted = wanted
        self.progress = progress
        what = f"{wanted.kind} {wanted.name}"
        silence = f"\nThere is no answer: {progress.silence}." if progress.silence else ""
        last = ", when last heard" if progress.silence else ""
        super().__init__(
            f"{what} is not empty after {spelt(patience_of(wanted))}: {progress.left} of "
            f"{progress.total} {progress.unit}s left{last}.{silence}\n"
            f"The drain goes on until {instant(expires) or 'its time is over'}.\n"
            f"Why {progress.unit}s are left: {WHY[progress.unit]}\n"
            f"Wait on: maasha drain {what} --wait\n"
            f"Undo it: maasha drain {what} --undo"
        )


def run_drain(store: Store, terminal: Terminal, wanted: Drain) -> Status:
    """Drain, and wait until it is done if asked; or undo it.

    Raises `NotDrained`, `UndoneMeanwhile` and `NotEmptyYet`.
    """
    api = open_api(store, store.profile(wanted.profile), terminal)
    if wanted.undo:
        return _undo(api, wanted)
    form = fields(**{wanted.kind: wanted.name}, seconds=wanted.seconds, at_end=wanted.at_end)
    answer = api.post("drains/", form)
    if not answer.good or not wanted.wait:
        return told(api, answer, drain_line)
    with closing(Meter(terminal.stderr)) as meter:
        return _wait(api, wanted, record(answer.json), meter)


def patience_of(wanted: Drain) -> int:
    """Give for how many seconds it is waited: as long as the drain lasts unless told otherwise."""
    return wanted.timeout or wanted.seconds or LIFE


def unit_of(kind: str) -> str:
    """Give what is to go, one of it: links of a region or worker, VLANs of a rack."""
    return "VLAN" if kind == "rack" else "link"


def _undo(api: Api, wanted: Drain) -> Status:
    answer = api.fetch("drains/")
    if not answer.good:
        return told(api, answer)
    for drain in records(answer.json):
        if text(drain.get("kind")) == wanted.kind and _is_named(drain, wanted.name):
            answer = api.delete(f"drains/{text(drain.get('id'))}/")
            return told(api, answer, lambda _: f"{wanted.kind} {wanted.name} is open again")
    raise NotDrained(wanted.kind, wanted.name)


def _is_named(drain: Record, name: str) -> bool:
    """Whether it is called so, by host name or system id; a worker's has its slot."""
    hostname, slash, slot = text(drain.get("name")).partition("/")
    return name in (f"{hostname}{slash}{slot}", f"{text(drain.get('system_id'))}{slash}{slot}")


def _wait(api: Api, wanted: Drain, drain: Record, meter: Meter) -> Status:
    """Show how far it is until nothing is left; a region that restarts is waited for."""
    clock, left = api.terminal.clock, _left(api, drain)
    progress = Progress(left, left, unit=unit_of(wanted.kind))
    patience = Patience(clock() + patience_of(wanted))
    while True:
        meter.show(progress.bar, progress.line)
        if not progress.left:
            return Status.DONE
        pause = patience.pause(clock())
        if not pause:
            raise NotEmptyYet(wanted, progress, text(drain.get("expires")))
        api.terminal.sleep(pause)
        answer = _looked(api, drain, patience.timeout(clock()))
        if isinstance(answer, Silence):
            progress, patience = progress.unknown(answer.why), patience.missed(answer.rest)
        elif answer.status == 404:
            raise UndoneMeanwhile(wanted.kind, wanted.name, progress.left)
        elif not answer.good:
            return told(api, answer)
        else:
            drain = record(answer.json)
            progress, patience = progress.next(_left(api, drain)), patience.answered


def _looked(api: Api, drain: Record, timeout: float) -> Answer | Silence:
    return once(lambda: api.ask(f"drains/{text(drain.get('id'))}/", timeout))


def _left(api: Api, drain: Record) -> int:
    """Give how much is left. Raises `NotAnApi` where the answer does not say."""
    left = drain.get("remaining")
    if not isinstance(left, int) or isinstance(left, bool):
        raise NotAnApi(api.profile.url, "asked for a drain, it does not say what remains")
    return left
