"""How a command ends: exit statuses and what people are told."""

from __future__ import annotations

from io import BytesIO, StringIO

import pytest

from maasha.cli.failures import Failure, Misused, NoProgram, Status, Unreachable
from maasha.cli.main import run
from maasha.cli.terminal import Terminal


@pytest.fixture
def terminal() -> Terminal:
    """Give a terminal that remembers."""
    return Terminal(StringIO(), BytesIO(), StringIO(), lambda _: "", lambda _: None, lambda: 0.0)


def said(terminal: Terminal) -> str:
    """Give what people were told."""
    assert isinstance(terminal.stderr, StringIO)
    return terminal.stderr.getvalue()


def ending(error: BaseException) -> Status:
    """Run a command that ends with an error."""
    raise error


@pytest.mark.parametrize(
    ("failure", "status", "message"),
    [
        (Misused("wrong", "right"), 2, "wrong\nright\n"),
        (Unreachable("http://r/", "refused"), 1, "No answer from http://r/: refused\n"),
        (NoProgram("maasha-rack"), 1, "maasha-rack is not on this host; run the command where"),
    ],
)
def test_failures(terminal: Terminal, failure: Failure, status: int, message: str) -> None:
    """A failure is told in words and ends the command with its status."""
    assert run(lambda: ending(failure), terminal) == status
    assert said(terminal).startswith(message)


def test_the_system_refuses(terminal: Terminal) -> None:
    """A file that cannot be written is told without a traceback."""
    error = PermissionError(13, "Permission denied", "/home/x/.maasha")
    assert run(lambda: ending(error), terminal) is Status.FAILED
    assert said(terminal) == "/home/x/.maasha: Permission denied\n"
    assert run(lambda: ending(OSError(28, "No space left on device")), terminal) is Status.FAILED


def test_interrupted(terminal: Terminal) -> None:
    """Control-C ends quietly with the shell's status."""
    assert run(lambda: ending(KeyboardInterrupt()), terminal) == 130
    assert said(terminal) == ""


def test_done(terminal: Terminal) -> None:
    """A command's own status is the program's."""
    assert run(lambda: Status.DONE, terminal) == 0


def test_the_terminal(terminal: Terminal) -> None:
    """Answers and remarks never mix, and an empty remark is none."""
    terminal.show("answer")
    terminal.say("remark")
    terminal.say("")
    terminal.wait(2.0, 1)
    assert isinstance(terminal.stdout, BytesIO)
    assert terminal.stdout.getvalue() == b"answer\n"
    assert said(terminal) == "remark\nThe region is not ready; trying again in 2 s (1 of 3)\n"
