"""What can go wrong between maasha and PostgreSQL, as types that callers tell apart."""

from __future__ import annotations

from attrs import frozen


class DatabaseError(Exception):
    """The database, or the way to it, did not do what was asked."""


@frozen
class DatabaseUnavailable(DatabaseError):
    """No live connection in time; nothing was done. `retry_after` is in seconds."""

    reason: str
    retry_after: float

    def __str__(self) -> str:
        return f"the database is away ({self.reason}); try again in {self.retry_after:g} s"


@frozen
class ConnectFailed(DatabaseError):
    """None of the hosts took a connection; `attempts` says why, host by host."""

    attempts: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.attempts) or "no host is configured"


@frozen
class ConnectionLost(DatabaseError):
    """The connection broke before COMMIT was sent: nothing of the transaction was kept."""

    reason: str

    def __str__(self) -> str:
        return f"the connection to the database broke: {self.reason}"


@frozen
class OutcomeUnknown(DatabaseError):
    """The connection broke while COMMIT was on its way: it may or may not have been kept."""

    reason: str

    def __str__(self) -> str:
        return f"it is unknown whether the change was kept ({self.reason}); read before repeating"


@frozen
class SerializationConflict(DatabaseError):
    """The transaction met another and lost (serialization failure or deadlock): repeat it."""

    sqlstate: str
    reason: str

    def __str__(self) -> str:
        return f"other transactions were in the way ({self.reason}); try again"


@frozen
class StatementCancelled(DatabaseError):
    """The server stopped a statement: it ran past statement_timeout or someone cancelled it."""

    reason: str

    def __str__(self) -> str:
        return f"{self.reason}; try again, or look for what holds it up in pg_stat_activity"


@frozen
class QueryFailed(DatabaseError):
    """Any other refusal, by its SQLSTATE (PostgreSQL manual, appendix A)."""

    sqlstate: str
    reason: str

    def __str__(self) -> str:
        return f"{self.reason} (SQLSTATE {self.sqlstate})"


@frozen
class ConstraintViolation(DatabaseError):
    """A row broke a rule of the schema; `constraint` and `table` are the schema's names."""

    constraint: str
    table: str
    detail: str

    def __str__(self) -> str:
        return f"{self.table}: {self.constraint} forbids it. {self.detail}".rstrip()


class UniqueViolation(ConstraintViolation):
    """Such a row is already there."""


class ForeignKeyViolation(ConstraintViolation):
    """The row names one that is not there, or is still named by another."""


class CheckViolation(ConstraintViolation):
    """A value is out of its bounds."""


class NotNullViolation(ConstraintViolation):
    """A value is missing."""
