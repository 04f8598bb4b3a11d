"""Asks once for what takes its time, where being away for a while is no answer but no failure."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from maasha.cli.answer import Answer, rest_of
from maasha.cli.failures import Unreachable

AWAY = (502, 503, 504)
"""Statuses of a region, or of the proxy before it, that is away for a while."""


@frozen
class Silence:
    """Nobody answered, or only that it is away; in `rest` seconds it may be asked again."""

    why: str
    rest: float = 0.0


def once(ask: Callable[[], Answer]) -> Answer | Silence:
    """Ask once."""
    try:
        answer = ask()
    except Unreachable as error:
        return Silence(error.why)
    if answer.status in AWAY:
        return Silence(f"it answered {answer.status}", rest_of(answer) or 0.0)
    return answer
