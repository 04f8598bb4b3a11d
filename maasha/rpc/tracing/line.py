"""One line of a trace: what people may know of one message."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from attrs import field, frozen

HEARTBEAT = "Ping"


class Kind(Enum):
    """What a line tells."""

    QUESTION = "question"
    ANSWER = "answer"
    ERROR = "error"
    WITHDRAWAL = "withdrawal"
    """Whoever asked waits no more, and says so."""
    NOISE = "noise"
    """A box that is none of these, or bytes that are not AMP."""
    NOTE = "note"
    """Not a message: a link came, went, or there is none."""


@frozen
class Line:
    """One message, with nothing in it that people may not see."""

    time: datetime
    link: str
    """Whom the link leads to, as it is published; empty for a note about none."""
    remote: str
    """Its address and port."""
    kind: Kind
    sent: bool = True
    """Whether this end sent it."""
    command: str = ""
    """Empty where it is unknown: what was asked before the trace began."""
    ask: str = ""
    """The token that question and answer share."""
    trace: str = ""
    """What the question belongs to."""
    within: float | None = None
    """Seconds that its caller waits."""
    took: float | None = None
    """Seconds from the question to this answer, both as seen from here."""
    code: str = ""
    message: str = ""
    size: int = 0
    """Bytes on the wire."""
    values: dict[str, Any] = field(factory=dict)
    """Arguments, values of an answer or fields of an error, as JSON carries them."""

    @property
    def heartbeat(self) -> bool:
        """Whether it only says that somebody is there."""
        return self.command == HEARTBEAT and self.kind is not Kind.ERROR
