"""Commands that become other programs."""

from __future__ import annotations

import sys

import pytest

from tests.integration.cli.conftest import User


@pytest.fixture
def programs(user: User) -> User:
    """Put programs on the user's path that print their words and exit with 7."""
    for name in ("maasha-rack", "maasha-region"):
        script = user.home / name
        script.write_text(f'#!/bin/sh\necho {name} "$@"\nexit 7\n')
        script.chmod(0o755)
    return user


@pytest.mark.parametrize(
    ("words", "became"),
    [
        (
            "init rack --maas-url http://r/MAAS --secret -",
            "maasha-rack register --url http://r/MAAS --secret=-",
        ),
        ("init region --database-host db", "maasha-region init --database-host db"),
        ("createadmin --username admin", "maasha-region createadmin --username admin"),
        ("apikey --username admin", "maasha-region apikey --username admin"),
    ],
)
def test_commands_become_programs(programs: User, words: str, became: str) -> None:
    """The page's commands on a controller's host run the controller's program."""
    command = f'PATH="$HOME:$PATH" exec {sys.executable} -m maasha.cli {words}'
    done = programs.runs("bash", "-c", command)
    assert (done.status, done.out, done.err) == (7, f"{became}\n", "")


@pytest.mark.parametrize("option", ["secret", "token"])
def test_a_secret_is_not_among_the_words_of_the_program(programs: User, option: str) -> None:
    """It finds it in a file that only it has open; the user is warned."""
    script = programs.home / "maasha-rack"
    script.write_text('#!/bin/sh\necho "$@"\ncat "$3"\nexit 7\n')
    command = f'PATH="$HOME:$PATH" exec {sys.executable} -m maasha.cli init rack --{option} s3cret'
    done = programs.runs("bash", "-c", command)
    words, secret = done.out.rsplit("\n", 1)
    assert (done.status, secret) == (7, "s3cret")
    assert words.startswith(f"register --{option}-file /dev/fd/")
    assert "--secret-file FILE" in done.err


def test_a_program_that_is_not_there(user: User) -> None:
    """On a host without the controller the command says where it runs."""
    command = f"PATH=/nowhere exec {sys.executable} -m maasha.cli createadmin"
    done = user.runs("bash", "-c", command)
    assert (done.status, done.out) == (1, "")
    assert done.err == "maasha-region is not on this host; run the command where it is installed\n"
