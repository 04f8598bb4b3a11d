"""Calls to the peer: the fast path of callRemote, deadlines, limits and cancellation."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.protocols import amp
from twisted.python.failure import Failure

from maasha.rpc.wire.boxes import box_of
from maasha.rpc.wire.codecs import CODECS, LARGE, Command, codec_of, errors_of
from maasha.rpc.wire.context import NEVER, ORIGIN, around, header
from maasha.rpc.wire.errors import Busy, DeadlineExceeded, MessageTooLong
from maasha.rpc.wire.metrics import METRICS, Metrics, Run, series_of
from maasha.rpc.wire.pending import BEGAN, EXPIRES, HEADER, TIMEOUT, Moment, Pending
from maasha.rpc.wire.sending import Sending
from maasha.rpc.wire.timekeeper import Timekeeper

CANCEL = b"_cancel"
"""The only key of a box that takes a call back; its value is the call's token."""


class Calling(Sending):
    """AMP whose calls have deadlines and wait for a place where too many are in flight.

    `timekeeper` makes deadlines work (and has the clock); without one nothing is on the wire that
    stock AMP would not send. `timeout` (seconds, None for no deadline) holds for callRemote;
    `trace` begins the names of this end's traces. `cancels` says that the peer knows the
    `_cancel` box, which it shows by sending deadlines itself.
    """

    timekeeper: Timekeeper | None = None
    timeout: float | None = None
    trace = b""
    metrics: Metrics = METRICS
    cancels = False
    _outstandingRequests: dict[bytes, Any]
    _places = 0
    """Calls in flight up to which there is no need to queue: 0 while some queue, or all must."""
    _moment: Moment | None = None
    _usual: tuple[float | None, bytes, int, bytes, bytes] = (None, b"", 0, b"", b"")
    """The timeout and the trace of most calls and the digits of the time, then what the three make
    of the header: the bytes before the time and those behind it."""
    _now: Callable[[], float] = staticmethod(monotonic)
    _watched = False
    _withheld = False
    _abandoned = False
    _queue: dict[bytes, tuple[bytes, Pending]] = {}
    _queue_bytes = 0
    _answers: Run

    def makeConnection(self, transport: Any) -> None:
        """Begin to take calls."""
        self._queue = {}
        self._answers = Run(self.metrics.answered)
        if self.timekeeper is not None:
            self._now = self.timekeeper.now
        super().makeConnection(transport)

    # the ways to call

    def callRemote(self, commandType: Command, *a: Any, **kw: Any) -> Any:
        """Call the peer within `timeout`; as AMP's own, which takes over what is unusual."""
        codec = CODECS.get(commandType)
        outstanding = self._outstandingRequests
        if a or codec is None or ORIGIN.get() is not None or not self._places > len(outstanding):
            return self._call_otherwise(commandType, self.timeout, a, kw)
        moment = self._moment or self._usual_moment()
        tag = b"%x" % (self._counter + 1)
        try:
            box = codec.ask(tag, moment[HEADER], kw, self)
        except MessageTooLong as error:
            return fail(error)
        except Exception:
            return self._call_plainly(commandType, self.timeout, a, kw)
        self._counter += 1
        turn = self._turn
        if turn is None or len(box) > LARGE:
            self.send(box)
        else:
            turn.append(box)
        call = outstanding[tag] = Pending(codec, moment)
        return call

    def call_within(
        self, timeout: float | None, command: Command, /, **arguments: Any
    ) -> Deferred[dict[str, Any]]:
        """Call the peer and wait at most `timeout` seconds for its answer.

        Fails with DeadlineExceeded, Busy and MessageTooLong besides what callRemote fails with.
        """
        if timeout == self.timeout:
            quick: Deferred[dict[str, Any]] = self.callRemote(command, **arguments)
            return quick
        slow: Deferred[dict[str, Any]] = self._call_otherwise(command, timeout, (), arguments)
        return slow

    def _call_otherwise(
        self, command: Command, timeout: float | None, positional: Any, arguments: dict[str, Any]
    ) -> Any:
        """Call with whatever the fast path does not expect."""
        codec = None if positional or not self._calls_are_ours else codec_of(command)
        if codec is None or not self._is_open():
            return self._call_plainly(command, timeout, positional, arguments)
        moment = self._moment_for(timeout)
        tag = b"%x" % (self._counter + 1)
        try:
            box = codec.ask(tag, moment[HEADER], arguments, self)
        except MessageTooLong as error:
            return fail(error)
        except Exception:
            return self._call_plainly(command, timeout, positional, arguments)
        self._counter += 1
        return self._place(tag, box, Pending(codec, moment))

    def _call_plainly(
        self, command: Command, timeout: float | None, positional: Any, arguments: dict[str, Any]
    ) -> Any:
        """Call as stock AMP does, for its errors and for commands with boxes of their own."""
        self.metrics.call_detours += 1
        call = super().callRemote(command, *positional, **arguments)
        if timeout is not None and self.timekeeper is not None and call is not None:
            call.addTimeout(timeout, self.timekeeper.clock, self._plainly_expired(command, call))
        return call

    def _plainly_expired(self, command: Command, call: Any) -> Callable[[Any, float], Any]:
        def expire(_: object, timeout: float) -> Failure:
            self.metrics.expired += 1
            self.abandon(call)
            return Failure(self.expired(command.__name__, timeout))

        return expire

    def _place(self, tag: bytes, box: bytes, call: Pending) -> Deferred[dict[str, Any]]:
        """Send a call, or let it wait for its place."""
        if call.codec.urgent or self._places > len(self._outstandingRequests):
            self._outstandingRequests[tag] = call
            self.send(box)
            return call
        limits = self.limits
        if len(self._queue) >= limits.queued or self._queue_bytes + len(box) > limits.queued_bytes:
            self.metrics.busy += 1
            return fail(Busy(len(self._queue)))
        self.metrics.queued += 1
        self._queue[tag] = box, call
        self._queue_bytes += len(box)
        self._places = 0
        return call

    # time

    def _usual_moment(self) -> Moment:
        """Look at the clock for a call within `timeout`; inside a turn once for all of them."""
        now, timeout, keeper = self._now(), self.timeout, self.timekeeper
        if timeout is None or keeper is None:
            moment: Moment = now, NEVER, b"", None, self
        else:
            stamp = keeper.stamp if now < keeper.stamp_until else keeper.stamp_at(now)
            known, trace, length, before, after = self._usual
            if known is not timeout or trace is not self.trace or length != len(stamp):
                length, trace = len(stamp), self.trace
                before, after = around(length, timeout, trace)
                self._usual = timeout, trace, length, before, after
            moment = now, now + timeout, before + stamp + after, timeout, self
            if not self._watched:
                self._be_swept()
        if self._turn is not None:
            self._moment = moment
        return moment

    def _moment_for(self, timeout: float | None) -> Moment:
        """Look at the clock for a call with a deadline or a trace of its own."""
        now, keeper = self._now(), self.timekeeper
        if timeout is None or keeper is None:
            return now, NEVER, b"", None, self
        self._be_swept()
        origin = ORIGIN.get()
        trace = origin.wire_trace if origin else self.trace
        return now, now + timeout, header(keeper.stamp_at(now), timeout, trace), timeout, self

    def _be_swept(self) -> None:
        """Have the deadlines of calls looked at."""
        if not self._watched and self.timekeeper is not None:
            self._watched = True
            self.timekeeper.watch(self)

    def sweep(self, now: float) -> bool:
        """Fail the calls whose deadline is over; tells whether any are left."""
        calls = [*self._outstandingRequests.values(), *(call for _, call in self._queue.values())]
        for call in calls:
            if call.__class__ is Pending and call.moment[EXPIRES] <= now and not call.called:
                self._expire(call)
        self._watched = bool(self._outstandingRequests or self._queue)
        return self._watched

    def _expire(self, call: Pending) -> None:
        self.metrics.expired += 1
        self.abandon(call)
        name = call.codec.command.__name__
        self._fail(call, Failure(self.expired(name, call.moment[TIMEOUT] or 0.0)))

    def expired(self, command: str, seconds: float) -> Exception:
        """Give the error of a call that had no answer in time."""
        return DeadlineExceeded(command, seconds)

    # the end of a call

    def abandon(self, call: Any) -> None:
        """Forget a call that nobody waits for, and tell a peer that understands it."""
        for tag, other in self._outstandingRequests.items():
            if other is call:
                del self._outstandingRequests[tag]
                self._abandoned = True
                if self.cancels and self._is_open():
                    self.send(box_of({CANCEL: tag}))
                self.call_ended()
                return
        for tag, (box, other) in self._queue.items():
            if other is call:
                del self._queue[tag]
                self._queue_bytes -= len(box)
                self.call_ended()
                return

    def _fail(self, call: Pending, failure: Failure) -> None:
        self.metrics.failed += 1
        if not call.called:
            call.errback(failure)

    def _errorReceived(self, box: amp.AmpBox) -> None:
        """Fail a call with what the peer says."""
        tag = box[amp.ERROR]
        call = self._outstandingRequests.get(tag)
        if call is None:
            self._answered_nobody(tag, box)
            return
        if call.__class__ is not Pending:
            super()._errorReceived(box)
            return
        del self._outstandingRequests[tag]
        code, text = box.get(amp.ERROR_CODE, b""), box.get(amp.ERROR_DESCRIPTION, b"")
        call.addErrback(self.unhandledError)
        self._fail(call, Failure(self.recognise(code, text, call.codec.command)))
        self.call_ended()

    def _answerReceived(self, box: amp.AmpBox) -> None:
        """Answer a call whose box the codec did not expect."""
        tag = box[amp.ANSWER]
        call = self._outstandingRequests.get(tag)
        if call is None:
            self._answered_nobody(tag, box)
            return
        self.metrics.answer_detours += 1
        if call.__class__ is not Pending:
            super()._answerReceived(box)
            return
        del self._outstandingRequests[tag]
        call.addErrback(self.unhandledError)
        try:
            answer = call.codec.command.parseResponse(box, self)
        except Exception:
            self._fail(call, Failure())
        else:
            series_of(self.metrics.answered, call.codec.command).add(
                self._now() - call.moment[BEGAN]
            )
            call.callback(answer)
        self.call_ended()

    def recognise(self, code: bytes, description: bytes, command: Command) -> Exception:
        """Give the error that an error box stands for; `command` is what was called.

        This one knows what AMP knows; a subclass may know more.
        """
        text = description.decode("utf-8", "replace")
        if code in amp.PROTOCOL_ERRORS:
            return amp.PROTOCOL_ERRORS[code](code, text)
        return errors_of(command).get(code, amp.UnknownRemoteError)(text)

    def _answered_nobody(self, tag: bytes, box: amp.AmpBox) -> None:
        """Ignore an answer to a call that was abandoned; any other is garbage."""
        try:
            late = self._abandoned and 0 < int(tag, 16) <= self._counter
        except ValueError:
            late = False
        if late:
            self.metrics.late += 1
        else:
            self.garbage(box)

    def garbage(self, box: amp.AmpBox) -> None:
        """Hear of a box that neither asks nor answers; raises what AMP does, to drop the peer."""
        for key in (amp.ANSWER, amp.ERROR):
            if key in box:
                raise KeyError(box[key])
        raise amp.NoEmptyBoxes(box)

    # room

    @property
    def in_flight(self) -> int:
        """How many calls wait for an answer, or for their place."""
        return len(self._outstandingRequests) + len(self._queue)

    def call_ended(self) -> None:
        """Let queued calls take free places."""
        queue, outstanding = self._queue, self._outstandingRequests
        while queue and self._flows() and len(outstanding) < self.limits.in_flight:
            tag = next(iter(queue))
            box, call = queue.pop(tag)
            self._queue_bytes -= len(box)
            outstanding[tag] = call
            self.send(box)
        self.review()

    def review(self) -> None:
        """See anew whether calls may leave at once."""
        ready = self._calls_are_ours and self._is_open() and not self._queue and self._flows()
        self._places = self.limits.in_flight if ready else 0

    def _flows(self) -> bool:
        return not (self.choked or self._withheld)

    def withhold(self, withheld: bool) -> None:
        """Let all but urgent calls queue until further notice, or send them."""
        self._withheld = withheld
        self.call_ended()

    def choke(self, choked: bool) -> None:
        """Let calls queue while the peer does not read."""
        super().choke(choked)
        self.call_ended()

    def _is_open(self) -> bool:
        return (
            self.transport is not None
            and not self._locked
            and self._startingTLSBuffer is None
            and self._failAllReason is None
        )

    _calls_are_ours = True

    def startReceivingBoxes(self, sender: Any) -> None:
        """Begin."""
        super().startReceivingBoxes(sender)
        self.review()

    def failAllOutgoing(self, reason: Any) -> None:
        """Fail all calls, those in the queue too."""
        queue, self._queue = self._queue, {}
        self._places = 0
        if self.timekeeper is not None and self._watched:
            self.timekeeper.forget(self)
        super().failAllOutgoing(reason)
        self._outstandingRequests = {}
        for _, call in queue.values():
            call.errback(reason)

    def _lockForSwitch(self) -> None:
        super()._lockForSwitch()
        self.review()

    def _unlockFromSwitch(self) -> None:
        super()._unlockFromSwitch()
        self.review()

    def _prepareTLS(self, *certificates: Any) -> None:
        super()._prepareTLS(*certificates)
        self.review()

    def _startTLS(self, *certificates: Any) -> None:
        super()._startTLS(*certificates)
        self.review()
