"""Becomes another program, with no secret among the words that every user of the host can read."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from maasha.cli.commands import HandOver
from maasha.cli.failures import NoProgram
from maasha.cli.terminal import Terminal
from maasha.host.argv import words_of

CARRIED = ("--secret", "--token")
"""Options of `maasha-rack register`; each has a twin `-file`."""
STDIN = "-"
SECRET_OPTIONS = (*CARRIED, "--database-pass")
WARNING = (
    "warning: every user of this host could read the secret from the command line until now; "
    "--secret-file FILE, `--secret -` and the prompt keep it"
)


def hand_over(command: HandOver, terminal: Terminal) -> NoReturn:
    """Become a program that stands beside this one or on the PATH. Raises `NoProgram`."""
    beside = str(Path(sys.argv[0]).resolve().parent)
    path = f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    program = shutil.which(command.program, path=path)
    if program is None:
        raise NoProgram(command.program)
    words = command.arguments
    if command.program == "maasha-rack":
        words = tuple(without_secrets(words, in_a_pipe))
        if words_of(command.arguments, CARRIED):
            terminal.say(WARNING)
    os.execv(program, [command.program, *words])  # noqa: S606  # no shell is meant


def without_secrets(words: Sequence[str], keep: Callable[[str], str]) -> Iterator[str]:
    """Give the words with a file in place of each secret; `keep` puts one away and names it."""
    coming = iter(words)
    for word in coming:
        option, equals, value = word.partition("=")
        if option not in CARRIED:
            yield word
            continue
        secret = value if equals else next(coming, STDIN)
        if secret == STDIN:
            yield f"{option}={STDIN}"
        else:
            yield from (f"{option}-file", keep(secret))


def in_a_pipe(secret: str) -> str:
    """Leave a secret in a pipe that the next program inherits, and give its path there."""
    reading, writing = os.pipe()
    os.write(writing, secret.encode())
    os.close(writing)
    os.set_inheritable(reading, True)
    return f"/dev/fd/{reading}"
