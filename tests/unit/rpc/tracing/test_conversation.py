"""Answers find their questions, and every box has a line."""

from __future__ import annotations

from datetime import UTC, datetime

from maasha.model.codec import to_json
from maasha.model.stamp import Stamp
from maasha.rpc.errors import StaleEpoch, describe
from maasha.rpc.tracing.conversation import MOST_OPEN, Conversation, Moment
from maasha.rpc.tracing.line import Kind, Line
from maasha.rpc.tracing.stream import KEPT
from maasha.rpc.wire.boxes import Pairs, box_of, pair

TIME = datetime(2025, 3, 1, tzinfo=UTC)
OWN = {b"_ask": b"1a", b"_command": b"Own", b"epoch": to_json(Stamp(1, 4)).encode()}


class Talk:
    """A conversation in which every message comes a tenth of a second after the one before."""

    def __init__(self) -> None:
        self._conversation = Conversation("region:pid=1")
        self._seconds = 100.0

    def hear(self, sent: bool, data: bytes) -> list[Line]:
        """Hear bytes."""
        self._seconds += 0.1
        return self._conversation.hear(sent, data, "192.0.2.1:5250", Moment(self._seconds, TIME))

    def say(self, sent: bool, box: Pairs) -> Line:
        """Hear one box."""
        (line,) = self.hear(sent, box_of(box))
        return line


def test_a_question_and_its_answer() -> None:
    """The answer has the command of its question, and the time between them."""
    talk = Talk()
    head = {b"_deadline": b"1234 10000", b"_trace": b"9c1e-2."}
    question = talk.say(False, {**OWN, **head})
    assert question == Line(
        TIME,
        "region:pid=1",
        "192.0.2.1:5250",
        Kind.QUESTION,
        sent=False,
        command="Own",
        ask="1a",
        trace="9c1e-2.1a",
        within=10.0,
        size=len(box_of({**OWN, **head})),
        values={"epoch": "1.4"},
    )
    answer = talk.say(True, {b"_answer": b"1a", b"report": b"{}"})
    assert (answer.kind, answer.sent) == (Kind.ANSWER, True)
    assert (answer.command, answer.ask, answer.values) == ("Own", "1a", {"report": {}})
    assert round(answer.took or 0, 6) == 0.1


def test_a_trace_that_goes_on_keeps_its_name() -> None:
    """And a question may have none, nor want an answer."""
    talk = Talk()
    assert talk.say(True, {**OWN, b"_trace": b"9c1e-2.7"}).trace == "9c1e-2.7"
    bare = talk.say(True, {b"_command": b"Own"})
    assert (bare.trace, bare.ask, bare.within) == ("", "", None)


def test_both_ends_may_use_the_same_token() -> None:
    """A question of one end is answered by the other."""
    talk = Talk()
    talk.say(True, {b"_ask": b"1", b"_command": b"Claim"})
    talk.say(False, {b"_ask": b"1", b"_command": b"Retire"})
    assert talk.say(True, {b"_answer": b"1"}).command == "Retire"
    assert talk.say(False, {b"_answer": b"1"}).command == "Claim"
    again = talk.say(False, {b"_answer": b"1", b"cursor": b"7"})
    assert (again.command, again.took, again.values) == ("", None, {"cursor": "<1 byte>"})


def test_an_error_has_code_and_message() -> None:
    """And the command that it answers."""
    talk = Talk()
    talk.say(False, OWN)
    error = StaleEpoch(Stamp(1, 4), Stamp(1, 5))
    codes = {b"_error_code": b"StaleEpoch", b"_error_description": describe(error)}
    line = talk.say(True, {b"_error": b"1a", **codes})
    assert (line.kind, line.command, line.code) == (Kind.ERROR, "Own", "StaleEpoch")
    assert line.message == str(error)
    assert line.values == {"got": "1.4", "known": "1.5"}
    assert talk.say(True, {b"_error": b"1a"}).command == ""


def test_a_call_may_be_taken_back() -> None:
    """Its answer may come all the same."""
    talk = Talk()
    talk.say(True, {b"_ask": b"1", b"_command": b"Claim"})
    line = talk.say(True, {b"_cancel": b"1"})
    assert (line.kind, line.command, line.ask) == (Kind.WITHDRAWAL, "Claim", "1")
    assert talk.say(False, {b"_answer": b"1"}).command == "Claim"
    assert talk.say(True, {b"_cancel": b"7"}).command == ""


def test_a_heartbeat_is_known() -> None:
    """Both halves of it; that one failed is no heartbeat."""
    talk = Talk()
    assert talk.say(True, {b"_ask": b"1", b"_command": b"Ping"}).heartbeat
    assert talk.say(False, {b"_answer": b"1"}).heartbeat
    talk.say(True, {b"_ask": b"2", b"_command": b"Ping"})
    assert not talk.say(False, {b"_error": b"2"}).heartbeat
    assert not talk.say(True, OWN).heartbeat


def test_what_is_no_message_is_noise() -> None:
    """A box that neither asks nor answers; bytes that are not AMP end their direction only."""
    talk = Talk()
    assert talk.say(False, {b"a": b"b"}).kind is Kind.NOISE
    *before, noise = talk.hear(False, box_of(OWN) + b"\x16\x03\x01")
    assert [line.kind for line in before] == [Kind.QUESTION]
    assert (noise.kind, noise.sent) == (Kind.NOISE, False)
    assert talk.hear(False, box_of(OWN)) == []
    assert talk.say(True, {b"_answer": b"1a"}).command == "Own"


def test_of_a_long_message_the_length_is_shown() -> None:
    """And whose it is, and what it answers."""
    talk = Talk()
    blob = pair(b"x", b"y" * 65_535) * (KEPT // 65_535 + 1) + b"\0\0"
    (question,) = talk.hear(True, pair(b"_ask", b"1") + pair(b"_command", b"Claim") + blob)
    assert (question.command, question.ask) == ("Claim", "1")
    assert question.values == {"...": f"<in all {question.size:,} bytes>"}
    (answer,) = talk.hear(False, pair(b"_answer", b"1") + blob)
    assert answer.command == "Claim"


def test_questions_that_are_never_answered_are_forgotten() -> None:
    """The oldest first, so that memory is bounded."""
    talk = Talk()
    for number in range(MOST_OPEN + 1):
        talk.say(True, {b"_ask": b"%x" % number, b"_command": b"Claim"})
    assert talk.say(False, {b"_answer": b"0"}).command == ""
    assert talk.say(False, {b"_answer": b"1"}).command == "Claim"
