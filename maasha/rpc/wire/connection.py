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
from maasha.rpc.wire.errors import MessageTooLong
from maasha.rpc.wire.metrics import Run
from maasha.rpc.wire.pending import Pending
from maasha.rpc.wire.tables import table_key

RAW_BYTES = 128 * 1024
"""Up to here an unfinished box is kept as bytes and read again from its start."""
RAW_PAIRS = 32
"""Likewise: more pairs than these are taken apart as they come, or single bytes would cost much."""
CONTEXT = re.compile(
    rb"\0\x08_command\0([^\0]+)"
    rb"(?:\0\x09_deadline\0([^\0 ][0-9]{1,15}) ([0-9]{1,15})(?:\0\x06_trace\0([^\0]+))?)?"
)
"""The command and what travels with it, each with its length byte in front: that is looked at
afterwards, for a value that holds the bytes of the next key would end too early here."""
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
    _receiver: Any = None
    _rest: list[bytes] = []
    _missing = 0
    _box: Pairs | None = None
    _box_size = 0
    _buffer = b""
    _position = 0

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
        if self._justStartedTLS:
            self._justStartedTLS = False
        if self.innerProtocol is not None:
            self.innerProtocol.dataReceived(data)
            return
        if self._missing:
            self._rest.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = b"".join(self._rest)
            self._rest, self._missing = [], 0
        self._take_turn(data)

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

    def _read(self, buf: bytes) -> None:  # noqa: C901, PLR0912  # every call and branch less counts
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
            if buf[pos : pos + 10] == b"\0\x07_answer\0":
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
                                calls.end(now - calls.moment.now)
                            calls.codec, calls.moment = call.codec, call.moment
                        calls.count += 1
                        call.fire(answer)
                        if call.paused or call.result.__class__ is Failure:
                            call.addErrback(self.unhandledError)
                        continue
            elif self._serving and buf[pos : pos + 7] == b"\0\x04_ask\0":
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
            calls.end(now - calls.moment.now)
            if self._queue:
                self.call_ended()
        if requests.count:
            requests.end(self._now() - now)

    def _meet(self, buf: bytes, at: int, now: float) -> tuple[Any, Any, int]:
        """Look up who serves the request whose command is at `at`.

        Gives that function (None for a miss), the locator that it is to ask, and how many bytes
        lead up to its first value.
        """
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
        if buf[pos : pos + len(first)] != first:
            return None, None, 0
        requests = self._requests
        if requests.count:
            requests.end(self._now() - now)
        requests.codec = codec
        owner = self._locator if place is None else self._locator.parts[place]
        return serve, owner, pos + len(first) - at

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
        self._missing = missing
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
