"""The messages of one link: each answer finds its question, each question its way onto a line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import define, field, frozen

from maasha.rpc.tracing import harmless
from maasha.rpc.tracing.line import Kind, Line
from maasha.rpc.tracing.stream import (
    ANSWER,
    ASK,
    CANCEL,
    CODE,
    COMMAND,
    DESCRIPTION,
    ERROR,
    Message,
    Stream,
)
from maasha.rpc.tracing.words import counted, name
from maasha.rpc.wire.context import TRACE, deadline_of

MOST_OPEN = 4096
"""Questions of each side that may wait for an answer; before one more the oldest is forgotten."""


@frozen
class Moment:
    """Now: by a clock that nobody sets, in seconds, and by the one for people, in UTC."""

    seconds: float
    time: datetime


@frozen
class Open:
    """A question that waits for its answer."""

    command: bytes
    asked: float


@define
class Side:
    """What one end has sent: its bytes, and its questions by their tokens."""

    stream: Stream = field(factory=Stream)
    asked: dict[bytes, Open] = field(factory=dict)

    def ask(self, token: bytes, question: Open) -> None:
        """Remember a question."""
        if len(self.asked) >= MOST_OPEN:
            del self.asked[next(iter(self.asked))]
        self.asked[token] = question


class Conversation:
    """Both directions of the link called `link`."""

    def __init__(self, link: str) -> None:
        self._link = link
        self._sides = {True: Side(), False: Side()}

    def hear(self, sent: bool, data: bytes, remote: str, now: Moment) -> list[Line]:
        """Give the lines of the messages that are complete with this chunk."""
        stream = self._sides[sent].stream
        if stream.broken:
            return []
        lines = [self._line(sent, message, remote, now) for message in stream.feed(data)]
        if stream.broken:
            noise = "not AMP: nothing more is shown of this direction"
            lines.append(Line(now.time, self._link, remote, Kind.NOISE, sent, message=noise))
        return lines

    def _line(self, sent: bool, message: Message, remote: str, now: Moment) -> Line:
        box = message.pairs
        told = Told(now.time, self._link, remote, sent, message)
        if COMMAND in box:
            if ASK in box:
                self._sides[sent].ask(box[ASK], Open(box[COMMAND], now.seconds))
            return told.question()
        if CANCEL in box:
            return told.withdrawal(self._sides[sent].asked.get(box[CANCEL]))
        for key, tell in ((ANSWER, told.answer), (ERROR, told.error)):
            if key in box:
                return tell(self._sides[not sent].asked.pop(box[key], None), now.seconds)
        return told.line(Kind.NOISE, message="a box that neither asks nor answers")


@frozen
class Told:
    """A message on its way to its line."""

    time: datetime
    link: str
    remote: str
    sent: bool
    message: Message

    def question(self) -> Line:
        """Write a question."""
        box = self.message.pairs
        deadline = deadline_of(box)
        trace, token = box.get(TRACE, b""), box.get(ASK, b"")
        return self.line(
            Kind.QUESTION,
            command=name(box[COMMAND]),
            ask=name(token) if token else "",
            trace=name(trace + token if trace.endswith(b".") else trace) if trace else "",
            within=deadline[1] / 1000 if deadline else None,
            values=self._values(box[COMMAND], answer=False),
        )

    def answer(self, asked: Open | None, seconds: float) -> Line:
        """Write an answer."""
        box = self.message.pairs
        return self.line(
            Kind.ANSWER,
            ask=name(box[ANSWER]),
            values=self._values(asked.command if asked else b"", answer=True),
            **_about(asked, seconds),
        )

    def error(self, asked: Open | None, seconds: float) -> Line:
        """Write an error."""
        box = self.message.pairs
        code = box.get(CODE, b"")
        values, text = harmless.problem(code, box.get(DESCRIPTION, b""))
        return self.line(
            Kind.ERROR,
            ask=name(box[ERROR]),
            code=name(code),
            message=text,
            values=values,
            **_about(asked, seconds),
        )

    def withdrawal(self, asked: Open | None) -> Line:
        """Write that a call is taken back."""
        token = self.message.pairs[CANCEL]
        return self.line(Kind.WITHDRAWAL, ask=name(token), command=_command(asked))

    def line(self, kind: Kind, **more: Any) -> Line:
        """Write what all lines have in common, and `more`."""
        size = self.message.size
        return Line(self.time, self.link, self.remote, kind, self.sent, size=size, **more)

    def _values(self, command: bytes, *, answer: bool) -> dict[str, Any]:
        if not self.message.whole:
            return {"...": f"<in all {counted(self.message.size, 'byte')}>"}
        return harmless.arguments(harmless.COMMANDS.get(command), answer, self.message.pairs)


def _about(asked: Open | None, seconds: float) -> dict[str, Any]:
    if asked is None:
        return {}
    return {"command": _command(asked), "took": max(0.0, seconds - asked.asked)}


def _command(asked: Open | None) -> str:
    return name(asked.command) if asked else ""
