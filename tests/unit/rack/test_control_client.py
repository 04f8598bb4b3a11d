"""Whoever asks a rackd that cannot answer is told why, and what to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from maasha.rack.control_client import Unanswered, ask
from maasha.rack.control_lines import Request

REQUEST = Request("links")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a socket."""
    return tmp_path / "control.sock"


@pytest.fixture
def listening(path: Path) -> Iterator[socket.socket]:
    """Give a socket that listens there."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield server


def saying(listening: socket.socket, words: bytes) -> Thread:
    """Answer the next one with these bytes and hang up."""

    def answer() -> None:
        channel, _ = listening.accept()
        with channel:
            channel.recv(1000)
            channel.sendall(words)

    thread = Thread(target=answer)
    thread.start()
    return thread


def test_no_rackd(path: Path) -> None:
    """There is no socket, or one that a killed rackd has left."""
    for _ in range(2):
        with pytest.raises(Unanswered, match=f"no rackd listens on {path}: start it"):
            list(ask(path, REQUEST, 1))
        with socket.socket(socket.AF_UNIX) as left:
            if not path.exists():
                left.bind(str(path))


def test_a_rackd_that_is_stuck(path: Path, listening: socket.socket) -> None:
    """The wait has an end, where one is wanted."""
    assert listening.fileno() > 0
    with pytest.raises(Unanswered, match=r"took more than 0\.05 s to answer; ask again"):
        list(ask(path, REQUEST, 0.05))


def test_an_impossible_path(path: Path) -> None:
    """The system's own words name what is wrong."""
    with pytest.raises(Unanswered, match="path too long"):
        list(ask(path / ("x" * 120), REQUEST, 1))


@pytest.mark.parametrize(
    ("words", "items"), [(b"", []), (b'{"item": 1}\n', [1]), (b'{"item": 1}\n{"it', [1])]
)
def test_half_an_answer(
    path: Path, listening: socket.socket, words: bytes, items: list[int]
) -> None:
    """Its items are given, then that it is not all."""
    thread = saying(listening, words)
    answer = ask(path, REQUEST, 5)
    assert [next(answer) for _ in items] == items
    with pytest.raises(Unanswered, match="ended the answer early"):
        next(answer)
    thread.join()


def test_a_whole_answer(path: Path, listening: socket.socket) -> None:
    """Its end is its end, whatever follows."""
    thread = saying(listening, b'{"item": 1}\n{"item": [2]}\n{"done": true}\n{"item": 3}\n')
    assert list(ask(path, REQUEST, None)) == [1, [2]]
    thread.join()
