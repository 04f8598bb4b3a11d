"""Commands about the placement: drain, balance, pause, resume, acknowledge; how to write them."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from maasha.cli.failures import Misused
from maasha.model.duration import parse_duration

KINDS = ("region", "worker", "rack")
AT_END = ("undo", "alarm")
LIFE = 4 * 3600
"""Seconds that a drain lasts unless told otherwise, and so how long it is waited for."""
NOTES = 20
"""Of how even it was: as many as a terminal shows."""
MOST_NOTES = 1000
"""As many as one page of the API has."""


class Verbs(Protocol):
    """Where argparse takes the words of a further command."""

    def add_parser(self, name: str, *, help: str) -> ArgumentParser:
        """Add a command."""


@frozen
class Drain:
    """Empty a region, a worker or a rack, or undo that.

    `seconds` is how long it lasts, `at_end` what happens then; None: as the region has it.
    `timeout` is for how many seconds to `wait`; None: as long as it lasts.
    """

    kind: str
    name: str
    profile: str = ""
    undo: bool = False
    wait: bool = False
    seconds: int | None = None
    at_end: str | None = None
    timeout: int | None = None


@frozen
class Balance:
    """Show how even the cluster is; `explain`: the plan with its reasons, `dry_run`: only that.

    `history`: instead of all that so many notes of how even it was.
    """

    profile: str = ""
    explain: bool = False
    dry_run: bool = False
    history: int | None = None


@frozen
class Pause:
    """Stop automatic acts, for so many seconds or (None) until somebody resumes."""

    profile: str = ""
    seconds: int | None = None


@frozen
class Resume:
    """End a pause."""

    profile: str = ""


@frozen
class Acknowledge:
    """Let all go on without the racks that vanished, or without those that are named."""

    racks: tuple[str, ...] = ()
    profile: str = ""


def seconds(text: str) -> int:
    """Read a span of time: 90, 90s, 10m, 2h or 1d, as argparse wants it."""
    try:
        span = parse_duration(f"{text}s" if text.isdecimal() else text)
    except ValueError:
        mend = "write it as 90, 90s, 10m, 2h or 1d, a year at most"
        raise ArgumentTypeError(f"{text[:40]!r} is no span of time; {mend}") from None
    return int(span.total_seconds())


def spelt(span: int) -> str:
    """Write a span of time as `seconds` reads it."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if span % length == 0:
            return f"{span // length}{unit}"
    return f"{span}s"


def count(text: str) -> int:
    """Read how many notes to show, as argparse wants it."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_NOTES):
        raise ArgumentTypeError(f"{text[:40]!r} is no number from 1 to {MOST_NOTES}")
    return int(text)


def drain(**options: object) -> Drain:
    """Give the command; raises `Misused` for options that contradict each other."""
    wanted = Drain(**options)  # type: ignore[arg-type]  # argparse's
    if wanted.undo and Drain(wanted.kind, wanted.name, wanted.profile, undo=True) != wanted:
        raise Misused(
            "--undo ends a drain at once", "leave --wait, --timeout, --for and --then out"
        )
    if wanted.timeout is not None and not wanted.wait:
        raise Misused("--timeout says how long to wait", "write --wait too, or leave it out")
    return wanted


def acknowledge(*, racks: Sequence[str], profile: str) -> Acknowledge:
    """Give the command."""
    return Acknowledge(tuple(racks), profile)


MADE: Mapping[str, Callable[..., Drain | Balance | Pause | Resume | Acknowledge]] = {
    "drain": drain,
    "balance": Balance,
    "pause": Pause,
    "resume": Resume,
    "acknowledge": acknowledge,
}


def add_to(verbs: Verbs) -> None:
    """Teach argparse how they are written."""
    _add_drain(verbs.add_parser("drain", help="empty a region, worker or rack for an upgrade"))
    balance = verbs.add_parser("balance", help="show how even links are on regions and workers")
    balance.add_argument("--explain", action="store_true", help="say why each link moves, or none")
    balance.add_argument(
        "--dry-run", action="store_true", help="show only what would be done; the leader does it"
    )
    balance.add_argument(
        "--history",
        metavar="COUNT",
        nargs="?",
        type=count,
        const=NOTES,
        help=f"show only how even it was, the newest first; {NOTES} notes if left out",
    )
    pause = verbs.add_parser("pause", help="stop all automatic acts; commands still work")
    pause.add_argument("--for", dest="seconds", metavar="TIME", type=seconds, help=_TIME)
    resume = verbs.add_parser("resume", help="let automatic acts go on")
    _add_acknowledge(
        verbs.add_parser(
            "acknowledge", help="go on without the racks that vanished; they are known"
        )
    )
    for parser in (balance, pause, resume):
        _add_profile(parser)


_TIME = "90, 90s, 10m, 2h or 1d; until somebody resumes if left out"


def _add_drain(parser: ArgumentParser) -> None:
    parser.add_argument("kind", metavar="region|worker|rack", choices=KINDS)
    parser.add_argument("name", metavar="NAME", help="host name or id; of a worker HOSTNAME/SLOT")
    _add_profile(parser)
    parser.add_argument("--undo", action="store_true", help="let it have links again")
    parser.add_argument(
        "--wait", action="store_true", help="until no link is left, of a rack: no VLAN"
    )
    parser.add_argument(
        "--timeout",
        metavar="TIME",
        type=seconds,
        help="how long to wait, exit status 3 then; as long as the drain lasts if left out",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        metavar="TIME",
        type=seconds,
        help="how long it lasts: 90, 90s, 10m, 2h or 1d; 4h if left out",
    )
    parser.add_argument(
        "--then",
        dest="at_end",
        choices=AT_END,
        help="what happens then: it is undone (the default), or an alarm is raised",
    )


def _add_acknowledge(parser: ArgumentParser) -> None:
    parser.add_argument(
        "racks",
        metavar="RACK",
        nargs="*",
        help="host name or id of a rack that is away; all of the alarm if left out",
    )
    parser.add_argument("--profile", metavar="PROFILE", default="", help="if there are several")


def _add_profile(parser: ArgumentParser) -> None:
    parser.add_argument("profile", metavar="PROFILE", nargs="?", default="")
