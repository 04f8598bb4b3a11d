"""The server: sessions, one transaction at a time, session locks and notices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from attrs import define, field
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorTime

from maasha.db.connector import SessionLimits
from maasha.db.locks import SPACE, Lock
from tests.memory import asides, drains, instance, leading, moves, racks, services, workers
from tests.memory.meanings import MEANINGS, NOTHING, Rows
from tests.memory.rows import Tables

__all__ = ["BEGINNING", "LEADER", "Database", "Session", "asides", "drains", "instance", "leading"]
__all__ += ["moves", "racks", "services", "workers"]

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
LEADER = SPACE, Lock.LEADER.value

Parameters = Sequence[object] | Mapping[str, object] | None


class Database:
    """The tables, and who is connected."""

    def __init__(self, clock: IReactorTime) -> None:
        self.clock = clock
        self.tables = Tables(self.now)
        self.sessions: list[Session] = []
        self._backends = 0
        self.locks: dict[tuple[object, ...], Session] = {}
        self.writer: Session | None = None
        """Whose transaction has begun to look."""

    @property
    def now(self) -> datetime:
        """The server's clock."""
        return BEGINNING + timedelta(seconds=self.seconds)

    @property
    def seconds(self) -> float:
        """The same as a number."""
        return self.clock.seconds()

    def connect(self, limits: SessionLimits, hears: Callable[[str, str], None]) -> Session:
        """Begin a session; `hears` gets channel and payload of its notices."""
        self._backends += 1
        session = Session(self, self._backends, limits, hears, self.seconds)
        self.sessions.append(session)
        return session

    def crash(self) -> None:
        """End all sessions at once."""
        for session in tuple(self.sessions):
            session.end()

    def lock(self, key: tuple[object, ...], session: Session) -> bool:
        """Take a session's advisory lock, unless another has it."""
        holder = self.locks.get(key)
        if holder is not None and holder is not session:
            holder.end_idle()
        return self.locks.setdefault(key, session) is session

    def do(self, session: Session, sql: str, parameters: Parameters) -> Rows | int:
        """Do a session's statement to the tables."""
        meaning = MEANINGS.get(sql)
        if meaning is None:
            raise LookupError(f"nobody has said what this means in memory: {sql}")
        leader = self.locks.get(LEADER)
        self.tables.now, self.tables.backend = self.now, session.backend
        self.tables.leading = None if leader is None else leader.backend
        if isinstance(parameters, Mapping):
            return meaning(self.tables, **parameters)
        return meaning(self.tables, *(parameters or ()))


@define(eq=False)
class Session:
    """The server's side of a connection."""

    database: Database
    backend: int
    limits: SessionLimits
    hears: Callable[[str, str], None]
    heard: float
    """When the client last said something."""
    over: bool = False
    open: bool = False
    """Whether a transaction is."""
    _before: Tables | None = None
    _channels: set[str] = field(factory=set)
    _said: dict[tuple[str, str], None] = field(factory=dict)

    def ask(self, sql: str, parameters: Parameters) -> Rows | int:
        """Run a statement; raises ConnectionDone where this session has ended."""
        self.end_idle()
        if self.over:
            raise ConnectionDone("the session has ended")
        self.heard = self.database.seconds
        verb = sql.split(maxsplit=1)[0]
        if verb == "begin":
            self.open = True
        elif verb == "commit":
            self._commit()
        elif verb == "rollback":
            self._roll_back()
        elif verb == "listen":
            self._channels.add(sql.split()[1])
        else:
            return self._do(sql, parameters)
        return 0

    def _do(self, sql: str, parameters: Parameters) -> Rows | int:
        if sql == "select 1":
            return [{"one": 1}]
        values = tuple(parameters or ())
        if sql == "select pg_try_advisory_lock(%s, %s)":
            return [{"locked": self.database.lock(values, self)}]
        if sql == "select pg_cancel_backend(%s)":  # what runs ends by itself, in this moment
            return [{"cancelled": True}]
        if sql == "select pg_notify(%s, %s)":
            channel, payload = map(str, values)
            self._said[channel, payload] = None
            return [NOTHING]
        if self.open and self._before is None:
            assert self.database.writer is None, "two transactions at the same moment"
            self.database.writer, self._before = self, self.database.tables.copy()
        return self.database.do(self, sql, parameters)

    def _commit(self) -> None:
        said, self._said = self._said, {}
        self._finish()
        for session in tuple(self.database.sessions):
            for channel, payload in said:
                if channel in session._channels:
                    session.hears(channel, payload)

    def _roll_back(self) -> None:
        if self._before is not None:
            self.database.tables = self._before
        self._said.clear()
        self._finish()

    def _finish(self) -> None:
        self.open, self._before = False, None
        if self.database.writer is self:
            self.database.writer = None

    def end(self) -> None:
        """End it: what it has not committed is gone, and so are its locks."""
        if self.over:
            return
        self.over = True
        self._roll_back()
        self.database.sessions.remove(self)
        locks = self.database.locks
        self.database.locks = {key: each for key, each in locks.items() if each is not self}

    def end_idle(self) -> None:
        """End it if its client has been silent for longer than it may."""
        limit = self.limits.idle_in_transaction if self.open else self.limits.idle
        if limit and self.database.seconds - self.heard > limit:
            self.end()
