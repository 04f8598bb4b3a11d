"""Requests of the peer: who answers them, which must wait, and what becomes of errors."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from contextvars import copy_context
from types import CoroutineType, coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure

from maasha.rpc.wire.boxes import Pairs, pairs
from maasha.rpc.wire.calling import Calling
from maasha.rpc.wire.codecs import Codec
from maasha.rpc.wire.context import NEVER, ORIGIN, TRACE, Ages, Origin, deadline_of
from maasha.rpc.wire.errors import DeadlineExceeded, MessageTooLong, RpcError
from maasha.rpc.wire.metrics import Run, series_of
from maasha.rpc.wire.tables import Table, table_of

log = Logger()

TAKEN_BACK = object()


class Answering(Calling):
    """AMP that runs at most `limits.in_flight` requests at a time and holds the others back."""

    __slots__ = ("_ages", "_held", "_requests", "_working")
    _table: Table = {}
    _locator: Any = None
    _ages: Ages
    _asked: tuple[bytes, float] | None = None
    """Trace of the request that is being started, and seconds that its caller still waits."""
    _working: dict[bytes, Deferred[Any] | None]
    """What is being worked on by its token; None for what cannot be taken back."""
    _held: list[bytes]
    _held_bytes = 0
    _busy = False
    _resuming = False
    reading = True
    """Whether this side reads; while it does not, silence proves nothing about the peer."""
    _requests_are_ours = True
    _serving = False
    _requests: Run

    @property
    def locator(self) -> Any:
        """Who answers: what it does not know does not exist for the peer. May be replaced."""
        return self._locator

    @locator.setter
    def locator(self, locator: Any) -> None:
        self._locator = locator
        self._table = table_of(locator) if self._requests_are_ours else {}

    def makeConnection(self, transport: Any) -> None:
        """Begin to take requests."""
        self._working, self._held = {}, []
        self._requests = Run(self.metrics.served)
        if self.timekeeper is not None:
            self._now = self.timekeeper.now
        self._ages = Ages(self._now())
        super().makeConnection(transport)

    # what travels with a request

    def _is_wanted(self, sent: int, patience: int, trace: bytes, now: float) -> bool:
        """Note what a request brings along; tells whether anybody still waits for it."""
        self.cancels = True
        left = self._ages.left(sent, patience, now)
        self._asked = trace, left
        return left > 0

    # good ends and bad ends, for the generated code

    def request_failed(self, codec: Codec, token: bytes) -> None:
        """Answer a request whose responder has just raised."""
        self._refuse(codec, token, Failure())

    def request_unusual(self, codec: Codec, token: bytes, result: Any) -> None:
        """Answer a request whose responder gave something else than a dict that fits."""
        if result.__class__ is CoroutineType:
            try:
                result = self._begun(result, token)
            except BaseException:
                self._refuse(codec, token, Failure())
                return
        if isinstance(result, Deferred):
            self._work(codec, token, result)
        else:
            self._answer(result, codec, token)

    def _begun(self, work: Coroutine[Any, Any, Any], token: bytes) -> Any:
        """Run a coroutine up to its first wait: its result, or a Deferred of it.

        Most answer without waiting, and then there is no need for a Deferred.
        """
        trace, left = self._asked or (self.trace, NEVER)
        context = copy_context()
        try:
            awaited = context.run(_begin, work, Origin(trace, token[2:], self._now() + left))
        except StopIteration as stop:
            return stop.value
        return context.run(Deferred.fromCoroutine, _rest(work, awaited))

    def _work(self, codec: Codec, token: bytes, work: Deferred[Any]) -> None:
        self._working[token[2:]] = work if codec.cancellable else None
        if len(self._working) >= self.limits.in_flight:
            self._set_busy(True)
        self._requests.count -= 1  # it is counted when it is done
        begun = self._now()
        work.addCallbacks(
            self._worked,
            self._work_failed,
            callbackArgs=(codec, token, begun),
            errbackArgs=(codec, token),
        )
        work.addErrback(self.unhandledError)

    def _worked(self, result: Any, codec: Codec, token: bytes, begun: float) -> None:
        series_of(self.metrics.served, codec.command).add(self._now() - begun)
        if self._work_ended(token):
            self._answer(result, codec, token)

    def _work_failed(self, failure: Failure, codec: Codec, token: bytes) -> None:
        if self._work_ended(token):
            self._refuse(codec, token, failure)

    def _work_ended(self, token: bytes) -> bool:
        """Make room for the next; tells whether the answer is still wanted."""
        wanted = self._working.pop(token[2:], TAKEN_BACK) is not TAKEN_BACK
        if self._busy:
            self.resume()
        return wanted

    def _answer(self, result: Any, codec: Codec, token: bytes) -> None:
        if not self._is_open():
            return
        try:
            box = codec.reply(token, result, self)
        except MessageTooLong as error:
            self._send_error(token[2:], codec.command.commandName, error)
        except Exception:
            self._answer_plainly(result, codec, token)
        else:
            self.send(box)

    def _answer_plainly(self, result: Any, codec: Codec, token: bytes) -> None:
        """Answer as stock AMP does, for its errors."""
        try:
            box = codec.command.makeResponse(result, self)
        except Exception:
            described = f"{result!r} does not fit the response of {codec.command}"
            self._refuse(codec, token, Failure(amp.BadLocalReturn(described, Failure())))
            return
        box[amp.ANSWER] = token[2:]
        try:
            self._safeEmit(box)
        except Exception:
            self.unhandledError(Failure())

    def _refuse(self, codec: Codec, token: bytes, failure: Failure) -> None:
        """Answer with an error: declared ones by their code, others as `failed` decides."""
        command: Any = codec.command
        known = failure.check(*command.allErrors)
        if known is not None:
            code, fatal = command.allErrors[known], known in command.fatalErrors
            text = str(failure.value)
            failure = Failure(amp.RemoteAmpError(code, text, fatal, local=failure))
        failure = self.failed(failure, command.commandName)
        self.metrics.refused += 1
        self._safeEmit(_error_box(token[2:], failure))

    def failed(self, failure: Failure, command: bytes) -> Failure:  # noqa: ARG002  # for subclasses
        """Decide what the peer hears of an error; the one hook for keeping the connection.

        `failure` holds a RemoteAmpError where the command declares the error (`local` is the
        failure itself), anything else where it does not. A RemoteAmpError that this gives back is
        sent and the connection lives (unless it is fatal); on anything else it is closed, which
        is what stock AMP does.
        """
        return failure

    def dispatchCommand(self, box: amp.AmpBox) -> Deferred[amp.AmpBox]:
        """Run a command in the general way."""
        self.metrics.request_detours += 1
        done: Deferred[amp.AmpBox] = super().dispatchCommand(box)
        return done.addErrback(self.failed, box[amp.COMMAND])

    @property
    def at_work(self) -> int:
        """How many requests of the peer are worked on, or wait for that."""
        return len(self._working) + len(self._held)

    # requests that wait, or that nobody waits for

    def _hold(self, raw: bytes) -> None:
        self.metrics.held += 1
        self._held.append(raw)
        self._held_bytes += len(raw)
        if self._is_overfull():
            self._read_on(False)

    def _is_overfull(self) -> bool:
        limits = self.limits
        return len(self._held) > limits.queued or self._held_bytes > limits.queued_bytes

    def _read_on(self, reading: bool) -> None:
        """Stop or go on reading: the back-pressure that the peer feels."""
        transport: Any = self.transport
        if transport is not None and reading is not self.reading and not transport.disconnecting:
            self.reading = reading
            (transport.resumeProducing if reading else transport.pauseProducing)()

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.review()

    def review(self) -> None:
        """See anew whether requests may be served on the fast path."""
        super().review()
        self._serving = self._requests_are_ours and not self._busy and self._is_open()

    def resume(self) -> None:
        """Start held requests while there is room."""
        self._set_busy(self.choked or len(self._working) >= self.limits.in_flight)
        if self._resuming:  # what was started has ended at once: the loop below goes on
            return
        self._resuming = True
        try:
            while self._held and not self._busy:
                raw = self._held.pop(0)
                self._held_bytes -= len(raw)
                self._serve_held(raw)
        finally:
            self._resuming = False
        if not self._is_overfull():
            self._read_on(True)

    def _serve_held(self, raw: bytes) -> None:
        raise NotImplementedError

    def choke(self, choked: bool) -> None:
        """Start nothing whose answer could not leave."""
        super().choke(choked)
        self.resume()

    def _nobody_waits(self, box: Pairs) -> bool:
        """Refuse a request whose deadline is over; tells whether it was."""
        self._asked = None
        numbers = deadline_of(box)
        if numbers is None or self._is_wanted(*numbers, box.get(TRACE, b""), self._now()):
            return False
        self.metrics.unstarted += 1
        command = box[amp.COMMAND]
        late = DeadlineExceeded(command.decode("ascii", "replace"), numbers[1] / 1000)
        self._send_error(box[amp.ASK], command, late)
        return True

    def _take_back(self, tag: bytes) -> None:
        """Cancel a request of the peer, unless its work must be done once it is begun."""
        if tag in self._working:
            work = self._working[tag]
            if work is not None:
                del self._working[tag]
                work.cancel()
                if self._busy:
                    self.resume()
            return
        for raw in self._held:
            if _tag_of(raw) == tag:
                self._held.remove(raw)
                self._held_bytes -= len(raw)
                self.metrics.unstarted += 1
                return

    def _send_error(self, tag: bytes, command: bytes, error: RpcError) -> None:
        """Answer with an error of the wire's own; its code is its name."""
        self.metrics.refused += 1
        code, cause = type(error).__name__.encode(), Failure(error)
        failure = Failure(amp.RemoteAmpError(code, str(error), local=cause))
        self._safeEmit(_error_box(tag, self.failed(failure, command)))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the requests that were not started."""
        self._held.clear()
        self._held_bytes = 0
        super().connectionLost(reason)


def _begin(work: Coroutine[Any, Any, Any], origin: Origin) -> Any:
    ORIGIN.set(origin)
    return work.send(None)


@coroutine
def _rest(work: Coroutine[Any, Any, Any], awaited: Any) -> Generator[Any, Any, Any]:
    """Go on with a coroutine that waits for `awaited`."""
    try:
        while True:
            try:
                value = yield awaited
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:
                awaited = work.throw(error)
            else:
                awaited = work.send(value)
    except StopIteration as stop:
        return stop.value


def _tag_of(raw: bytes) -> bytes:
    """Give the tag of a request, wherever in it that stands."""
    box: Pairs = {}
    pairs(raw, 0, box)
    return box[amp.ASK]


def _error_box(tag: bytes, failure: Failure) -> amp.AmpBox:
    """Write an error as AMP does: an undeclared one ends the connection."""
    error: Any = failure.value
    if failure.check(amp.RemoteAmpError):
        box: amp.AmpBox = amp.QuitBox() if error.fatal else amp.AmpBox()
        text = error.description
        described = text.encode("utf-8", "replace") if isinstance(text, str) else text
        code = error.errorCode
    else:
        log.failure("while receiving response to command", failure)
        box, code, described = amp.QuitBox(), amp.UNKNOWN_ERROR_CODE, b"Unknown Error"
    box[amp.ERROR] = tag
    box[amp.ERROR_DESCRIPTION] = described
    box[amp.ERROR_CODE] = code
    return box
