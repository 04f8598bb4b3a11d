"""A unit of work on one connection: typed questions, then COMMIT or nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

from maasha.db.connection import Connection
from maasha.db.errors import ConnectionLost, OutcomeUnknown
from maasha.db.row import Answer, Row

__all__ = ["BEGIN_TIMEOUT", "GRACE", "Isolation", "Row", "Transaction", "transact"]

T = TypeVar("T")

BEGIN_TIMEOUT = 3.0
"""Seconds. BEGIN costs the server nothing: one that does not answer it is frozen or gone."""
GRACE = 2.0
"""Seconds that an answer may come after the server's own statement_timeout."""


class Isolation(Enum):
    """How much of other transactions one sees (PostgreSQL manual, 13.2)."""

    READ_COMMITTED = "read committed"
    REPEATABLE_READ = "repeatable read"
    SERIALIZABLE = "serializable"


class Transaction:
    """What a unit of work asks the database.

    Parameters are written `%s`, or `%(name)s` with one dict that has them all.

    After a statement failed the transaction can only end: even if the work goes on as if nothing
    had happened, nothing is kept and the caller of `Pool.run` gets the first error.
    """

    def __init__(self, connection: Connection, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout
        self._failure: BaseException | None = None
        self._over = False

    async def rows(self, sql: str, *parameters: object) -> list[Row]:
        """Give all rows of the answer."""
        return list((await self._ask(sql, parameters)).rows)

    async def one(self, sql: str, *parameters: object) -> Row | None:
        """Give the first row, or None if there is none."""
        rows = (await self._ask(sql, parameters)).rows
        return rows[0] if rows else None

    async def value(self, sql: str, *parameters: object) -> Any:
        """Give the first column of the first row, or None if there is no row."""
        row = await self.one(sql, *parameters)
        return None if row is None else row[0]

    async def execute(self, sql: str, *parameters: object) -> int:
        """Give the number of rows that the statement touched."""
        return (await self._ask(sql, parameters)).count

    async def _ask(self, sql: str, parameters: tuple[object, ...]) -> Answer:
        if self._over:
            raise RuntimeError("the transaction is over; keep what you need before it ends")
        self.check()
        try:
            return await self._connection.execute(
                sql, _arguments(parameters), timeout=self._timeout
            )
        except BaseException as error:
            self._failure = error
            raise

    def end(self) -> None:
        """Take no more statements."""
        self._over = True

    def check(self) -> None:
        """Raise the first error that a statement met."""
        if self._failure is not None:
            raise self._failure


def _arguments(parameters: tuple[object, ...]) -> tuple[object, ...] | Mapping[str, object] | None:
    """Give None for no parameters: then a percent sign in the text means itself."""
    if len(parameters) == 1 and isinstance(parameters[0], Mapping):
        return parameters[0]
    return parameters or None


async def transact(
    connection: Connection,
    work: Callable[[Transaction], Awaitable[T]],
    *,
    statement_timeout: float,
    isolation: Isolation = Isolation.READ_COMMITTED,
    read_only: bool = False,
) -> T:
    """Run `work` between BEGIN and COMMIT and give its result.

    On any error or cancellation it raises at once and leaves the connection unsettled: its owner
    has the transaction rolled back (`Connection.settle`).
    """
    mode = "read only" if read_only else "read write"
    await connection.execute(
        f"begin isolation level {isolation.value} {mode}", timeout=BEGIN_TIMEOUT
    )
    transaction = Transaction(connection, statement_timeout + GRACE)
    try:
        result = await work(transaction)
    finally:
        transaction.end()
    transaction.check()
    await _commit(connection, statement_timeout + GRACE, read_only=read_only)
    return result


async def _commit(connection: Connection, timeout: float, *, read_only: bool) -> None:
    try:
        await connection.execute("commit", timeout=timeout, interruptible=False)
    except ConnectionLost as lost:
        if read_only:
            raise
        raise OutcomeUnknown(lost.reason) from lost
