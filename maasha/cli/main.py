"""The entry of `maasha`: finds out what is asked for, runs it and gives the exit status."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from getpass import getpass
from pathlib import Path
from typing import assert_never

from maasha.cli.commands import (
    Call,
    Command,
    HandOver,
    ListProfiles,
    Login,
    Logout,
    OfDhcp,
    OfPlacement,
    Refresh,
    parse,
)
from maasha.cli.commands import Status as ShowStatus
from maasha.cli.failures import Failure, Status
from maasha.cli.handing_over import SECRET_OPTIONS, hand_over
from maasha.cli.placement_words import Acknowledge, Balance, Drain, Pause, Resume
from maasha.cli.roles_words import Roles
from maasha.cli.standing_words import Standing, TakeOver
from maasha.cli.store import Store
from maasha.cli.terminal import Terminal
from maasha.host.argv import conceal, words_of


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the words come from `sys.argv` unless given. Gives the exit status."""
    terminal = Terminal(
        sys.stdin, sys.stdout.buffer, sys.stderr, getpass, time.sleep, time.monotonic
    )
    store = Store(Path.home() / ".maasha")
    words = sys.argv[1:] if argv is None else argv
    conceal((*words_of(words, SECRET_OPTIONS), *_login_key(words)))
    return run(lambda: _carried_out(parse(words), store, terminal), terminal)


def _login_key(words: Sequence[str]) -> tuple[str, ...]:
    """Give what may be an API key among the words of `login`: it has two colons and no slash."""
    if not words or words[0] != "login":
        return ()
    return tuple(word for word in words[1:] if word.count(":") == 2 and "/" not in word)


def run(command: Callable[[], Status], terminal: Terminal) -> Status:
    """Turn the ways in which a command can end into an exit status."""
    try:
        return command()
    except Failure as failure:
        terminal.say(str(failure))
        return failure.status
    except KeyboardInterrupt:
        return Status.INTERRUPTED
    except BrokenPipeError:
        # Who read our output has seen enough; Python's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Status.FAILED
    except OSError as error:
        terminal.say(f"{error.filename or 'The system'}: {error.strerror}")
        return Status.FAILED


def _carried_out(command: Command, store: Store, terminal: Terminal) -> Status:
    if isinstance(command, HandOver):
        hand_over(command, terminal)
    # These import an HTTP client: 0.2 s that `--help` and the programs above need not wait for.
    from maasha.cli import accounts, calls  # noqa: PLC0415  # see the line above

    match command:
        case Call():
            return calls.run_call(store, terminal, command.words)
        case ShowStatus():
            return calls.run_status(store, terminal, command.profile)
        case Drain() | Balance() | Pause() | Resume() | Acknowledge():
            return _of_placement(command, store, terminal)
        case Roles() | Standing() | TakeOver():
            return _of_dhcp(command, store, terminal)
        case Login():
            accounts.login(store, terminal, command)
        case Logout():
            accounts.logout(store, command.profile)
        case ListProfiles():
            accounts.list_profiles(store, terminal)
        case Refresh():
            accounts.refresh_profiles(store, terminal, command.profile)
        case _:
            assert_never(command)
    return Status.DONE


def _of_dhcp(command: OfDhcp, store: Store, terminal: Terminal) -> Status:
    from maasha.cli import roles, standing  # noqa: PLC0415  # as above

    match command:
        case Roles():
            return roles.run_roles(store, terminal, command)
        case Standing():
            return standing.run_standing(store, terminal, command)
        case TakeOver():
            return standing.run_take_over(store, terminal, command)
        case _:
            assert_never(command)


def _of_placement(command: OfPlacement, store: Store, terminal: Terminal) -> Status:
    from maasha.cli import draining, placement  # noqa: PLC0415  # as above

    match command:
        case Drain():
            return draining.run_drain(store, terminal, command)
        case Balance():
            return placement.run_balance(store, terminal, command)
        case Pause():
            return placement.run_pause(store, terminal, command)
        case Resume():
            return placement.run_resume(store, terminal, command)
        case Acknowledge():
            return placement.run_acknowledge(store, terminal, command)
        case _:
            assert_never(command)
