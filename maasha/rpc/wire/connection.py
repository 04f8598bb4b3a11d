"""The protocol class: a drop-in for twisted.protocols.amp.AMP with a fast path through it.

Bytes that look as expected (keys in AMP's order, none unknown) go through generated code, one
function per command; everything else is parsed into a box and left to Twisted's own code.
"""

from __future__ import annotations

import re
from typing import Any

from twisted.protocols import amp
from twisted.python.failure import Failure

from maasha.rpc.wire.answering import Answering
from maasha.rpc.wire.boxes import OVERHEAD, Pairs, Verdict, box_of, pairs
from maasha.rpc.wire.calling import CANCEL
from maasha.rpc.wire.codecs import Codec, Serve
from maasha.rpc.wire.errors import MessageTooLong
from maasha.rpc.wire.metrics import Run
from maasha.rpc.wire.pending import BEGAN, Pending
from maasha.rpc.wire.sending import Observer
from maasha.rpc.wire.tables import table_key

RAW_BYTES = 128 * 1024
"""Up to here an unfinished box is kept as bytes and read again from its start."""
RAW_PAIRS = 32
"""Likewise: more pairs than these are taken apart as they come, or single bytes would cost much."""
LONGEST_TIME = 15
"""Digits of either number of a deadline."""
CONTEXT = re.compile(
    rb"\0\x08_command\0([^\0]+)"
    rb"(?:\0\x09_deadline\0([^\0 ][0-9]{1,15}) ([0-9]{1,15})(?:\0\x06_trace\0([^\0]+))?)?"
)
"""The command and what travels with it, each with its length byte in front: that is looked at
afterwards, for a value that holds the bytes of the next key would end too early here."""
Likeness = tuple[Any, bytes, bytes, int, int, bytes, Serve | None, Any, Any]
"""How a request looked: the locator of that time, the bytes from its command to its deadline, those
from behind its time up to its first value and how many of them belong to the deadline, patience,
trace, the function that serves it, the part of the locator that it asks, and the codec."""
UNLIKE: Likeness = (object(), b"", b"", 0, 0, b"", None, None, None)
"""No request looks so."""
ROUTING = frozenset(
    {amp.ASK, amp.ANSWER, amp.ERROR, amp.COMMAND, amp.ERROR_CODE, amp.ERROR_DESCRIPTION}
)
"""The keys that are kept of a message over the limit, to tell its call."""
ROUTED = 4096
"""Bytes of such a value at most."""


