"""Asks the rackd of this host, through its control socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maasha.rack.control_lines import (
    Done,
    Item,
    Refused,
    Request,
    read_answer,
    write_request,
)


class Unanswered(Exception):
    """There is no answer, or only a part of one; the message is for people."""


class NotRunning(Unanswered):
    """No rackd listens there."""


def ask(path: Path, request: Request, timeout: float | None) -> Iterator[Any]:
    """Give the items of the answer as they come.

    `timeout` is how many seconds each may take, None: as many as it likes. Raises Refused and
    Unanswered.
    """
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(timeout)
        try:
            channel.connect(str(path))
            channel.sendall(write_request(request))
            yield from _answers(channel)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunning(_not_running(path)) from error
        except PermissionError as error:
            raise Unanswered(f"{path}: {error.strerror}; run this command as root") from error
        except TimeoutError as error:
            raise Unanswered(f"rackd took more than {timeout:g} s to answer; ask again") from error
        except OSError as error:
            raise Unanswered(f"{path}: {error.strerror or error}") from error


def _answers(channel: socket.socket) -> Iterator[Any]:
    try:
        for line in channel.makefile("rb"):
            if not line.endswith(b"\n"):
                break
            match read_answer(line):
                case Item(value):
                    yield value
                case Done():
                    return
                case Refused() as refused:
                    raise refused
    except ConnectionResetError:
        pass  # how the kernel tells of a connection that was aborted
    raise Unanswered(
        "rackd ended the answer early: it was killed, or its answer was not read fast enough "
        "(its log says which)"
    )


def _not_running(path: Path) -> str:
    return (
        f"no rackd listens on {path}: start it (`twistd --nodaemon --pidfile= maasha-rackd`), or "
        "name its configuration file with --config"
    )
