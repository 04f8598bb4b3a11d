"""Taking keys from a file: what is unknown or wrong is gathered and told at once."""

from __future__ import annotations

import pytest

from maasha.config.problems import ConfigurationErrors
from maasha.config.reader import Reader
from maasha.config.values import secret, whole


def told(reader: Reader) -> list[str]:
    """Give what is said when all keys were taken."""
    with pytest.raises(ConfigurationErrors) as caught:
        reader.finish()
    return caught.value.listing("x:").splitlines()


def test_absent_keys_have_their_default() -> None:
    """A key that is not there has the default, one that is there its value."""
    reader = Reader("a: 1\n")
    assert (reader.take("a", whole(0, 9), 5), reader.take("b", whole(0, 9), 5)) == (1, 5)
    reader.finish()


def test_everything_is_told_in_the_order_of_lines() -> None:
    """Wrong values, keys refused later and unknown keys come out together."""
    reader = Reader("colour: red\nport: x\nworkers: 3\n")
    reader.take("port", whole(1, 9), 5)
    reader.take("workers", whole(1, 9), 5)
    reader.refuse("workers", "are too many", "write 2")
    reader.refuse("absent", "is missing", "write it")
    assert told(reader) == [
        "x:1: absent: is missing; write it",
        "x:1: colour: is not a key; known are port, workers",
        "x:2: port: 'x' is not a whole number from 1 to 9; write digits without quotes",
        "x:3: workers: are too many; write 2",
    ]


def test_misspelt_keys_get_a_suggestion_and_hide_their_value() -> None:
    """The value of a misspelt key may be a secret and is not shown."""
    reader = Reader("databse_pass: hunter2\n")
    reader.take("database_pass", secret, "")
    assert told(reader) == ["x:1: databse_pass: is not a key; did you mean database_pass?"]


def test_keys_of_maas_are_explained() -> None:
    """A file written for MAAS is told what each of its other keys becomes."""
    assert told(Reader("debug: true\ntftp_port: 69\n")) == [
        "x:1: debug: is a key of MAAS; remove it: maasha logs one line per change of state",
        "x:2: tftp_port: is a key of MAAS; remove it: maasha has no TFTP server",
    ]