class AMP(Answering):
    """See `maasha.rpc.wire`; everything public of amp.AMP works as it does there.

    A subclass that overrides what the fast path passes by (`_bypassed_*`) simply has none.
    """

    deaf = False
    """Whether to ignore what comes from now on; set it before aborting the connection."""
    heard = False
    """Set whenever anything arrives."""
    trusted = True
    """Whether the peer's bytes are taken without asking `admits`."""
    _straight = False
    """Whether what arrives goes to the boxes, without a closer look."""
    _receiver: Any = None
    _rest: list[bytes] = []
    _missing = 0
    _box: Pairs | None = None
    _box_size = 0
    _buffer = b""
    _position = 0
    _likeness = UNLIKE

    _bypassed_by_calls = ("_sendBoxCommand", "sendBox", "_nextTag", "_answerReceived")
    _bypassed_by_requests = (
        "_commandReceived",
        "_safeEmit",
        "_wrapWithSerialization",
        "ampBoxReceived",
        "dispatchCommand",
        "locateResponder",
        "sendBox",
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._calls_are_ours = _same(cls, AMP._bypassed_by_calls)
        cls._requests_are_ours = _same(cls, AMP._bypassed_by_requests)

    def makeConnection(self, transport: Any) -> None:
        """Begin; a box receiver of its own sees all boxes."""
        # what every turn looks at is on the instance, where it is found three times as fast
        self._box, self.deaf = None, False
        if self.__dict__.get("boxReceiver", self) is not self:
            self._step_aside()
        super().makeConnection(transport)

    @property
    def ampBoxReceived(self) -> Any:
        """What takes the boxes; whoever replaces it on an instance gets all of them."""
        return self._receiver or super().ampBoxReceived

    @ampBoxReceived.setter
    def ampBoxReceived(self, receiver: Any) -> None:
        self._receiver = receiver
        self._step_aside()

    def _step_aside(self) -> None:
        """Leave every box to the general code."""
        self._calls_are_ours = self._requests_are_ours = False
        self.review()

    def dataReceived(self, data: bytes) -> None:
        """Take what has arrived; all that this causes leaves in one write."""
        self.heard = True
        if self._straight:
            self._take_turn(data)
        else:
            self._look_closer(data)

    def _look_closer(self, data: bytes) -> None:
        """Take what may be no boxes, or the rest of one; is it neither, the next goes straight."""
        if not (self.trusted or self.admits(data)):
            return
        self._justStartedTLS = False
        if self.innerProtocol is not None:
            self.innerProtocol.dataReceived(data)
            return
        if self._observer is not None:
            self._show(False, data)
        if self._missing:
            self._rest.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = b"".join(self._rest)
            self._rest, self._missing = [], 0
        self._straight = self.trusted and self._observer is None
        self._take_turn(data)

    def admits(self, data: bytes) -> bool:  # noqa: ARG002  # for subclasses
        """Look at bytes of a peer that is not `trusted`; tells whether to take them."""
        return False

    def _startTLS(self, *certificates: Any) -> None:
        self._straight = False
        super()._startTLS(*certificates)

    def _switchTo(self, *protocol: Any) -> None:
        self._straight = False
        super()._switchTo(*protocol)

    def _take_turn(self, data: bytes) -> None:
        if self._turn is not None:
            self._take_inner_turn(data)
            return
        turn = self._turn = []
        try:
            self._read(data)
        finally:
            if turn:
                self._write(turn[0] if len(turn) == 1 else b"".join(turn))
            self._turn = self._moment = None
            self._wrote = False

    def _take_inner_turn(self, data: bytes) -> None:
        """Read within a turn: the outer one writes, and goes on counting where it was."""
        outer = self._answers, self._requests, self._asked
        self._answers, self._requests = Run(self.metrics.answered), Run(self.metrics.served)
        try:
            self._read(data)
        finally:
            self._answers, self._requests, self._asked = outer

    def _read(self, buf: bytes) -> None:  # noqa: C901, PLR0912, PLR0915  # each call counts
        """Deal with all boxes that are complete: the hot loop.

        An answer to a call of ours and a request in the expected form go through generated code. A
        request whose command and context equal those of the one before (`mid`) skips the look-up.
        A slice that reaches over the end of the buffer compares unequal, so whatever is cut off is
        a miss, like all that is unusual.
        """
        pos, end = 0, len(buf)
        now = self._now()
        turn: Any = self._turn
        mid, span, serve, owner, locator = b"", 0, None, None, None
        calls, requests = self._answers, self._requests
        if self._box is not None:
            pos = self._read_one(buf, 0)
        fast = end <= self.limits.message
        while fast and end - pos > 12 and not self.deaf:
            length = buf[pos + 1]
            if length == 7 and buf[pos : pos + 10] == b"\0\x07_answer\0":
                at = pos + 11 + buf[pos + 10]
                tag = buf[pos + 11 : at]
                call = self._outstandingRequests.get(tag)
                if call.__class__ is Pending:
                    found = call.codec.answered(buf, at, self)
                    if found is not None:
                        pos, answer = found
                        del self._outstandingRequests[tag]
                        if call.moment is not calls.moment or call.codec is not calls.codec:
                            if calls.count:
                                calls.end(now - calls.moment[BEGAN])
                            calls.moment = call.moment
                            if call.codec is not calls.codec:
                                calls.begin(call.codec)
                        calls.count += 1
                        call.fire(answer)
                        if call.paused or call.result.__class__ is Failure:
                            call.addErrback(self.unhandledError)
                        continue
            elif length == 4 and self._serving and buf[pos : pos + 7] == b"\0\x04_ask\0":
                at = pos + 8 + buf[pos + 7]
                if locator is not self._locator or buf[at : at + span] != mid:
                    locator = self._locator
                    serve, owner, span = self._meet(buf, at, now)
                    mid = buf[at : at + span]
                if serve is not None:
                    found = serve(self, owner, buf, at + span, buf[pos + 6 : at], turn)
                    if found:
                        pos = found
                        requests.count += 1
                        continue
            mid, locator = b"", None
            pos = self._read_one(buf, pos)
        while pos < end and not self.deaf:
            pos = self._read_one(buf, pos)
        if calls.count:
            calls.end(now - calls.moment[BEGAN])
            if self._queue:
                self.call_ended()
        if requests.count:
            requests.end(self._now() - now)

    def _meet(self, buf: bytes, at: int, now: float) -> tuple[Any, Any, int]:
        """Look up who serves the request whose command is at `at`.

        Gives that function (None for a miss), the locator that it is to ask, and how many bytes
        lead up to its first value. Where only the time differs from the request that was looked up
        before, two comparisons do.
        """
        locator, head, tail, cut, patience, trace, serve, owner, codec = self._likeness
        start = at + len(head)
        if locator is not self._locator or buf[at:start] != head or start >= len(buf):
            return self._meet_anew(buf, at, now)
        time = start + 1 + buf[start] - cut
        stop = time + len(tail)
        digits = buf[start + 1 : time]
        if buf[time:stop] != tail or not digits.isdigit() or len(digits) > LONGEST_TIME:
            return self._meet_anew(buf, at, now)
        left = self._ages.left(int(digits), patience, now)
        self._asked = trace, left
        if left <= 0:
            return None, None, 0
        if codec is not self._requests.codec:
            self._begin_row(codec, now)
        return serve, owner, stop - at

    def _meet_anew(self, buf: bytes, at: int, now: float) -> tuple[Any, Any, int]:
        """Take what leads up to the first value apart, and remember how it looks."""
        match = CONTEXT.match(buf, at)
        if match is None:
            return None, None, 0
        name, sent, patience, trace = match.groups()
        entry = self._table.get(name)
        if entry is None:
            return None, None, 0
        serve, first, codec, place = entry
        self._asked = None
        if sent is not None:
            trace = trace or b"\0"
            as_long_as_said = sent[0] == len(sent) + len(patience) and trace[0] == len(trace) - 1
            if not as_long_as_said:
                return None, None, 0
            if not self._is_wanted(int(sent[1:]), int(patience), trace[1:], now):
                return None, None, 0
        pos = match.end()
        stop = pos + len(first)
        if buf[pos:stop] != first:
            return None, None, 0
        locator = self._locator
        owner = locator if place is None else locator.parts[place]
        if sent is not None:
            head, tail = codec.head, buf[match.end(2) : stop]
            cut, waits, name = 1 + len(patience), int(patience), trace[1:]
            self._likeness = locator, head, tail, cut, waits, name, serve, owner, codec
        self._begin_row(codec, now)
        return serve, owner, stop - at

    def _begin_row(self, codec: Codec, now: float) -> None:
        requests = self._requests
        if requests.count:
            requests.end(self._now() - now)
        requests.begin(codec)

    # being watched

    def observe(self, observer: Observer | None) -> None:
        """Let `observer` hear all bytes of boxes from now on, as they come and go; None: nobody.

        Each direction begins with a whole box: what there is of a half-received one is told at
        once. Raises RuntimeError while this very connection reads, for nobody knows then where the
        next box begins. What AMP's own StartTLS and switch of protocols write is not heard.
        """
        if observer is not None and self._turn is not None:
            raise RuntimeError("this connection is reading; observe it in another turn")
        self._observer, self._straight = observer, False
        begun = box_of(self._box or {})[:-2] + b"".join(self._rest)
        if begun:
            self._show(False, begun)

    # the general way

    def _read_one(self, buf: bytes, pos: int) -> int:
        """Read one box in whatever form; gives the position after it, or the end of `buf`."""
        box: Pairs = {} if self._box is None else self._box
        before = len(box)
        verdict, end, missing = pairs(buf, pos, box)
        if verdict is Verdict.GARBAGE:
            self.deaf = True
            self.lengthLimitExceeded(buf[end] << 8 | buf[end + 1])
        elif verdict is Verdict.PARTIAL:
            self._keep(buf, pos, end, missing, before, box)
        else:
            size = self._box_size + end - pos
            raw = buf[pos:end] if self._box is None else None
            self._box, self._box_size = None, 0
            self._buffer, self._position = buf, end
            if size > self.limits.message:
                self._too_long(box, size)
            else:
                self._receive(box, raw)
            self._buffer = b""
            return len(buf) if self.innerProtocol is not None else end
        return len(buf)

    def _keep(self, buf: bytes, pos: int, end: int, missing: int, before: int, box: Pairs) -> None:
        """Remember what there is of a box, as bytes or (a long one) as its pairs so far."""
        self._missing, self._straight = missing, False
        if self._box is None and len(buf) - pos <= RAW_BYTES and len(box) <= RAW_PAIRS:
            self._rest = [buf[pos:]]
            return
        self._rest = [buf[end:]]
        self._box = box
        self._box_size += end - pos + OVERHEAD * (len(box) - before)
        if self._box_size > self.limits.message:
            for key in [key for key in box if key not in ROUTING or len(box[key]) > ROUTED]:
                del box[key]

    def _receive(self, box: Pairs, raw: bytes | None) -> None:
        """Sort a box that the fast path did not take."""
        ours = self._requests_are_ours
        if CANCEL in box and len(box) == 1 and (ours or self.timekeeper is not None):
            self._take_back(box[CANCEL])
        elif not ours:
            self.boxReceiver.ampBoxReceived(_amp_box(box))
        elif amp.COMMAND in box and amp.ASK in box:
            if self._nobody_waits(box):
                return
            if self._busy and not self._is_urgent(box):
                self._hold(raw or box_of(box))
            else:
                self.boxReceiver.ampBoxReceived(_amp_box(box))
        elif amp.ANSWER in box or amp.ERROR in box or amp.COMMAND in box:
            self.boxReceiver.ampBoxReceived(_amp_box(box))
        else:
            self.garbage(_amp_box(box))

    def _is_urgent(self, box: Pairs) -> bool:
        entry = self._table.get(table_key(box[amp.COMMAND]))
        return entry is not None and entry[2].urgent

    def _serve_held(self, raw: bytes) -> None:
        half_read = self._box, self._box_size
        self._box, self._box_size = None, 0
        try:
            self._take_turn(raw)
        finally:
            self._box, self._box_size = half_read

    def _too_long(self, box: Pairs, size: int) -> None:
        """Tell the call of a message over the limit: ours here, the peer's by an error box."""
        limit = self.limits.message
        tag = box.get(amp.ANSWER) or box.get(amp.ERROR)
        call = self._outstandingRequests.pop(tag, None) if tag else None
        if call is not None:
            codec = getattr(call, "codec", None)
            name = codec.command.__name__ if codec else "the answer"
            call.errback(Failure(MessageTooLong(name, size, limit)))
            self.call_ended()
        elif amp.ASK in box:
            command = box.get(amp.COMMAND, b"")[:ROUTED]
            error = MessageTooLong(command.decode("ascii", "replace"), size, limit)
            self._send_error(box[amp.ASK], command, error)

    @property
    def recvd(self) -> bytes:
        """What follows the box being received; AMP hands it to a protocol that it switches to."""
        return self._buffer[self._position :]

    @recvd.setter
    def recvd(self, _: object) -> None:
        self._buffer, self._position = b"", 0


def _amp_box(box: Pairs) -> amp.AmpBox:
    made: amp.AmpBox = amp.AmpBox.__new__(amp.AmpBox)  # its own __init__ looks at every key
    made.update(box)
    return made


def _same(kind: Any, names: tuple[str, ...]) -> bool:
    return all(getattr(kind, name) is getattr(AMP, name) for name in names)
