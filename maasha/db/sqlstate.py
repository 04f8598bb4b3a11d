"""Turns psycopg2's errors into this room's own by SQLSTATE (PostgreSQL manual, appendix A)."""

from __future__ import annotations

import psycopg2

from maasha.db.errors import (
    CheckViolation,
    ConnectionLost,
    ConstraintViolation,
    DatabaseError,
    ForeignKeyViolation,
    NotNullViolation,
    QueryFailed,
    SerializationConflict,
    StatementCancelled,
    UniqueViolation,
)

VIOLATIONS: dict[str, type[ConstraintViolation]] = {
    "23502": NotNullViolation,
    "23503": ForeignKeyViolation,
    "23505": UniqueViolation,
    "23514": CheckViolation,
}
CONFLICTS = ("40001", "40P01")
"""serialization_failure, deadlock_detected."""
LOST = ("57P01", "57P02", "57P03", "57P05", "25P03")
"""Shut down by an administrator, by a crash, not yet up; closed by idle_session_timeout and by
idle_in_transaction_session_timeout."""
CONNECTION_CLASS = "08"
CANCELLED = "57014"


def describe(error: BaseException | None) -> str:
    """Give the first line of an error's text, or its type's name if it has none."""
    first = str(error).strip().partition("\n")[0].rstrip()
    return first or type(error).__name__


def translate(error: psycopg2.Error) -> DatabaseError:
    """Give the typed error; without an SQLSTATE it came from the broken connection itself."""
    code, reason = error.pgcode, describe(error)
    if code is None:
        return _unnumbered(error, reason)
    if code in LOST or code.startswith(CONNECTION_CLASS):
        return ConnectionLost(reason)
    if code in CONFLICTS:
        return SerializationConflict(code, reason)
    if code == CANCELLED:
        return StatementCancelled(reason)
    if code in VIOLATIONS:
        diagnosis = error.diag
        return VIOLATIONS[code](
            diagnosis.constraint_name or "",
            diagnosis.table_name or "",
            diagnosis.message_detail or reason,
        )
    return QueryFailed(code, reason)


def _unnumbered(error: psycopg2.Error, reason: str) -> DatabaseError:
    """Type a complaint of libpq itself: the socket broke, or the statement was never sent."""
    if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return ConnectionLost(reason)
    if type(error) is psycopg2.DatabaseError:
        # what psycopg2 raises for "server closed the connection" in the middle of an answer
        return ConnectionLost(reason)
    return QueryFailed("", reason)
