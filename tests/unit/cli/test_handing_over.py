"""No secret is among the words of the program that `maasha` becomes."""

from __future__ import annotations

import os

import pytest

from maasha.cli.handing_over import in_a_pipe, without_secrets


@pytest.mark.parametrize(
    ("words", "became"),
    [
        (["--url", "u", "--secret", "s"], ["--url", "u", "--secret-file", "F(s)"]),
        (["--secret=s", "--url=u"], ["--secret-file", "F(s)", "--url=u"]),
        (["--token", "t"], ["--token-file", "F(t)"]),
        (["--secret", "-"], ["--secret=-"]),
        (["--token=-"], ["--token=-"]),
        (["--secret-file", "f"], ["--secret-file", "f"]),
        (["--secret", ""], ["--secret-file", "F()"]),
    ],
)
def test_a_file_takes_the_place_of_a_secret(words: list[str], became: list[str]) -> None:
    """Everything else stays as it was."""
    assert list(without_secrets(words, lambda secret: f"F({secret})")) == became


def test_an_option_without_its_word_is_asked_for() -> None:
    """Standard input is read, as for a dash."""
    assert list(without_secrets(["--secret"], str)) == ["--secret=-"]


def test_the_pipe_has_the_secret_and_its_end() -> None:
    """The next program inherits it and reads it as a file."""
    path = in_a_pipe("c0ffee")
    descriptor = int(path.removeprefix("/dev/fd/"))
    assert os.get_inheritable(descriptor)
    with os.fdopen(descriptor) as stream:
        assert stream.read() == "c0ffee"
