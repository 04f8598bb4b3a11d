"""Why a command could not be carried out; each message says what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import ClassVar


class Status(IntEnum):
    """Exit statuses of `maasha`."""

    DONE = 0
    FAILED = 1
    """No answer, or something is wrong on this side."""
    REFUSED = 2
    """The server refused, or the command is written wrong."""
    GAVE_UP = 3
    """What was asked for goes on, but it took longer than was to be waited for."""
    INTERRUPTED = 130
    """By the keyboard: 128 + SIGINT, as shells have it."""


class Failure(Exception):
    """Ends the command; `status` is what it exits with, the message is for people."""

    status: ClassVar[Status] = Status.FAILED


class Misused(Failure):
    """The command is written wrong; `mend` says how it is written."""

    status = Status.REFUSED

    def __init__(self, what: str, mend: str) -> None:
        self.what = what
        self.mend = mend
        super().__init__(f"{what}\n{mend}")


class NoSuchProfile(Failure):
    """No profile has this name (empty: there is no profile at all, or no single one)."""

    status = Status.REFUSED

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        what = f"There is no profile {name!r}" if name else "It is not clear which profile is meant"
        mend = f"say one of: {', '.join(known)}" if known else "make one: maasha login PROFILE URL"
        super().__init__(f"{what if known or name else 'There is no profile yet'}; {mend}")


class ProfilesUnreadable(Failure):
    """The file of profiles is not one that this version writes."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why
        super().__init__(f"{path} {why}; move it away and log in again")


class Unreachable(Failure):
    """No answer came from a server."""

    def __init__(self, url: str, why: str) -> None:
        self.url = url
        self.why = why
        super().__init__(
            f"No answer from {url}: {why}\n"
            "Is the region running, and is this its address? Another one: maasha login PROFILE URL"
        )


class KeyRejected(Failure):
    """The server does not know the API key."""

    status = Status.REFUSED

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(
            f"{url} rejected the API key.\n"
            "A key is printed on the region's host by: maasha-region apikey --username NAME"
        )


class NotAnApi(Failure):
    """What answered is no region's API."""

    def __init__(self, url: str, why: str) -> None:
        self.url = url
        self.why = why
        super().__init__(f"{url} is no region's API: {why}\nCheck the URL: it ends in /MAAS/")


class NoProgram(Failure):
    """A program that a command is handed over to is not installed."""

    def __init__(self, program: str) -> None:
        self.program = program
        super().__init__(f"{program} is not on this host; run the command where it is installed")
