"""Errors by SQLSTATE."""

from __future__ import annotations

import psycopg2
import pytest

from maasha.db.errors import (
    CheckViolation,
    ConnectFailed,
    ConnectionLost,
    ConstraintViolation,
    DatabaseUnavailable,
    ForeignKeyViolation,
    NotNullViolation,
    OutcomeUnknown,
    QueryFailed,
    SerializationConflict,
    StatementCancelled,
    UniqueViolation,
)
from maasha.db.sqlstate import describe, translate


class Numbered(psycopg2.Error):
    """An error as the server sends it."""

    def __init__(self, code: str | None) -> None:
        super().__init__("first line\nsecond line")
        self.__setstate__({"pgcode": code})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("08006", ConnectionLost),
        ("57P01", ConnectionLost),
        ("57P05", ConnectionLost),
        ("25P03", ConnectionLost),
        ("40001", SerializationConflict),
        ("40P01", SerializationConflict),
        ("57014", StatementCancelled),
        ("23502", NotNullViolation),
        ("23503", ForeignKeyViolation),
        ("23505", UniqueViolation),
        ("23514", CheckViolation),
        ("42703", QueryFailed),
    ],
)
def test_by_code(code: str, kind: type[Exception]) -> None:
    """Each class of SQLSTATE that a caller acts on has its own type, with the first line."""
    typed = translate(Numbered(code))
    assert type(typed) is kind
    assert "first line" in str(typed)
    assert "second" not in str(typed)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg2.OperationalError("SSL SYSCALL error: EOF detected"), ConnectionLost),
        (psycopg2.InterfaceError("connection already closed"), ConnectionLost),
        (psycopg2.DatabaseError("server closed the connection unexpectedly"), ConnectionLost),
        (psycopg2.ProgrammingError("no results to fetch"), QueryFailed),
    ],
)
def test_without_code(error: psycopg2.Error, kind: type[Exception]) -> None:
    """Without a code it is the connection that broke, or a mistake of ours."""
    assert type(translate(error)) is kind


def test_describe() -> None:
    """An error without words is called by its type."""
    assert describe(ValueError(" one \n two")) == "one"
    assert describe(ValueError()) == "ValueError"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DatabaseUnavailable("it is away", 2.0), "try again in 2 s"),
        (ConnectFailed(("db1: refused", "db2: refused")), "db1: refused; db2: refused"),
        (ConnectFailed(()), "no host is configured"),
        (OutcomeUnknown("lost"), "read before repeating"),
        (SerializationConflict("40001", "lost"), "try again"),
        (StatementCancelled("too long"), "pg_stat_activity"),
        (QueryFailed("42703", "no such column"), "SQLSTATE 42703"),
        (ConstraintViolation("rack_hostname", "rack", ""), "rack: rack_hostname forbids it."),
    ],
)
def test_messages(error: Exception, words: str) -> None:
    """A message says what happened or what to do next."""
    assert words in str(error)
